"""What drawn scenes share: the play (what is heard, frame by frame), a brush for moving shapes, and curves of motion.

A scene is a function of a :class:`Play` that returns ``draw(canvas, t)``: it paints frame ``t`` on a canvas of :data:`WORLD` px that
already shows the background. Nothing in a scene moves for the sound's sake but what the sound says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from avdemo.corpora.takes import Take
from avdemo.dsp.onsets import envelope

WORLD = 144  # px, side of the canvas
VIEW = 112  # px of it that the camera sees
LOUD_RMS = 0.25  # as loud as motion goes
Draw = Callable[[np.ndarray, int], None]
Colour = tuple[int, int, int]
_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel


def loudness(rms: np.ndarray) -> np.ndarray:
    """RMS -> 0 (silent, -54 dB) to 1 (:data:`LOUD_RMS`), by the square root: about as loudness is felt."""
    return np.clip((np.sqrt(np.asarray(rms) / LOUD_RMS) - 0.09) / 0.91, 0, 1)


@dataclass(frozen=True)
class Play:
    """A take as the stage sees it; T frames, n onsets."""

    times: np.ndarray  # (T,) s
    hits: np.ndarray  # (n,) s
    force: np.ndarray  # (n,) 0 to 1
    bright: np.ndarray  # (n,) 0 to 1
    loud: np.ndarray  # (T,) 0 to 1, around each frame's time
    near: np.ndarray  # (T,) 0 to 1
    side: np.ndarray  # (T,) about -1 to 1
    what: str
    passing: bool
    rng: np.random.Generator

    @classmethod
    def of(cls, take: Take, frames: int, fps: float, sample_rate: int, rng: np.random.Generator) -> Play:
        # A frame shows one moment: its loudness is that of the 1/fps s around it.
        around = np.pad(take.wav, (round(0.5 * sample_rate / fps), 0))
        loud = loudness(envelope(around, sample_rate, fps, frames))
        force = np.clip(loudness(take.force), 0.12, 1)
        return cls(np.arange(frames) / fps, take.times_s, force, take.bright, loud, take.near, take.side, take.what, take.passing, rng)

    @property
    def frames(self) -> int:
        return len(self.times)

    @property
    def heard(self) -> bool:
        """Whether there is any sound; where there is none, nothing stirs."""
        return bool(self.loud.max(initial=0) > 0)

    @property
    def step_s(self) -> float:
        return float(self.times[1] - self.times[0]) if len(self.times) > 1 else 0.08

    def smooth(self, over_s: float) -> np.ndarray:
        """Loudness averaged over some time around each frame."""
        reach = max(1, round(over_s / self.step_s))
        return np.convolve(np.pad(self.loud, reach, mode="edge"), np.ones(2 * reach + 1) / (2 * reach + 1), "same")[reach:-reach]

    def jolt(self, decay_s: float, only: np.ndarray | None = None) -> np.ndarray:
        """(T,) jumps to the force of each onset on the first frame after it and fades; ``only`` chooses onsets."""
        hits, force = (self.hits, self.force) if only is None else (self.hits[only], self.force[only])
        since = self.times[:, None] - hits[None]
        return np.where(since >= -1e-6, force * np.exp(-np.maximum(since, 0) / decay_s), 0).max(1, initial=0)

    def wobble(self, decay_s: float, hertz: float, only: np.ndarray | None = None) -> np.ndarray:
        """(T,) a damped swing after each onset, beginning at its furthest."""
        hits, force = (self.hits, self.force) if only is None else (self.hits[only], self.force[only])
        since = self.times[:, None] - hits[None]
        swing = force * np.exp(-np.maximum(since, 0) / decay_s) * np.cos(2 * np.pi * hertz * since)
        return np.where(since >= -1e-6, swing, 0).sum(1)

    def tremble(self) -> np.ndarray:
        """(T,) another way in every frame, as far as it is loud: what shakes with its own noise."""
        signs = np.where(np.arange(self.frames) % 2, 1.0, -1.0) * self.rng.uniform(0.6, 1.0, self.frames)
        return signs * self.loud


def reach(
    times: np.ndarray, hits: np.ndarray, places: np.ndarray, force: np.ndarray, rest: Sequence[float], lift: float
) -> np.ndarray:
    """Path of a stick's tip or a hand, (T, 2): down on ``places`` (n, 2) at each hit, up and across in between, still when it waits."""
    path = np.tile(np.asarray(rest, float), (len(times), 1))
    if not len(hits):
        return path
    for number, t in enumerate(times):
        after = int(np.searchsorted(hits, t - 1e-6))  # the next one at or after t
        down, up, base = 1.0, 1.0, places[min(after, len(hits) - 1)].copy()
        height = lift * (0.45 + 0.55 * force[min(after, len(hits) - 1)])
        if after < len(hits):
            down = np.clip((hits[after] - t) / 0.1, 0, 1)
        if after > 0:
            since = t - hits[after - 1]
            up = np.clip((since - 0.04) / 0.2, 0, 1)
            if after < len(hits):
                across = np.clip(since / max(hits[after] - hits[after - 1], 1e-6), 0, 1)
                across = across * across * (3 - 2 * across)
                base = places[after - 1] * (1 - across) + places[after] * across
            else:
                base, height = places[-1], lift * (0.45 + 0.55 * force[-1])
        path[number] = base - (0.0, height * min(down, up))
    return path


