"""How far generated mouths are from the true ones, and whether they open when the true ones do.

**LMD**, landmark distance (Chen et al. 2018, "Lip movements generation at a glance", section 4.2): the points of each frame are moved
so that their mean is the origin, which takes out where the head is; then the mean Euclidean distance between true and generated
points over all points and frames, in pixels. It depends on the size of the frames: compare only numbers of equal size.

**Opening**: how far the inner lips are apart, as a mean over three pairs of points. Its Pearson correlation between the true and the
generated clip says whether the mouth moves *with* the speech; LMD alone cannot, since a still photo of an average mouth scores well.

Points are the 20 of a mouth, iBUG 48-67: 12 on the outer contour, then 8 on the inner one, both from the left corner over the top.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

INNER_PAIRS = ((13, 19), (14, 18), (15, 17))  # upper and lower point of the inner lips, from left to right


def centred(points: ArrayLike) -> NDArray[np.float64]:
    """(..., points, 2) with each frame's mean moved to the origin."""
    points = np.asarray(points, np.float64)
    return points - points.mean(-2, keepdims=True)


def lmd(true: ArrayLike, made: ArrayLike) -> float:
    """Landmark distance between two clips.

    Args:
        true, made: (T, points, 2), pixels.

    Raises:
        ValueError: shapes differ, or there is no frame.
    """
    true, made = np.asarray(true, np.float64), np.asarray(made, np.float64)
    if true.shape != made.shape or true.ndim != 3 or true.shape[2] != 2 or not len(true):
        raise ValueError(f"points {true.shape} and {made.shape} must be (frames, points, 2) alike, with at least one frame")
    return float(np.linalg.norm(centred(true) - centred(made), axis=-1).mean())


def opening(points: ArrayLike) -> NDArray[np.float64]:
    """Distance of the inner lips in each frame, (T, 20, 2) -> (T,), in the points' unit."""
    points = np.asarray(points, np.float64)
    upper, lower = (points[:, [pair[side] for pair in INNER_PAIRS]] for side in (0, 1))
    return np.linalg.norm(lower - upper, axis=-1).mean(-1)


def correlation(true: ArrayLike, made: ArrayLike) -> float:
    """Pearson correlation of two curves (T,); 0 where ``made`` never moves, NaN where ``true`` never does (nothing can be told)."""
    true, made = np.asarray(true, np.float64), np.asarray(made, np.float64)
    if true.shape != made.shape or true.ndim != 1 or len(true) < 2:
        raise ValueError(f"curves {true.shape} and {made.shape} must be (frames,) alike, with at least two frames")
    true, made = true - true.mean(), made - made.mean()
    if not np.any(np.abs(true) > 1e-9):
        return float("nan")
    if not np.any(np.abs(made) > 1e-9):
        return 0.0
    return float((true @ made) / np.sqrt((true @ true) * (made @ made)))


def pooled_correlation(true: Sequence[ArrayLike], made: Sequence[ArrayLike], lags: Sequence[int] | None = None) -> float:
    """Correlation over many clips at once, each curve (T,) about its own mean: clips with much movement count more than still ones.

    Args:
        true, made: curves of each clip; of two lengths the common beginning counts.
        lags: of each clip, by how many frames ``true`` comes later than ``made``.
    """
    pairs = []
    for number, (one, other) in enumerate(zip(true, made, strict=True)):
        length = min(len(one), len(other))
        one, other = shifted(np.asarray(one)[:length], np.asarray(other)[:length], lags[number] if lags else 0)
        pairs.append((one - one.mean(), other - other.mean()))
    return correlation(*(np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)))


def shifted(true: NDArray, made: NDArray, lag: int) -> tuple[NDArray, NDArray]:
    """What two curves (T,) have in common when ``true`` comes ``lag`` frames later than ``made``."""
    return (true[lag:], made[: len(made) - lag]) if lag >= 0 else (true[:lag], made[-lag:])


def opening_correlation(true: ArrayLike, made: ArrayLike) -> float:
    """:func:`correlation` of the :func:`opening` of two clips (T, 20, 2)."""
    return correlation(opening(true), opening(made))


def best_lag(true: ArrayLike, made: ArrayLike, most: int) -> tuple[int, float]:
    """By how many frames, up to ``most``, ``true`` comes later than ``made``, as the best correlation says, and that correlation.

    Chosen from ``2 most + 1`` values, the correlation is above zero even for curves that have nothing to do with each other: give it
    beside that of a control, never alone.
    """
    true, made = np.asarray(true, np.float64), np.asarray(made, np.float64)
    found = [(correlation(*shifted(true, made, lag)), -abs(lag), lag) for lag in range(-most, most + 1)]
    known = [entry for entry in found if not np.isnan(entry[0])]
    if not known:
        return 0, float("nan")
    value, _, lag = max(known)
    return lag, value
