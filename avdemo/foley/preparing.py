"""What a video or a photo says about its sound: seen once, in parts, and good for any number of takes.

The pictures are the ones that training saw: the middle square, at the network's frame rate and size, and between them the optical
flow of :mod:`avdemo.media.motion`. A video is decoded one picture at a time; what stays of a second are some 100 rows of a few hundred
numbers, so memory hardly grows with its length.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.checkpoints.running import Model
from avdemo.errors import InputError, LimitError
from avdemo.foley.models import CHECKPOINT, at_work, check_variant, load_model, with_variant
from avdemo.foley.verdict import Verdict, verdict
from avdemo.hooks import Progress, Step, Stop, stepper

if TYPE_CHECKING:
    from torch import Tensor

    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.network import Condition

PART = 32  # video frames seen at once
MIN_SECONDS = 0.1
STILL_SECONDS, MIN_STILL, MAX_STILL = 5.0, 0.5, 20.0  # length of a photo's sound
LONG_SIDE = 1024  # px at which a photo is read


@dataclass
class Prepared:
    """A video or photo that sounds can be written for; F video frames of the network's rate."""

    video: Path
    info: media.MediaInfo
    is_still: bool
    duration_s: float  # of the video; the wanted length of a photo's sound
    condition: Condition  # of this one clip, in main memory
    motion: np.ndarray  # (F,) float32 >= 0: how much moves, mean length of the flow in 28ths of the picture's side per frame
    verdict: Verdict
    notes: list[str]
    timings: dict[str, float]
    model: Model = field(repr=False)
    own: np.ndarray | None = field(default=None, repr=False)  # of :func:`avdemo.foley.beside.own_sound`, once it was asked for

    @property
    def config(self) -> FoleyConfig:
        return self.model.network.config

    @property
    def samples(self) -> int:
        """Of the whole sound, at the network's rate."""
        return max(1, round(self.duration_s * self.config.sample_rate))

    @property
    def frame_s(self) -> float:
        """Seconds that a video frame of the network lasts."""
        return self.config.samples_per_frame / self.config.sample_rate

    @property
    def loudness(self) -> np.ndarray | None:
        """(F,) in [0, 1], decided from the pictures: 0 is -60 dB of full scale, 1 is 0 dB; None: this network does not decide it."""
        return None if self.condition.loudness is None else self.condition.loudness[0].numpy()

    @property
    def strokes_s(self) -> list[float]:
        """Moments at which, by the pictures, something begins to sound, to 20 ms; none where this network does not decide them."""
        if self.condition.strokes is None:
            return []
        step_s = self.config.token_step / self.config.sample_rate
        moments = (self.condition.strokes[0].nonzero().flatten() + 0.5) * step_s
        return [round(float(moment), 3) for moment in moments if moment < self.duration_s]


def check_seconds(seconds: float) -> float:
    """The length of a photo's sound itself.

    Raises:
        InputError, LimitError: not between MIN_STILL and MAX_STILL.
    """
    if not math.isfinite(seconds) or seconds < MIN_STILL:
        raise InputError(f"A photo cannot sound for {seconds:g} seconds; ask for {MIN_STILL:g} to {MAX_STILL:g}.")
    if seconds > MAX_STILL:
        raise LimitError(f"A photo cannot sound for {seconds:g} seconds; ask for at most {MAX_STILL:g}.")
    return float(seconds)


