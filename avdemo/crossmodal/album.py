"""Photos as square arrays with their class, and what is done to them before a classifier sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from avdemo.corpora.scenes import PhotoPack

DRAWN = ("players", "emoji", "drawn", "everyday")  # sources that are no photos
SMALL = 0.75  # a photo may shrink to this share of the picture, or be enlarged as far the other way
TURN_DEG, SHIFT = 12.0, 0.12


@dataclass(frozen=True)
class Album:
    """Square pictures: ``pixels`` (N, S, S, 4) uint8 RGBA, ``kind`` (N,) int64 (``len(kinds)``: none of them), ``source`` of each,
    and ``entry``: its number in the pack."""

    pixels: np.ndarray
    kind: np.ndarray
    source: tuple[str, ...]
    entry: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def on_white(self) -> np.ndarray:
        """(N, S, S, 3) uint8."""
        alpha = self.pixels[..., 3:].astype(np.uint16)
        return ((self.pixels[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)


def square(image: Image.Image, size: int) -> Image.Image:
    """RGBA picture -> RGBA (size, size): a cut-out is set whole on nothing, a photo loses what is beside its middle square."""
    width, height = image.size
    if image.getchannel("A").getextrema()[0] < 255:
        side = max(width, height)
        canvas = Image.new("RGBA", (side, side), (255, 255, 255, 0))
        canvas.paste(image, ((side - width) // 2, (side - height) // 2))
    else:
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        canvas = image.crop((left, top, left + side, top + side))
    return canvas.resize((size, size), Image.Resampling.LANCZOS if side > size else Image.Resampling.BICUBIC)


def load_album(
    packed: Path, kinds: Sequence[str], split: str, size: int, *, others: bool = True, drawn: bool = False, sources: Sequence[str] = ()
) -> Album:
    """The photos of one split as an album.

    Args:
        others: with pictures of other things, as class ``len(kinds)``.
        drawn: with the project's own drawings and the emoji.
        sources: only these, if any are given.
    """
    pack = PhotoPack(packed, kinds)
    numbers, kind = [], []
    for number, entry in enumerate(pack.entries):
        wanted = entry["split"] == split and (drawn or entry["source"] not in DRAWN) and (not sources or entry["source"] in sources)
        known = entry["instrument"] in pack.instruments
        if wanted and (known or others):
            numbers.append(number)
            kind.append(pack.instruments.index(entry["instrument"]) if known else len(pack.instruments))
    pixels = np.stack([np.asarray(square(pack.picture(n), size)) for n in numbers]) if numbers else np.zeros((0, size, size, 4), np.uint8)
    return Album(pixels, np.array(kind, np.int64), tuple(pack.entries[n]["source"] for n in numbers), np.array(numbers, np.int64))


def disturb(pixels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """RGBA (N, S, S, 4) uint8 -> pictures (N, 3, size, size) in [-1, 1] as other cameras, places and grounds would show them.

    Cut-outs get a ground of any colour now and then; everything is mirrored, moved, turned, scaled, recoloured.
    """
    n = len(pixels)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    rgba = pixels.permute(0, 3, 1, 2).float() / 255
    scale, angle = torch.exp(draw(math.log(SMALL), -math.log(SMALL))), draw(-1, 1) * math.radians(TURN_DEG)
    mirror = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([mirror * cos, -sin, draw(-SHIFT, SHIFT)], 1), torch.stack([mirror * sin, cos, draw(-SHIFT, SHIFT)], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), [n, 4, size, size], align_corners=False)
    rgba = F.grid_sample(rgba, grid, mode="bilinear", padding_mode="border", align_corners=False)
    rgb, alpha = rgba[:, :3], rgba[:, 3:]
    top, bottom = draw(0, 1, 3, 1, 1), draw(0, 1, 3, 1, 1)
    ramp = torch.linspace(0, 1, size).view(1, 1, size, 1)
    ground = top * (1 - ramp) + bottom * ramp
    ground = torch.where(draw(0, 1, 1, 1, 1) < 0.6, torch.ones_like(ground), ground)
    rgb = rgb * alpha + ground * (1 - alpha)
    grey = rgb.mean(1, keepdim=True)
    rgb = (rgb - grey) * draw(0.3, 1.7, 1, 1, 1) + grey
    rgb = (rgb - 0.5) * draw(0.7, 1.3, 1, 1, 1) + 0.5 + draw(-0.15, 0.15, 1, 1, 1)
    return (rgb.clamp(0, 1) * 2 - 1).contiguous(memory_format=torch.channels_last)
