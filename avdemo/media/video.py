"""Frames at given times: upright, scaled while they are decoded, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from avdemo.errors import InputError
from avdemo.media.container import open_media, unreadable
from avdemo.media.probing import video_timeline
from avdemo.media.timeline import VideoTrack, decode, demux, only

SEEKABLE = ("mov", "matroska")  # containers with an index that tells where decoding can begin
MIN_FRAMES_TO_SEEK = 12  # decoding so few is faster than jumping
HD_HEIGHT = 720  # from here on an untagged video means BT.709 colours, below BT.601, as players assume


def iter_frames(
    path: str | Path, times_s: Sequence[float], *, short_side: int | None = None, size: tuple[int, int] | None = None
) -> Iterator[np.ndarray]:
    """Yield the picture that is on screen at each time, decoding sequentially and holding one at a time.

    Args:
        path: a video.
        times_s: seconds from the first frame, ascending; before the first frame the first counts, after the last the last.
        short_side: scale so that the shorter side has this many pixels.
        size: scale to exactly (width, height) pixels of the upright picture instead.

    Yields:
        uint8 (H, W, 3) RGB, upright, with square pixels; each one the caller's own.

    Raises:
        InputError: not a video, damaged, or times that do not ascend.
    """
    path = Path(path)
    times = np.asarray(times_s, dtype=np.float64).reshape(-1)
    if not np.all(np.isfinite(times)) or np.any(np.diff(times) < 0):
        raise InputError(f"The times at which pictures of {path.name} were asked for do not ascend; sort them first.")
    track = video_timeline(path).video
    indices = track.frames_at(times)
    wanted, counts = np.unique(indices, return_counts=True)
    convert = FrameConverter(track, short_side=short_side, size=size)
    for (_, frame), count in zip(decode_frames(path, track, wanted.tolist()), counts.tolist(), strict=True):
        picture = convert(frame)
        for _ in range(count - 1):
            yield picture.copy()
        yield picture


def read_frames(
    path: str | Path, times_s: Sequence[float], *, short_side: int | None = None, size: tuple[int, int] | None = None
) -> np.ndarray:
    """All pictures of :func:`iter_frames` in one array, uint8 (T, H, W, 3); T must be at least 1."""
    return np.stack(list(iter_frames(path, times_s, short_side=short_side, size=size)))


def read_frame(
    path: str | Path, time_s: float = 0.0, *, short_side: int | None = None, size: tuple[int, int] | None = None
) -> np.ndarray:
    """The picture on screen at one time, uint8 (H, W, 3); see :func:`iter_frames`."""
    return next(iter_frames(path, [time_s], short_side=short_side, size=size))


def frame_times(path: str | Path) -> np.ndarray:
    """When each frame comes on screen, float64 (frames,) seconds from the first; uneven for variable frame rates."""
    track = video_timeline(Path(path)).video
    return (track.pts - track.pts[0]).astype(np.float64) * float(track.time_base)


class FrameConverter:
    """Decoded frames to upright RGB of one size; keeps the scaler's tables between frames."""

    def __init__(self, track: VideoTrack, *, short_side: int | None = None, size: tuple[int, int] | None = None):
        width, height = size or track.shown_size()
        if size is None and short_side is not None:
            scale = short_side / min(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        self.orientation = track.orientation
        self.stored_size = track.orientation.shown(width, height)  # what to scale to before turning
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """uint8 (H, W, 3) RGB, contiguous; transparent parts over white."""
        width, height = self.stored_size
        has_alpha = _has_alpha(frame)
        rgb = self._reformatter.reformat(
            frame,
            width,
            height,
            "rgba" if has_alpha else "rgb24",
            src_colorspace=source_colorspace(frame),
            interpolation=Interpolation.AREA if width < frame.width else Interpolation.BICUBIC,  # no aliases, no blocks
        )
        picture = rgb.to_ndarray()
        if has_alpha:
            alpha = picture[..., 3:].astype(np.uint16)
            picture = ((picture[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        return self.orientation.apply(picture)


def _has_alpha(frame: VideoFrame) -> bool:
    return frame.format.has_palette or any(component.is_alpha for component in frame.format.components)


def is_plain_yuv(frame: VideoFrame) -> bool:
    """Whether a frame is opaque and in YUV or grey, so that it can become yuv420p without a detour."""
    return not (_has_alpha(frame) or frame.format.is_rgb)


def source_colorspace(frame: VideoFrame) -> int | None:
    """The matrix that made YUV from RGB; when the file does not say, by height as players do. None for RGB frames."""
    if frame.format.is_rgb or frame.format.has_palette:
        return None
    if frame.colorspace != 2:  # AVCOL_SPC_UNSPECIFIED
        return None
    return Colorspace.ITU709 if frame.height >= HD_HEIGHT else Colorspace.ITU601


def decode_frames(path: Path, track: VideoTrack, wanted: list[int]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode the frames with these ascending, distinct indices, and as few others as possible.

    Jumps to keyframes where that saves work, and lets the decoder leave out frames that no other frame needs. Frames
    lost to damage are replaced by the next one that could be decoded, at the end of the file by the last.

    Raises:
        InputError: not one frame could be decoded.
    """
    found = 0
    last: VideoFrame | None = None
    for may_seek in (True, False):  # the second pass runs only when a jump landed behind its target
        if found == len(wanted):
            return
        rest = wanted[found:]
        reader = _decode_by_pts(path, track, rest, may_seek) if track.has_true_pts else _decode_by_count(path, track, rest)
        for index, frame in reader:
            found, last = found + 1, frame
            yield index, frame
        if not track.has_true_pts or not may_seek:
            break
    if found < len(wanted) and last is None:
        last = _any_frame(path, track)
    for index in wanted[found:]:
        yield index, last


def _opened_stream(container, track: VideoTrack):
    stream = next(s for s in container.streams.video if s.index == track.index)
    stream.thread_type = "AUTO"
    only(container, stream)
    return stream


def _decode_by_count(path: Path, track: VideoTrack, wanted: list[int]) -> Iterator[tuple[int, VideoFrame]]:
    """For files without presentation times: frames come out in order, so the n-th is the n-th."""
    with open_media(path) as container:
        stream, position, goals = _opened_stream(container, track), 0, iter(wanted)
        goal = next(goals, None)
        for packet in demux(container, [stream]):
            for frame in decode(packet):
                if goal is not None and position == goal:
                    yield goal, frame
                    goal = next(goals, None)
                position += 1
            if goal is None:
                return


def _decode_by_pts(path: Path, track: VideoTrack, wanted: list[int], may_seek: bool) -> Iterator[tuple[int, VideoFrame]]:
    """Runs of frames, each from its nearest keyframe; ends early when a jump missed."""
    may_seek &= track_format_seekable(path)
    wanted_pts = set(track.pts[wanted].tolist())
    with open_media(path) as container:
        stream = _opened_stream(container, track)
        for position, run in enumerate(_runs(track, wanted) if may_seek else [(0, wanted)]):
            keyframe, goals = run
            if keyframe:
                try:
                    container.seek(int(track.pts[keyframe]), stream=stream)
                except av.FFmpegError:
                    return
            elif position:
                return
            landed_well = False
            goal = 0
            for packet in demux(container, [stream]):
                # Frames that are neither wanted nor referred to by others need not be decoded at all.
                stream.codec_context.skip_frame = "DEFAULT" if packet.pts in wanted_pts or packet.pts is None else "NONREF"
                for frame in decode(packet):
                    if frame.pts is None or goal == len(goals):
                        continue
                    if keyframe and not landed_well and frame.pts > track.pts[goals[0]]:
                        return  # the container's index was wrong: the caller starts over without jumping
                    landed_well = True
                    while goal < len(goals) and frame.pts >= track.pts[goals[goal]]:
                        yield goals[goal], frame
                        goal += 1
                if goal == len(goals):
                    break
            if goal < len(goals):
                return


def track_format_seekable(path: Path) -> bool:
    """Whether the container keeps an index of keyframes."""
    return any(name in video_timeline(path).format for name in SEEKABLE)


def _runs(track: VideoTrack, wanted: list[int]) -> list[tuple[int, list[int]]]:
    """Group wanted indices into (keyframe index to jump to, indices); 0 as the first keyframe means: from the beginning."""
    keyframes = np.searchsorted(track.pts, track.keyframes)
    runs: list[tuple[int, list[int]]] = []
    position = 0  # frames before this one have been decoded already
    for index in wanted:
        place = int(np.searchsorted(keyframes, index, side="right")) - 1
        keyframe = int(keyframes[place]) if place >= 0 else 0
        if keyframe - position >= MIN_FRAMES_TO_SEEK:
            runs.append((keyframe, [index]))
        elif runs:
            runs[-1][1].append(index)
        else:
            runs.append((0, [index]))
        position = index + 1
    return runs


def _any_frame(path: Path, track: VideoTrack) -> VideoFrame:
    """The last frame that can be decoded in a file that breaks off before the wanted one.

    Raises:
        InputError: there is none.
    """
    last = None
    with open_media(path) as container:
        for packet in demux(container, [_opened_stream(container, track)]):
            for frame in decode(packet):
                last = frame
    if last is None:
        raise unreadable(path)
    return last
