"""Numbered round markers on a frame, one per click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from avdemo.viz.canvas import check_frame, font
from avdemo.viz.palette import ink_on, rgb

SMOOTHING = 4  # drawn this many times larger, then shrunk
SHARE = 0.03  # radius as a share of the frame's mean side: 29 px on 1280 x 720, a fingertip on a phone
SMALLEST_PX = 9


@dataclass(frozen=True)
class Marker:
    """One click: where, in px of the frame drawn on, in which colour, with which number or letter."""

    x_px: float
    y_px: float
    colour: str
    label: str = ""


def marker(frame: np.ndarray, x_px: float, y_px: float, colour: str, label: str = "", radius_px: int | None = None) -> np.ndarray:
    """A copy of the frame (H, W, 3) uint8 with one marker; see :func:`markers`."""
    return markers(frame, [Marker(x_px, y_px, colour, label)], radius_px)


def markers(frame: np.ndarray, points: Iterable[Marker], radius_px: int | None = None) -> np.ndarray:
    """Draw markers on a copy of a frame.

    A marker is a disc in the source's colour inside a white ring inside a dark rim, so that it stands out from any picture.
    One that lies near the edge is cut by it, never moved: its centre is the place that was clicked.

    Args:
        frame: (H, W, 3) uint8.
        points: later ones lie over earlier ones.
        radius_px: of the disc; None: chosen by the frame's size.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    height, width = check_frame(frame).shape[:2]
    radius = radius_px or max(SMALLEST_PX, round(SHARE * (width * height) ** 0.5))
    image = Image.fromarray(frame)  # a copy: the frame itself stays as it is
    for point in points:
        disc = _disc(point.colour, point.label, radius)
        image.paste(disc, (round(point.x_px - disc.width / 2), round(point.y_px - disc.height / 2)), disc)
    return np.array(image)


@lru_cache(maxsize=128)
def _disc(colour: str, label: str, radius: int) -> Image.Image:
    """The marker on a transparent square."""
    ring, rim = max(2.0, radius * 0.16), max(1.0, radius * 0.09)
    side = 2 * int(np.ceil(radius + ring + rim)) + 1
    large = Image.new("RGBA", (side * SMOOTHING, side * SMOOTHING), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    centre = side * SMOOTHING / 2
    for reach, fill in (
        (radius + ring + rim, (10, 10, 12, 235)),
        (radius + ring, (255, 255, 255, 255)),
        (radius, (*rgb(colour), 255)),
    ):
        box = [centre - reach * SMOOTHING, centre - reach * SMOOTHING, centre + reach * SMOOTHING, centre + reach * SMOOTHING]
        draw.ellipse(box, fill=fill)
    if label:
        text_px = round(radius * SMOOTHING * (1.3 if len(label) == 1 else 1.05 if len(label) == 2 else 0.75))
        draw.text((centre, centre), label, fill=ink_on(colour), font=font(text_px, bold=True), anchor="mm")
    return large.resize((side, side), Image.Resampling.BOX)
