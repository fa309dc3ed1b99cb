"""Drawn pictures of nothing in particular: blots, bars, balls and lines before plain or shaded grounds.

Many scenes that a network learns its kinds from are drawn. Without these it would take whatever is drawn for one of the kinds.
"""

from __future__ import annotations

import cv2
import numpy as np

SHAPES = 1, 9  # in a picture


def doodle(rng: np.random.Generator, size: int) -> np.ndarray:
    """One picture, uint8 (size, size, 3) RGB."""
    big = 2 * size  # drawn larger, so that edges are smooth
    canvas = _ground(rng, big)
    for _ in range(rng.integers(*SHAPES)):
        color = tuple(int(c) for c in rng.integers(0, 256, 3))
        x, y = (int(v) for v in rng.integers(0, big, 2))
        length = int(big * rng.uniform(0.03, 0.35))
        width = -1 if rng.random() < 0.7 else int(rng.integers(1, 9))
        match rng.integers(5):
            case 0:
                cv2.circle(canvas, (x, y), length // 2, color, width, cv2.LINE_AA)
            case 1:
                axes = (length, max(2, int(length * rng.uniform(0.2, 1))))
                cv2.ellipse(canvas, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, color, width, cv2.LINE_AA)
            case 2:
                cv2.rectangle(canvas, (x, y), (x + length, y + int(length * rng.uniform(0.1, 2))), color, width, cv2.LINE_AA)
            case 3:
                corners = np.array([x, y]) + rng.integers(-length, length + 1, (int(rng.integers(3, 8)), 2))
                cv2.fillPoly(canvas, [corners.astype(np.int32)], color, cv2.LINE_AA)
            case _:
                ends = [int(v) for v in rng.integers(0, big, 2)]
                cv2.line(canvas, (x, y), (ends[0], ends[1]), color, int(rng.integers(1, 16)), cv2.LINE_AA)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """One colour, or two that run into each other, with or without a floor and grain."""
    first, second = rng.integers(0, 256, (2, 3)).astype(np.float32)
    angle, plain = rng.uniform(0, 2 * np.pi), rng.random() < 0.4
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    share = 0.0 * across if plain else (1 + np.cos(angle) * across + np.sin(angle) * down).clip(0, 2) / 2
    canvas = first + (second - first) * share[..., None]
    if rng.random() < 0.5:
        canvas[int(size * rng.uniform(0.5, 0.9)) :] = rng.integers(0, 256, 3)
    grain = rng.normal(0, rng.uniform(0, 12), canvas.shape) if rng.random() < 0.5 else 0
    return (canvas + grain).round().clip(0, 255).astype(np.uint8)
