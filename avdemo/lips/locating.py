"""The finder of mouth points as a tool: it looks through a square, says how the square should lie, and how sure it is of a mouth in it."""

from __future__ import annotations

import numpy as np

from avdemo.checkpoints.running import Model
from avdemo.lips.models import at_work
from avdemo.media.mouths import CORNERS, MouthBox, cut, framed, out_of_crop

ROUNDS = 4  # of looking and moving the square
FARTHEST = 0.45  # of the first square's side: how far the found mouth may be from it
LARGEST = 1.7  # how much larger or smaller it may become
NUDGE = 0.05  # of the side: by how much the square is moved to see whether the points stay with the mouth
UPPER_LIP = 3  # of the 20 points: the middle of the upper lip's outline
BATCH = 64


class Locator:
    """See the module.

    Args:
        model: of a compact network, which has a finder.
    """

    def __init__(self, model: Model):
        self.model, self.size = model, model.network.config.size

    def points(self, crops: np.ndarray) -> np.ndarray:
        """Crops (N, S, S, 3) uint8 -> mouth points (N, 20, 2) float32 in their pixels."""
        import torch

        found = []
        with at_work(self.model):
            for first in range(0, len(crops), BATCH):
                batch = torch.from_numpy(np.array(crops[first : first + BATCH])).to(self.model.device)
                found.append(self.model.network.finder(batch.permute(0, 3, 1, 2).float() / 127.5 - 1).float().cpu().numpy())
        return np.concatenate(found)

    def refined(self, picture: np.ndarray, start: MouthBox) -> MouthBox | None:
        """The square moved, scaled and turned so that the mouth lies in it as in training; None when that leads far away."""
        height, width = picture.shape[:2]
        box = start
        for _ in range(ROUNDS):
            found = out_of_crop(self.points(cut(picture, box, self.size)[None])[0], box, width, height, self.size)
            across = found[CORNERS[1]] - found[CORNERS[0]]
            angle = float(np.arctan2(across[1], across[0]))
            middle, side = framed(found.mean(0), float(np.hypot(*across)), angle)
            x, y, first_side, first_angle = start.pixels(width, height)
            if np.hypot(middle[0] - x, middle[1] - y) > FARTHEST * first_side:
                return None
            if not 1 / LARGEST < side / first_side < LARGEST or abs(angle - first_angle) > np.pi / 4:
                return None
            box = MouthBox(float(middle[0]) / width, float(middle[1]) / height, side / height, angle)
        return box

    def sureness(self, picture: np.ndarray, box: MouthBox) -> float:
        """How far the points stay with what is in the square when the square is nudged: 1 if altogether, 0 if they move along with it.

        On anything but a mouth the finder answers with the usual mouth, wherever it looks.
        """
        height, width = picture.shape[:2]
        step = NUDGE * box.side
        nudges = ((step * height / width, 0.0), (-step * height / width, 0.0), (0.0, step), (0.0, -step))
        crops = [cut(picture, MouthBox(box.x + right, box.y + down, box.side, box.angle), self.size) for right, down in nudges]
        middles = self.points(np.stack(crops)).mean(1) / self.size  # (4, 2)
        turn = np.array([[np.cos(box.angle), np.sin(box.angle)], [-np.sin(box.angle), np.cos(box.angle)]])
        seen = np.stack([middles[1] - middles[0], middles[3] - middles[2]]) / (2 * NUDGE)  # in the crop's axes, (2 nudges, 2)
        return float(min(seen[0] @ turn[:, 0], seen[1] @ turn[:, 1]))

    def lopsidedness(self, picture: np.ndarray, box: MouthBox) -> float:
        """How far the upper lip's middle is from the middle of the corners, as a share of their distance: 0 for a face from the front."""
        found = self.points(cut(picture, box, self.size)[None])[0]
        left, right = found[CORNERS[0]], found[CORNERS[1]]
        across = right - left
        along = float((found[UPPER_LIP] - (left + right) / 2) @ across / max(1e-6, float(across @ across)))
        return abs(along)

    def corners_px(self, picture: np.ndarray, box: MouthBox) -> float:
        """Distance of the mouth's corners in pixels of the picture."""
        found = self.points(cut(picture, box, self.size)[None])[0]
        return float(np.hypot(*(found[CORNERS[1]] - found[CORNERS[0]]))) / self.size * box.side * picture.shape[0]