def prepare(
    video: Path | str, *, variant: str = "", checkpoint: str = CHECKPOINT, seconds: float = STILL_SECONDS, progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Prepared:  # fmt: skip
    """See a video, or a photo.

    Args:
        video: a video, with sound or without, or a photo.
        variant: "frame", "seq" or "flow"; "" is the usual one.
        seconds: length of the sound of a photo; a video's sound is as long as the video.

    Raises:
        InputError, LimitError: the file or a parameter cannot be used; one sentence says why.
        WeightsError: no usable checkpoint.
        Cancelled: ``cancelled`` said so.
    """

    step, variant = stepper(progress, cancelled), check_variant(variant)
    begun = time.perf_counter()
    step(0.01, "Reading the file")
    info = media.probe(Path(video))
    if info.kind == "audio":
        raise InputError(f"{info.name} is a sound without pictures, and pictures are needed here; give a video or a photo.")
    media.check_limits(info, min_seconds=MIN_SECONDS)
    is_still = info.kind == "image"
    duration_s = check_seconds(seconds) if is_still else info.duration_s
    step(0.05, "Loading the model")
    model = with_variant(load_model(checkpoint), variant)
    loaded = time.perf_counter()
    config = model.network.config
    count = config.frames_of(max(1, round(duration_s * config.sample_rate)))
    seeing = stepper(progress, cancelled, 0.1, 1.0)
    visual, moved, motion = (_see_still if is_still else _see)(model, info.path, count, seeing)
    with at_work(model):
        condition = model.network.condition_of(model.network.with_motion(visual, moved))
        shares = None if condition.kinds is None else condition.kinds[0].float().softmax(0).cpu().numpy()
    condition = condition.to("cpu")
    seen = time.perf_counter()
    step(1.0, "Seen")
    timings = {"read_and_load_s": loaded - begun, "look_s": seen - loaded, "prepare_s": seen - begun}
    found = verdict(config.kinds, shares)
    notes = (
        [f"The sound is written all the same, as of what comes nearest: {found.kind}."] if found.kind and not found.known else []
    )
    return Prepared(info.path, info, is_still, duration_s, condition, motion, found, notes, timings, model)


def square_frames(path: Path, config: FoleyConfig, count: int) -> Iterator[np.ndarray]:
    """The video's pictures as the network wants them: frame t shows the moment of its first sample; uint8 (S, S, 3) of the middle."""
    times = np.arange(count) * config.samples_per_frame / config.sample_rate
    for frame in media.iter_frames(path, times, short_side=config.picture_size):
        yield middle(frame, config.picture_size)


def middle(frame: np.ndarray, side: int) -> np.ndarray:
    """The middle square, (side, side, 3), of a picture whose shorter side is that long."""
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    return np.ascontiguousarray(frame[top : top + side, left : left + side])


def _see(model: Model, path: Path, count: int, step: Step) -> tuple[Tensor, Tensor | None, np.ndarray]:
    """What is seen in the pictures (1, F, V or V + votes), what the motion says (1, F, V) or None, and how much moves (F,)."""
    import torch

    from avdemo.media.motion import FlowMeter, motion_energy

    network, meter = model.network, FlowMeter()
    visual, motion, pictures, flows = [], [], [], []
    reader = MotionReader(model)
    for number, frame in enumerate(square_frames(path, network.config, count)):
        pictures.append(frame)
        flows.append(meter(frame))
        if len(pictures) == PART or number == count - 1:
            step(number / count, f"Looking: {number + 1} of {count} pictures")
            with at_work(model):
                visual.append(network.see(torch.from_numpy(np.stack(pictures))[None].to(model.device)).float())
            motion.append(motion_energy(np.stack(flows)))
            reader.take(np.stack(flows))
            pictures, flows = [], []
    return torch.cat(visual, 1), reader.finish(), np.concatenate(motion)


def _see_still(model: Model, path: Path, count: int, step: Step) -> tuple[Tensor, Tensor | None, np.ndarray]:
    """As :func:`_see`, of a photo: one picture that stays, and nothing moves."""
    import torch
    from PIL import Image

    from avdemo.media.motion import GRID

    step(0.1, "Looking at the photo")
    side = model.network.config.picture_size
    picture = media.read_image(path, max_side=LONG_SIDE)
    scale = side / min(picture.shape[:2])
    size = tuple(max(side, round(length * scale)) for length in picture.shape[1::-1])
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0))
    with at_work(model):
        visual = model.network.see(torch.from_numpy(middle(small, side))[None, None].to(model.device)).float()
    reader = MotionReader(model)
    for first in range(0, count, PART):
        reader.take(np.zeros((min(PART, count - first), GRID, GRID, 2), np.float32))
    return visual.expand(-1, count, -1), reader.finish(), np.zeros(count, np.float32)


class MotionReader:
    """Runs the network that reads the flow over a video in parts, with the same result as in one go.

    A frame's numbers depend on a few frames before and after it, so each part is read with that much of its neighbours.
    """

    def __init__(self, model: Model):
        self._model, self._reads = model, model.network.motion is not None
        self._waiting: np.ndarray | None = None
        self._before = 0  # of the waiting frames, those whose numbers are known already
        self._known: list[Tensor] = []

    def take(self, flow: np.ndarray) -> None:
        """The flow of the next frames, (n, G, G, 2)."""
        if not self._reads:
            return
        self._waiting = flow if self._waiting is None else np.concatenate([self._waiting, flow])
        self._read(last=False)

    def finish(self) -> Tensor | None:
        """The numbers of all frames, (1, F, V); None for a network that does not look at the flow."""
        if not self._reads:
            return None
        import torch

        self._read(last=True)
        return torch.cat(self._known, 1)

    def _read(self, last: bool) -> None:
        import torch

        from avdemo.foley.seeing import REACH

        ready = len(self._waiting) - (0 if last else REACH)  # after these, enough is known of what comes
        if ready <= self._before:
            return
        with at_work(self._model):
            found = self._model.network.motion(torch.from_numpy(self._waiting)[None].to(self._model.device)).float()
        self._known.append(found[:, self._before : ready])
        kept = max(0, ready - REACH)
        self._waiting, self._before = self._waiting[kept:], ready - kept
