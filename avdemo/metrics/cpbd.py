"""CPBD, cumulative probability of blur detection: how sharp a picture is, without another one to compare it with.

After Narvekar & Karam 2011, "A no-reference image blur metric based on the cumulative probability of blur detection (CPBD)":

1. The picture is cut into blocks of 64 x 64; a block counts when more than 0.2 % of its pixels are edges (Canny).
2. At each vertical edge (Sobel, thinned) of such a block the edge's width is measured along its row: from the edge pixel to the local
   extremes on either side (Marziliano et al. 2002).
3. A width w is seen as blurred with probability 1 - exp(-(w / w_JNB)^3.6), where the just noticeable width w_JNB is 5 px in blocks of
   a contrast up to 50, and 3 px in others.
4. CPBD is the share of the edges whose probability is at most 63 %, that of a just noticeable blur. 1 is sharp, 0 is blurred.

The thresholds of the edge detectors are those of MATLAB's ``edge``, which the authors' program uses: Sobel keeps gradients whose square is
over four times the mean square; Canny has a Gaussian of standard deviation sqrt(2), marks the strongest 30 % of the gradients as sure and
those over 0.4 of that threshold as possible. Frames smaller than a block (64 px) are one block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 64  # px
EDGE_SHARE = 0.002
BETA = 3.6
LOW_CONTRAST = 50
JNB_LOW, JNB_HIGH = 5.0, 3.0  # px, for blocks of low and of high contrast
JUST_NOTICEABLE = 0.63
CANNY_SIGMA, CANNY_REST, CANNY_LOW = np.sqrt(2.0), 0.7, 0.4
SOBEL = 4.0
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
LONGEST = 100  # px, of one side of an edge

Grey = NDArray[np.float64]


def cpbd(picture: NDArray[np.uint8]) -> float:
    """Sharpness of a picture (H, W) or (H, W, 3), uint8, in [0, 1]; 0 for one without edges.

    Raises:
        ValueError: it is not such an array.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or min(picture.shape[:2]) < 3:
        raise ValueError(f"a picture {picture.dtype} {picture.shape} must be uint8, (H, W) or (H, W, 3), of at least 3 px")
    grey = np.round(picture @ np.array(GREY)) if picture.ndim == 3 else picture.astype(np.float64)
    widths, edges = edge_widths(grey), canny(grey)
    height, width = grey.shape
    tall, wide = min(BLOCK, height), min(BLOCK, width)
    seen = []
    for top in range(0, height - tall + 1, tall):
        for left in range(0, width - wide + 1, wide):
            block = slice(top, top + tall), slice(left, left + wide)
            if edges[block].sum() <= EDGE_SHARE * tall * wide:
                continue
            jnb = JNB_LOW if np.ptp(grey[block]) <= LOW_CONTRAST else JNB_HIGH
            found = widths[block][widths[block] > 0]
            seen.append(1 - np.exp(-((found / jnb) ** BETA)))
    probabilities = np.concatenate(seen) if seen else np.zeros(0)
    return float((np.round(probabilities, 2) <= JUST_NOTICEABLE).mean()) if len(probabilities) else 0.0


def edge_widths(grey: Grey) -> Grey:
    """Width in pixels of each vertical edge at its pixel, (H, W); 0 elsewhere."""
    widths = np.zeros_like(grey)
    slope_y, slope_x = np.gradient(grey)
    turned = np.round(np.degrees(np.arctan2(slope_y, slope_x)) / 45) * 45
    rising, falling = turned == 0, np.abs(turned) == 180
    for row, column in np.argwhere(vertical_edges(grey) & (rising | falling)):
        if not 0 < row < grey.shape[0] - 1 or not 0 < column < grey.shape[1] - 1:
            continue
        line = grey[row] if rising[row, column] else -grey[row]
        widths[row, column] = _reach(line[column::-1], -1) + _reach(line[column:], 1)
    return widths


def _reach(line: Grey, sign: int) -> int:
    """How many pixels from the first one it goes on rising (sign 1) or falling (-1), at least 1."""
    steps = sign * np.diff(line[1 : LONGEST + 2]) > 0
    return 1 + (len(steps) if steps.all() else int(np.argmin(steps)))


def vertical_edges(grey: Grey) -> NDArray[np.bool_]:
    """Sobel's edges between left and right, thinned to the strongest pixel of each row."""
    from scipy.ndimage import correlate

    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    strength = correlate(grey, kernel, mode="nearest") ** 2
    strength[strength <= SOBEL * strength.mean()] = 0
    beside = np.pad(strength, ((0, 0), (1, 1)))
    return (strength > beside[:, :-2]) & (strength >= beside[:, 2:])


def canny(grey: Grey) -> NDArray[np.bool_]:
    """Canny's edges with MATLAB's thresholds (H, W)."""
    from scipy.ndimage import gaussian_filter, label

    down, right = (gaussian_filter(grey, CANNY_SIGMA, order=order) for order in ((1, 0), (0, 1)))
    strength = np.hypot(down, right)
    if not strength.max() > 1e-9:
        return np.zeros(grey.shape, bool)
    high = np.quantile(strength, CANNY_REST)
    thin = _ridges(strength, down, right)
    parts, _ = label(thin & (strength > CANNY_LOW * high), np.ones((3, 3)))
    sure = np.unique(parts[thin & (strength > high)])
    return np.isin(parts, sure[sure > 0])


def _ridges(strength: Grey, down: Grey, right: Grey) -> NDArray[np.bool_]:
    """Where the gradient is the largest along its own direction, to the nearest of four."""
    direction = np.round(np.arctan2(down, right) / (np.pi / 4)).astype(int) % 4
    padded = np.pad(strength, 1)
    ridge = np.zeros(strength.shape, bool)
    height, width = strength.shape
    for number, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = padded[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        ridge |= (direction == number) & (strength >= ahead) & (strength > behind)
    return ridge
