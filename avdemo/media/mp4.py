"""An mp4 being written: H.264 and AAC, interleaved as they come, the index moved to the front at the end."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from avdemo.errors import AvdemoError
from avdemo.media.audio import resample

# Visually clean; two cores encode 720p several times faster than it plays. Without macroblock-tree rate control, which made one
# encode in ten or so come out different: the same pictures should give the same bytes.
H264_OPTIONS = {"crf": "20", "preset": "veryfast", "x264-params": "mbtree=0"}
AAC_RATES = (44_100, 48_000)  # Hz; what every player takes
AAC_BITS_PER_CHANNEL = 96_000  # bits per second
AUDIO_CHUNK_S = 0.25  # sound is handed to the muxer in pieces of this length, just ahead of the pictures


class Mp4Writer:
    """One video stream, encoded or copied, and at most one audio stream; complete when the ``with`` block ends."""

    def __init__(self, path: Path, wav: np.ndarray | None, sample_rate: int | None, metadata: Mapping[str, str] | None = None):
        self._path, self._metadata = path, dict(metadata or {})
        self._wav = None
        if wav is not None:
            wav = np.atleast_2d(wav)
            multiples = [rate for rate in AAC_RATES if rate % sample_rate == 0]  # an easy ratio, where there is one
            self._rate = (*multiples, AAC_RATES[-1])[0]
            self._wav = resample(np.clip(wav, -1.0, 1.0), sample_rate, self._rate)
        self._sent = 0  # samples already given to the encoder
        self._video = self._audio = None
        self._durations: dict[int, int] = {}  # pts -> ticks on screen, for packets that come out later and in another order

    def __enter__(self) -> Mp4Writer:
        self._container = av.open(str(self._path), "w", format="mp4", options={"movflags": "+faststart"})
        self._container.metadata.update(self._metadata)
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._close(quiet=error is not None)

    def _close(self, quiet: bool) -> None:
        """Write the index and close. When another error is on its way, a second one from here would only hide it."""
        try:
            self._container.close()
        except (av.FFmpegError, OSError):
            if not quiet:
                raise

    def add_video(self, like: VideoFrame, rate: Fraction, time_base: Fraction, *, is_steady: bool) -> None:
        """Add an H.264 encoder for frames ``like`` this one: of even size, yuv420p, of these colours; times are in ``time_base``.

        With an uneven rate the last frame must also be encoded last, or the file ends when the last encoded one ends: no
        B-frames then.
        """
        if "libx264" not in av.codecs_available:
            raise AvdemoError("This PyAV has no H.264 encoder (libx264); install the 'av' wheel from PyPI, which has it.")
        stream = self._container.add_stream("libx264", rate=rate, options=H264_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = like.width, like.height, "yuv420p"
        context = stream.codec_context
        context.time_base = time_base
        context.color_range, context.colorspace = like.color_range, like.colorspace
        context.color_primaries, context.color_trc = like.color_primaries, like.color_trc
        if not is_steady:
            context.max_b_frames = 0
        self._video = stream
        self._add_audio()

    def add_copy(self, template) -> None:
        """Add a stream that takes the packets of ``template`` as they are."""
        self._video = self._container.add_stream_from_template(template, opaque=True)
        self._add_audio()

    def _add_audio(self) -> None:
        if self._wav is None:
            return
        self._audio = self._container.add_stream("aac", rate=self._rate)
        self._audio.layout = "mono" if len(self._wav) == 1 else "stereo"
        self._audio.bit_rate = AAC_BITS_PER_CHANNEL * len(self._wav)

    def encode(self, frame: VideoFrame, pts: int, duration: int) -> None:
        """Encode a frame of the announced size in yuv420p, on screen from ``pts`` for ``duration`` ticks."""
        time_base = self._video.codec_context.time_base
        frame.pts, frame.time_base = pts, time_base
        self._durations[pts] = duration
        self._feed_audio(float(pts * time_base))
        self._mux_video(self._video.encode(frame))

    def copy(self, packet) -> None:
        """Write a packet of the copied stream."""
        self._feed_audio(float(packet.dts * packet.time_base))
        packet.stream = self._video
        self._container.mux(packet)

    def _mux_video(self, packets) -> None:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._container.mux(packet)

    def _feed_audio(self, time_s: float) -> None:
        """Encode sound up to just behind ``time_s``, so that the muxer never has to hold much of either stream."""
        if self._audio is None:
            return
        chunk = round(AUDIO_CHUNK_S * self._rate)
        while self._sent < self._wav.shape[1] and self._sent / self._rate <= time_s:
            block = np.ascontiguousarray(self._wav[:, self._sent : self._sent + chunk])
            frame = av.AudioFrame.from_ndarray(block, "fltp", self._audio.layout.name)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._sent, Fraction(1, self._rate)
            self._sent += block.shape[1]
            self._container.mux(self._audio.encode(frame))

    def _finish(self) -> None:
        """Flush both encoders."""
        if self._durations:
            self._mux_video(self._video.encode(None))
        if self._audio is not None:
            self._feed_audio(float("inf"))
            self._container.mux(self._audio.encode(None))
