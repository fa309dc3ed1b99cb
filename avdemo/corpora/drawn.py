"""Drawn pictures: instruments and musicians from emoji, on drawn backgrounds.

Training reads them so that the app's own examples lie inside what the models know; the shipped examples are made
of nothing else. The emoji come from Noto Color Emoji (SIL Open Font Licence 1.1; Debian's ``fonts-noto-color-emoji``),
the backgrounds are in :mod:`avdemo.corpora.scenery`. Nothing here imports torch or touches a file but the font.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avdemo.corpora.scenery import BACKGROUNDS
from avdemo.corpora.sketch import Sketch
from avdemo.errors import InputError

__all__ = [
    "BACKGROUNDS",
    "DRAWN_INSTRUMENTS",
    "draw_background",
    "emoji_cutout",
    "emoji_picture",
    "enlarge",
    "find_emoji_font",
    "place",
    "soft_shadow",
]

#: Where the bitmap (CBDT) build of the font lives on Debian, Fedora, Arch and macOS with Homebrew's cask.
FONT_PLACES = (
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-emoji/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-color-emoji-fonts/NotoColorEmoji.ttf",
    "/usr/share/fonts/noto/NotoColorEmoji.ttf",
    "~/Library/Fonts/NotoColorEmoji.ttf",
    "~/.local/share/fonts/NotoColorEmoji.ttf",
)
BITMAP_SIZE = 109  # the font's only strike, pixels per em: glyphs of 136 x 128 px

#: Instruments that the font has a picture of -> its character.
DRAWN_INSTRUMENTS = {
    "accordion": "\U0001fa97",
    "banjo": "\U0001fa95",
    "drums": "\U0001f941",
    "flute": "\U0001fa88",
    "guitar": "\U0001f3b8",
    "piano": "\U0001f3b9",
    "saxophone": "\U0001f3b7",
    "trumpet": "\U0001f3ba",
    "violin": "\U0001f3bb",
}


def draw_background(which: str | np.random.Generator, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """Draw a background without players.

    Args:
        which: a key of :data:`BACKGROUNDS` (always the same picture), or a random generator: one of them, mirrored at random,
            its colours turned, its light changed and its small things elsewhere, so that training does not learn five pictures.
        size: width and height in pixels.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        InputError: there is no such background.
    """
    width, height = size
    if isinstance(which, np.random.Generator):
        name, rng = list(BACKGROUNDS)[int(which.integers(len(BACKGROUNDS)))], which
        sketch = Sketch(width, height, hue_shift=rng.normal(0, 0.03), light=rng.uniform(0.8, 1.15))
        mirrored = rng.random() < 0.5
    elif which in BACKGROUNDS:
        name, rng, mirrored = which, np.random.default_rng(list(BACKGROUNDS).index(which)), False
        sketch = Sketch(width, height)
    else:
        raise InputError(f"There is no background {which!r}; there are {', '.join(BACKGROUNDS)}.")
    BACKGROUNDS[name](sketch, rng)
    picture = sketch.finish(width, height)
    return np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture


def find_emoji_font() -> Path:
    """The installed Noto Color Emoji font.

    Raises:
        InputError: it is in none of the usual places.
    """
    for place_ in FONT_PLACES:
        path = Path(place_).expanduser()
        if path.is_file():
            return path
    raise InputError(
        "The font NotoColorEmoji.ttf, which the drawn players are made of, is not installed; "
        "install it (on Debian and Ubuntu: apt install fonts-noto-color-emoji) and try again."
    )


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    path = find_emoji_font()
    try:
        return ImageFont.truetype(str(path), BITMAP_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        raise InputError(
            f"The font {path.name} holds no bitmaps of {BITMAP_SIZE} pixels (it may be the vector build); "
            "install the bitmap build, as in Debian's fonts-noto-color-emoji."
        ) from None


@lru_cache(maxsize=64)
def emoji_picture(character: str) -> np.ndarray:
    """One emoji, cropped to what is visible: uint8 (h, w, 4) RGBA, at most 136 x 128 px, not to be written to.

    Raises:
        InputError: the font is missing or has no picture of this character.
    """
    font = _font()
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((12, 12), character, font=font, embedded_color=True)
    box = canvas.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox()
    # Pillow blends the glyph with the transparent black below it, so the colours come out premultiplied.
    glyph = Image.frombytes("RGBa", canvas.size, canvas.tobytes()).convert("RGBA")
    pixels = np.asarray(glyph.crop(box)) if box else np.zeros((0, 0, 4), np.uint8)
    # A character that the font lacks comes out as an empty or colourless box.
    if box is None or pixels[..., :3].max() == 0:
        raise InputError(f"The font {find_emoji_font().name} has no picture of the character {character!r}; use another.")
    pixels = pixels.copy()
    pixels.setflags(write=False)
    return pixels


def emoji_cutout(instrument: str) -> np.ndarray:
    """The picture of an instrument, cropped tight: uint8 (h, w, 4) RGBA about 120 px in size, cached, read-only.

    Args:
        instrument: a key of :data:`DRAWN_INSTRUMENTS`.

    Raises:
        InputError: the font has no such instrument, or is not installed.
    """
    if instrument not in DRAWN_INSTRUMENTS:
        raise InputError(f"There is no drawn {instrument!r}; the drawn instruments are {', '.join(DRAWN_INSTRUMENTS)}.")
    return emoji_picture(DRAWN_INSTRUMENTS[instrument])


def _premultiplied(cutout: np.ndarray) -> Image.Image:
    """RGBA -> premultiplied RGBa, so that resampling does not pull dark fringes from transparent pixels."""
    return Image.fromarray(np.ascontiguousarray(cutout)).convert("RGBa")


def enlarge(cutout: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """A larger RGBA cut-out whose edges stay crisp: Lanczos, then a mild unsharp mask on colour and outline.

    Args:
        cutout: uint8 (h, w, 4). factor: 1 to 4.

    Returns:
        uint8 (h * factor, w * factor, 4).
    """
    height, width = cutout.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # In floating point: where 8-bit alpha is cut off at 255, colour that overshoots beside it would become a bright rim.
    planes = np.asarray(_premultiplied(cutout), np.float32)
    big = [Image.fromarray(planes[..., c]).resize(size, Image.Resampling.LANCZOS) for c in range(4)]
    sharp = np.stack(big, axis=-1)
    soft, reach = sharp, round(factor)
    for axis in (0, 1):
        soft = sum(np.roll(soft, step, axis) for step in range(-reach, reach + 1)) / (2 * reach + 1)
    # Colours are compared with their visible neighbours only (both divided by their own alpha): no rim of light appears.
    colour = sharp[..., :3] * 255 / np.maximum(sharp[..., 3:], 4)
    colour = colour + 0.5 * (colour - soft[..., :3] * 255 / np.maximum(soft[..., 3:], 4))
    alpha = sharp[..., 3:] + 0.35 * (sharp[..., 3:] - soft[..., 3:])
    return np.clip(np.concatenate([colour, alpha], axis=-1), 0, 255).round().astype(np.uint8)


def place(
    canvas: np.ndarray,
    cutout: np.ndarray,
    box: tuple[float, float, float, float],
    *,
    angle_deg: float = 0.0,
    flip: bool = False,
    opacity: float = 1.0,
) -> np.ndarray:
    """Lay a cut-out over a picture, in place, at sub-pixel positions and anti-aliased.

    Args:
        canvas: uint8 (H, W, 3), changed and returned.
        cutout: uint8 (h, w, 4) RGBA.
        box: x, y, width, height in pixels of the canvas where the upright cut-out goes; may reach outside.
        angle_deg: turned about the middle of the box, counter-clockwise.
        flip: mirrored left to right first.
        opacity: 0 to 1, multiplies the cut-out's own.

    Returns:
        The canvas.
    """
    x, y, width, height = box
    if width <= 0 or height <= 0 or opacity <= 0:
        return canvas
    rows, columns = canvas.shape[:2]
    angle = np.deg2rad(angle_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    half_w = (abs(cos) * width + abs(sin) * height) / 2 + 1
    half_h = (abs(sin) * width + abs(cos) * height) / 2 + 1
    middle_x, middle_y = x + width / 2, y + height / 2
    left, right = max(0, int(np.floor(middle_x - half_w))), min(columns, int(np.ceil(middle_x + half_w)))
    top, bottom = max(0, int(np.floor(middle_y - half_h))), min(rows, int(np.ceil(middle_y + half_h)))
    if left >= right or top >= bottom:
        return canvas

    # Shrink first where much smaller: the affine step below reads only two by two source pixels. Neither filter overshoots,
    # which would draw a bright rim inside the outline.
    source = _premultiplied(cutout[:, ::-1] if flip else cutout)
    if source.width > 1.6 * width or source.height > 1.6 * height:
        source = source.resize((max(1, round(1.25 * width)), max(1, round(1.25 * height))), Image.Resampling.HAMMING)
    step_x, step_y = source.width / width, source.height / height
    # A transparent rim lets the outline fade instead of being cut.
    rimmed = Image.new("RGBa", (source.width + 4, source.height + 4))
    rimmed.paste(source, (2, 2))
    # Output pixel (u, v) -> source pixel: about the middle, turned back, scaled. (Image y points down.)
    offset_x, offset_y = left - middle_x, top - middle_y
    matrix = (
        step_x * cos,
        -step_x * sin,
        step_x * (cos * offset_x - sin * offset_y) + source.width / 2 + 2,
        step_y * sin,
        step_y * cos,
        step_y * (sin * offset_x + cos * offset_y) + source.height / 2 + 2,
    )
    patch = np.array(
        rimmed.transform((right - left, bottom - top), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR), np.float32
    )
    patch = patch * opacity
    under = canvas[top:bottom, left:right]
    under[:] = np.clip(patch[..., :3] + under * (1 - patch[..., 3:] / 255) + 0.5, 0, 255).astype(np.uint8)
    return canvas


def soft_shadow(
    canvas: np.ndarray, x: float, y: float, width: float, height: float, *, opacity: float = 0.35, colour=(20, 16, 40)
) -> np.ndarray:
    """Darken an ellipse centred on (x, y) that fades to nothing at its edge, in place: what a player stands on.

    Args:
        canvas: uint8 (H, W, 3). x, y, width, height: pixels. opacity: 0 to 1 in the middle. colour: RGB 0 to 255.
    """
    rows, columns = canvas.shape[:2]
    left, right = max(0, int(x - width / 2)), min(columns, int(x + width / 2) + 1)
    top, bottom = max(0, int(y - height / 2)), min(rows, int(y + height / 2) + 1)
    if left >= right or top >= bottom or width <= 0 or height <= 0:
        return canvas
    v, u = np.mgrid[top:bottom, left:right].astype(np.float32)
    distance = ((u - x) / (width / 2)) ** 2 + ((v - y) / (height / 2)) ** 2
    weight = (opacity * np.clip(1 - distance, 0, 1) ** 1.2)[..., None]
    under = canvas[top:bottom, left:right]
    under[:] = (under * (1 - weight) + np.asarray(colour, np.float32) * weight + 0.5).astype(np.uint8)
    return canvas
