"""Composed frames with exact truth: which instrument is at which place.

Real frames show one player, several side by side, or something small before a background. A scene is drawn as one of these
from packed photos; beside the picture it returns a grid of labels at the vision network's resolution, so that a network can
be asked about single places.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

GROUND = -1  # label of places that show no instrument
UNSURE = -2  # label of places near an edge, or of a photo's own surroundings: nothing is asked there
MAX_THINGS = 3
MIDDLE = 0.36  # half axes, as a share of the sides, of the ellipse in which a photo surely shows its subject


class PhotoPack:
    """Packed pictures (see :mod:`avdemo.corpora.pack_photos`), memory-mapped.

    Args:
        folder: holds ``photos.npy`` and ``photos.json``.
        instruments: gives the class numbers.
    """

    def __init__(self, folder: Path, instruments: Sequence[str]):
        self.pixels = np.load(folder / "photos.npy", mmap_mode="r")
        self.entries = json.loads((folder / "photos.json").read_text())
        self.instruments = tuple(instruments)

    def where(self, split: str, instrument: str | None, sources: Sequence[str] | None = None) -> list[int]:
        """Numbers of the pictures of a split and instrument ("" = none of them, None = any)."""
        return [
            i for i, e in enumerate(self.entries)
            if e["split"] == split and (instrument is None or e["instrument"] == instrument) and (sources is None or e["source"] in sources)
        ]  # fmt: skip

    def picture(self, index: int) -> Image.Image:
        """RGBA picture number ``index``."""
        e = self.entries[index]
        size = e["height"] * e["width"] * 4
        return Image.fromarray(
            np.asarray(self.pixels[e["start"] : e["start"] + size]).reshape(e["height"], e["width"], 4), "RGBA"
        )


@dataclass(frozen=True)
class Scene:
    frame: np.ndarray  # (S, S, 3) uint8
    things: np.ndarray  # (g, g) int8: number of the thing at each place, GROUND or UNSURE
    classes: tuple[int, ...]  # class of each thing


def _vary(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.35:
        image = image.rotate(float(rng.normal(0, 9)), Image.Resampling.BILINEAR, expand=False, fillcolor=None)
    alpha = image.getchannel("A")
    rgb = image.convert("RGB")
    for enhancer, spread in ((ImageEnhance.Brightness, 0.22), (ImageEnhance.Color, 0.35), (ImageEnhance.Contrast, 0.22)):
        if rng.random() < 0.6:
            rgb = enhancer(rgb).enhance(float(np.clip(rng.normal(1, spread), 0.35, 1.8)))
    if rng.random() < 0.12:
        rgb = rgb.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.3))))
    rgb.putalpha(alpha)
    return rgb


class SceneMaker:
    """Draws scenes; everything about scene ``(seed, index)`` is decided by these two numbers.

    Args:
        pack: pictures.
        split: which pictures may appear.
        size: px, side of the square frame.
        stride: px of the frame for each place of the label grid (the vision network's output stride).
    """

    def __init__(self, pack: PhotoPack, split: str, size: int = 224, stride: int = 16, seed: int = 0):
        self.pack, self.size, self.stride, self.seed = pack, size, stride, seed
        self.by_class = [pack.where(split, name) for name in pack.instruments]
        self.drawn = [[i for i in group if pack.entries[i]["source"] == "emoji"] for group in self.by_class]
        self.strange = pack.where("train" if split == "train" else "val", "", ("web30_train", "web30_valid"))
        self.views = pack.where("train", "", ("everyday", "drawn"))

    def _photo(self, thing: int, rng: np.random.Generator) -> int:
        if self.drawn[thing] and rng.random() < 0.12:
            return self.drawn[thing][0]
        return int(rng.choice(self.by_class[thing]))

    def _background(self, rng: np.random.Generator, width: int, height: int) -> Image.Image:
        kind = rng.random()
        if kind < 0.25:
            top, bottom = rng.integers(0, 256, (2, 3))
            ramp = np.linspace(0, 1, height)[:, None, None] * (bottom - top) + top
            noise = rng.normal(0, rng.uniform(0, 12), (height, width, 1))
            return Image.fromarray(np.clip(np.broadcast_to(ramp, (height, width, 3)) + noise, 0, 255).astype(np.uint8))
        image = self.pack.picture(int(rng.choice(self.views))).convert("RGB")
        image = _cover(image, width, height, rng, zoom=1.5)
        if kind < 0.45:
            image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
        return image

    def _on_ground(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        """A cut-out pasted on a background, or the photo as it is."""
        if image.getextrema()[3][0] == 255 or rng.random() < 0.35:
            white = Image.new("RGB", image.size, (255, 255, 255))
            white.paste(image, mask=image.getchannel("A"))
            return white
        ground = self._background(rng, *image.size)
        ground.paste(image, mask=image.getchannel("A"))
        return ground

    def _labels(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(S, S) coverage 0..1 of a thing -> places surely on it and places touched by it, both (g, g) bool."""
        g = mask.shape[0] // self.stride
        share = mask[: g * self.stride, : g * self.stride].reshape(g, self.stride, g, self.stride).mean((1, 3))
        touched = share > 0.05
        sure = share > 0.6
        if not sure.any() and touched.any():
            sure = share >= share.max()
        padded = np.pad(touched, 1)
        near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | touched
        return sure, near

    def scene(self, index: int) -> Scene:
        """Scene number ``index``."""
        rng = np.random.default_rng([self.seed, 29, index])
        kind = rng.choice(3, p=[0.40, 0.20, 0.40])
        count = (
            1
            if kind == 0
            else int(rng.choice([1, 2, 3], p=[0.2, 0.55, 0.25]) if kind == 2 else rng.choice([2, 3], p=[0.85, 0.15]))
        )
        classes = tuple(int(c) for c in rng.choice(len(self.by_class), count, replace=False))
        photos = [_vary(self.pack.picture(self._photo(c, rng)), rng) for c in classes]
        if kind == 2:
            return self._pasted(photos, classes, rng)
        return self._columns(photos, classes, rng)

    def _columns(self, photos: list[Image.Image], classes: tuple[int, ...], rng: np.random.Generator) -> Scene:
        """Photos that fill the frame, side by side."""
        size = self.size
        frame = Image.new("RGB", (size, size))
        g = size // self.stride
        things = np.full((g, g), UNSURE, np.int8)
        cuts = np.linspace(0, size, len(photos) + 1).astype(int)
        for number, photo in enumerate(photos):
            left, right = cuts[number], cuts[number + 1]
            ground = _cover(self._on_ground(photo, rng), right - left, size, rng, zoom=1.35 if len(photos) == 1 else 1.15)
            frame.paste(ground, (int(left), 0))
            y, x = np.mgrid[0:g, 0:g] * self.stride + self.stride / 2
            inside = ((x - (left + right) / 2) / ((right - left) * MIDDLE)) ** 2 + ((y - size / 2) / (size * MIDDLE)) ** 2 < 1
            things[inside] = number
        return Scene(np.asarray(frame), things, classes)

    def _pasted(self, photos: list[Image.Image], classes: tuple[int, ...], rng: np.random.Generator) -> Scene:
        """Things of different sizes before a background; sometimes with a stranger that makes no known sound."""
        size = self.size
        frame = self._background(rng, size, size)
        g = size // self.stride
        things = np.full((g, g), GROUND, np.int8)
        pasted = list(enumerate(photos))
        if self.strange and rng.random() < 0.3:
            stranger = self.pack.picture(int(rng.choice(self.strange if rng.random() < 0.7 else self.views)))
            pasted.insert(int(rng.integers(len(pasted) + 1)), (None, _vary(stranger, rng)))
        columns = rng.permutation(len(pasted))
        for column, (number, photo) in zip(columns, pasted, strict=True):
            height = int(rng.uniform(0.3, 0.8) * size)
            width = int(height * photo.width / photo.height)
            if (most := int(size * 1.15 / len(pasted))) < width:
                width, height = most, max(24, int(height * most / width))
            small = photo.resize((width, height), Image.Resampling.BILINEAR)
            alpha = small.getchannel("A")
            if alpha.getextrema()[0] == 255 and rng.random() < 0.5:
                edge = Image.new("L", (width, height), 0)
                margin = max(2, int(0.08 * min(width, height)))
                edge.paste(255, (margin, margin, width - margin, height - margin))
                alpha = edge.filter(ImageFilter.GaussianBlur(margin / 2))
            slot = size / len(pasted)
            x = int(np.clip(slot * (column + 0.5) + rng.normal(0, slot * 0.12) - width / 2, -0.1 * width, size - 0.9 * width))
            y = int(rng.uniform(0, max(1, size - height)))
            frame.paste(small.convert("RGB"), (x, y), alpha)
            cover = Image.new("L", (size, size), 0)
            cover.paste(alpha, (x, y))
            sure, near = self._labels(np.asarray(cover, np.float32) / 255)
            things[near] = UNSURE
            things[sure] = GROUND if number is None else number
        return Scene(np.asarray(frame), things, classes)


def _cover(image: Image.Image, width: int, height: int, rng: np.random.Generator, zoom: float = 1.0) -> Image.Image:
    """Scale to cover ``width`` x ``height`` with a random extra zoom and crop a random place of it."""
    scale = max(width / image.width, height / image.height) * rng.uniform(1.0, zoom)
    wide, high = max(width, round(image.width * scale)), max(height, round(image.height * scale))
    x, y = rng.integers(0, wide - width + 1), rng.integers(0, high - height + 1)
    box = (x / scale, y / scale, min(image.width, (x + width) / scale), min(image.height, (y + height) / scale))
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)
