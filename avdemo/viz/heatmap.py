"""Where the sound comes from: a coarse grid of energies, enlarged smoothly and laid over the frame."""

from __future__ import annotations

import numpy as np
from PIL import Image

from avdemo.viz.canvas import Box, Canvas, check_frame, colour_table, upsample

COLOURS = "inferno"
SOLID_AT = 0.6  # energy from which on the heat hides as much of the frame as ``opacity`` allows


def _table() -> np.ndarray:
    """(256, 4) uint8 RGBA: inferno without its black end, transparent where there is no energy."""
    share = np.linspace(0.0, 1.0, 256)
    colours = colour_table(COLOURS)[np.round(40 + share * 208).astype(np.int64)]
    solid = np.clip(share / SOLID_AT, 0.0, 1.0)
    alpha = np.round(255 * solid * solid * (3 - 2 * solid)).astype(np.uint8)  # smoothstep: no visible rim
    return np.column_stack([colours, alpha])


def heatmap(energy: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Colour an energy map.

    Args:
        energy: (h, w), 0 (silent) ... 1 (loudest); clipped, NaN counts as silent. Its cells cover the frame evenly.
        size: (width, height) px of the picture wanted.

    Returns:
        (height, width, 4) uint8 RGBA: more energy is brighter *and* less transparent.

    Raises:
        ValueError: the energy is not a grid.
    """
    energy = np.asarray(energy, np.float32)
    if energy.ndim != 2 or energy.size == 0:
        raise ValueError(f"An energy map must be (h, w), not {energy.shape}.")
    large = upsample(np.clip(np.nan_to_num(energy), 0.0, 1.0), size)
    return np.take(_table(), (large * 255.0 + 0.5).astype(np.uint8), axis=0)


def overlay(frame: np.ndarray, heat: np.ndarray, opacity: float = 0.7) -> np.ndarray:
    """Lay a heatmap over a frame.

    Args:
        frame: (H, W, 3) uint8.
        heat: (H, W, 4) from :func:`heatmap`, or an energy map (h, w), which is enlarged here.
        opacity: 0 (frame only) ... 1 (the loudest places hide the frame); clipped.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    height, width = check_frame(frame).shape[:2]
    if heat.ndim == 2:
        heat = heatmap(heat, (width, height))
    if heat.shape != (height, width, 4):
        raise ValueError(f"A heatmap of shape {heat.shape} does not fit a frame of {width} x {height} px.")
    top = Image.fromarray(np.ascontiguousarray(heat))
    share = min(1.0, max(0.0, float(opacity)))
    alpha = top.getchannel("A").point([round(value * share) for value in range(256)])
    return np.array(Image.composite(top.convert("RGB"), Image.fromarray(np.ascontiguousarray(frame)), alpha))


def with_colour_bar(picture: np.ndarray, title: str = "Sound energy", low: str = "silent", high: str = "loudest") -> np.ndarray:
    """Put a picture with a heatmap on a panel, with the meaning of the colours under it.

    Args:
        picture: (H, W, 3) uint8, usually from :func:`overlay`; kept pixel by pixel at the top.
        title, low, high: words at the bar.

    Returns:
        (H + strip, W', 3) uint8; W' = W unless the picture is too narrow for the words.
    """
    height, width = check_frame(picture).shape[:2]
    wide = max(width, 320)
    text_px = max(14, round(wide / 38))
    strip = round(text_px * 2.4)
    canvas = Canvas((wide, height + strip), text_px)
    left = (wide - width) // 2
    canvas.paste(np.ascontiguousarray(picture), Box(left, 0, left + width, height))
    middle = height + strip / 2
    pad = text_px * 0.8
    canvas.text(pad, middle, title, anchor="lm", bold=True)
    canvas.text(wide - pad, middle, high, anchor="rm")
    left = pad * 2 + canvas.text_width(title, bold=True) + pad
    canvas.text(left, middle, low, anchor="lm")
    bar = Box(
        round(left + canvas.text_width(low) + pad * 0.6),
        round(middle - text_px * 0.45),
        round(wide - pad - canvas.text_width(high) - pad * 0.6),
        round(middle + text_px * 0.45),
    )
    if bar.width > 8:
        row = colour_table(COLOURS)[np.linspace(40, 248, bar.width).round().astype(np.int64)]
        canvas.paste(np.ascontiguousarray(np.repeat(row[None], bar.height, axis=0)), bar)
    return canvas.array()
