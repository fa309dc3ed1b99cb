"""Pixels coloured by the sound they make (clusters or principal components), laid over the frame."""

from __future__ import annotations

import numpy as np
from PIL import Image

from avdemo.viz.canvas import check_frame, upsample


def enlarge_colours(colours: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge a coarse colour map (h, w, 3) uint8 smoothly to ``size`` = (width, height) px: (height, width, 3) uint8."""
    if colours.ndim != 3 or colours.shape[2] != 3 or colours.dtype != np.uint8 or colours.size == 0:
        raise ValueError(f"A colour map must be uint8 (h, w, 3), not {colours.dtype} {colours.shape}.")
    return np.array(Image.fromarray(np.ascontiguousarray(colours)).resize(size, Image.Resampling.BICUBIC))


def overlay_colours(
    frame: np.ndarray, colours: np.ndarray, opacity: float = 0.6, strength: np.ndarray | None = None
) -> np.ndarray:
    """Blend a colour map with the frame.

    Args:
        frame: (H, W, 3) uint8. It is shown in grey under the colours, so that its own colours cannot be mistaken for theirs.
        colours: (h, w, 3) uint8, its cells cover the frame evenly.
        opacity: 0 (the frame as it is) ... 1 (colours only); clipped.
        strength: (h', w') in [0, 1], how much of the colour each place gets (usually its sound energy); None: all of it.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    height, width = check_frame(frame).shape[:2]
    share = min(1.0, max(0.0, float(opacity)))
    below = Image.fromarray(np.ascontiguousarray(frame))
    above = Image.fromarray(enlarge_colours(colours, (width, height)))
    if strength is None:
        alpha = Image.new("L", (width, height), round(255 * share))
    else:
        grid = np.clip(np.nan_to_num(np.asarray(strength, np.float32)), 0.0, 1.0)
        alpha = Image.fromarray((upsample(grid, (width, height)) * (255.0 * share) + 0.5).astype(np.uint8))
    # Half way to grey at the default opacity: the scene stays recognisable and the colours read as a layer.
    below = Image.blend(below, below.convert("L").convert("RGB"), min(1.0, share * 1.25))
    return np.array(Image.composite(above, below, alpha))
