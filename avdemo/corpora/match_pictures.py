"""What the examples of matching show besides players: instruments on their own, and a helicopter that flies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from avdemo.corpora.drawn import draw_background, emoji_cutout, emoji_picture, enlarge, place, soft_shadow
from avdemo.corpora.sketch import Sketch, cloud

HELICOPTER = "\U0001f681"  # it looks to the left
ROTOR_BOTTOM = 0.26  # in fractions of its height: blades and hub are above
HUB_X = 0.405  # in fractions of its width
TAIL_ROTOR = (0.885, 0.43)  # middle, in fractions of its width and height
SCROLL = 26.0  # pixels that the land moves in a second
TURN = 1.9  # radians that the rotor turns from one frame to the next: no two neighbours look alike


def draw_thing(instrument: str, background: str, size: tuple[int, int]) -> np.ndarray:
    """An instrument that fills most of a picture, nobody plays it: uint8 (height, width, 3).

    Raises:
        InputError: the font is not installed, or there is no such instrument or background.
    """
    return put_large(draw_background(background, size).copy(), emoji_cutout(instrument))


def put_large(canvas: np.ndarray, cutout: np.ndarray) -> np.ndarray:
    """Put a thing with its shadow in the middle of a picture that it mostly fills, in place.

    Args:
        canvas: uint8 (H, W, 3), changed and returned.
        cutout: uint8 (h, w, 4) RGBA of about 120 px.
    """
    height, width = canvas.shape[:2]
    cutout = enlarge(cutout, 2)
    tall = 0.74 * height
    wide = tall * cutout.shape[1] / cutout.shape[0]
    soft_shadow(canvas, width / 2, 0.885 * height, 0.95 * wide, 0.13 * height, opacity=0.5)
    return place(canvas, cutout, ((width - wide) / 2, 0.12 * height, wide, tall))


def draw_sky(width: int, height: int, seed: int = 4) -> np.ndarray:
    """A summer sky with clouds over far hills, nothing in it that sounds: uint8 (height, width, 3).

    ``width`` may be several times ``height``: it passes by behind what flies.
    """
    rng = np.random.default_rng(seed)
    s = Sketch(width, height)
    s.sky([(0.0, "#4f9fdc"), (0.45, "#93cdf0"), (0.8, "#e6f5fb")])
    sun_x = 0.78
    s.disc(sun_x, 0.16, 0.2, "#fff6c9", 0.05, 0.6)
    s.disc(sun_x, 0.16, 0.085, "#ffe48a")
    for step in range(7):
        x = (step + rng.uniform(0.2, 0.8)) / 7
        cloud(s, x, rng.uniform(0.1, 0.62), rng.uniform(0.05, 0.085), opacity=0.85)
    waves = width / height * np.pi  # hills are as wide as they are in the landscapes, however long the sky is
    s.curve(lambda x: 0.83 - 0.045 * np.sin(1.1 * waves * x + 0.4), "#a9cfd0")
    s.curve(lambda x: 0.88 - 0.04 * np.sin(0.9 * waves * x + 2.6), "#8cc39a")
    s.curve(lambda x: 0.935 - 0.03 * np.sin(1.3 * waves * x + 1.1), "#6fb06c")
    return s.finish(width, height)


def _blur_disc(wide: int, tall: int, opacity: int) -> np.ndarray:
    """What a turning rotor leaves in the air: uint8 (tall, wide, 4)."""
    mask = Image.new("L", (wide, tall))
    brush = ImageDraw.Draw(mask)
    brush.ellipse((4, 4, wide - 5, tall - 5), fill=opacity)
    brush.ellipse((wide // 6, tall // 6, wide - wide // 6, tall - tall // 6), fill=opacity * 2 // 3)
    picture = Image.new("RGBA", (wide, tall), (70, 80, 92, 0))
    picture.putalpha(mask.filter(ImageFilter.GaussianBlur(2)))
    return np.asarray(picture)


def _parts() -> tuple[np.ndarray, np.ndarray]:
    """Body and main rotor of the helicopter, each uint8 (h, w, 4) of the same size: the rotor is what is grey above."""
    whole = enlarge(emoji_picture(HELICOPTER), 2)
    rgb = whole[..., :3].astype(int)
    rows = np.arange(len(whole))[:, None] < ROTOR_BOTTOM * len(whole)
    is_rotor = rows & (rgb.max(-1) - rgb.min(-1) < 60)
    body, rotor = whole.copy(), whole.copy()
    body[is_rotor, 3] = 0
    rotor[~is_rotor, 3] = 0
    return body, rotor


def _put_helicopter(
    canvas: np.ndarray, parts: tuple[np.ndarray, np.ndarray], x: float, y: float, wide: float, frame: int
) -> None:
    """Draw it with its middle at (x, y), ``wide`` pixels wide, its rotors turned on by ``frame`` steps."""
    body, rotor = parts
    rows, columns = body.shape[:2]
    tall = wide * rows / columns
    left, top = x - wide / 2, y - tall / 2
    hub, hub_x = round(HUB_X * columns), left + HUB_X * wide
    mast = rotor[:, hub - columns // 16 : hub + columns // 16]
    mast_wide = wide * mast.shape[1] / columns
    place(canvas, mast, (hub_x - mast_wide / 2, top, mast_wide, tall))
    place(canvas, body, (left, top, wide, tall))
    place(canvas, _blur_disc(420, 60, 120), (hub_x - 0.42 * wide, top + 0.025 * tall, 0.84 * wide, 0.17 * tall))
    # The blades seen from the side: long when they lie across, short when they point at us. The hub is in the middle.
    blades = rotor[:, : 2 * hub]
    reach = (0.35 + 0.65 * abs(np.cos(TURN * frame))) * wide * blades.shape[1] / columns
    place(canvas, blades, (hub_x - reach / 2, top, reach, tall), flip=bool(frame % 2), opacity=0.8)
    size = 0.19 * wide
    tail_x, tail_y = left + TAIL_ROTOR[0] * wide, top + TAIL_ROTOR[1] * tall
    place(canvas, _blur_disc(80, 80, 150), (tail_x - size / 2, tail_y - size / 2, size, size))


def helicopter_px(time_s: float, width: int, height: int) -> tuple[float, float]:
    """Its middle at ``time_s``, in pixels: it hovers near the middle of the picture."""
    return width * (0.5 + 0.05 * np.sin(0.8 * time_s)), height * (0.45 + 0.035 * np.sin(1.7 * time_s + 0.6))


def draw_flight(seconds: float, width: int, height: int, fps: int) -> Iterator[np.ndarray]:
    """Pictures of a helicopter in flight, uint8 (height, width, 3) each, ``fps`` to a second.

    Raises:
        InputError: the font is not installed.
    """
    land = draw_sky(width + round(SCROLL * seconds) + 2, height)
    parts = _parts()
    for frame in range(round(seconds * fps)):
        time_s = frame / fps
        passed = SCROLL * (seconds - time_s)  # it flies to the left, so the land goes right
        whole = int(passed)
        share = passed - whole
        # Between two pixels, or the land would jerk.
        canvas = land[:, whole : whole + width] * (1 - share) + land[:, whole + 1 : whole + 1 + width] * share
        canvas = (canvas + 0.5).astype(np.uint8)
        _put_helicopter(canvas, parts, *helicopter_px(time_s, width, height), 0.54 * width, frame)
        yield canvas
