"""Photos and drawings to one packed array, product shots with a cut-out.

``photos.npy`` holds all pixels (uint8 RGBA, flat), ``photos.json`` a list of ``{"instrument", "split", "source", "start",
"height", "width", "cut"}``; the alpha of a product shot on white (``cut``) is 0 on the white around the thing. ``instrument``
is "" for pictures that show none of the instruments: backgrounds and distractors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.instruments import photo_files
from avdemo.errors import InputError

SIDE = 256  # px, longest side kept
WHITE = 236  # a background pixel's channels are all at least this
CUT_BORDER_SHARE = 0.7  # of the border must be white to count as a product shot


@dataclass(frozen=True)
class Picture:
    instrument: str
    split: str
    source: str
    rgba: np.ndarray  # (H, W, 4) uint8
    cut: bool


def cut_out_white(rgb: np.ndarray) -> np.ndarray | None:
    """Alpha (H, W) uint8 of the thing on a white ground, or None when the ground is not white.

    White counts only where it is connected to the border, so that white keys and drum heads stay.
    """
    from scipy import ndimage

    white = (rgb >= WHITE).all(2)
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    if border.mean() < CUT_BORDER_SHARE:
        return None
    labels, _ = ndimage.label(white)
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    ground = np.isin(labels, edge[edge > 0])
    if not 0.15 < ground.mean() < 0.95:
        return None
    soft = ndimage.gaussian_filter((~ndimage.binary_dilation(ground)).astype(np.float32), 0.7)
    return np.round(soft * 255).astype(np.uint8)


def _load(path: Path) -> np.ndarray:
    from avdemo.media import read_image

    return read_image(path, max_side=SIDE)


def _pictures(data: Path, instruments: tuple[str, ...], splits: tuple[str, ...]) -> Iterator[Picture]:
    from avdemo.corpora.drawn import DRAWN_INSTRUMENTS, draw_background, emoji_cutout

    for photo in photo_files(data / "instruments"):
        if photo.split not in splits:
            continue
        rgb = _load(photo.path)
        alpha = cut_out_white(rgb)
        known = photo.instrument if photo.instrument in instruments else ""
        if not known and photo.split == "test":
            continue
        rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8) if alpha is None else alpha])
        yield Picture(known, photo.split, photo.source, rgba, alpha is not None)
    for path in sorted((data / "sounds" / "photos").rglob("*.jpg")):
        if path.parent.name in ("drum",) or path.name.startswith("tiny64"):
            continue
        rgb = _load(path)
        yield Picture("", "train", "everyday", np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), False)
    for instrument in instruments:
        if instrument in DRAWN_INSTRUMENTS:
            yield Picture(instrument, "train", "emoji", emoji_cutout(instrument), True)
    rng = np.random.default_rng(3)
    for _ in range(40):
        rgb = draw_background(rng, (360, 240))
        yield Picture("", "train", "drawn", np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), False)


def pack_photos(
    data: Path, out: Path, instruments: tuple[str, ...], *, splits: tuple[str, ...] = ("train", "val", "test"),
    progress: Callable[[float, str], None] | None = None,
) -> int:  # fmt: skip
    """Make ``photos.npy`` and ``photos.json`` in ``out`` of the photos of ``splits`` and of the backgrounds; returns how many pictures.

    Raises:
        InputError: no ``instruments/photos.csv`` in ``data``.
    """
    out.mkdir(parents=True, exist_ok=True)
    arrays, entries, start = [], [], 0
    for number, picture in enumerate(_pictures(data, instruments, splits)):
        height, width = picture.rgba.shape[:2]
        arrays.append(picture.rgba.ravel())
        entries.append(
            {"instrument": picture.instrument, "split": picture.split, "source": picture.source, "start": start,
             "height": height, "width": width, "cut": picture.cut}
        )  # fmt: skip
        start += picture.rgba.size
        if progress and number % 200 == 0:
            progress(min(0.99, number / 7000), f"{number} pictures")
    if not arrays:
        raise InputError("The data folder holds no photos.")
    np.save(out / "photos.npy", np.concatenate(arrays))
    (out / "photos.json").write_text(json.dumps(entries))
    return len(entries)
