"""A picture and a sound, seen and heard once by the two towers; every later question costs only the fusion.

The sound is cut into windows of one second whose centres lie ``step_s`` apart, and each window is put beside the frame on screen
at its centre, which lies inside the window: the paper's "overlaps it in time" (section 2).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.correspondence import towers
from avdemo.correspondence.towers import CHECKPOINT, Model, load_model
from avdemo.errors import Cancelled, InputError, NoAudioError

STEP_S = 0.25
MIN_SECONDS = 0.1  # of picture and sound together; below this there is nothing to judge
SLACK_S = 0.15  # sound tracks begin and end this much off the picture in most files, through the packets of their codec

Progress = Callable[[float, str], None]


@dataclass
class Prepared:
    """A picture and a sound that both towers are ready to answer questions about: T windows, D units of conv4_2."""

    picture: Path  # video or image
    sound: Path | None  # a separate sound; None: the video's own
    info: media.MediaInfo  # of ``picture``
    is_still: bool
    wav: np.ndarray  # (1, samples) float32 at the model's rate, time 0 = the first frame
    sample_rate: int
    duration_s: float  # of the video; of the sound when the picture is a still
    span_s: tuple[float, float]  # where both picture and sound exist
    step_s: float
    time_s: np.ndarray  # (T,) centres of the windows
    frames: np.ndarray  # (K, h, w, 3) uint8, small; K = T, or 1 for a still, or fewer for long clips: see ``kept``
    vision_maps: np.ndarray  # (K, Dv, h, w) float16 >= 0
    audio_maps: np.ndarray  # (K', Da, f, t) float16 >= 0
    v: np.ndarray  # (T, Dv) float32, maxima of the vision maps
    a: np.ndarray  # (T, Da) float32, maxima of the sound's maps
    level_db: np.ndarray  # (T,) root mean square of each window in dB of full scale, at least -100
    is_silent: np.ndarray  # (T,) bool: nothing in the window rises above -60 dB
    timings: dict[str, float]
    checkpoint: dict[str, str]  # {"name", "sha256"}
    model: Model = field(repr=False)
    every: int = 1  # maps and frames are kept of each ``every``-th window
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """File names, as sentences mention them."""
        return self.picture.name if self.sound is None else f"{self.picture.name} with {self.sound.name}"

    @property
    def window_s(self) -> float:
        """Seconds of sound in a window."""
        return self.model.network.config.window_s

    @property
    def sound_source(self) -> Path:
        """The file that the sound was read from."""
        return self.picture if self.sound is None else self.sound

    def window_at(self, time_s: float) -> int:
        """Number of the window whose centre is nearest."""
        return int(np.clip(round((time_s - self.time_s[0]) / self.step_s), 0, len(self.time_s) - 1))

    def kept(self, windows: np.ndarray) -> np.ndarray:
        """Rows of ``frames`` and ``vision_maps`` for these windows."""
        return np.zeros_like(windows) if self.is_still else self.kept_sound(windows)

    def kept_sound(self, windows: np.ndarray) -> np.ndarray:
        """Rows of ``audio_maps`` for these windows."""
        return np.minimum((windows + self.every // 2) // self.every, len(self.audio_maps) - 1)


def prepare(
    picture: Path | str,
    sound: Path | str | None = None,
    *,
    step_s: float = STEP_S,
    checkpoint: str = CHECKPOINT,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Prepared:
    """Run the two towers over a video, over an image and a sound, or over a video with another sound.

    Args:
        picture: a video or an image.
        sound: a sound, or a video whose sound is meant. An image needs one; a video's own sound is replaced by it.
            Picture and sound given the wrong way round are put right.
        step_s: seconds between the centres of the windows.
        progress: called with the share done and what is being done.
        cancelled: asked before each batch.

    Raises:
        InputError, LimitError, NoAudioError: the files cannot be used; one sentence says why.
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """
    if not 0.02 <= step_s <= 10:
        raise InputError(f"Windows {step_s:g} s apart make no sense; give between 0.02 and 10 seconds.")
    tell = progress or (lambda share, text: None)
    begun = time.perf_counter()
    tell(0.02, "Reading the files" if sound else "Reading the file")
    info, sound = _check(Path(picture), None if sound is None else Path(sound))
    model_begun = time.perf_counter()
    model = load_model(checkpoint)
    loaded = time.perf_counter()
    config = model.network.config
    wav = media.read_audio(sound or info.path, config.sample_rate, mono=True)
    is_still = info.kind == "image"
    span, notes = _span(info, sound, wav.shape[1] / config.sample_rate)
    inside = wav[:, round(span[0] * config.sample_rate) : round(span[1] * config.sample_rate)]
    if media.is_silent(inside):
        raise NoAudioError(
            f"The sound of {(sound or info.path).name} is silent, so there is nothing to compare the picture with; "
            f"give a sound in which something can be heard."
        )
    time_s, short = _centres(span, config.window_s, step_s)
    notes += short
    read = time.perf_counter()

    def step(share: float, text: str) -> None:
        if cancelled and cancelled():
            raise Cancelled
        tell(0.1 + 0.88 * share, text)

    every = towers.every_window(info, config, len(time_s))
    windows = towers.windows(wav, config.sample_rate, config.samples, time_s, span)
    a, audio_maps, level_db, is_silent = towers.listen(model, windows, len(time_s), every, step)
    heard = time.perf_counter()
    v, vision_maps, frames = towers.look(model, info, time_s, every, step)
    seen = time.perf_counter()
    tell(1.0, "Ready")
    timings = {"load_model_s": loaded - model_begun, "read_s": model_begun - begun + read - loaded}
    timings |= {"listen_s": heard - read, "look_s": seen - heard, "prepare_s": seen - begun}
    return Prepared(
        info.path, sound, info, is_still, wav, config.sample_rate, wav.shape[1] / config.sample_rate if is_still else info.duration_s,
        span, step_s, time_s, frames, vision_maps, audio_maps, np.repeat(v, len(time_s) // len(v), axis=0), a, level_db, is_silent,
        timings, {"name": model.name, "sha256": model.sha256}, model, every, notes,
    )  # fmt: skip


# ---- what the files are -------------------------------------------------------------------------------------------------


def _check(picture: Path, sound: Path | None) -> tuple[media.MediaInfo, Path | None]:
    """What the picture is, and the separate sound; the other way round where they were given so."""
    info = media.probe(picture)
    other = media.probe(sound) if sound is not None else None
    if info.kind == "audio" and other is not None and other.kind != "audio":
        info, other = other, info
    if info.kind == "audio":
        way_out = "give an image or a video first, then the sound" if other is None else "give an image or a video with it"
        raise InputError(f"{info.name} is a sound without pictures, and a picture is needed here; {way_out}.")
    if info.kind == "image" and other is None:
        raise InputError(f"{info.name} is a picture without sound; give a sound with it, or a video that has one.")
    if other is None and not info.has_audio:
        raise NoAudioError(f"{info.name} is a video without a sound track; give a sound file with it, or a video that has one.")
    media.check_limits(info)
    if other is not None:
        media.check_limits(other, needs_audio=True)
    return info, other.path if other is not None else None


def _span(info: media.MediaInfo, sound: Path | None, sound_s: float) -> tuple[tuple[float, float], list[str]]:
    """Where picture and sound both exist, in seconds from the first frame, and sentences about where they do not."""
    from avdemo.media.timeline import read_timeline

    name = info.name
    if info.kind == "image":
        picture_s, start, end = math.inf, 0.0, sound_s
    else:
        timeline = read_timeline(info.path)
        picture_s = timeline.video.end_s - timeline.video.start_s
        start, end = 0.0, sound_s
        if sound is None:
            start, end = (edge - timeline.video.start_s for edge in (timeline.audio.start_s, timeline.audio.end_s))
    span = (max(0.0, start), min(picture_s, end))
    whose = "The sound" if sound is None else sound.name
    if span[1] - span[0] < MIN_SECONDS:
        if sound_s < MIN_SECONDS or picture_s < MIN_SECONDS:
            raise InputError(
                f"{(sound or info.path).name} is shorter than {MIN_SECONDS:g} s, too short to judge; give a longer one."
            )
        raise InputError(f"In {name} the picture and the sound never meet: the sound begins at {start:.2f} s; export it again.")
    notes = []
    if start > SLACK_S:
        notes.append(f"The sound of {name} starts at {start:.2f} s; it is scored from there on.")
    if math.isfinite(picture_s) and end < picture_s - SLACK_S:
        notes.append(f"{whose} ends at {end:.2f} s, before the picture does ({picture_s:.2f} s); it is scored up to there.")
    elif end > picture_s + SLACK_S:
        notes.append(f"{whose} goes on to {end:.2f} s, after the picture's end at {picture_s:.2f} s; it is scored up to that.")
    return span, notes


def _centres(span: tuple[float, float], window_s: float, step_s: float) -> tuple[np.ndarray, list[str]]:
    """Centres (T,) of windows that lie wholly in the span; one in its middle when it is shorter than a window, and a note."""
    length = span[1] - span[0]
    if length < window_s - 0.01:
        note = f"Picture and sound last {media.say_seconds(length)} together; the second that the model hears is filled up with silence."
        return np.array([(span[0] + span[1]) / 2]), [note]
    count = 1 + int(max(0.0, length - window_s) / step_s + 0.05)
    return span[0] + window_s / 2 + step_s * np.arange(count), []
