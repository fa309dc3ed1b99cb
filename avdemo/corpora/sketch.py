"""A brush for flat, smooth pictures: shapes in fractions of the picture, drawn large and shrunk.

Coordinates: x from 0 (left) to 1, y from 0 (top) to 1.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

OVERSAMPLING = 3
Colour = tuple[int, int, int]


class Sketch:
    """An RGB picture under the brush; all positions and sizes in fractions of width (x) and height (y)."""

    def __init__(self, width: int, height: int, hue_shift: float = 0.0, light: float = 1.0):
        self.width, self.height = width * OVERSAMPLING, height * OVERSAMPLING
        self.hue_shift, self.light = hue_shift, light
        self.image = Image.new("RGB", (self.width, self.height))
        self.brush = ImageDraw.Draw(self.image)

    def colour(self, text: str) -> Colour:
        """ "``#rrggbb`` -> RGB, turned by this sketch's hue shift (in turns) and light factor."""
        red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
        hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
        rgb = colorsys.hls_to_rgb((hue + self.hue_shift) % 1.0, min(1.0, lightness * self.light), saturation)
        return tuple(round(255 * c) for c in rgb)

    def px(self, points) -> list[tuple[float, float]]:
        """Fractions -> pixels."""
        return [(x * self.width, y * self.height) for x, y in points]

    def sky(self, stops: list[tuple[float, str]], top: float = 0.0, bottom: float = 1.0) -> None:
        """A vertical gradient through (y, colour) stops, from ``top`` to ``bottom``."""
        first, last = round(top * self.height), round(bottom * self.height)
        rows = (np.arange(first, last) + 0.5) / self.height
        colours = np.array([self.colour(c) for _, c in stops], np.float32)
        column = np.stack([np.interp(rows, [y for y, _ in stops], colours[:, c]) for c in range(3)], axis=-1)
        band = np.repeat((column[:, None] + 0.5).astype(np.uint8), self.width, axis=1)
        self.image.paste(Image.fromarray(band), (0, first))

    def shape(self, points, colour: str, blur: float = 0.0, opacity: float = 1.0) -> None:
        """A filled polygon."""
        if not blur and opacity >= 1:  # straight onto the picture: many times faster than through a mask
            self.brush.polygon(self.px(points), fill=self.colour(colour))
        else:
            self.layer(lambda brush: brush.polygon(self.px(points), fill=255), colour, blur, opacity)

    def disc(
        self, x: float, y: float, radius: float, colour: str, blur: float = 0.0, opacity: float = 1.0, squash: float = 1.0
    ) -> None:
        """A disc (radius in fractions of the height), squashed vertically by ``squash``."""
        cx, cy, r = x * self.width, y * self.height, radius * self.height
        box = (cx - r, cy - r * squash, cx + r, cy + r * squash)
        if not blur and opacity >= 1:
            self.brush.ellipse(box, fill=self.colour(colour))
        else:
            self.layer(lambda brush: brush.ellipse(box, fill=255), colour, blur, opacity)

    def bar(self, x0: float, y0: float, x1: float, y1: float, colour: str, radius: float = 0.0) -> None:
        """A rectangle with rounded corners (radius in fractions of the height)."""
        (a, b), (c, d) = self.px([(x0, y0), (x1, y1)])
        self.brush.rounded_rectangle((a, b, c, d), radius * self.height, fill=self.colour(colour))

    def curve(self, function: Callable[[np.ndarray], np.ndarray], colour: str, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Fill everything below y = function(x): hills, waves, dunes."""
        x = np.linspace(-0.02, 1.02, 160)
        self.shape([(-0.02, 1.1), *zip(x, function(x), strict=True), (1.02, 1.1)], colour, blur, opacity)

    def layer(self, draw: Callable[[ImageDraw.ImageDraw], None], colour: str, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Paint what ``draw`` marks in a mask, its edge blurred by ``blur`` (fraction of the height)."""
        mask = Image.new("L", self.image.size)
        draw(ImageDraw.Draw(mask))
        if blur:
            # Blurring at a quarter of the size costs a sixteenth and looks the same.
            small = mask.resize((self.width // 4, self.height // 4), Image.Resampling.BOX)
            small = small.filter(ImageFilter.GaussianBlur(blur * self.height / 4))
            mask = small.resize(self.image.size, Image.Resampling.BICUBIC)
        if opacity < 1:
            mask = mask.point(lambda value: round(value * opacity))
        self.image.paste(self.colour(colour), (0, 0), mask)

    def finish(self, width: int, height: int) -> np.ndarray:
        """Shrink, darken the corners a little: uint8 (height, width, 3)."""
        picture = np.asarray(self.image.resize((width, height), Image.Resampling.LANCZOS), np.float32)
        v, u = np.mgrid[0:height, 0:width].astype(np.float32)
        distance = (2 * u / width - 1) ** 2 + (2 * v / height - 1) ** 2
        return np.clip(picture * (1 - 0.09 * distance[..., None]) + 0.5, 0, 255).astype(np.uint8)


def tree(s: Sketch, x: float, ground: float, size: float, leaves: tuple[str, str, str]) -> None:
    """A round tree; ``size`` is its height in fractions of the picture's."""
    aspect = s.height / s.width
    trunk = size * 0.05 * aspect
    s.disc(x, ground, size * 0.26, "#2c4a2c", 0.012, 0.35, 0.16)
    s.shape(
        [
            (x - trunk * 1.3, ground),
            (x - trunk * 0.7, ground - size * 0.5),
            (x + trunk * 0.7, ground - size * 0.5),
            (x + trunk * 1.3, ground),
        ],
        "#7a5238",
    )
    blobs = ((-0.17, -0.50, 0.20), (0.18, -0.52, 0.19), (0.0, -0.72, 0.24), (-0.10, -0.60, 0.22), (0.10, -0.62, 0.22))
    for step, shade in enumerate(leaves):
        for dx, dy, r in blobs:
            s.disc(
                x + (dx - 0.035 * step) * size * aspect, ground + (dy - 0.03 * step) * size, r * size * (1 - 0.24 * step), shade
            )


def cloud(s: Sketch, x: float, y: float, size: float, colour: str = "#ffffff", opacity: float = 0.9) -> None:
    def draw(brush):
        for dx, dy, r in ((-1.0, 0.05, 0.42), (-0.4, -0.22, 0.62), (0.35, -0.12, 0.55), (0.95, 0.08, 0.38)):
            cx, cy, radius = x * s.width + dx * size * s.height, y * s.height + dy * size * s.height, r * size * s.height
            brush.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)
        cx, cy = x * s.width, y * s.height
        brush.rounded_rectangle(
            (cx - 1.4 * size * s.height, cy, cx + 1.33 * size * s.height, cy + 0.47 * size * s.height),
            0.23 * size * s.height,
            fill=255,
        )

    s.layer(draw, colour, 0.0, opacity)
