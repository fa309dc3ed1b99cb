"""Where the mouth is in a face video, and its upright crop as the lip networks expect it (:mod:`avdemo.media.mouths` has the framing)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from avdemo.media.mouths import CORNERS, MIDDLE, WIDTH_SHARE, MouthBox, cut, framed, into_crop

__all__ = ["MIDDLE", "WIDTH_SHARE", "FindMouth", "MouthBox", "cut", "follow", "into_crop"]

STEADY = 9  # frames over which the middle of the box is averaged, so that it follows the head and not the lips
LEAST_FOUND = 0.5  # of the frames: with fewer, landmarks are not to be trusted

FindMouth = Callable[[np.ndarray], np.ndarray | None]
"""A landmark detector: frame (H, W, 3) uint8 -> the 20 mouth points (20, 2) in pixels, iBUG 48-67, or None without a face."""


def follow(points: np.ndarray, width: int, height: int) -> list[MouthBox] | None:
    """The box of each frame, from landmarks (T, 20, 2) in pixels with NaN where none were found; None when too few were found.

    Size and angle are the clip's medians; the place follows the mouth, smoothly. Frames without landmarks take over from those beside.
    """
    found = np.isfinite(points).all((1, 2))
    if found.mean() < LEAST_FOUND:
        return None
    known = points[found].astype(np.float64)
    across = known[:, CORNERS[1]] - known[:, CORNERS[0]]
    corners = float(np.median(np.hypot(across[:, 0], across[:, 1])))
    angle = float(np.median(np.arctan2(across[:, 1], across[:, 0])))
    times, middles = np.arange(len(points)), known.mean(1)
    path = np.stack([np.interp(times, np.flatnonzero(found), middles[:, axis]) for axis in (0, 1)], 1)
    half = min(STEADY, len(path)) // 2
    padded = np.pad(path, ((half, half), (0, 0)), mode="edge")
    steady = np.stack([padded[t : t + 2 * half + 1].mean(0) for t in range(len(path))])
    centres, side = framed(steady, corners, angle)
    return [MouthBox(float(x) / width, float(y) / height, side / height, angle) for x, y in centres]
