"""What lies between a made scene and its frames: backgrounds, bystanders that move without a sound, a camera that is held by hand."""

from __future__ import annotations

import cv2
import numpy as np

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.photo_puppets import cover, lay_over, layer
from avdemo.corpora.stage import VIEW, WORLD, Draw, Pen, colour
from avdemo.corpora.stage_nature import open_sky


def background(pack: FoleyPack, photos: list[int], rng: np.random.Generator, *, outdoors: bool = False) -> np.ndarray:
    """uint8 (WORLD, WORLD, 3): a photo of something else, sharp or not, or a wall of one colour that runs into another.

    ``outdoors``: most often a drawn sky.
    """
    if outdoors and rng.random() < 0.65:
        return open_sky(rng)
    if photos and rng.random() < 0.75:
        picture = cover(pack.picture(int(rng.choice(photos)))[..., :3], rng, 1.6)
        return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 4)) if rng.random() < 0.5 else picture
    top, bottom = np.array(colour(rng), float), np.array(colour(rng), float)
    pale = rng.uniform(0.3, 0.95)
    top, bottom = ((1 - pale) * c + pale * c.mean() for c in (top, bottom))
    ramp = np.linspace(0, 1, WORLD)[:, None] * (bottom - top) + top
    grain = rng.normal(0, rng.uniform(0, 6), (WORLD, WORLD, 1))
    return np.clip(ramp[:, None] + grain, 0, 255).astype(np.uint8)


def bystander(times: np.ndarray, cutouts: list[np.ndarray], rng: np.random.Generator) -> Draw:
    """Something that crosses the picture, bounces or waves on its own account, and makes no sound."""
    count = len(times)
    way = int(rng.integers(3))
    begin, lasts = rng.uniform(-0.3, 0.7) * times[-1], rng.uniform(0.8, 3.0)
    along = (times - begin) / lasts
    x, y = np.full(count, rng.uniform(0.1, 0.9) * WORLD), np.full(count, rng.uniform(0.1, 0.9) * WORLD)
    if way == 0:  # crosses
        start, end = (-20, WORLD + 20) if rng.random() < 0.5 else (WORLD + 20, -20)
        x, y = start + (end - start) * along, y + rng.normal(0, 15) * along
    elif way == 1:  # bounces
        y = y - rng.uniform(8, 26) * np.abs(np.sin(np.pi * times * rng.uniform(0.6, 2.2) + rng.uniform(0, 3)))
    else:  # waves to and fro
        x = x + rng.uniform(4, 16) * np.sin(2 * np.pi * times * rng.uniform(0.3, 1.5) + rng.uniform(0, 6))
    paint, size = colour(rng), rng.uniform(4, 12)
    picture = cutouts[int(rng.integers(len(cutouts)))] if cutouts and rng.random() < 0.5 else None
    big = rng.uniform(24, 46)
    corners = rng.uniform(0.5, 1.2, int(rng.integers(3, 8)))
    turn = rng.normal(0, 0.15)

    def draw(canvas: np.ndarray, t: int) -> None:
        if not (-40 < x[t] < WORLD + 40):
            return
        if picture is not None:
            lay_over(canvas, layer(picture, big, x[t], y[t], turn * t))
        else:
            angle = np.linspace(0, 2 * np.pi, len(corners), endpoint=False) + turn * t
            Pen(x[t], y[t], size).shape(canvas, np.stack([corners * np.cos(angle), corners * np.sin(angle)], 1), paint)

    return draw


class Lens:
    """One camera: what part of the canvas each frame shows, and its colours. Nothing of it knows the sound.

    Args:
        still: it stands still and has no noise.
        moving: it must move.
    """

    def __init__(self, times: np.ndarray, rng: np.random.Generator, *, still: bool = False, moving: bool = False):
        count, margin = len(times), (WORLD - VIEW) / 2
        self.mirrored = bool(rng.random() < 0.5)
        self._path: np.ndarray | None = None
        self._zoom = np.full(count, rng.uniform(0.94, 1.12) if rng.random() < 0.6 else 1.0)
        if not still and (moving or rng.random() < 0.5):
            seconds = max(float(times[-1]), 1e-3)
            path = np.zeros((count, 2))
            if rng.random() < 0.7:  # held by hand
                for _ in range(3):
                    swing = rng.normal(0, rng.uniform(0.3, 1.6), 2)
                    path += swing * np.sin(2 * np.pi * times[:, None] * rng.uniform(0.2, 1.6) + rng.uniform(0, 6, 2))
            if rng.random() < 0.5:  # pans
                path += rng.uniform(-1, 1, 2) * margin * 0.7 * (times[:, None] / seconds - 0.5)
            if rng.random() < 0.2:  # is knocked once
                path += np.exp(-np.maximum(times - rng.uniform(0, seconds), 0) / 0.2)[:, None] * rng.normal(0, 2, 2)
            if rng.random() < 0.25:  # zooms
                self._zoom = self._zoom * np.exp(rng.normal(0, 0.1) * (times / seconds - 0.5))
            self._path = np.clip(path, -margin, margin)
        gain = rng.uniform(0.75, 1.12) * (1 + rng.normal(0, 0.05, 3))
        table = (np.arange(256)[:, None] / 255) ** rng.uniform(0.8, 1.3) * gain + rng.normal(0, 0.02)
        self._table = np.clip(table * 255, 0, 255).astype(np.uint8)[None]
        self._grey = rng.random() < 0.06
        self._blur = rng.uniform(0.4, 1.1) if rng.random() < 0.25 else 0.0
        self._noise = None
        if not still and rng.random() < 0.6:
            grain = rng.normal(0, rng.uniform(0.6, 3.5), (2 * VIEW, 2 * VIEW, 1)).repeat(3, 2)
            self._noise, self._starts = grain.astype(np.int16), rng.integers(0, VIEW, (count, 2))

    def __call__(self, canvas: np.ndarray, t: int) -> np.ndarray:
        """uint8 (VIEW, VIEW, 3) of frame ``t``."""
        if self._path is None and self._zoom[t] == 1:
            edge = (WORLD - VIEW) // 2
            seen = canvas[edge : edge + VIEW, edge : edge + VIEW]
        else:
            x, y = self._path[t] if self._path is not None else (0.0, 0.0)
            step = 1 / self._zoom[t]
            left, top = WORLD / 2 + x - step * VIEW / 2, WORLD / 2 + y - step * VIEW / 2
            turn = np.float32([[step, 0, left], [0, step, top]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            seen = cv2.warpAffine(canvas, turn, (VIEW, VIEW), flags=flags, borderMode=cv2.BORDER_REFLECT)
        if self._blur:
            seen = cv2.GaussianBlur(seen, (3, 3), self._blur)
        seen = cv2.LUT(seen, self._table)
        if self._grey:
            seen = cv2.merge([cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)] * 3)
        if self._noise is not None:
            a, b = self._starts[t]
            seen = cv2.add(seen, self._noise[a : a + VIEW, b : b + VIEW], dtype=cv2.CV_8U)
        return seen[:, ::-1] if self.mirrored else seen
