"""The square of a picture that the lip networks see: where it lies, its upright crop, and points in it.

The middle of the 20 mouth points (iBUG 48-67) is in the middle of the crop, a little above it, and the mouth corners of a usual face are
0.58 of its side apart, level. Training crops are framed so, and so must be every photo whose lips shall speak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CORNERS = (0, 6)  # of the 20 points
WIDTH_SHARE = 0.58  # distance of the corners, as a share of the side
MIDDLE = (0.5, 0.492)  # of the points, as shares of the side from the left and the top
FINER = 2  # a crop is cut in so many times its size and averaged down, against aliases


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


def framed(middle: np.ndarray, corners: float, angle: float) -> tuple[np.ndarray, float]:
    """The middle (..., 2) and the side of the square around a mouth, in its pixels.

    Args:
        middle: of the 20 points, (..., 2).
        corners: their distance.
        angle: radians, positive where the right corner is lower.
    """
    side = corners / WIDTH_SHARE
    right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    return middle + side * ((0.5 - MIDDLE[0]) * right + (0.5 - MIDDLE[1]) * down), side


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
    turned = padded.transform(
        (fine, fine), Image.Transform.AFFINE, (cos, -sin, first_x, sin, cos, first_y), Image.Resampling.BICUBIC
    )
    return np.asarray(turned.resize((size_px, size_px), Image.Resampling.BOX))


def into_crop(points: np.ndarray, box: MouthBox, width: int, height: int, size_px: int) -> np.ndarray:
    """Points (..., 2) in pixels of the frame -> in pixels of the crop that :func:`cut` makes."""
    x, y, side, angle = box.pixels(width, height)
    moved = (np.asarray(points, np.float64) - (x, y)) / side
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([cos * moved[..., 0] + sin * moved[..., 1], cos * moved[..., 1] - sin * moved[..., 0]], -1)
    return ((turned + 0.5) * size_px).astype(np.float32)


def out_of_crop(points: np.ndarray, box: MouthBox, width: int, height: int, size_px: int) -> np.ndarray:
    """Inverse of :func:`into_crop`: points (..., 2) in pixels of the crop -> in pixels of the frame."""
    x, y, side, angle = box.pixels(width, height)
    moved = (np.asarray(points, np.float64) / size_px - 0.5) * side
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x + cos * moved[..., 0] - sin * moved[..., 1], y + sin * moved[..., 0] + cos * moved[..., 1]], -1)
