"""Where the mouth is in a face video, and its upright crop as the lip networks expect it.

The framing is that of the training crops: the middle of the 20 mouth points in the middle of the crop, a little above it, and the
mouth corners of a usual face 0.58 of the side apart, level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CORNERS = (0, 6)  # of the 20 points
WIDTH_SHARE = 0.58  # distance of the corners, as a share of the side
MIDDLE = (0.5, 0.492)  # of the points, as shares of the side from the left and the top
STEADY = 9  # frames over which the middle of the box is averaged, so that it follows the head and not the lips
FINER = 2  # a crop is cut in so many times its size and averaged down, against aliases
LEAST_FOUND = 0.5  # of the frames: with fewer, landmarks are not to be trusted

FindMouth = Callable[[np.ndarray], np.ndarray | None]
"""A landmark detector: frame (H, W, 3) uint8 -> the 20 mouth points (20, 2) in pixels, iBUG 48-67, or None without a face."""


@dataclass(frozen=True)
class MouthBox:
    """A square in a frame of (width, height) pixels, by shares of them, so that it fits any size of the same picture.

    ``side`` is a share of the height. ``angle`` turns it about its middle, in radians, positive where the right corner is lower.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Middle x, middle y and side in pixels, and the angle."""
        return self.x * width, self.y * height, self.side * height, self.angle


def follow(points: np.ndarray, width: int, height: int) -> list[MouthBox] | None:
    """The box of each frame, from landmarks (T, 20, 2) in pixels with NaN where none were found; None when too few were found.

    Size and angle are the clip's medians; the place follows the mouth, smoothly. Frames without landmarks take over from those beside.
    """
    found = np.isfinite(points).all((1, 2))
    if found.mean() < LEAST_FOUND:
        return None
    known = points[found].astype(np.float64)
    across = known[:, CORNERS[1]] - known[:, CORNERS[0]]
    side = float(np.median(np.hypot(across[:, 0], across[:, 1]))) / WIDTH_SHARE
    angle = float(np.median(np.arctan2(across[:, 1], across[:, 0])))
    times, middles = np.arange(len(points)), known.mean(1)
    path = np.stack([np.interp(times, np.flatnonzero(found), middles[:, axis]) for axis in (0, 1)], 1)
    half = min(STEADY, len(path)) // 2
    padded = np.pad(path, ((half, half), (0, 0)), mode="edge")
    steady = np.stack([padded[t : t + 2 * half + 1].mean(0) for t in range(len(path))])
    right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    centres = steady + side * ((0.5 - MIDDLE[0]) * right + (0.5 - MIDDLE[1]) * down)
    return [MouthBox(float(x) / width, float(y) / height, side / height, angle) for x, y in centres]


def cut(frame: np.ndarray, box: MouthBox, size_px: int) -> np.ndarray:
    """Frame (H, W, 3) uint8 -> the box, upright, (size_px, size_px, 3); beyond the frame's edge its last pixels go on."""
    from PIL import Image

    height, width = frame.shape[:2]
    x, y, side, angle = box.pixels(width, height)
    edge = int(np.ceil(side))
    padded = Image.fromarray(np.pad(frame, ((edge, edge), (edge, edge), (0, 0)), mode="edge"))
    fine = FINER * size_px
    step = side / fine
    cos, sin = step * np.cos(angle), step * np.sin(angle)
    # PIL asks for the source of each target pixel's middle: source = middle + turn (target - middle of the target)
    first_x = x + edge - (cos - sin) * fine / 2
    first_y = y + edge - (sin + cos) * fine / 2
    turned = padded.transform((fine, fine), Image.Transform.AFFINE, (cos, -sin, first_x, sin, cos, first_y), Image.Resampling.BICUBIC)
    return np.asarray(turned.resize((size_px, size_px), Image.Resampling.BOX))


def into_crop(points: np.ndarray, box: MouthBox, width: int, height: int, size_px: int) -> np.ndarray:
    """Points (..., 2) in pixels of the frame -> in pixels of the crop that :func:`cut` makes."""
    x, y, side, angle = box.pixels(width, height)
    moved = (np.asarray(points, np.float64) - (x, y)) / side
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([cos * moved[..., 0] + sin * moved[..., 1], cos * moved[..., 1] - sin * moved[..., 0]], -1)
    return ((turned + 0.5) * size_px).astype(np.float32)
