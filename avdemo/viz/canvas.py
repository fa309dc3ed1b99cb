"""What all drawn pictures share: the panel, text, axes with ticks, colour tables.

Drawn with Pillow and numpy rather than with a matplotlib figure: a spectrogram with axes takes 10 ms instead of 100, and there is
no figure state to share between threads. Font (DejaVu Sans) and colour maps are matplotlib's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avdemo.viz.palette import FAINT, INK, PANEL, rgb

TEXT_PX = 26  # at the default width of 960 px; a phone shows that at 360 and the text at 10
TICK_PX = 7


@lru_cache(maxsize=32)
def font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it: covers accents, Greek and Cyrillic."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size_px)


@lru_cache(maxsize=8)
def colour_table(name: str) -> np.ndarray:
    """A matplotlib colour map as (256, 3) uint8, read-only."""
    import matplotlib

    table = np.round(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def ramp_table(low: str, high: str) -> np.ndarray:
    """From one colour to another, as (256, 3) uint8."""
    share = np.linspace(0.0, 1.0, 256)[:, None]
    return np.round((1 - share) * np.array(rgb(low)) + share * np.array(rgb(high))).astype(np.uint8)


def check_frame(frame: np.ndarray) -> np.ndarray:
    """The frame itself, if it is a picture.

    Raises:
        ValueError: it is not uint8 (H, W, 3).
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
        raise ValueError(f"A frame must be uint8 (H, W, 3), not {frame.dtype} {frame.shape}.")
    return frame


def upsample(grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Smoothly (bicubic) enlarge (h, w) or (h, w, 3) float32 in [0, 1] to ``size`` = (width, height) px; stays in [0, 1].

    A cell of the grid covers its share of the picture, as the cells of a convolutional feature map do.
    """
    planes = [grid] if grid.ndim == 2 else [grid[..., k] for k in range(grid.shape[2])]
    large = [
        np.asarray(Image.fromarray(np.ascontiguousarray(p, np.float32)).resize(size, Image.Resampling.BICUBIC)) for p in planes
    ]
    return np.clip(large[0] if grid.ndim == 2 else np.stack(large, axis=-1), 0.0, 1.0)


@dataclass(frozen=True)
class Box:
    """A rectangle in px: left and top are inside, right and bottom outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


class Canvas:
    """One picture being drawn; belongs to one call, never shared."""

    def __init__(self, size: tuple[int, int], text_px: int | None = None):
        self.image = Image.new("RGB", size, PANEL)
        self.draw = ImageDraw.Draw(self.image)
        self.text_px = text_px or max(11, round(TEXT_PX * size[0] / 960))

    def array(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        return np.array(self.image)

    def paste(self, pixels: np.ndarray, box: Box) -> None:
        """Copy (H, W, 3) uint8 of the box's size into the box."""
        self.image.paste(Image.fromarray(pixels), (box.left, box.top))

    def text(self, x: float, y: float, text: str, anchor: str = "la", colour: str = INK, bold: bool = False) -> None:
        """Write at (x, y); ``anchor`` as in Pillow: l/m/r for the side, a/m/s/d for the height."""
        self.draw.text((x, y), text, fill=colour, font=font(self.text_px, bold), anchor=anchor)

    def text_width(self, text: str, bold: bool = False) -> float:
        return font(self.text_px, bold).getlength(text)

    def fitted(self, text: str, width: float, bold: bool = False) -> str:
        """The text, cut with an ellipsis where it is wider than ``width`` px."""
        if self.text_width(text, bold) <= width:
            return text
        while text and self.text_width(text + "…", bold) > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def title(self, box: Box, y: float, text: str, colour: str | None) -> None:
        """A heading over a box, behind a dot in the source's colour."""
        x = float(box.left)
        if colour:
            radius = self.text_px * 0.34
            middle = y + self.text_px * 0.58
            self.dot(x + radius, middle, radius, colour)
            x += 2 * radius + self.text_px * 0.4
        self.text(x, y, self.fitted(text, box.right - x, bold=True), bold=True)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A round dot with a smooth rim."""
        factor = 4
        side = math.ceil(2 * radius) + 2
        mask = Image.new("L", (side * factor, side * factor))
        centre, reach = side * factor / 2, radius * factor
        ImageDraw.Draw(mask).ellipse((centre - reach, centre - reach, centre + reach, centre + reach), fill=255)
        mask = mask.resize((side, side), Image.Resampling.BOX)
        self.image.paste(rgb(colour), (round(x - side / 2), round(y - side / 2)), mask)

    def frame(self, box: Box, colour: str | None, width: int) -> None:
        """A line around the box, outside of it: the source's colour, or a faint hairline."""
        width = width if colour else 1
        outline = (box.left - width, box.top - width, box.right + width - 1, box.bottom + width - 1)
        self.draw.rectangle(outline, outline=colour or FAINT, width=width)

    def time_axis(self, box: Box, duration_s: float, offset_px: int = 0) -> None:
        """Ticks in seconds under the box; labels that would run out of the picture or into each other are left out."""
        values = time_ticks(duration_s, max(2, int(box.width / (self.text_px * 4.2))))
        free = 0.0
        for value in values:
            x = box.left + (value / duration_s if duration_s > 0 else 0.0) * box.width
            self.draw.line((x, box.bottom + offset_px, x, box.bottom + offset_px + TICK_PX), fill=INK, width=2)
            label = format_seconds(value, duration_s)
            half = self.text_width(label) / 2
            middle = max(half + 2, min(x, self.image.width - half - 2))
            if middle - half >= free:
                self.text(middle, box.bottom + offset_px + TICK_PX + 3, label, anchor="ma")
                free = middle + half + self.text_px * 0.6

    def value_axis(self, box: Box, ticks: Sequence[tuple[float, str]], offset_px: int = 0, right: bool = False) -> None:
        """Ticks at heights 0 (bottom) ... 1 (top) with their labels, left (or right) of the box; crowded labels are left out."""
        x = box.right + offset_px if right else box.left - offset_px
        way = 1 if right else -1
        last = math.inf
        half = self.text_px * 0.5
        for height, label in ticks:
            y = box.bottom - height * box.height
            y_text = min(max(y, box.top + half * 0.8), box.bottom - half * 0.8)
            if last - y_text < self.text_px:
                continue
            self.draw.line((x, y, x + way * TICK_PX, y), fill=INK, width=2)
            self.text(x + way * (TICK_PX + 4), y_text, label, anchor="lm" if right else "rm")
            last = y_text


def time_ticks(duration_s: float, most: int) -> list[float]:
    """Round times from 0 to the end, at most ``most`` steps."""
    if duration_s <= 0:
        return [0.0]
    steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]
    step = next((s for s in steps if duration_s / s <= most), duration_s)
    return [k * step for k in range(int(duration_s / step + 1e-6) + 1)]


def format_seconds(value: float, duration_s: float) -> str:
    """``3 s`` for short pictures, ``1:30`` for those over two minutes."""
    if duration_s > 120:
        return f"{int(value // 60)}:{int(value % 60):02d}"
    return f"{value:.3f}".rstrip("0").rstrip(".") + " s"


def format_hertz(hz: float) -> str:
    """``440 Hz``, ``2 kHz``, ``0 Hz``."""
    return f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz:g} Hz"
