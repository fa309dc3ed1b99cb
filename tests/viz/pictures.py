"""Small helpers that several tests of pictures share."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from avdemo.viz.palette import rgb


def share_of(picture: np.ndarray, colour: str, tolerance: int = 6) -> float:
    """Share of the pixels that have (about) this colour."""
    off = np.abs(picture.astype(int) - np.array(rgb(colour))).max(axis=-1)
    return float((off <= tolerance).mean())


def cpu_ms(draw: Callable[[], object], times: int = 5) -> float:
    """Least processor time of several calls, after one that fills caches; does not depend on what else the machine does."""
    draw()
    taken = []
    for _ in range(times):
        start = time.thread_time()
        draw()
        taken.append(time.thread_time() - start)
    return min(taken) * 1000


def photo(width: int = 1280, height: int = 720) -> np.ndarray:
    """A frame with structure and every brightness."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=-1).astype(np.uint8)
