"""Pictures of the made pairs: photos of instruments and everyday things, emoji, drawn players, backgrounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.corpora.everyday import everyday_photos
from avdemo.corpora.instruments import photo_files
from avdemo.corpora.pack_photos import SIDE, Picture, _load, cut_out_white
from avdemo.corpora.pair_sounds import INSTRUMENTS, MERGED

#: Kind -> pictures of it in Noto Color Emoji, besides ``drawn.DRAWN_INSTRUMENTS``.
EMOJI = {
    "baby_cry": "\U0001f476\U0001f47c\U0001f62d\U0001f6bc",
    "bongo": "\U0001fa98",
    "dog": "\U0001f436\U0001f415\U0001f429\U0001f9ae",
    "fireworks": "\U0001f386\U0001f387\U0001f9e8",
    "helicopter": "\U0001f681",
    "maracas": "\U0001fa87",
    "printer": "\U0001f5a8\U0001f4e0",
    "rain": "\U0001f327\u26c8\U0001f326\u2614",
    "snoring": "\U0001f634\U0001f6cc\U0001f4a4\U0001f62a",
    "train": "\U0001f682\U0001f683\U0001f684\U0001f685\U0001f686\U0001f687\U0001f688\U0001f689\U0001f68a\U0001f68b\U0001f69d\U0001f69e",
    "water": "\U0001f30a\U0001f4a7\U0001f4a6\u26f2\U0001f6b0",
}
PLAYERS_A_BACKGROUND = 9  # pictures that share a drawn background, which takes longest to draw
CANVAS = (480, 360)  # px; players are made for a canvas of this height


def _opaque(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def _photo(path: Path, kind: str, split: str, source: str) -> Picture:
    rgb = _load(path)
    alpha = cut_out_white(rgb)
    rgba = _opaque(rgb) if alpha is None else np.dstack([rgb, alpha])
    return Picture(kind, split, source, rgba, alpha is not None)


def instrument_photos(data: Path, part: int = 0, parts: int = 1) -> list[Picture]:
    """Photos of instruments, every ``parts``-th; classes without a sound have kind ""."""
    pictures = []
    for photo in photo_files(data / "instruments")[part::parts]:
        kind = MERGED.get(photo.instrument, photo.instrument)
        pictures.append(_photo(photo.path, kind if kind in INSTRUMENTS else "", photo.split, photo.source))
    return pictures


def everyday_pictures(data: Path) -> list[Picture]:
    """Photos of everyday things."""
    return [_photo(p.path, p.kind, p.split, p.source) for p in everyday_photos(data)]


def emoji() -> Iterator[Picture]:
    """Emoji of all kinds that the font has, cut out, for training.

    Raises:
        InputError: the font is not installed, or lacks one of them.
    """
    from avdemo.corpora.drawn import DRAWN_INSTRUMENTS, emoji_picture

    for kind, characters in [*DRAWN_INSTRUMENTS.items(), *EMOJI.items()]:
        for character in characters:
            yield Picture(kind, "train", "emoji", np.array(emoji_picture(character)), True)


def backgrounds(count: int, seed: int = 3) -> list[Picture]:
    """Drawn backgrounds without anything that sounds."""
    from avdemo.corpora.drawn import draw_background

    rng = np.random.default_rng(seed)
    return [Picture("", "train", "drawn", _opaque(draw_background(rng, (360, 240))), False) for _ in range(count)]


def _framed(canvas: np.ndarray, x: float, y: float, scale: float, rng: np.random.Generator) -> np.ndarray:
    """A cut around a player whose instrument is at (x, y), at most SIDE px in size."""
    rows, columns = canvas.shape[:2]
    side = int(min(rows, rng.uniform(210, 380) * scale))
    wide = int(min(columns, side * rng.uniform(0.9, 1.35)))
    left = int(np.clip(x - wide * rng.uniform(0.35, 0.65), 0, columns - wide))
    top = int(np.clip(y - side * rng.uniform(0.45, 0.75), 0, rows - side))
    picture = Image.fromarray(canvas[top : top + side, left : left + wide])
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def players(number: int, instruments: tuple[str, ...], count: int, seed: int) -> list[Picture]:
    """``count`` pictures of animals that play, all on background ``number``; each shows one player of one instrument."""
    from avdemo.corpora import make_examples
    from avdemo.corpora.costume import Look
    from avdemo.corpora.drawn import draw_background
    from avdemo.corpora.players import Player
    from avdemo.corpora.score import Outline, improvise

    looks = sorted((v for v in vars(make_examples).values() if isinstance(v, Look) and not v.closed_eyes), key=lambda v: v.head)
    rng = np.random.default_rng([seed, 53, number])
    ground = draw_background(rng, CANVAS)
    pictures = []
    for turn in range(count):
        instrument = instruments[(number * count + turn) % len(instruments)]
        outline = Outline.draw(rng, 4.0)
        notes = tuple(improvise(outline, instrument, rng))
        scale = rng.uniform(0.75, 1.12)
        player = Player(
            instrument, looks[rng.integers(len(looks))], rng.uniform(120, CANVAS[0] - 120), rng.uniform(322, 348), notes, scale,
            bool(rng.random() < 0.5), outline.beat_s, int(rng.integers(1000)),
        )  # fmt: skip
        canvas = np.ascontiguousarray(ground[:, ::-1] if rng.random() < 0.5 else ground).copy()
        first = notes[0].start_s if notes else 0.0
        time_s = float(rng.uniform(first, 4.0))
        player.draw_notes(canvas, time_s)
        player.draw(canvas, time_s)
        pictures.append(
            Picture(instrument, "train", "players", _opaque(_framed(canvas, *player.instrument_px, scale, rng)), False)
        )
    return pictures
