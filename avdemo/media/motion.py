"""What moves in a video, and how far: dense optical flow between small grey pictures, on a coarse grid.

The flow is DIS (Kroeger et al. 2016, OpenCV's ``DISOpticalFlow``) on pictures of :data:`SIDE` px, refined down to half of that, which is
the grid, and without its variational step: a quarter of a millisecond a frame. (One level finer follows the loudness of made scenes
no better and takes three times as long.) Training data and people's videos go through the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

SIDE = 56  # px, side of the grey pictures that are compared
GRID = 28  # cells a side of the result
CELL = SIDE // GRID  # px of a grey picture that a cell covers, each way
assert GRID * CELL == SIDE
FURTHEST = 8.0  # cells; where a scene is cut the search runs astray, and nothing that is followed moves further than this


@cache
def _cv2():
    """OpenCV on one thread: pictures this small lose more than they gain by more."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


def grey(frame: np.ndarray) -> np.ndarray:
    """Brightness of a frame at the size that flow is measured at.

    Args:
        frame: uint8 (H, W, 3) RGB, any size; the two sides are scaled apart, so give a square one (the middle of the picture).

    Returns:
        uint8 (SIDE, SIDE).
    """
    cv2 = _cv2()
    shade = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    if shade.shape == (SIDE, SIDE):
        return shade
    shrinks = min(shade.shape) >= SIDE
    return cv2.resize(shade, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


class FlowMeter:
    """Measures frame after frame; it keeps one small picture, so a video may be as long as it likes.

    ::

        meter = FlowMeter()
        for frame in frames:
            moved = meter(frame)   # float32 (GRID, GRID, 2)
    """

    def __init__(self) -> None:
        cv2 = _cv2()
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._search.setFinestScale(1)
        self._search.setPatchStride(3)
        self._search.setVariationalRefinementIterations(0)
        self._before: np.ndarray | None = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """How far what is seen in each cell has come since the frame before.

        Args:
            frame: uint8 (H, W, 3) RGB, see :func:`grey`.

        Returns:
            float32 (GRID, GRID, 2): right and down, in cells (1/GRID of the picture's side), within :data:`FURTHEST`; zeros for the
            first frame and for one that is the same as the one before.
        """
        cv2 = _cv2()
        before, self._before = self._before, grey(frame)
        if before is None or np.array_equal(before, self._before):
            return np.zeros((GRID, GRID, 2), np.float32)
        # From now to then, and turned round: so the motion stands where the thing is now, which is where the frame shows it.
        back = self._search.calc(self._before, before, None)
        small = cv2.resize(back, (GRID, GRID), interpolation=cv2.INTER_AREA)
        return np.clip(small * np.float32(-1 / CELL), -FURTHEST, FURTHEST)


def flow(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Flow of a whole video or window.

    Args:
        frames: uint8 (T, H, W, 3) RGB.

    Returns:
        float32 (T, GRID, GRID, 2), see :class:`FlowMeter`; the first is zero.
    """
    meter = FlowMeter()
    return np.stack([meter(frame) for frame in frames]) if len(frames) else np.zeros((0, GRID, GRID, 2), np.float32)


def motion_energy(moved: np.ndarray) -> np.ndarray:
    """How much moves in each frame: mean length of the flow in cells, (T, GRID, GRID, 2) -> (T,) float32."""
    return np.hypot(moved[..., 0], moved[..., 1]).mean((1, 2)).astype(np.float32)
