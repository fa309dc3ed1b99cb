"""Landscapes behind the players: a park in spring, a beach in the afternoon, a meadow at dusk.

Coordinates as in :mod:`avdemo.corpora.sketch`; players stand on the ground at about y = 0.93.
"""

from __future__ import annotations

import numpy as np

from avdemo.corpora.sketch import Sketch, cloud, tree


def park(s: Sketch, rng: np.random.Generator) -> None:
    """A park in spring: hills, round trees, a path, flowers."""
    s.sky([(0.0, "#7cc4ee"), (0.45, "#cfeefb"), (0.6, "#fdf6dc")], 0, 0.7)
    s.disc(0.82, 0.17, 0.16, "#fff6c9", 0.05, 0.6)
    s.disc(0.82, 0.17, 0.075, "#ffe48a")
    for x, y, size in ((0.16, 0.16, 0.08), (0.46, 0.09, 0.055), (0.66, 0.24, 0.06)):
        cloud(s, x + rng.uniform(-0.03, 0.03), y, size)
    s.curve(lambda x: 0.52 - 0.06 * np.sin(2.4 * np.pi * x + 0.4), "#a5d3a0")
    s.curve(lambda x: 0.58 - 0.05 * np.sin(2.0 * np.pi * x + 3.0), "#86c283")
    for x, size in ((0.30, 0.2), (0.37, 0.15), (0.66, 0.17), (0.60, 0.13)):
        tree(s, x, 0.62, size, ("#4d9a63", "#5cab6d", "#6cb978"))
    s.curve(lambda x: 0.64 - 0.02 * np.sin(2.0 * np.pi * x + 1.0), "#74b865")
    tree(s, 0.055, 0.75, 0.68, ("#2f7d4f", "#3d9158", "#55a765"))
    tree(s, 0.95, 0.73, 0.60, ("#39884f", "#489b58", "#62b168"))
    s.sky([(0.74, "#7fc566"), (1.0, "#5ba551")], 0.76, 1.0)
    s.curve(lambda x: 0.745 + 0.012 * np.sin(3.2 * np.pi * x), "#7fc566")
    s.layer(
        lambda b: b.ellipse((0.08 * s.width, 0.80 * s.height, 0.92 * s.width, 1.04 * s.height), fill=255), "#f0dcae", 0.003, 0.95
    )
    s.layer(lambda b: b.ellipse((0.11 * s.width, 0.815 * s.height, 0.89 * s.width, 1.02 * s.height), fill=255), "#f7e7c1", 0.006)
    for _ in range(46):
        x, y = rng.uniform(0, 1), rng.uniform(0.76, 0.99)
        if ((x - 0.5) / 0.45) ** 2 + ((y - 0.92) / 0.14) ** 2 > 1:
            r = 0.006 + 0.006 * (y - 0.7) / 0.3
            petal = ("#ffffff", "#ffd1e2", "#ffe48a", "#ff9eb4")[int(rng.integers(4))]
            for turn in range(5):
                angle = 2 * np.pi * turn / 5
                s.disc(x + np.cos(angle) * r * 0.56, y + np.sin(angle) * r, r * 0.75, petal)
            s.disc(x, y, r * 0.6, "#f2a93b")


