"""The generated mouth back into its photo: scaled, turned, its colours matched at the border, and blended so that no edge shows.

What the network changed is added to the photo, not pasted over it: where nothing moves, the photo keeps its own sharpness, and at the
border of the square nothing is added at all.
"""

from __future__ import annotations

import numpy as np

from avdemo.media.mouths import MouthBox

RING = 1 / 16  # of the side: the border by which colours are matched
SOFT = 0.22  # of the side: over which the change comes in
CORNER = 0.5  # 0: a square with hard corners, 1: a circle
STILL, MOVED = 6.0, 26.0  # grey levels: a change under which the photo's own detail stays, and above which it goes


class Blender:
    """Frames of the mouth -> frames of the photo.

    Args:
        picture: the photo, uint8 (H, W, 3).
        box: where the mouth is.
        crop: what the network was given, uint8 (S, S, 3).
    """

    def __init__(self, picture: np.ndarray, box: MouthBox, crop: np.ndarray):
        self.picture, self.size = picture, len(crop)
        self.crop = crop.astype(np.float32)
        height, width = picture.shape[:2]
        x, y, side, angle = box.pixels(width, height)
        reach = side / 2 * (abs(np.cos(angle)) + abs(np.sin(angle))) + 2
        self.left, self.top = max(0, int(x - reach)), max(0, int(y - reach))
        self.right, self.bottom = min(width, int(x + reach) + 1), min(height, int(y + reach) + 1)
        cos, sin = np.cos(angle) * side / self.size, np.sin(angle) * side / self.size
        middle = (self.size - 1) / 2
        # pixel of the crop -> pixel of the part of the photo; whole numbers are the middles of pixels
        self.to_photo = np.array([
            [cos, -sin, x - 0.5 - self.left - cos * middle + sin * middle], [sin, cos, y - 0.5 - self.top - sin * middle - cos * middle],
        ], np.float32)  # fmt: skip
        self.shown = soft_mask(self.size)  # (S, S, 1)
        self.plane, self.solve = _ring_plane(self.size)
        self.base = picture[self.top : self.bottom, self.left : self.right].astype(np.float32)
        self.detail = self.base - self._warp(self.crop, edge=True)

    def change(self, frame: np.ndarray) -> np.ndarray:
        """What a frame (S, S, 3) uint8 changes, its colours matched at the border: float32 (S, S, 3), 0 at the border."""
        found = frame.astype(np.float32) - self.crop
        slope = self.solve @ found.reshape(-1, 3)  # (3 of the plane, 3 colours)
        return (found - (self.plane @ slope).reshape(found.shape)) * self.shown

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """A frame of the mouth, uint8 (S, S, 3) -> the photo with it, uint8 (H, W, 3), the caller's own."""
        import cv2

        change = self.change(frame)
        moved = np.clip((np.abs(change).max(2) - STILL) / (MOVED - STILL), 0, 1)
        moved = cv2.GaussianBlur(cv2.dilate(moved, np.ones((3, 3), np.uint8)), (5, 5), 0)[..., None] * self.shown
        both = self._warp(np.concatenate([change, moved], 2))
        out = self.picture.copy()
        blended = self.base + both[..., :3] - self.detail * np.clip(both[..., 3:], 0, 1)
        out[self.top : self.bottom, self.left : self.right] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)
        return out

    def _warp(self, small: np.ndarray, *, edge: bool = False) -> np.ndarray:
        import cv2

        size = self.right - self.left, self.bottom - self.top
        border = cv2.BORDER_REPLICATE if edge else cv2.BORDER_CONSTANT
        return cv2.warpAffine(np.ascontiguousarray(small), self.to_photo, size, flags=cv2.INTER_CUBIC, borderMode=border)


def soft_mask(size: int) -> np.ndarray:
    """How much of a change is shown, float32 (S, S, 1): 1 inside, smoothly to 0 two pixels before the border, corners rounded."""
    at = np.abs((np.arange(size) + 0.5) / size * 2 - 1)
    square = np.maximum(at[:, None], at[None])
    circle = np.sqrt(np.square(at[:, None]) + np.square(at[None]))
    distance = (1 - CORNER) * square + CORNER * circle / (1 + (np.sqrt(2) - 1) * (1 - CORNER))
    inside = np.clip((1 - 4 / size - np.maximum(distance, square)) / (2 * SOFT), 0, 1)
    return (inside * inside * (3 - 2 * inside)).astype(np.float32)[..., None]


def _ring_plane(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A plane's values at all pixels (S^2, 3), and what fits a plane to the ring of a picture (3, S^2) by least squares."""
    at = (np.arange(size) + 0.5) / size * 2 - 1
    rows, columns = np.meshgrid(at, at, indexing="ij")
    plane = np.stack([np.ones(size * size), columns.ravel(), rows.ravel()], 1)
    ring = np.maximum(np.abs(rows), np.abs(columns)).ravel() > 1 - 2 * RING
    solve = np.zeros((3, size * size))
    solve[:, ring] = np.linalg.pinv(plane[ring])
    return plane.astype(np.float32), solve.astype(np.float32)
