"""What a file is, how long, how large, with sound or without; and whether this installation takes it.

Nothing is decoded but one picture, so that a file which is too long or too large is refused at once and never loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avdemo.errors import InputError, LimitError, NoAudioError
from avdemo.media.container import ACCEPTED, file_size
from avdemo.media.images import identify_image
from avdemo.media.timeline import Timeline, read_timeline
from avdemo.settings import get_settings

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class MediaInfo:
    """What is known of a file without decoding it."""

    path: Path
    kind: Literal["video", "audio", "image"]
    duration_s: float  # from time zero (the first video frame, or the first sample) to the end; 0 for images
    width: int  # pixels of the upright picture; 0 for audio
    height: int
    fps: float  # average frames per second; 0 when there are none
    rotation: int  # clockwise degrees that were needed to make it upright: 0, 90, 180, 270
    has_audio: bool
    audio_sample_rate: int  # Hz; 0 without audio
    audio_channels: int
    video_start_s: float  # where the streams begin on the file's own clock; the reading functions already account for it
    audio_start_s: float
    n_frames: int  # 0 when not counted (files above the size limit)
    size_bytes: int
    format: str  # container, as FFmpeg or Pillow names it

    @property
    def name(self) -> str:
        """The file's name without its folder, as errors mention it."""
        return self.path.name


def probe(path: str | Path) -> MediaInfo:
    """Find out what a file is, from its content and not from its name.

    Raises:
        InputError: missing, empty, incomplete, or nothing that can be read; the sentence says which.
        LimitError: its pictures are larger than any memory should hold.
    """
    path = Path(path)
    size = file_size(path)
    image = identify_image(path)
    if image is not None:
        return MediaInfo(
            path, "image", 0.0, image.width, image.height, 0.0, image.rotation, False, 0, 0, 0.0, 0.0, 1, size, image.format
        )
    timeline = read_timeline(path, get_settings().max_megabytes * MEGABYTE)
    video, audio = timeline.video, timeline.audio
    width, height = video.shown_size() if video is not None else (0, 0)
    n_frames = len(video.pts) if video is not None else 0
    return MediaInfo(
        path=path,
        kind="video" if video is not None else "audio",
        duration_s=timeline.duration_s,
        width=width,
        height=height,
        fps=n_frames / (video.end_s - video.start_s) if n_frames else 0.0,
        rotation=video.orientation.rotation if video is not None else 0,
        has_audio=audio is not None,
        audio_sample_rate=audio.sample_rate if audio is not None else 0,
        audio_channels=audio.channels if audio is not None else 0,
        video_start_s=video.start_s if video is not None else 0.0,
        audio_start_s=audio.start_s if audio is not None else 0.0,
        n_frames=n_frames,
        size_bytes=size,
        format=timeline.format,
    )


def check_limits(
    source: MediaInfo | str | Path,
    *,
    needs_audio: bool = False,
    needs_video: bool = False,
    min_seconds: float | None = None,
) -> MediaInfo:
    """Refuse, with a sentence, what this installation does not take or the task cannot use.

    Args:
        source: a file, or what :func:`probe` said about it.
        needs_audio: the task listens to the file.
        needs_video: the task looks at moving pictures.
        min_seconds: the shortest sound or video that makes sense.

    Raises:
        LimitError: too long or too large (``AVDEMO_MAX_SECONDS``, ``AVDEMO_MAX_MB``).
        NoAudioError: ``needs_audio`` and there is no audio track.
        InputError: not a video, too short, or not readable at all.
    """
    info = source if isinstance(source, MediaInfo) else probe(source)
    settings = get_settings()
    refuse_long(info.name, info.duration_s, settings.max_seconds)
    if info.size_bytes > settings.max_megabytes * MEGABYTE:
        raise LimitError(
            f"{info.name} has {info.size_bytes / MEGABYTE:.1f} MB, and this app takes at most {settings.max_megabytes:g} MB: "
            f"cut it to the part you need, or export it smaller."
        )
    if needs_video and info.kind != "video":
        what = "a picture" if info.kind == "image" else "a sound without pictures"
        raise InputError(f"{info.name} is {what}, and a video is needed here; give an mp4, mov, webm, mkv, avi or gif.")
    if needs_audio and not info.has_audio:
        what = "a picture" if info.kind == "image" else "a video without a sound track"
        raise NoAudioError(f"{info.name} is {what}, and a sound is needed here; give a file that has one.")
    if min_seconds is not None and info.kind != "image" and info.duration_s < min_seconds:
        raise InputError(
            f"{info.name} lasts {say_seconds(info.duration_s)}, and at least {say_seconds(min_seconds)} are needed; "
            f"give a longer one."
        )
    return info


def refuse_long(name: str, duration_s: float, limit_s: float) -> None:
    """Raise LimitError when something lasts longer than ``limit_s`` (half a second of grace for padding)."""
    if duration_s > limit_s + 0.5:
        raise LimitError(
            f"{name} lasts {say_seconds(duration_s)}, and this app takes at most {say_seconds(limit_s)}: "
            f"cut it to the part you need and give that."
        )


def say_seconds(seconds: float) -> str:
    """A length of time as people say it: '0.4 seconds', '48.2 seconds', '10 minutes', '2 minutes 5 seconds'."""
    if round(seconds, 1) < 60:
        value = f"{seconds:.1f}".removesuffix(".0")
        return f"{value} second" if value == "1" else f"{value} seconds"
    minutes, rest = divmod(round(seconds), 60)
    said = f"{minutes} minute" + ("s" if minutes > 1 else "")
    return said if rest == 0 else f"{said} {rest} second" + ("s" if rest > 1 else "")


def video_timeline(path: Path) -> Timeline:
    """The timeline of a video, read to the end.

    Raises:
        InputError: unreadable, or a sound or picture instead of a video.
    """
    size = file_size(path)
    if size and identify_image(path) is None:
        timeline = read_timeline(path)
        if timeline.video is not None and len(timeline.video.pts):
            return timeline
        raise InputError(f"{path.name} is a sound without pictures, and a video is needed here; give a file with both.")
    raise InputError(f"{path.name} is a picture, and a video is needed here; accepted are {ACCEPTED}.")
