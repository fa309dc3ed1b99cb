"""Does the energy map point at what sounds?

An energy map is (h, w), non-negative, any unit and any grid (14 x 14 in the paper): cell (i, j) covers the rectangle of the frame
that the grid gives it. A box is in pixels of the frame. Nothing is interpolated: the map is scored at the resolution it has.

- Pointing accuracy: the share of maps whose loudest cell has its centre inside the true box (the "pointing game" of Zhang et al.
  2016, "Top-down neural attention by excitation backprop", without its 15-pixel tolerance).
- Energy shares: how much of the map's energy lies in the own box, in others' boxes, on the background; they sum to 1.
- IoU: intersection over union of the cells louder than a fraction of the loudest with the box, both as areas (Senocak et al.
  2018, "Learning to localize sound source in visual scenes", there with the fraction 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright frame; the right and lower edges are outside."""

    x_px: float
    y_px: float
    w_px: float
    h_px: float

    def contains(self, x_px: float, y_px: float) -> bool:
        """Whether a point lies in it."""
        return bool(self.x_px <= x_px < self.x_px + self.w_px and self.y_px <= y_px < self.y_px + self.h_px)


@dataclass(frozen=True)
class Shares:
    """Where a map's energy lies; fractions that sum to 1."""

    own: float
    others: float
    background: float


def peak_px(energy: ArrayLike, width_px: float, height_px: float) -> tuple[float, float]:
    """Centre (x, y) in pixels of the loudest cell; of equals, the first in reading order."""
    grid = _grid(energy)
    row, column = np.unravel_index(int(grid.argmax()), grid.shape)
    return float(column + 0.5) * width_px / grid.shape[1], float(row + 0.5) * height_px / grid.shape[0]


def points_at(energy: ArrayLike, box: Box, width_px: float, height_px: float) -> bool:
    """Whether the loudest cell's centre lies in the box; a map that is zero everywhere points at nothing."""
    return bool(_grid(energy).max() > 0) and box.contains(*peak_px(energy, width_px, height_px))


def pointing_accuracy(hits: Sequence[bool]) -> float:
    """Share of True, in [0, 1]; NaN of nothing."""
    return float(np.mean(hits)) if len(hits) else float("nan")


def energy_shares(energy: ArrayLike, own: Box, others: Sequence[Box], width_px: float, height_px: float) -> Shares:
    """Split the map's energy; a cell cut by a box counts by area.

    Where boxes overlap, the own box wins. A map that is zero everywhere gives three NaN.
    """
    grid = _grid(energy)
    total = grid.sum()
    if total <= 0:
        return Shares(float("nan"), float("nan"), float("nan"))
    # Over the pixels' own grid of edges every box is a union of whole rectangles, so that overlaps are counted once.
    xs, ys = _edges([own, *others], grid.shape[1], width_px, 0), _edges([own, *others], grid.shape[0], height_px, 1)
    x_mid, y_mid = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
    area = np.diff(ys)[:, None] * np.diff(xs)[None]
    rows = np.minimum((y_mid * grid.shape[0] / height_px).astype(int), grid.shape[0] - 1)
    columns = np.minimum((x_mid * grid.shape[1] / width_px).astype(int), grid.shape[1] - 1)
    cell_area = width_px * height_px / grid.size
    part = grid[np.ix_(rows, columns)] * area / cell_area / total
    inside_own = _inside(own, x_mid, y_mid)
    inside_others = np.zeros_like(inside_own)
    for box in others:
        inside_others |= _inside(box, x_mid, y_mid)
    own_share = float(part[inside_own].sum())
    others_share = float(part[inside_others & ~inside_own].sum())
    return Shares(own_share, others_share, max(0.0, 1.0 - own_share - others_share))


def iou(energy: ArrayLike, box: Box, width_px: float, height_px: float, *, fraction: float = 0.5) -> float:
    """Intersection over union, in [0, 1], of the box with the cells at least ``fraction`` as loud as the loudest.

    The box is clipped to the frame. A map that is zero everywhere has no loud cell: 0.
    """
    grid = _grid(energy)
    if grid.max() <= 0:
        return 0.0
    loud = (grid >= fraction * grid.max()).astype(np.float64)
    cell_area = width_px * height_px / grid.size
    covered = _coverage(box.y_px, box.h_px, grid.shape[0], height_px)[:, None] * _coverage(
        box.x_px, box.w_px, grid.shape[1], width_px
    )
    intersection = float((loud * covered).sum() * cell_area)
    union = float((loud.sum() + covered.sum()) * cell_area) - intersection
    return intersection / union if union > 0 else 0.0


def _grid(energy: ArrayLike) -> Array:
    grid = np.asarray(energy, dtype=np.float64)
    if grid.ndim != 2 or grid.size == 0 or not np.isfinite(grid).all() or grid.min() < 0:
        raise ValueError(f"an energy map is (h, w), finite and non-negative; this one is {grid.shape}")
    return grid


def _coverage(start_px: float, length_px: float, cells: int, size_px: float) -> Array:
    """How much of each cell along one axis lies in the interval: (cells,) in [0, 1]."""
    edges = np.linspace(0.0, size_px, cells + 1)
    inside = np.minimum(edges[1:], start_px + length_px) - np.maximum(edges[:-1], start_px)
    return np.clip(inside, 0.0, None) * cells / size_px


def _edges(boxes: Sequence[Box], cells: int, size_px: float, axis: int) -> Array:
    """Every cell's and every box's edge along one axis, sorted, inside the frame."""
    of_boxes = [edge for box in boxes for edge in ((box.x_px, box.x_px + box.w_px), (box.y_px, box.y_px + box.h_px))[axis]]
    return np.unique(np.clip(np.concatenate([np.linspace(0.0, size_px, cells + 1), of_boxes]), 0.0, size_px))


def _inside(box: Box, x_mid: Array, y_mid: Array) -> NDArray[np.bool_]:
    in_x = (x_mid >= box.x_px) & (x_mid < box.x_px + box.w_px)
    in_y = (y_mid >= box.y_px) & (y_mid < box.y_px + box.h_px)
    return in_y[:, None] & in_x[None]