def beach(s: Sketch, rng: np.random.Generator) -> None:
    """A beach in the afternoon: sea, sails, palm, parasol, sand."""
    s.sky([(0.0, "#58b8e6"), (0.35, "#a8e0f2"), (0.5, "#fdf3d7")], 0, 0.52)
    for x, y, size in ((0.30, 0.12, 0.07), (0.58, 0.2, 0.05), (0.83, 0.1, 0.06)):
        cloud(s, x + rng.uniform(-0.03, 0.03), y, size, opacity=0.85)
    s.disc(0.45, 0.30, 0.16, "#fffbe0", 0.05, 0.55)
    s.disc(0.45, 0.30, 0.065, "#fff3b8")
    s.sky([(0.47, "#2f9ec4"), (0.62, "#45b8cd"), (0.75, "#8fdcd6")], 0.47, 0.76)
    s.curve(
        lambda x: (
            0.478 - 0.05 * np.exp(-(((x - 0.98) / 0.16) ** 2)) - 0.03 * np.exp(-(((x - 0.8) / 0.09) ** 2)) + 0.02 * (x < 0.6)
        ),
        "#5d9f8a",
        0,
        0.0,
    )
    for _ in range(60):
        x, y = rng.uniform(0, 1), rng.uniform(0.49, 0.69)
        length = rng.uniform(0.01, 0.05) * (0.4 + 3 * (y - 0.47))
        s.bar(x, y, x + length, y + 0.004, "#b5ece6", 0.002)
    for x, y, size, sail in ((0.68, 0.50, 0.11, "#ffffff"), (0.25, 0.492, 0.07, "#ffe0cf")):
        s.shape([(x, y - size), (x, y), (x + size * 0.38, y)], sail)
        s.shape([(x - 0.004, y - size * 0.85), (x - 0.004, y), (x - size * 0.25, y)], "#f2705f")
        s.shape(
            [
                (x - size * 0.33, y + 0.006),
                (x + size * 0.42, y + 0.006),
                (x + size * 0.3, y + size * 0.2),
                (x - size * 0.22, y + size * 0.2),
            ],
            "#7d4a35",
        )
    s.curve(lambda x: 0.712 + 0.012 * np.sin(5 * np.pi * x + 0.5), "#eafaf3")
    s.curve(lambda x: 0.73 + 0.012 * np.sin(5 * np.pi * x + 0.3), "#dcbf8e")
    s.sky([(0.745, "#f2d7a0"), (1.0, "#e3bd7e")], 0.77, 1.0)
    s.curve(lambda x: 0.748 + 0.012 * np.sin(5 * np.pi * x + 0.1), "#f2d7a0")
    s.sky([(0.77, "#f2d7a0"), (1.0, "#e3bd7e")], 0.78, 1.0)
    for _ in range(160):
        s.disc(rng.uniform(0, 1), rng.uniform(0.78, 1.0), rng.uniform(0.001, 0.003), ("#cfa468", "#fbe9c2")[int(rng.integers(2))])
    t = np.linspace(0, 1, 16)  # palm: a bent trunk and seven leaves
    bend_x, bend_y = 0.045 + 0.045 * t**1.7, 0.80 - 0.60 * t
    thick = 0.013 - 0.005 * t
    s.shape([*zip(bend_x - thick, bend_y, strict=True), *zip((bend_x + thick)[::-1], bend_y[::-1], strict=True)], "#a9744a")
    for k in range(1, 15):
        s.bar(bend_x[k] - thick[k], bend_y[k], bend_x[k] + thick[k], bend_y[k] + 0.006, "#8a5b39")
    for angle, shade in (
        (-2.9, "#2f8f5b"),
        (0.2, "#2f8f5b"),
        (-2.35, "#3ba566"),
        (-0.45, "#3ba566"),
        (2.75, "#379b60"),
        (0.75, "#379b60"),
        (-1.4, "#4fb873"),
    ):
        u = np.linspace(0, 1, 14)
        length = 0.29
        rib_x, rib_y = 0.09 + np.cos(angle) * length * u * 0.5625, 0.20 + np.sin(angle) * length * u * 0.8 + 0.16 * u**2
        width = 0.042 * np.sin(np.pi * np.clip(u * 0.97 + 0.03, 0, 1)) ** 0.7
        s.shape([*zip(rib_x, rib_y - width * 0.5, strict=True), *zip(rib_x[::-1], (rib_y + width)[::-1], strict=True)], shade)
    for dx, dy in ((-0.010, 0.02), (0.012, 0.022), (0.001, 0.034)):
        s.disc(0.09 + dx, 0.2 + dy, 0.017, "#7d5233")
    s.shape([(0.936, 0.34), (0.941, 0.34), (0.926, 0.80), (0.919, 0.80)], "#f7f1e3")  # parasol
    shades = ("#ef6a5b", "#fff4e0", "#e2584b", "#fff4e0", "#ef6a5b")
    for i, shade in enumerate(shades):
        a = np.pi * (1 - np.linspace(i, i + 1, 10) / len(shades))
        rim_x, rim_y = 0.939 + 0.10 * np.cos(a), 0.36 - 0.02 * np.cos(a) - 0.03 * np.sin(np.linspace(0, np.pi, 10))
        dome = np.linspace(0, 1, 10)
        left = zip(
            0.939 + 0.10 * np.cos(a[0]) * np.sin(dome * np.pi / 2),
            0.2 + (rim_y[0] - 0.2) * (1 - np.cos(dome * np.pi / 2)),
            strict=True,
        )
        right = zip(
            0.939 + 0.10 * np.cos(a[-1]) * np.sin(dome * np.pi / 2),
            0.2 + (rim_y[-1] - 0.2) * (1 - np.cos(dome * np.pi / 2)),
            strict=True,
        )
        s.shape([*left, *zip(rim_x, rim_y, strict=True), *list(right)[::-1]], shade)
    s.disc(0.925, 0.80, 0.05, "#8a6a3d", 0.012, 0.4, 0.25)


