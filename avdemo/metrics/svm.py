"""Linear one-versus-all support vector machines: how good are frozen features for classification?

For each class, the problem of LIBLINEAR's ``-s 2`` (Fan et al. 2008), which scikit-learn's ``LinearSVC`` solves too:

    minimise over w:   1/2 |w|^2 + C * sum_i max(0, 1 - y_i w.(x_i, 1))^2       y_i = +1 for the class, -1 for all others

All classes are solved together, so that the work is matrix products over dense features; the problems stay separate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float32]
STEPS = 80  # of L-BFGS; accuracies stop to change well before
TOLERANCE = 1e-5  # relative reduction of the objective at which it stops
FLAT = 1e-6  # standard deviation below which a feature is left at zero


@dataclass(frozen=True)
class OneVersusAll:
    """A trained classifier, with the standardisation that its training features had."""

    classes: NDArray[np.int64]  # (K,) labels that occurred in training
    mean: Array  # (D,)
    scale: Array  # (D,)
    weights: Array  # (D + 1, K), the last row the bias

    def decide(self, features: Array) -> Array:
        """(N, D) -> (N, K) decision values."""
        return ((features - self.mean) * self.scale) @ self.weights[:-1] + self.weights[-1]


def fit_path(
    features: Array, labels: NDArray[np.int64], strengths: Sequence[float], *, steps: int = STEPS, tolerance: float = TOLERANCE
):
    """Train for one C after the other, each from the last one's solution; yields an :class:`OneVersusAll` for each.

    Args:
        features: (N, D), any scale: they are standardised with their own mean and deviation.
        labels: (N,) integers.
        strengths: values of C, small to large is quickest.
    """
    classes = np.unique(labels)
    mean, spread = features.mean(0), features.std(0)
    scale = np.where(spread > FLAT, 1 / np.maximum(spread, FLAT), 0).astype(np.float32)
    x = np.empty((features.shape[0], features.shape[1] + 1), np.float32)
    np.multiply(features - mean, scale, out=x[:, :-1])
    x[:, -1] = 1
    y = np.where(labels[:, None] == classes, 1, -1).astype(np.float32)
    shape = (x.shape[1], len(classes))
    flat = np.zeros(shape[0] * shape[1])
    for strength in strengths:
        options = {"maxiter": steps, "maxcor": 8, "ftol": tolerance, "gtol": 0.0}
        flat = minimize(_objective, flat, (x, y, strength, shape), "L-BFGS-B", jac=True, options=options).x
        yield OneVersusAll(classes, mean, scale, flat.reshape(shape).astype(np.float32))


def fit(
    features: Array, labels: NDArray[np.int64], strength: float, *, steps: int = STEPS, tolerance: float = TOLERANCE
) -> OneVersusAll:
    """Train for one C."""
    return next(fit_path(features, labels, [strength], steps=steps, tolerance=tolerance))


def _objective(flat: np.ndarray, x: Array, y: Array, strength: float, shape: tuple[int, int]) -> tuple[float, np.ndarray]:
    """Value and gradient, summed over the classes."""
    w = flat.reshape(shape).astype(np.float32)
    short = np.maximum(1 - y * (x @ w), 0)  # (N, K) by how much a margin is missed
    value = 0.5 * float(flat @ flat) + strength * float((short.astype(np.float64) ** 2).sum())
    gradient = w - 2 * strength * (x.T @ (short * y))
    return value, gradient.astype(np.float64).ravel()
