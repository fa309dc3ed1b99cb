"""Videos out: H.264 yuv420p and AAC in an mp4 whose index comes first, so that every browser plays it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from avdemo.errors import InputError
from avdemo.media.audio import fit_length
from avdemo.media.container import open_media, unreadable
from avdemo.media.mp4 import Mp4Writer
from avdemo.media.probing import check_limits, video_timeline
from avdemo.media.timeline import Timeline, VideoTrack, demux, only
from avdemo.media.video import FrameConverter, decode_frames, is_plain_yuv
from avdemo.media.workdir import writing

BT709 = 1  # the same number in FFmpeg's tables of matrices, primaries and transfer curves
COPY_FORMATS = ("mov", "matroska", "mpegts", "flv")  # containers whose H.264 packets fit into mp4 as they are
SQUARE = Fraction(1)


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float | Fraction,
    wav: np.ndarray | None = None,
    sample_rate: int | None = None,
    *,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Encode pictures, and a sound if given, as mp4; pictures are taken one at a time.

    Args:
        path: where to write; the folder is made when missing.
        frames: uint8 (H, W, 3) RGB, all of one size. An odd width or height is made even by repeating the last column or row.
        fps: pictures per second.
        wav: float (channels, samples) in [-1, 1], channels 1 or 2; written at its own length.
        sample_rate: of ``wav``, in Hz.
        metadata: what the file says of itself: "title", "artist", "comment"...

    Returns:
        The path.

    Raises:
        InputError: no frames, or frames of different sizes.
        StorageError: the disk is full or may not be written; no partial file is left.
    """
    path = Path(path)
    rate = Fraction(fps).limit_denominator(1001)
    if rate <= 0:
        raise InputError(f"{path.name} cannot have {fps} pictures per second; give a positive number.")
    if wav is not None and not sample_rate:
        raise InputError(f"The sound for {path.name} has no sample rate; say how many samples per second it has.")
    with writing(path) as partial, Mp4Writer(partial, wav, sample_rate, metadata) as mp4:
        to_yuv = FromRGB()
        size = None
        for position, picture in enumerate(frames):
            frame = to_yuv(picture)
            if size is None:
                size = picture.shape[:2]
                mp4.add_video(frame, rate, 1 / rate, is_steady=True)
            elif picture.shape[:2] != size:
                sizes = f"{size[1]} x {size[0]} and {picture.shape[1]} x {picture.shape[0]}"
                raise InputError(f"The pictures for {path.name} differ in size ({sizes}); scale them to one.")
            mp4.encode(frame, position, 1)
        if size is None:
            raise InputError(f"There are no pictures to put into {path.name}; give at least one.")
    return path


def replace_audio(source: str | Path, target: str | Path, wav: np.ndarray, sample_rate: int) -> Path:
    """Give a video another sound; it lasts as long as before (to one frame), and each picture keeps its time.

    The pictures are copied without loss when they are upright H.264 yuv420p, and encoded anew, upright, otherwise.

    Args:
        source: any video.
        target: the mp4 to write.
        wav: float (channels, samples) in [-1, 1], channels 1 or 2, beginning with the first frame; it is cut or padded to the
            video's length.
        sample_rate: of ``wav``, in Hz.

    Returns:
        The path of the target.

    Raises:
        InputError, LimitError: the source is no video, cannot be read, or is too long.
        StorageError: the disk is full or may not be written; no partial file is left.
    """
    source, target = Path(source), Path(target)
    check_limits(source, needs_video=True)
    timeline = video_timeline(source)
    wav = fit_length(np.atleast_2d(wav), round(timeline.duration_s * sample_rate))
    fillings = [_copy_packets, _encode_upright] if can_copy(timeline) else [_encode_upright]
    for fill in fillings:
        try:
            with writing(target) as partial, Mp4Writer(partial, wav, sample_rate) as mp4:
                fill(source, timeline.video, mp4)
            return target
        except av.FFmpegError:  # damaged packets that no mp4 takes: their pictures can still be encoded anew
            continue
    raise unreadable(source)


def can_copy(timeline: Timeline) -> bool:
    """Whether the video packets can go into an mp4 as they are."""
    track = timeline.video
    return (
        track.can_copy
        and track.codec == "h264"
        and track.pixel_format == "yuv420p"
        and track.orientation.is_upright
        and track.pixel_aspect == SQUARE
        and any(name in timeline.format for name in COPY_FORMATS)
    )


