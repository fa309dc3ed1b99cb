"""Mixtures for mix-and-separate: which scenes are seen, which of their things sound, and what they sound like.

An item is made of up to three scenes ("videos"). Some of their things sound, some are silent, and sometimes a noise sounds
that nobody shows: so that the network learns that silent things and bare places have no sound, not only who is who.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOURCES = (1, 2, 3, 4)
SOURCES_SHARE = (0.04, 0.70, 0.19, 0.07)
KINDS = ("ensemble", "notes", "phrase")
KINDS_SHARE = (0.35, 0.35, 0.30)
TOGETHER = 0.35  # of the items are parts of one composition
GAIN_DB = 6.0


class SoundPack:
    """Packed sounds (see :mod:`avdemo.corpora.pack_sounds`), memory-mapped."""

    def __init__(self, folder: Path, instruments: Sequence[str]):
        self.samples = np.load(folder / "sounds.npy", mmap_mode="r")
        self.entries = json.loads((folder / "sounds.json").read_text())
        self.instruments = tuple(instruments)
        self._numbers: dict[tuple[str, str, str], list[int]] = {}
        self._parts: dict[tuple[str, int], dict[str, int]] = {}
        for number, e in enumerate(self.entries):
            self._numbers.setdefault((e["instrument"], e["kind"], e["split"]), []).append(number)
            if e["kind"] == "ensemble":
                self._parts.setdefault((e["split"], e["group"]), {})[e["instrument"]] = number

    def numbers(self, instrument: str, kind: str, split: str) -> list[int]:
        return self._numbers.get((instrument, kind, split), [])

    def compositions(self, split: str) -> list[dict[str, int]]:
        """For each composed piece, instrument -> number of its part."""
        return [self._parts[key] for key in sorted(self._parts) if key[0] == split]

    def wav(self, number: int, start: int, samples: int) -> np.ndarray:
        """``samples`` float32 samples of piece ``number`` from ``start``, padded with silence."""
        e = self.entries[number]
        begin = e["start"] + min(start, e["length"])
        piece = np.asarray(self.samples[begin : min(begin + samples, e["start"] + e["length"])], np.float32) / 32768
        return np.pad(piece, (0, samples - len(piece)))

    def room(self, number: int, samples: int) -> int:
        """How many samples later than 0 a window of ``samples`` can start."""
        return max(0, self.entries[number]["length"] - samples)


@dataclass(frozen=True)
class Mixture:
    """One item of training. P sources, of which the first ``len(sounding)`` belong to things."""

    scenes: tuple[int, ...]  # numbers of the scenes
    questions: tuple[tuple[int, int, int], ...]  # (which scene, which thing or -1 for the ground, which source or -1 for silence)
    wavs: np.ndarray  # (P, samples)


class MixtureMaker:
    """Draws items; item ``(seed, index)`` is always the same.

    Args:
        sounds: packed sounds.
        scene_classes: for each scene, the classes of its things.
        has_ground: for each scene, whether some of its places are sure to show no instrument.
    """

    def __init__(
        self,
        sounds: SoundPack,
        scene_classes: Sequence[Sequence[int]],
        has_ground: Sequence[bool],
        samples: int,
        questions: int,
        seed: int,
    ):
        self.sounds, self.scene_classes, self.has_ground = sounds, scene_classes, has_ground
        self.samples, self.questions, self.seed = samples, questions, seed
        self.pieces = sounds.compositions("train")
        self.noises = sounds.numbers("noise", "noise", "train")

    def _wavs(self, classes: list[int], rng: np.random.Generator) -> list[np.ndarray]:
        names = [self.sounds.instruments[c] for c in classes]
        if rng.random() < TOGETHER:
            piece = self.pieces[rng.integers(len(self.pieces))]
            if all(name in piece for name in names):
                start = int(rng.integers(self.sounds.room(piece[names[0]], self.samples) + 1)) if names else 0
                return [self.sounds.wav(piece[name], start, self.samples) for name in names]
        wavs = []
        for name in names:
            have = [(self.sounds.numbers(name, kind, "train"), share) for kind, share in zip(KINDS, KINDS_SHARE, strict=True)]
            have = [(numbers, share) for numbers, share in have if numbers]
            shares = np.array([share for _, share in have])
            numbers = have[rng.choice(len(have), p=shares / shares.sum())][0]
            number = numbers[rng.integers(len(numbers))]
            wavs.append(self.sounds.wav(number, int(rng.integers(self.sounds.room(number, self.samples) + 1)), self.samples))
        return wavs

    def mixture(self, index: int) -> Mixture:
        """Item number ``index``."""
        rng = np.random.default_rng([self.seed, 31, index])
        wanted = int(rng.choice(SOURCES, p=SOURCES_SHARE))
        scenes, things, seen = [], [], set()
        for _ in range(12):
            number = int(rng.integers(len(self.scene_classes)))
            classes = self.scene_classes[number]
            if seen.isdisjoint(classes):
                things += [(len(scenes), thing, c) for thing, c in enumerate(classes)]
                scenes.append(number)
                seen.update(classes)
            if len(scenes) == 3 or (len(things) >= wanted and rng.random() < 0.7):
                break
        order = rng.permutation(len(things))
        sounding, silent = order[:wanted], order[wanted:]
        wavs = self._wavs([things[i][2] for i in sounding], rng)
        asked = [(things[i][0], things[i][1], source) for source, i in enumerate(sounding)]
        asked += [(things[i][0], things[i][1], -1) for i in silent[:2]]
        grounds = [s for s, number in enumerate(scenes) if self.has_ground[number]]
        if grounds:
            asked.append((int(rng.choice(grounds)), -1, -1))
        wavs = [w * 10 ** (rng.uniform(-GAIN_DB, GAIN_DB) / 20) for w in wavs]
        if rng.random() < 0.12 and self.noises:
            noise = self.sounds.wav(int(rng.choice(self.noises)), int(rng.integers(self.samples // 3)), self.samples)
            wavs.append(noise * 10 ** (rng.uniform(-22, -4) / 20))
        stack = np.stack(wavs)
        rms = float(np.sqrt((stack.sum(0) ** 2).mean())) + 1e-6
        stack *= 0.1 / rms * 10 ** (rng.uniform(-10, 4) / 20)  # a window may be quieter than its clip
        return Mixture(tuple(scenes), tuple(asked[: self.questions]), stack.astype(np.float32))
