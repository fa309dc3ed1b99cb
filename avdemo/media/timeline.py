"""When everything in a file happens, found by reading its packets once without decoding them.

Headers lie: a webm from a browser has no duration, an edited mp4 may begin at 0.3 s, a phone records at whatever rate
the light allows. The packets carry the true times, cost about a microsecond each, and need no memory but eight bytes per
video frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream

from avdemo.errors import LimitError
from avdemo.media.completeness import damage
from avdemo.media.container import file_size, open_media, unreadable
from avdemo.media.orientation import Orientation, orientation_of

MAX_FRAME_PIXELS = 36_000_000  # 8K is 33 million; a few of these at once must fit in memory
MAX_PACKETS_TO_PICTURE = 64  # given to the decoder before the first picture must have come out


@dataclass(frozen=True, eq=False)
class VideoTrack:
    """The video stream that is shown; times in ticks of ``time_base`` seconds."""

    index: int
    codec: str
    pixel_format: str
    width: int  # stored pixels
    height: int
    pixel_aspect: Fraction  # width of a stored pixel over its height
    orientation: Orientation
    time_base: Fraction
    pts: np.ndarray  # (frames,) int64, ascending: when each frame comes on screen
    durations: np.ndarray  # (frames,) int64 > 0: how long it stays
    keyframes: np.ndarray  # (keyframes,) int64, ascending pts at which decoding can begin
    has_true_pts: bool  # False: pts were guessed from decoding order (old avi), or not read at all
    reorder: int  # ticks by which decoding has to run ahead of showing (B-frames)
    can_copy: bool  # packets can go into another file as they are: all with pts, a keyframe first, none cut away by an edit list

    @property
    def start_s(self) -> float:
        return float(self.pts[0] * self.time_base) if len(self.pts) else 0.0

    @property
    def end_s(self) -> float:
        return float((self.pts[-1] + self.durations[-1]) * self.time_base) if len(self.pts) else 0.0

    def shown_size(self) -> tuple[int, int]:
        """(width, height) in pixels of the upright picture with square pixels."""
        return self.orientation.shown(max(1, round(self.width * self.pixel_aspect)), self.height)

    def frames_at(self, times_s: np.ndarray) -> np.ndarray:
        """Index of the frame on screen at each time (seconds from the first frame); before it the first, after it the last."""
        seconds = (self.pts - self.pts[0]).astype(np.float64) * float(self.time_base)
        # Half a millisecond of grace: times computed as i / fps must not fall just short of their frame.
        indices = np.searchsorted(seconds, np.asarray(times_s, dtype=np.float64) + 5e-4, side="right") - 1
        return np.clip(indices, 0, len(seconds) - 1)


@dataclass(frozen=True)
class AudioTrack:
    """The audio stream that is heard."""

    index: int
    codec: str
    sample_rate: int  # Hz
    channels: int
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """Everything about a file's time, in seconds of the container's clock."""

    format: str
    video: VideoTrack | None
    audio: AudioTrack | None
    header_s: float | None  # what the header promises, None when it says nothing
    is_scanned: bool  # packets were read to the end; otherwise only the header is known

    @property
    def origin_s(self) -> float:
        """Time zero of everything this package returns: the first video frame, or the first sample when there is no video."""
        if self.video is not None:
            return self.video.start_s
        return self.audio.start_s if self.audio is not None else 0.0

    @property
    def duration_s(self) -> float:
        """Seconds from time zero to the end of what is seen and heard."""
        if not self.is_scanned:
            return self.header_s or 0.0
        if self.video is None:
            return max(0.0, self.audio.end_s - self.audio.start_s) if self.audio is not None else 0.0
        picture_s = self.video.end_s - self.video.start_s
        sound_s = self.audio.end_s - self.video.start_s if self.audio is not None else 0.0
        # Sound codecs round up to whole packets: what sticks out by less than one frame is padding.
        last_frame_s = float(self.video.durations[-1] * self.video.time_base)
        return sound_s if sound_s > picture_s + max(last_frame_s, 0.05) else picture_s


def read_timeline(path: Path, max_bytes: float = float("inf")) -> Timeline:
    """Scan a video or sound; the result is kept as long as the file does not change.

    Args:
        path: any file.
        max_bytes: larger files are not read through when their header says how long they last.

    Raises:
        InputError: not a video or sound, or a damaged one.
        LimitError: its pictures are larger than any memory should hold.
    """
    size = file_size(path)
    return _scan(str(path), size, path.stat().st_mtime_ns, size <= max_bytes)


def pick_streams(container: InputContainer) -> tuple[Stream | None, Stream | None]:
    """The video stream to show and the audio stream to hear, None where there is none that can be decoded."""
    covers = Disposition.attached_pic | Disposition.timed_thumbnails  # a song's cover is no video
    videos = [s for s in container.streams.video if s.codec_context is not None and not s.disposition & covers]
    audios = [s for s in container.streams.audio if s.codec_context is not None and s.codec_context.sample_rate > 0]
    return _preferred(videos), _preferred(audios)


def _preferred(streams: list[Stream]) -> Stream | None:
    return next((s for s in streams if s.disposition & Disposition.default), streams[0] if streams else None)


def only(container: InputContainer, *kept: Stream | None) -> None:
    """Tell the demuxer to drop every other stream's packets."""
    indices = {stream.index for stream in kept if stream is not None}
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = Discard.all