def _copy_packets(source: Path, track: VideoTrack, mp4: Mp4Writer) -> None:
    """Move packets over, shifted so that the first frame is at zero.

    Decoding times are made anew, since not every container has them: the n-th packet is decoded when the n-th picture is
    shown, earlier by as much as keeps every picture decoded before it is shown.
    """
    durations = dict(zip(track.pts.tolist(), track.durations.tolist(), strict=True))
    start = int(track.pts[0])
    decoding_times = iter((track.pts - start - track.reorder).tolist())
    with open_media(source) as container:
        stream = next(s for s in container.streams.video if s.index == track.index)
        only(container, stream)
        mp4.add_copy(stream)
        for packet in demux(container, [stream]):
            if packet.size:
                packet.duration = durations.get(packet.pts, packet.duration)
                packet.pts -= start
                packet.dts = next(decoding_times)
                mp4.copy(packet)


def _encode_upright(source: Path, track: VideoTrack, mp4: Mp4Writer) -> None:
    """Decode every frame, turn it upright, and encode it at its own time."""
    seconds = (track.pts[-1] + track.durations[-1] - track.pts[0]) * track.time_base
    rate = (len(track.pts) / seconds).limit_denominator(1001)
    start = int(track.pts[0])
    turn = None
    for index, stored in decode_frames(source, track, list(range(len(track.pts)))):
        if turn is None:
            turn = FromVideo(track, stored)
        frame = turn(stored)
        if index == 0:
            mp4.add_video(frame, rate, track.time_base, is_steady=int(np.ptp(track.durations)) <= 1)
        mp4.encode(frame, int(track.pts[index]) - start, int(track.durations[index]))


class FromRGB:
    """RGB pictures to yuv420p frames in BT.709, of even size: the last column or row is repeated where one is missing."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, picture: np.ndarray) -> VideoFrame:
        """uint8 (H, W, 3) -> a frame that the encoder takes."""
        height, width = picture.shape[:2]
        if width % 2 or height % 2:
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(picture, dtype=np.uint8), format="rgb24")
        frame = self._reformatter.reformat(
            rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.color_range, frame.colorspace = ColorRange.MPEG, BT709
        frame.color_primaries, frame.color_trc = BT709, BT709
        return frame


class FromVideo:
    """Decoded frames to upright yuv420p frames of even size, in the source's own colours.

    YUV stays YUV: FFmpeg's filters turn planes several times faster than RGB arrays can be. Frames with a palette or with
    transparency (gif) go through RGB, over white.
    """

    def __init__(self, track: VideoTrack, like: VideoFrame):
        self._size = (like.width, like.height, like.format.name)
        self._graph = None
        if is_plain_yuv(like):
            self._graph = _filters(track, like)
        else:
            self._to_rgb, self._to_yuv = FrameConverter(track), FromRGB()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        if self._graph is None:
            return self._to_yuv(self._to_rgb(frame))
        if (frame.width, frame.height, frame.format.name) != self._size:  # a stream that changes its size on the way
            frame = frame.reformat(*self._size)
        self._graph.vpush(frame)
        return self._graph.vpull()


def _filters(track: VideoTrack, like: VideoFrame) -> av.filter.Graph:
    """Turn, make pixels square, convert, and make even by repeating the last column or row."""
    orientation = track.orientation
    width, height = track.shown_size()
    graph = av.filter.Graph()
    steps = [graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=track.time_base)]
    if orientation.transpose:
        steps.append(graph.add("transpose", "cclock_flip"))  # rows become columns, nothing else
    if orientation.flip_columns:
        steps.append(graph.add("hflip"))
    if orientation.flip_rows:
        steps.append(graph.add("vflip"))
    steps.append(graph.add("scale", f"{width}:{height}:out_range=tv"))  # changes nothing where nothing has to be
    steps.append(graph.add("format", "yuv420p"))
    if width % 2 or height % 2:
        steps.append(graph.add("pad", f"{width + width % 2}:{height + height % 2}:0:0"))
        steps.append(graph.add("fillborders", f"right={width % 2}:bottom={height % 2}:mode=smear"))
    steps.append(graph.add("buffersink"))
    graph.link_nodes(*steps)
    graph.configure()
    return graph
