"""Small things that live in a background: fireflies, petals, dust in the light, twinkling stars, gulls.

Each is a function of time only, so that a frame can be drawn alone. They are few and faint: the players are the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from avdemo.corpora.drawn import place

Draw = Callable[[np.ndarray, float], None]


@lru_cache(maxsize=16)
def _spark(colour: tuple[int, int, int]) -> np.ndarray:
    """A point of light with a halo, uint8 (64, 64, 4)."""
    halo = Image.new("L", (64, 64))
    ImageDraw.Draw(halo).ellipse((16, 16, 48, 48), fill=150)
    halo = halo.filter(ImageFilter.GaussianBlur(8))
    ImageDraw.Draw(halo).ellipse((26, 26, 38, 38), fill=255)
    picture = Image.new("RGBA", (64, 64), (*colour, 0))
    picture.putalpha(halo.filter(ImageFilter.GaussianBlur(1)))
    return np.asarray(picture)


@lru_cache(maxsize=4)
def _petal() -> np.ndarray:
    picture = Image.new("RGBA", (64, 64), (255, 200, 216, 0))
    brush = ImageDraw.Draw(picture)
    brush.ellipse((8, 18, 56, 46), fill=(255, 200, 216, 235))
    brush.ellipse((14, 22, 36, 36), fill=(255, 228, 236, 235))
    return np.asarray(picture)


@lru_cache(maxsize=4)
def _gull(wing: int) -> np.ndarray:
    """A gull far away with its wings up (0) to down (4), uint8 (64, 128, 4)."""
    picture = Image.new("RGBA", (128, 64), (255, 255, 255, 0))
    lift = 18 - 7 * wing
    t = np.linspace(0, 1, 12)
    for side in (-1, 1):
        x, y = 64 + side * 52 * t, 36 - lift * np.sin(np.pi * t * 0.75) + 6 * t * (wing - 1)
        ImageDraw.Draw(picture).line(list(zip(x, y, strict=True)), fill=(255, 255, 255, 245), width=8, joint="curve")
    return np.asarray(picture)


def fireflies(width: int, height: int, seed: int = 0, count: int = 14) -> Draw:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, width, count), rng.uniform(0.42, 0.95, count) * height
    rate, phase = rng.uniform(0.3, 0.8, count), rng.uniform(0, 6.3, count)

    def draw(canvas: np.ndarray, time_s: float) -> None:
        for i in range(count):
            glow = max(0.0, np.sin(rate[i] * 2.4 * time_s + phase[i])) ** 2
            at_x, at_y = x[i] + 16 * np.sin(rate[i] * time_s + phase[i]), y[i] + 9 * np.sin(1.3 * rate[i] * time_s + 2 * phase[i])
            place(canvas, _spark((255, 240, 150)), (at_x - 9, at_y - 9, 18, 18), opacity=float(glow))

    return draw


def petals(width: int, height: int, seed: int = 0, count: int = 9) -> Draw:
    rng = np.random.default_rng(seed)
    x, start, speed = rng.uniform(-0.1, 1.1, count) * width, rng.uniform(0, 1, count), rng.uniform(0.055, 0.10, count)
    phase = rng.uniform(0, 6.3, count)

    def draw(canvas: np.ndarray, time_s: float) -> None:
        for i in range(count):
            way = (start[i] + speed[i] * time_s) % 1.0
            at_x = x[i] + 70 * way + 14 * np.sin(2 * time_s * speed[i] * 9 + phase[i])
            turn = 60 * np.sin(time_s + phase[i]) + 90 * phase[i]
            place(canvas, _petal(), (at_x, way * 1.1 * height - 16, 11, 11), angle_deg=turn, opacity=0.85)

    return draw


def dust(width: int, height: int, seed: int = 0, count: int = 12) -> Draw:
    rng = np.random.default_rng(seed)
    x, y, phase = rng.uniform(0.2, 0.8, count) * width, rng.uniform(0, 1, count), rng.uniform(0, 6.3, count)

    def draw(canvas: np.ndarray, time_s: float) -> None:
        for i in range(count):
            way = (y[i] - 0.028 * time_s) % 1.0
            at_x = x[i] + 10 * np.sin(0.7 * time_s + phase[i])
            shown = float(np.sin(np.pi * way) * (0.45 + 0.25 * np.sin(2 * time_s + phase[i])))
            place(canvas, _spark((255, 236, 190)), (at_x, (0.15 + 0.65 * way) * height, 9, 9), opacity=shown)

    return draw


def twinkle(width: int, height: int, seed: int = 0, count: int = 16) -> Draw:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 0.95, count) * width, rng.uniform(0.01, 0.27, count) * height
    phase, rate = rng.uniform(0, 6.3, count), rng.uniform(1.5, 3.5, count)

    def draw(canvas: np.ndarray, time_s: float) -> None:
        for i in range(count):
            shown = float(max(0.0, np.sin(rate[i] * time_s + phase[i])) ** 3)
            place(canvas, _spark((255, 250, 226)), (x[i] - 5, y[i] - 5, 10, 10), opacity=shown)

    return draw


def gulls(width: int, height: int, seed: int = 0) -> Draw:
    flights = ((0.06, 0.30, 15.0, 26.0, 0.0), (0.22, 0.22, 11.0, 18.0, 1.3), (0.70, 0.36, -9.0, 16.0, 2.1))

    def draw(canvas: np.ndarray, time_s: float) -> None:
        for x, y, speed, size, phase in flights:
            wing = round(1.5 + 1.5 * np.sin(5.2 * time_s + phase))
            at_x, at_y = x * width + speed * time_s, y * height + 5 * np.sin(0.9 * time_s + phase)
            place(canvas, _gull(int(wing)), (at_x, at_y, size, size / 2), opacity=0.95)

    return draw


#: Background -> what lives in it (the room is still).
AMBIENCE: dict[str, Callable[[int, int], Draw]] = {
    "stage": dust,
    "park": petals,
    "roof": twinkle,
    "beach": gulls,
    "meadow": fireflies,
}