def meadow(s: Sketch, rng: np.random.Generator) -> None:
    """A meadow at dusk: pink sky, hills, birches, paper lanterns, a pond."""
    s.sky([(0.0, "#28406e"), (0.3, "#6a6aa8"), (0.5, "#d98fa0"), (0.66, "#ffcf9e")], 0, 0.72)
    for x, y, r in zip(rng.uniform(0, 1, 40), rng.uniform(0, 0.3, 40), rng.uniform(0.0014, 0.0036, 40), strict=True):
        s.disc(x, y, r, ("#e8e2e4", "#b6b6d2", "#8f96bf")[int(rng.integers(3))])
    for x, y, size in ((0.22, 0.3, 0.06), (0.74, 0.22, 0.075)):
        cloud(s, x, y, size, "#f6b3ad", 0.55)
    s.disc(0.36, 0.6, 0.2, "#ffe9b8", 0.06, 0.6)
    s.disc(0.36, 0.6, 0.085, "#fff1cd")
    s.curve(lambda x: 0.57 - 0.08 * np.sin(2.3 * np.pi * x + 2.2), "#77699b")
    s.curve(lambda x: 0.63 - 0.05 * np.sin(2.1 * np.pi * x + 5.2), "#5b6a8c")
    for x, size in ((0.10, 0.2), (0.16, 0.26), (0.235, 0.17), (0.80, 0.2), (0.86, 0.27), (0.93, 0.2)):
        base = 0.72
        for step in range(3):  # firs
            top, low, half = base - size * (1 - 0.27 * step), base - size * (0.48 - 0.24 * step), size * (0.13 + 0.05 * step)
            s.shape([(x, top), (x + half, low), (x - half, low)], "#34566b")
    s.curve(lambda x: 0.70 - 0.015 * np.sin(3.0 * np.pi * x), "#4d7a63")
    s.sky([(0.74, "#5b8f66"), (1.0, "#37664f")], 0.76, 1.0)
    s.curve(lambda x: 0.752 + 0.008 * np.sin(4.0 * np.pi * x), "#5b8f66", 0.01)
    s.sky([(0.775, "#5b8f66"), (1.0, "#37664f")], 0.775, 1.0)
    s.disc(0.5, 0.9, 0.62, "#f2d79a", 0.05, 0.32, 0.2)
    for _ in range(70):  # tufts of grass and a few flowers
        x, y = rng.uniform(0, 1), rng.uniform(0.77, 0.99)
        for lean in (-0.006, 0.0, 0.006):
            s.shape([(x - 0.0022, y), (x + lean, y - 0.03), (x + 0.0022, y)], ("#6ea676", "#447a58")[int(rng.integers(2))])
        if rng.random() < 0.3:
            s.disc(x + 0.006, y - 0.03, 0.007, ("#ffd9e6", "#fff3c0", "#d7c8ff")[int(rng.integers(3))])
    t = np.linspace(-0.02, 1.02, 120)
    rope = 0.05 + 0.10 * (1 - (2 * t - 1) ** 2)
    s.brush.line(s.px(zip(t, rope, strict=True)), fill=s.colour("#30345a"), width=max(1, s.height // 260))
    for i, (x, y) in enumerate(list(zip(t, rope, strict=True))[9:-4:14]):
        paper = ("#ff9a76", "#ffd27a", "#f58aa0", "#ffe6a6")[i % 4]
        s.disc(x, y + 0.05, 0.085, paper, 0.03, 0.45)
        s.disc(x, y + 0.05, 0.037, paper)
        s.disc(x, y + 0.055, 0.020, "#fff7de", 0.008, 0.8)
        s.bar(x - 0.008, y + 0.008, x + 0.008, y + 0.02, "#7a4f57")
        s.bar(x - 0.008, y + 0.081, x + 0.008, y + 0.091, "#7a4f57")
