"""Where faces are in a photo: the local binary pattern cascade that scikit-image carries. It works offline and knows faces from the front.

It gives a square from the brows to the chin, nothing finer; :mod:`avdemo.lips.framing` looks into it for the mouth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

LOOK_SIDES = (
    384,
    256,
)  # px of the longer side at which a photo is searched: two, since the cascade's steps miss faces between them
SMALLEST = 1 / 14  # of the longer side, side of the smallest face
LARGER = 1.2  # from one size to the next
AGREE = 3  # overlapping finds that make one face
TURNS_DEG = (0.0, -24.0, 24.0)  # tilts to look for, one after the other until there is a face
SAME = 0.35  # share of their union that two squares have in common when they are one face
MOUTH = (0.5, 0.79, 0.44)  # of a face's square: the mouth's middle from left and top, and the distance of its corners


@dataclass(frozen=True)
class Face:
    """A square, turned about its middle by ``angle`` (radians, positive where its right side is lower); pixels of the picture."""

    x: float  # of the middle
    y: float
    side: float
    angle: float = 0.0

    def place(self, right: float, down: float) -> tuple[float, float]:
        """Shares of the square from its left and its top -> pixels of the picture."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        across, along = (right - 0.5) * self.side, (down - 0.5) * self.side
        return float(self.x + cos * across - sin * along), float(self.y + sin * across + cos * along)


def find_faces(picture: np.ndarray, turn_deg: float = 0.0) -> list[Face]:
    """Faces that look at the camera, the largest first.

    Args:
        picture: uint8 (H, W, 3).
        turn_deg: how far the heads are tilted, clockwise; 15 degrees more or less do no harm.
    """
    return distinct([face for side in LOOK_SIDES for face in _search(picture, side, np.deg2rad(turn_deg))])


def distinct(faces: Sequence[Face]) -> list[Face]:
    """Without those that are nearly another, larger one; the largest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.side):
        if not any(_overlap(face, other) > SAME for other in kept):
            kept.append(face)
    return kept


def _overlap(one: Face, other: Face) -> float:
    """Common share of the union of two squares, as if they were level."""
    reach = (one.side + other.side) / 2
    sides = [min(one.side, other.side, max(0.0, reach - abs(a - b))) for a, b in ((one.x, other.x), (one.y, other.y))]
    common = sides[0] * sides[1]
    return common / (one.side**2 + other.side**2 - common)


def _search(picture: np.ndarray, look_px: int, turn: float) -> Iterator[Face]:
    """Faces in the picture, shrunk or enlarged to ``look_px`` and turned by ``-turn`` radians, so that heads with that tilt are upright."""
    from PIL import Image

    height, width = picture.shape[:2]
    scale = look_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
    if turn:
        small = small.rotate(np.rad2deg(turn), Image.Resampling.BILINEAR, fillcolor=(127, 127, 127))
    least = max(24, round(SMALLEST * look_px))
    finds = _cascade().detect_multi_scale(
        img=np.asarray(small), scale_factor=LARGER, step_ratio=1, min_size=(least, least), max_size=(look_px, look_px),
        min_neighbor_number=AGREE,
    )  # fmt: skip
    cos, sin = np.cos(turn), np.sin(turn)
    for find in finds:
        side = float(find["width"])
        right, down = find["c"] + side / 2 - size[0] / 2, find["r"] + side / 2 - size[1] / 2
        x, y = cos * right - sin * down + size[0] / 2, sin * right + cos * down + size[1] / 2
        yield Face(x / scale, y / scale, side / scale, float(turn))


@lru_cache(maxsize=1)
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())
