"""Small folders of pictures and sounds that say which they are: a grey level for each picture, a pitch for each sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from avdemo.media import write_wav

RATE = 16_000  # Hz


def grey(number: int) -> int:
    return 30 + 7 * number % 200


def hertz(number: int) -> float:
    return 300.0 + 40.0 * number


def write_picture(path: Path, number: int = 0, size: tuple[int, int] = (32, 18)) -> Path:
    """A grey picture of ``size`` (width, height) with white at its left end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), grey(number), np.uint8)
    pixels[:, : size[0] // 8] = 255
    Image.fromarray(pixels).save(path, quality=95)
    return path


def write_sound(path: Path, number: int = 0, seconds: float = 0.5, *, level: float = 0.3) -> Path:
    """A steady tone, left and right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = level * np.sin(2 * np.pi * hertz(number) * np.arange(round(seconds * RATE)) / RATE)
    return write_wav(path, np.stack([tone, tone]).astype(np.float32), RATE)


def write_sub_urmp(root: Path, players: dict[str, int] | None = None, *, seen: str = "img", heard: str = "chunk") -> Path:
    """As published: ``players`` maps a player's name (folder's name and two digits) to its pairs; the first two are for training.

    Pair n of player p is picture and sound number 10 * p + n.
    """
    players = players or {"cello01": 3, "sax02": 3, "cello03": 2, "sax04": 2}
    for p, (player, count) in enumerate(players.items()):
        split = "train" if p < 2 else "validation"
        for n in range(count):
            stem = f"{player}_{500 + 100 * n}"
            write_picture(root / seen / split / player[:-2] / f"{stem}.jpg", 10 * p + n)
            write_sound(root / heard / split / player[:-2] / f"{stem}.wav", 10 * p + n)
    return root


def write_inis(root: Path, kinds: tuple[str, ...] = ("guitar", "piano"), photos: int = 10, recordings: int = 4) -> Path:
    """Without split folders; recording r of class k is sound number 10 * k + r, 2 s long."""
    for k, kind in enumerate(kinds):
        for n in range(photos):
            write_picture(root / "images" / kind / f"n{k}_{n:03d}.JPEG", 10 * k + n)
        for r in range(recordings):
            write_sound(root / "sounds" / kind / f"solo_{chr(97 + r)}.wav", 10 * k + r, 2.0)
    return root
