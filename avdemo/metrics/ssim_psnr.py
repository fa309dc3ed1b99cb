"""Likeness of two pictures: PSNR, rightly and as it was computed in 2018, and SSIM.

**PSNR** is 10 log10(255^2 / MSE) of pictures in 0...255.

**PSNR as of 2018**: the evaluation script released with "Lip movements generation at a glance" (Chen et al. 2018) subtracts and squares
uint8 arrays, and both wrap around at 256. Two *random* pictures score 27.9 dB that way (truly 7.8), and all values that the paper
publishes lie in the narrow band above it. It is here so that a number can be put beside the paper's; it says next to nothing.

**SSIM** (Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity"): with means, variances and
covariance in a Gaussian window of 11 x 11 and standard deviation 1.5, C1 = (0.01 L)^2, C2 = (0.03 L)^2, L = 255,

    SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)),

averaged over all places where the window lies inside the picture and over the channels. ``window="uniform"`` is a plain 7 x 7 window
with unbiased variances, the default of scikit-image, which most evaluations of the time used.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

PEAK = 255.0
K1, K2 = 0.01, 0.03
GAUSSIAN, SIGMA = 11, 1.5
UNIFORM = 7

Picture = NDArray[np.uint8]


def _checked(true: Picture, made: Picture) -> None:
    if true.dtype != np.uint8 or made.dtype != np.uint8 or true.shape != made.shape or not true.size:
        raise ValueError(f"pictures {true.dtype} {true.shape} and {made.dtype} {made.shape} must be uint8 and of one shape")


def psnr(true: Picture, made: Picture) -> float:
    """Peak signal-to-noise ratio in dB of two pictures (or stacks of them) of any one shape, uint8; infinite for equal ones."""
    _checked(true, made)
    error = np.mean((true.astype(np.float64) - made.astype(np.float64)) ** 2)
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


def psnr_as_of_2018(true: Picture, made: Picture) -> float:
    """The same with differences and squares that wrap around at 256; see the module. Only for comparison with published values."""
    _checked(true, made)
    difference = true - made  # wraps
    error = np.mean(difference * difference)  # wraps again
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


def ssim(true: Picture, made: Picture, window: Literal["gaussian", "uniform"] = "gaussian") -> float:
    """Structural similarity of two pictures (H, W) or (H, W, channels), uint8, in [-1, 1].

    Raises:
        ValueError: they differ in shape, are no uint8, or are smaller than the window.
    """
    from scipy.ndimage import gaussian_filter, uniform_filter

    _checked(true, made)
    size = GAUSSIAN if window == "gaussian" else UNIFORM
    if min(true.shape[:2]) < size:
        raise ValueError(f"pictures of {true.shape[1]} x {true.shape[0]} px are smaller than the window of {size} px")
    if true.ndim == 3:
        return float(np.mean([ssim(true[..., c], made[..., c], window) for c in range(true.shape[2])]))
    x, y = true.astype(np.float64), made.astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        if window == "gaussian":
            return gaussian_filter(values, SIGMA, truncate=(size // 2) / SIGMA)
        return uniform_filter(values, size)

    unbiased = 1.0 if window == "gaussian" else size**2 / (size**2 - 1)
    mx, my = mean(x), mean(y)
    sxx, syy, sxy = (unbiased * (mean(a * b) - ma * mb) for a, b, ma, mb in ((x, x, mx, mx), (y, y, my, my), (x, y, mx, my)))
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    similar = (2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sxx + syy + c2))
    edge = size // 2
    return float(similar[edge:-edge, edge:-edge].mean())