@lru_cache(maxsize=64)
def _scan(path_text: str, size: int, mtime_ns: int, read_through: bool) -> Timeline:
    path = Path(path_text)
    if damage(path, size):  # the decoder would play what there is, and the rest would silently be missing
        raise unreadable(path)
    with open_media(path) as container:
        video, audio = pick_streams(container)
        if video is None and audio is None:
            raise unreadable(path)
        only(container, video, audio)
        if video is not None and video.codec_context.width * video.codec_context.height > MAX_FRAME_PIXELS:
            width, height = video.codec_context.width, video.codec_context.height
            raise LimitError(f"{path.name} has pictures of {width} x {height} pixels, more than 8K; export it smaller.")
        header_s = container.duration / 1e6 if container.duration else None
        read_through = read_through or header_s is None
        rows, audio_span, first_frame, audio_packets = _read_packets(container, video, audio, read_through)
        if video is not None and first_frame is None:
            raise unreadable(path)
        video_track = None if video is None else _video_track(video, rows if read_through else [], first_frame)
        audio_track = None
        if audio is not None and audio_packets:
            context = audio.codec_context
            audio_track = AudioTrack(audio.index, context.name, context.sample_rate, context.channels, *audio_span)
        has_pictures = video_track is not None and (len(video_track.pts) > 0 or not read_through)
        if not has_pictures and (audio_track is None or video_track is not None):
            raise unreadable(path)
        return Timeline(container.format.name, video_track, audio_track, header_s, read_through)


def _read_packets(container, video, audio, read_through: bool):
    """Demux. Returns rows (pts, dts, duration, is_keyframe, is_discard) of the video, the audio's (start, end) in seconds, the
    first picture, and how many audio packets there are."""
    rows: list[tuple] = []
    first_frame, audio_packets = None, 0
    audio_start, audio_end = float("inf"), float("-inf")
    # Times come as whole ticks; one multiplication per stream is cheaper than a Fraction per packet.
    audio_tick_s = float(audio.time_base) if audio is not None else 0.0
    if video is not None:
        video.thread_type = "SLICE"  # frame threads would hold the first picture back
    for packet in demux(container, [s for s in (video, audio) if s is not None]):
        if video is not None and packet.stream_index == video.index:
            if first_frame is None and len(rows) < MAX_PACKETS_TO_PICTURE:
                first_frame = next(iter(decode(packet)), None)
            if packet.size:
                rows.append((packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, packet.is_discard))
        elif packet.size:
            audio_packets += 1
            if packet.pts is not None and not packet.is_discard:
                audio_start = min(audio_start, packet.pts * audio_tick_s)
                audio_end = max(audio_end, (packet.pts + (packet.duration or 0)) * audio_tick_s)
        if not read_through and (video is None or first_frame is not None) and (audio is None or audio_packets):
            break
    if audio_end < audio_start:  # no packet had a time: raw streams begin at zero
        audio_start, audio_end = 0.0, 0.0
    if audio is not None and audio.start_time is not None and audio_packets:
        audio_start = max(audio_start, float(audio.start_time * audio.time_base))  # without the encoder's lead-in
    return rows, (audio_start, max(audio_start, audio_end)), first_frame, audio_packets


def demux(container: InputContainer, streams: list[Stream]) -> Iterator[Packet]:
    """Packets until the end, or until the demuxer stumbles over a damaged one; the last ones, empty, flush the decoders."""
    try:
        yield from container.demux(streams)
    except av.FFmpegError:
        return


def decode(packet: Packet) -> list:
    """Frames of a packet; a damaged one gives none, as in every player."""
    try:
        return packet.decode()
    except (av.FFmpegError, NotImplementedError):
        return []


def _video_track(stream, rows: list[tuple], first_frame) -> VideoTrack:
    context = stream.codec_context
    aspect = stream.sample_aspect_ratio or Fraction(1)
    kept = [row for row in rows if not row[4]]
    times = [row[0] for row in kept]
    decode_times = [row[1] for row in kept]
    has_true_pts = bool(kept) and None not in times and len(set(times)) == len(times)
    if not has_true_pts:
        # Packets without presentation times (avi) are shown at decoding times, in order.
        times = [pts if pts is not None else dts for pts, dts in zip(times, decode_times, strict=True)]
        times = [time if time is not None else position for position, time in enumerate(times)]
    order = sorted(range(len(times)), key=times.__getitem__)
    pts = np.array([times[i] for i in order], dtype=np.int64)
    return VideoTrack(
        index=stream.index,
        codec=context.name,
        pixel_format=first_frame.format.name,
        width=first_frame.width,
        height=first_frame.height,
        pixel_aspect=aspect if Fraction(1, 10) < aspect < 10 else Fraction(1),
        orientation=orientation_of(first_frame),
        time_base=stream.time_base,
        pts=pts,
        durations=_durations(pts, kept[order[-1]][2] if order else 0, stream),
        keyframes=np.array(sorted(times[i] for i, row in enumerate(kept) if row[3]), dtype=np.int64),
        has_true_pts=has_true_pts,
        reorder=int(np.max(pts - np.array(times, dtype=np.int64), initial=0)),
        can_copy=has_true_pts and len(kept) == len(rows) and bool(kept[0][3]),
    )


def _durations(pts: np.ndarray, last: int, stream) -> np.ndarray:
    """How long each frame stays: until the next one; the last as its packet says, else as long as is usual."""
    gaps = np.maximum(1, np.diff(pts))
    if last <= 0:
        rate = stream.average_rate or Fraction(25)
        last = int(np.median(gaps)) if len(gaps) else max(1, round(1 / (rate * stream.time_base)))
    return np.append(gaps, last) if len(pts) else gaps
