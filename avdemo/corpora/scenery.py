"""Drawn backgrounds for players: a stage, a room and a roof by night here, and the landscapes.

Coordinates as in :mod:`avdemo.corpora.sketch`; players stand on the ground at about y = 0.93.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from avdemo.corpora.landscapes import beach, meadow, park
from avdemo.corpora.sketch import Sketch


def stage(s: Sketch, rng: np.random.Generator) -> None:
    """A theatre at sunset: painted backdrop, red curtain, spotlights, wooden boards."""
    s.sky([(0.0, "#3b2a63"), (0.25, "#8a4a7d"), (0.5, "#e8836b"), (0.72, "#ffd08a")], 0, 0.74)
    s.disc(0.5, 0.62, 0.2, "#fff0bf", 0.05, 0.5)
    s.disc(0.5, 0.62, 0.13, "#fff3cf")
    s.curve(lambda x: 0.66 - 0.07 * np.sin(2.2 * np.pi * x + 0.6) - 0.02 * np.sin(7 * np.pi * x), "#8d4f78")
    s.curve(lambda x: 0.70 - 0.04 * np.sin(3.1 * np.pi * x + 2.6), "#5f3766")
    s.sky([(0.73, "#b5764a"), (1.0, "#7d4a31")], 0.73, 1.0)
    for i in range(-9, 20):  # boards run towards the horizon
        x = i / 10
        s.shape(
            [
                (0.5 + (x - 0.5) * 0.72, 0.73),
                (0.5 + (x - 0.5) * 0.725, 0.73),
                (0.5 + (x - 0.5) * 1.705, 1.0),
                (0.5 + (x - 0.5) * 1.69, 1.0),
            ],
            "#6a3d29",
            0,
            0.5,
        )
    s.bar(0, 0.725, 1, 0.737, "#5b3325")
    for beam, tip in ((0.16, 0.3), (0.84, 0.7), (0.5, 0.5)):
        s.shape([(beam - 0.012, -0.02), (beam + 0.012, -0.02), (tip + 0.15, 0.9), (tip - 0.15, 0.9)], "#fff4c8", 0.02, 0.17)
        s.disc(tip, 0.9, 0.25, "#fff2bd", 0.02, 0.28, 0.24)
    for side in (0, 1):  # the curtain falls in folds on either side
        for fold in range(6):
            x0, x1 = fold * 0.024, fold * 0.024 + 0.027
            shade = ("#8e1f33", "#b42c41", "#c93a4d", "#a52539", "#b83044", "#8e1f33")[fold]
            drop = [(x0, 0.0), (x1, 0.0), (x1 * 0.9 + 0.002 * fold, 0.86 - 0.012 * (fold % 2)), (x0 * 0.9, 0.86)]
            s.shape([(x if side == 0 else 1 - x, y) for x, y in drop], shade)
    for i in range(8):  # and hangs in swags along the top
        x0 = i / 8
        t = np.linspace(0, np.pi, 24)
        for depth, shade in ((0.16, "#8e1f33"), (0.13, "#b42c41"), (0.085, "#c93a4d")):
            s.shape([(x0, 0), *((x0 + a / np.pi / 8, 0.02 + depth * np.sin(a)) for a in t), (x0 + 1 / 8, 0)], shade)
        s.disc(x0, 0.035, 0.016, "#f3c15a")
    s.bar(0, 0, 1, 0.022, "#e0a63f")


def room(s: Sketch, rng: np.random.Generator) -> None:
    """A living room in the evening: wallpaper, window, lamp, shelf, rug."""
    s.sky([(0.0, "#3f6f78"), (0.72, "#5c8f92")], 0, 0.74)
    for i in range(22):
        s.shape([(i / 21 - 0.004, 0), (i / 21 + 0.004, 0), (i / 21 + 0.004, 0.72), (i / 21 - 0.004, 0.72)], "#6b9c9c", 0, 0.35)
    s.bar(0, 0.70, 1, 0.735, "#f1e4cf")
    s.sky([(0.735, "#b98355"), (1.0, "#8d5d3c")], 0.735, 1.0)
    for row, y in enumerate((0.735, 0.78, 0.84, 0.915)):
        s.bar(0, y, 1, y + 0.004, "#8a5a3a")
        for i in range(7):
            x = (i + 0.5 * (row % 2)) / 6.5
            s.bar(x, y, x + 0.002, (0.78, 0.84, 0.915, 1.0)[row], "#8a5a3a")
    s.bar(0.385, 0.08, 0.615, 0.53, "#f1e4cf", 0.012)  # window with an evening sky
    panes = ((0.397, 0.10, 0.496, 0.30), (0.504, 0.10, 0.603, 0.30), (0.397, 0.315, 0.496, 0.51), (0.504, 0.315, 0.603, 0.51))
    for x0, y0, x1, y1 in panes:
        s.bar(x0, y0, x1, y1, "#27365f")
        s.bar(x0, y0 + 0.55 * (y1 - y0), x1, y1, "#3d4f80")
    s.disc(0.56, 0.19, 0.042, "#fff3c4")
    s.disc(0.546, 0.178, 0.036, "#27365f")
    for x, y in ((0.42, 0.15), (0.46, 0.23), (0.445, 0.37), (0.53, 0.36), (0.58, 0.42)):
        s.disc(x, y, 0.005, "#fff8dd")
    s.bar(0.37, 0.525, 0.63, 0.55, "#e2d1b4", 0.008)
    for side in (-1, 1):
        edge = 0.5 + side * 0.135
        s.shape(
            [
                (edge, 0.06),
                (edge - side * 0.065, 0.06),
                (edge - side * 0.028, 0.35),
                (edge - side * 0.012, 0.57),
                (edge + side * 0.02, 0.57),
            ],
            "#e7a47a",
        )
        s.shape([(edge, 0.06), (edge - side * 0.03, 0.06), (edge - side * 0.008, 0.57), (edge + side * 0.02, 0.57)], "#d98c63")
    s.bar(0.35, 0.045, 0.65, 0.062, "#7b4a33", 0.006)
    s.bar(0.04, 0.33, 0.27, 0.35, "#7b4a33")  # shelf with books
    x = 0.05
    for width, height, shade in zip(rng.uniform(0.011, 0.02, 11), rng.uniform(0.10, 0.165, 11), "0123401234 "[:11], strict=True):
        s.bar(
            x,
            0.33 - height,
            x + width,
            0.33,
            ("#d9594c", "#f0b64d", "#4d86b8", "#7aa65a", "#b9739d", "#e8dcc3")[int(shade) if shade.isdigit() else 5],
            0.004,
        )
        x += width + 0.0015
    s.disc(0.88, 0.25, 0.30, "#ffe2a0", 0.16, 0.42)  # lamp and its glow
    s.bar(0.876, 0.30, 0.884, 0.80, "#5a3b2c")
    s.disc(0.88, 0.805, 0.06, "#5a3b2c", 0, 1, 0.3)
    s.shape([(0.845, 0.15), (0.915, 0.15), (0.945, 0.32), (0.815, 0.32)], "#ffe9b5")
    s.shape([(0.845, 0.15), (0.862, 0.15), (0.845, 0.32), (0.815, 0.32)], "#f6d18c")
    for r, shade in ((0.5, "#a63d48"), (0.47, "#e9c98f"), (0.445, "#b84b52"), (0.36, "#e9c98f"), (0.345, "#c75f5c")):
        s.layer(
            lambda b, r=r: b.ellipse(
                (
                    (0.5 - 0.86 * r) * s.width,
                    (0.9 - 0.24 * r) * s.height,
                    (0.5 + 0.86 * r) * s.width,
                    (0.9 + 0.24 * r) * s.height,
                ),
                fill=255,
            ),
            shade,
        )


def roof(s: Sketch, rng: np.random.Generator) -> None:
    """A flat roof over a city by night: moon, stars, lit windows, a string of lamps."""
    s.sky([(0.0, "#10163a"), (0.4, "#2b2f6b"), (0.62, "#6a4d8e"), (0.76, "#c9799a")], 0, 0.8)
    for x, y, r in zip(rng.uniform(0, 1, 90), rng.uniform(0, 0.5, 90) ** 1.2, rng.uniform(0.0012, 0.0042, 90), strict=True):
        s.disc(x, y, r, ("#fdf6dc", "#cfcbe4", "#9c9ac8")[int(rng.integers(3))])
    s.disc(0.8, 0.2, 0.22, "#d9d4ff", 0.06, 0.3)
    s.disc(0.8, 0.2, 0.095, "#fff4cf")
    for dx, dy, r in ((-0.016, -0.02, 0.017), (0.018, 0.018, 0.024), (0.005, -0.045, 0.011), (-0.02, 0.045, 0.012)):
        s.disc(0.8 + dx, 0.2 + dy, r, "#eedfae")
    for base, shade, lit, seed in ((0.42, "#3d3470", 0.25, 0), (0.5, "#2a2557", 0.38, 1)):
        x = -0.02 - 0.03 * seed
        while x < 1.02:
            width, top = rng.uniform(0.055, 0.1), base + rng.uniform(-0.1, 0.1)
            s.bar(x, top, x + width, 0.85, shade)
            if rng.random() < 0.4:
                s.bar(x + width * 0.46, top - 0.07, x + width * 0.5, top, shade)
            for wx in np.arange(x + 0.010, x + width - 0.012, 0.0165):
                for wy in np.arange(top + 0.03, 0.76, 0.05):
                    if rng.random() < lit:
                        s.bar(wx, wy, wx + 0.0085, wy + 0.024, ("#ffd98a", "#ffc46b", "#fff0c2")[int(rng.integers(3))])
            x += width + rng.uniform(0.0, 0.012)
    s.bar(0, 0.715, 1, 0.775, "#8d5a5f")  # parapet of bricks
    for row in range(3):
        for i in range(25):
            x = (i - 0.5 * (row % 2)) / 24
            s.bar(
                x + 0.001,
                0.733 + row * 0.0145,
                x + 0.04,
                0.7445 + row * 0.0145,
                ("#a3696a", "#9b6165", "#ad7370")[(i * 7 + row * 3) % 3],
            )
    s.bar(0, 0.708, 1, 0.728, "#c08d84", 0.004)
    s.sky([(0.775, "#4d4673"), (1.0, "#36315a")], 0.775, 1.0)
    for y in (0.81, 0.862, 0.93):
        s.bar(0, y, 1, y + 0.003, "#3d3763")
    for end in (0.02, 0.98):
        s.bar(end - 0.005, 0.12, end + 0.005, 0.78, "#221d45")
    t = np.linspace(0.02, 0.98, 120)
    rope = 0.12 + 0.30 * (0.25 - (t - 0.5) ** 2) + 0.05 * np.abs(np.sin(np.pi * (t - 0.02) / 0.32))
    s.brush.line(s.px(zip(t, rope, strict=True)), fill=s.colour("#221d45"), width=max(1, s.height // 240))
    for i, (x, y) in enumerate(list(zip(t, rope, strict=True))[5:-3:8]):
        glow = ("#ffd36b", "#ff9d7a", "#ffe9a8", "#ffb46b")[i % 4]
        s.disc(x, y + 0.022, 0.045, glow, 0.02, 0.55)
        s.disc(x, y + 0.022, 0.014, "#fff6d8")
    s.layer(
        lambda b: b.ellipse((0.1 * s.width, 0.78 * s.height, 0.9 * s.width, 1.04 * s.height), fill=255), "#ffd9a0", 0.05, 0.22
    )


BACKGROUNDS: dict[str, Callable[[Sketch, np.random.Generator], None]] = {
    "stage": stage,
    "park": park,
    "room": room,
    "roof": roof,
    "beach": beach,
    "meadow": meadow,
}