class Pen:
    """Draws anti-aliased shapes in units of a thing about its middle: (0, 0) is there, 1 is half its size, y down.

    Plain floats where a few points are moved: a frame has a hundred shapes, and arrays this small cost more than they save.
    """

    __slots__ = ("_mirrored", "_xx", "_xy", "_yx", "_yy", "angle", "unit", "x", "y")

    def __init__(self, x: float, y: float, unit: float, angle: float = 0.0, mirrored: bool = False):
        self.x, self.y, self.unit, self.angle, self._mirrored = float(x), float(y), float(unit), float(angle), mirrored
        cos, sin = math.cos(self.angle) * self.unit, math.sin(self.angle) * self.unit
        flip = -1.0 if mirrored else 1.0
        self._xx, self._xy, self._yx, self._yy = flip * cos, -sin, flip * sin, cos

    def moved(self, dx: float, dy: float, angle: float = 0.0, size: float = 1.0) -> Pen:
        """The same pen shifted by units, turned (radians) and scaled."""
        x, y = self.px(dx, dy)
        return Pen(x, y, self.unit * size, self.angle + (-angle if self._mirrored else angle), self._mirrored)

    def px(self, x: float, y: float) -> tuple[float, float]:
        """Units -> pixels."""
        return self.x + self._xx * x + self._xy * y, self.y + self._yx * x + self._yy * y

    def _fixed(self, points) -> np.ndarray:
        """Units -> pixels in OpenCV's fixed point, (n, 2) int32."""
        k, xx, xy, yx, yy, x0, y0 = 1 << _SHIFT, self._xx, self._xy, self._yx, self._yy, self.x, self.y
        return np.array([(int(k * (x0 + xx * x + xy * y)), int(k * (y0 + yx * x + yy * y))) for x, y in points], np.int32)

    def shape(self, canvas: np.ndarray, points, colour: Colour) -> None:
        cv2.fillPoly(canvas, [self._fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, canvas: np.ndarray, points, colour: Colour, width: float) -> None:
        """A polyline; ``width`` in units."""
        cv2.polylines(canvas, [self._fixed(points)], False, colour, max(1, round(width * self.unit)), cv2.LINE_AA, _SHIFT)

    def disc(
        self, canvas: np.ndarray, x: float, y: float, rx: float, ry: float | None, colour: Colour, angle: float = 0.0, part=(0, 360),
        width: float = 0.0,
    ) -> None:  # fmt: skip
        """An ellipse (``ry`` None: a circle), turned by ``angle`` (radians), or the ``part`` of it between two degrees; an arc where
        ``width`` is given."""
        k = 1 << _SHIFT
        px, py = self.px(x, y)
        axes = int(max(0.3, rx * self.unit) * k), int(max(0.3, (rx if ry is None else ry) * self.unit) * k)
        turned = math.degrees(self.angle + (-angle if self._mirrored else angle))
        thick = max(1, round(width * self.unit)) if width else -1
        first, last = (180 - part[1], 180 - part[0]) if self._mirrored and part != (0, 360) else part
        cv2.ellipse(canvas, (int(k * px), int(k * py)), axes, turned, first, last, colour, thick, cv2.LINE_AA, _SHIFT)

    def bar(self, canvas: np.ndarray, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.shape(canvas, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), colour)


def spot(rng: np.random.Generator, least: float = 34, most: float = 56, low: float = 0.0) -> Pen:
    """A pen somewhere near the middle of the canvas; ``least`` to ``most`` px are half of the thing's size, ``low`` lowers it (px)."""
    unit = rng.uniform(least, most)
    x, y = WORLD / 2 + rng.normal(0, 8), WORLD / 2 + low + rng.normal(0, 5)
    return Pen(x, y, unit, rng.normal(0, 0.04), bool(rng.random() < 0.5))


def colour(rng: np.random.Generator, *choices: Colour, spread: float = 22) -> Colour:
    """One of the choices, varied; any saturated colour without choices."""
    if not choices:
        hsv = np.uint8([[[rng.integers(180), rng.integers(110, 256), rng.integers(110, 256)]]])
        return tuple(int(c) for c in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0])
    base = np.array(choices[int(rng.integers(len(choices)))], float)
    return tuple(int(c) for c in np.clip(base * rng.uniform(0.85, 1.12) + rng.normal(0, spread / 2, 3), 0, 255))


def shade(base: Colour, factor: float) -> Colour:
    """Darker (below 1) or, towards white, lighter (above 1)."""
    if factor <= 1:
        return tuple(int(c * factor) for c in base)
    return tuple(int(c + (255 - c) * min(1.0, factor - 1)) for c in base)
