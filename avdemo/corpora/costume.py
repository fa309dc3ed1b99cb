"""Parts of the drawn musicians as RGBA cut-outs: bodies, paws, a sleeping face, floating notes.

Drawn large and shrunk on placing, so that edges are smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from avdemo.corpora.drawn import emoji_picture, enlarge

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """Who plays: head emoji, colours of fur (paws and feet), coat and tie, and of the light and notes around the player."""

    head: str
    fur: Colour
    coat: Colour
    tie: Colour
    light: Colour
    closed_eyes: tuple[tuple[float, float], tuple[float, float]] | None = None  # in fractions of the head, for sleepers


def _tint(colour: Colour, factor: float) -> Colour:
    """Lighter (factor > 1) or darker."""
    return tuple(int(np.clip(c * factor + (18 * (factor - 1) if factor > 1 else 0), 0, 255)) for c in colour)


def body_picture(look: Look) -> np.ndarray:
    """A round body in a coat with collar, tie, buttons and feet: uint8 (528, 448, 4), feet at the lower edge."""
    width, height = 448, 528
    picture = Image.new("RGBA", (width, height), (*look.coat, 0))
    brush = ImageDraw.Draw(picture)
    for side in (-1, 1):
        x = width / 2 + side * 92
        brush.ellipse((x - 84, height - 72, x + 84, height - 2), fill=_tint(look.fur, 0.78))
        brush.ellipse((x - 80, height - 72, x + 80, height - 14), fill=look.fur)
    shape = Image.new("L", (width, height))
    outline = ImageDraw.Draw(shape)
    outline.rounded_rectangle((52, 20, width - 52, 330), 150, fill=255)
    outline.rounded_rectangle((20, 150, width - 20, height - 34), 170, fill=255)
    for side in (-1, 1):  # sleeves
        x = width / 2 + side * 158
        outline.ellipse((x - 62, 90, x + 62, 330), fill=255)
    coat = Image.new("RGB", (width, height), look.coat)
    shade = Image.new("L", (width, height))
    ImageDraw.Draw(shade).ellipse((-120, -160, width - 80, height - 60), fill=255)
    coat.paste(_tint(look.coat, 0.74), (0, 0), ImageChops.invert(shade.filter(ImageFilter.GaussianBlur(34))))
    light = Image.new("L", (width, height))
    ImageDraw.Draw(light).ellipse((70, 40, 210, 260), fill=70)
    coat.paste(_tint(look.coat, 1.3), (0, 0), light.filter(ImageFilter.GaussianBlur(34)))
    picture.paste(coat, (0, 0), shape)
    brush.polygon([(width / 2 - 62, 24), (width / 2, 150), (width / 2 + 62, 24)], fill=(250, 246, 236))
    for side in (-1, 1):
        brush.polygon([(width / 2, 74), (width / 2 + side * 62, 44), (width / 2 + side * 62, 112)], fill=look.tie)
        brush.line([(width / 2 + side * 6, 150), (width / 2 + side * 6, height - 36)], fill=_tint(look.coat, 0.66), width=5)
    brush.ellipse((width / 2 - 18, 58, width / 2 + 18, 96), fill=_tint(look.tie, 0.72))
    for y in (220, 300, 380):
        brush.ellipse((width / 2 + 18, y - 12, width / 2 + 42, y + 12), fill=(250, 226, 160))
    return np.asarray(picture)


def paw_picture(look: Look) -> np.ndarray:
    """A round paw with a cuff of the coat: uint8 (120, 120, 4)."""
    picture = Image.new("RGBA", (120, 120), (*look.fur, 0))
    brush = ImageDraw.Draw(picture)
    brush.ellipse((6, 6, 114, 114), fill=_tint(look.fur, 0.66))
    brush.ellipse((10, 8, 110, 108), fill=look.fur)
    brush.ellipse((28, 20, 66, 50), fill=_tint(look.fur, 1.16))
    for x in (42, 60, 78):
        brush.line([(x, 86), (x, 104)], fill=_tint(look.fur, 0.66), width=5)
    return np.asarray(picture)


def sleeve_picture(look: Look) -> np.ndarray:
    """An arm in its sleeve, lying: uint8 (80, 240, 4)."""
    picture = Image.new("RGBA", (240, 80), (*look.coat, 0))
    brush = ImageDraw.Draw(picture)
    brush.rounded_rectangle((2, 2, 237, 77), 38, fill=_tint(look.coat, 0.7))
    brush.rounded_rectangle((6, 4, 233, 68), 32, fill=_tint(look.coat, 0.92))
    return np.asarray(picture)


def sleeping_head(look: Look) -> np.ndarray:
    """The head with its eyes closed: uint8 (h, w, 4)."""
    head = Image.fromarray(enlarge(emoji_picture(look.head), 2))
    brush = ImageDraw.Draw(head)
    for x, y in look.closed_eyes or ():
        x, y, r = x * head.width, y * head.height, 0.072 * head.width
        brush.ellipse((x - r, y - r, x + r, y + r), fill=look.fur)
        brush.arc((x - r, y - 1.1 * r, x + r, y + 0.7 * r), 15, 165, fill=_tint(look.fur, 0.35), width=max(3, head.width // 48))
    return np.asarray(head)


def _outlined(mask: Image.Image, colour: Colour) -> np.ndarray:
    """A shape (L mask) in ``colour`` with a dark soft edge: uint8 (h, w, 4)."""
    edge = mask.filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.GaussianBlur(2))
    picture = Image.new("RGBA", mask.size, (44, 34, 66, 0))
    picture.putalpha(edge.point(lambda value: round(0.75 * value)))
    picture.paste((*colour, 255), (0, 0), mask)
    return np.asarray(picture)


def note_picture(kind: int, colour: Colour) -> np.ndarray:
    """A quarter (0), an eighth (1) or two beamed eighths (2): uint8 (128, 128, 4)."""
    mask = Image.new("L", (128, 128))
    brush = ImageDraw.Draw(mask)

    def head(x: float, y: float) -> None:
        points = np.linspace(0, 2 * np.pi, 40)
        tilt = -0.42
        across, down = 23 * np.cos(points), 16 * np.sin(points)
        oval_x, oval_y = x + across * np.cos(tilt) - down * np.sin(tilt), y + across * np.sin(tilt) + down * np.cos(tilt)
        brush.polygon(list(zip(oval_x, oval_y, strict=True)), fill=255)
        brush.rectangle((x + 11, y - 78, x + 21, y - 4), fill=255)

    if kind == 2:
        head(32, 104)
        head(84, 96)
        brush.polygon([(43, 26), (105, 18), (105, 40), (43, 48)], fill=255)
    else:
        head(48, 102)
        if kind == 1:
            brush.polygon([(60, 24), (67, 24), (78, 42), (96, 56), (94, 82), (88, 66), (67, 54), (60, 52)], fill=255)
    return _outlined(mask, colour)


def zed_picture() -> np.ndarray:
    """A letter Z: uint8 (96, 96, 4)."""
    mask = Image.new("L", (96, 96))
    ImageDraw.Draw(mask).line([(20, 22), (74, 22), (22, 74), (76, 74)], fill=255, width=13, joint="curve")
    return _outlined(mask, (214, 224, 255))
