"""Where the paper's training finds its solo videos: a MUSIC-style index, or instrument photos and sounds.

A "video" of the latter is a photo of a class under a slightly moving camera and a sound of that class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from avdemo.corpora.mixtures import KINDS, SoundPack
from avdemo.corpora.music_index import SILENT_PEAK, MusicSolos, Solo, digest, pack_music
from avdemo.corpora.scenes import PhotoPack
from avdemo.errors import InputError
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.listen import flatten

ITEMS_PER_VIDEO = 100  # of an epoch, as released
MARGIN = 256 / 224  # frames are read this much larger than the crop
SHAKE = 0.06  # share of a photo's side by which the crops of its "video" differ

Progress = Callable[[float, str], None]


class Solos(Protocol):
    """Where solo videos come from."""

    def keys(self, split: str) -> Sequence:
        """What can be drawn for ``"train"`` or ``"val"``; two different keys may meet in a mixture."""
        ...

    def draw(self, key: Any, split: str, rng: np.random.Generator) -> Solo:
        """A window of ``key``; decided by ``rng`` alone."""
        ...


class InstrumentSolos:
    """Packed photos and sounds as solo videos; keys are classes, so those of a mixture are distinct.

    Args:
        pack: folder with ``photos.*`` and ``sounds.*``.
        samples, frames: of a window.
    """

    def __init__(self, pack: Path, samples: int, frames: int):
        self.photos, self.sounds = PhotoPack(pack, SOUNDS), SoundPack(pack, SOUNDS)
        self.samples, self.frames = samples, frames
        self._pictures = {(split, c): self.photos.where(split, c) for split in ("train", "val") for c in SOUNDS}
        self._pieces = {(split, c): self._kinds(c, split) for split in ("train", "val") for c in SOUNDS}
        self._views = self.photos.where("train", "", ("everyday", "drawn"))

    def _kinds(self, instrument: str, split: str) -> list[list[int]]:
        """Numbers of its pieces, one list for each kind that there is."""
        return [numbers for kind in KINDS if (numbers := self.sounds.numbers(instrument, kind, split))]

    def keys(self, split: str) -> list[str]:
        return [c for c in SOUNDS if self._pictures[split, c] and self._pieces[split, c]]

    def draw(self, key: str, split: str, rng: np.random.Generator) -> Solo:
        kinds = self._pieces[split, key]
        for _ in range(8):
            numbers = kinds[rng.integers(len(kinds))]
            number = numbers[rng.integers(len(numbers))]
            wav = self.sounds.wav(number, int(rng.integers(self.sounds.room(number, self.samples) + 1)), self.samples)
            if np.abs(wav).max() > SILENT_PEAK:
                break
        group = self._pictures[split, key]
        picture = self._grounded(self.photos.picture(group[rng.integers(len(group))]), split, rng)
        corners = rng.uniform(0, SHAKE, (self.frames, 2)) * picture.size
        boxes = [(x, y, x + (1 - SHAKE) * picture.width, y + (1 - SHAKE) * picture.height) for x, y in corners]
        shots = [picture.resize(picture.size, Image.Resampling.BILINEAR, box=box) for box in boxes]
        return Solo(wav, np.stack([np.asarray(shot) for shot in shots]))

    def _grounded(self, picture: Image.Image, split: str, rng: np.random.Generator) -> Image.Image:
        """Product shots on white get another ground half of the time in training, or white would come to mean silence."""
        if split != "train" or not self._views or picture.getextrema()[3][0] == 255 or rng.random() < 0.5:
            return flatten(picture)
        view = self.photos.picture(self._views[rng.integers(len(self._views))]).convert("RGB").resize(picture.size)
        view.paste(picture, mask=picture.getchannel("A"))
        return view


def crop_frames(frames: np.ndarray, side: int, rng: np.random.Generator | None) -> np.ndarray:
    """Frames (N, H, W, 3) of one video -> (N, side, side, 3), cut alike: a random crop and flip, the centre without ``rng``."""
    short = side if rng is None else round(side * MARGIN)
    height, width = frames.shape[1:3]
    scale = short / min(height, width)
    size = (max(short, round(width * scale)), max(short, round(height * scale)))
    if size != (width, height):
        frames = np.stack([np.asarray(Image.fromarray(f).resize(size, Image.Resampling.BICUBIC)) for f in frames])
    room_x, room_y = size[0] - side, size[1] - side
    x, y = (room_x // 2, room_y // 2) if rng is None else (int(rng.integers(room_x + 1)), int(rng.integers(room_y + 1)))
    cut = frames[:, y : y + side, x : x + side]
    return cut[:, :, ::-1] if rng is not None and rng.random() < 0.5 else cut


def open_solos(
    data: Path, pack: Path, config: PixelsConfig, *, seed: int = 0, progress: Progress | None = None
) -> tuple[Solos, int]:
    """The solo videos in ``data``, packed into ``pack`` unless they are there, and the items of an epoch.

    Args:
        data: a folder with ``instruments/photos.csv``, a MUSIC-style index file, or a folder that holds a single such file.

    Raises:
        InputError: neither of these, or something in it cannot be used.
    """
    stride_s = config.frame_stride / config.frame_rate
    if data.is_dir() and (data / "instruments" / "photos.csv").is_file():
        from avdemo.pixels.recipe import pack as pack_instruments

        pack_instruments(data, pack, seed=seed, progress=progress)
        solos = InstrumentSolos(pack, config.samples, config.frames)
        return solos, sum(e["split"] == "train" and e["instrument"] != "" for e in solos.photos.entries)
    tables = sorted(data.glob("*.csv")) if data.is_dir() else [data]
    if len(tables) != 1 or tables[0].suffix.lower() != ".csv" or not tables[0].is_file():
        raise InputError(
            f"{data.name} is neither a folder with instruments/photos.csv nor one index file (.csv) of sounds and frames; give that."
        )
    if not _is_packed(tables[0], pack):
        pack_music(tables[0], pack, sample_rate=config.sample_rate, progress=progress)
    solos = MusicSolos(pack, config.sample_rate, config.samples, config.frames, stride_s, seed)
    return solos, ITEMS_PER_VIDEO * len(solos.keys("train"))


def _is_packed(index: Path, pack: Path) -> bool:
    done = pack / "music.json"
    return done.is_file() and json.loads(done.read_text()).get("index_sha256") == digest(index)
