"""Packed mouth clips as training reads them: arrays in one folder, see :mod:`avdemo.corpora.pack_lips`; no media library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avdemo.corpora.lips_data import SAMPLES_PER_FRAME
from avdemo.errors import InputError


@dataclass(frozen=True)
class Clip:
    """One clip of a pack; frames are numbered from its first."""

    number: int
    name: str
    source: str
    speaker: str
    split: str
    first: int  # its first frame in the pack
    frames: int
    spoken: tuple[int, int]  # frames from which to which something is said
    has_points: bool
    lag: int | None
    lag_r: float | None

    @property
    def place(self) -> slice:
        """In the pack's frames and points."""
        return slice(self.first, self.first + self.frames)


class LipPack:
    """The arrays of a folder, mapped and not read.

    ``frames``: (N, S, S, 3) uint8. ``points``: (N, 20, 2) float32, pixels, NaN where unknown. ``speech``: (640 N,) int16 at 16 kHz.

    Raises:
        InputError: the folder holds no complete pack.
    """

    def __init__(self, folder: Path):
        try:
            self.about: dict[str, Any] = json.loads((folder / "packed.json").read_text())
            entries = json.loads((folder / "clips.json").read_text())
            self.frames = np.load(folder / "frames.npy", mmap_mode="r")
            self.points = np.load(folder / "points.npy")
            self.speech = np.load(folder / "speech.npy", mmap_mode="r")
            self.clips = [Clip(number, **(entry | {"spoken": tuple(entry["spoken"])})) for number, entry in enumerate(entries)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The folder {folder.name} holds no packed mouth clips ({error}); pack the data into it first.") from error
        self.folder = folder

    @property
    def size_px(self) -> int:
        return int(self.frames.shape[1])

    def of(self, split: str) -> list[Clip]:
        """The clips of a split, "train", "val" or "test"."""
        return [clip for clip in self.clips if clip.split == split]

    def wav(self, clip: Clip) -> np.ndarray:
        """A clip's speech, float32 (640 frames,) in [-1, 1]."""
        first = clip.first * SAMPLES_PER_FRAME
        return self.speech[first : first + clip.frames * SAMPLES_PER_FRAME].astype(np.float32) / 32768
