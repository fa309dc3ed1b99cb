"""Pairs of picture and sound for correspondence training, from the packed arrays of :mod:`avdemo.corpora.pack_pairs`.

Two domains, never mixed in a negative: *real* videos (a frame and a second of sound that overlaps it) and *made* ones (a composed
scene and a sound of one of the things in it, or of two). Strangers (a sound that no picture shows, silence) give only negatives.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avdemo.corpora.mixtures import SoundPack

MADE, REAL = 0, 1
SOUND_KINDS = ("render", "notes", "phrase", "recording")
SOUND_SHARES = (0.36, 0.27, 0.22, 0.15)
STRANGERS = 0.08  # of the made items have a sound that no picture shows
SILENCES = 0.03  # of the made items have next to no sound
DUETS = 0.12  # of the made items sound two of their things
NOISY = 0.2  # of the made sounds have something else in the background
GAIN_DB = 10.0
QUIET = 0.01  # RMS below which a window is a pause of its piece and another is drawn
DETUNE_SEMITONES = 1.5


class ClipPack:
    """Packed real clips (``clip_frames.npy``, ``clip_sounds.npy``, ``clips.json``), memory-mapped."""

    def __init__(self, folder: Path):
        self.frames = np.load(folder / "clip_frames.npy", mmap_mode="r")
        self.sounds = np.load(folder / "clip_sounds.npy", mmap_mode="r")
        self.entries = json.loads((folder / "clips.json").read_text())

    def where(self, split: str, *, with_sound: bool = True) -> list[int]:
        """Numbers of the clips of a split."""
        return [i for i, e in enumerate(self.entries) if e["split"] == split and (e["has_sound"] or not with_sound)]

    def frame(self, clip: int, number: int) -> np.ndarray:
        """(H, W, 3) uint8."""
        f = self.entries[clip]["frames"][number]
        size = f["height"] * f["width"] * 3
        return np.asarray(self.frames[f["start"] : f["start"] + size]).reshape(f["height"], f["width"], 3)

    def wav(self, clip: int, start: int, samples: int) -> np.ndarray:
        """``samples`` float32 samples from ``start`` (clamped so that they fit), padded with silence when the clip is shorter."""
        e = self.entries[clip]
        start = max(0, min(start, e["sound_length"] - samples))
        begin = e["sound_start"] + start
        piece = np.asarray(self.sounds[begin : min(begin + samples, e["sound_start"] + e["sound_length"])], np.float32) / 32768
        return np.pad(piece, (0, samples - len(piece)))


@dataclass(frozen=True)
class Item:
    """One picture and one second of sound."""

    picture: int  # number in the table of pictures
    wav: np.ndarray  # (samples,) float32
    video: int  # number of the video; made items are videos of their own
    domain: int  # MADE or REAL
    heard: tuple[int, ...]  # kinds in the sound
    has_pair: bool  # picture and sound belong together


@dataclass(frozen=True)
class PictureTable:
    """What the numbered pictures show: scenes first, then frames of real clips."""

    kinds: Sequence[Sequence[int]]  # of each picture
    clip: Sequence[int]  # of each picture, -1 for a scene
    time_s: Sequence[float]  # of each picture inside its clip


class PairMaker:
    """Draws items; item ``(seed, index)`` is always the same.

    Args:
        sounds, clips: packed arrays.
        table: the pictures that may appear.
        sample_rate, samples: of one window of sound.
        real_share: of the items that come from real videos.
    """

    def __init__(
        self, sounds: SoundPack, clips: ClipPack, table: PictureTable, *, split: str, sample_rate: int, samples: int,
        real_share: float = 0.3, seed: int = 0,
    ):  # fmt: skip
        self.sounds, self.clips, self.table, self.split = sounds, clips, table, split
        self.sample_rate, self.samples, self.seed = sample_rate, samples, seed
        self.by_kind = [
            [
                (numbers, share)
                for kind, share in zip(SOUND_KINDS, SOUND_SHARES, strict=True)
                if (numbers := sounds.numbers(name, kind, split))
            ]
            for name in sounds.instruments
        ]
        self.strangers = sounds.numbers("", "stranger", split) or sounds.numbers("", "stranger", "train")
        audible = set(clips.where(split))
        self.made = [i for i, kinds in enumerate(table.kinds) if any(self.by_kind[k] for k in kinds)]
        self.real: dict[int, list[int]] = {}
        for i, clip in enumerate(table.clip):
            if clip in audible:
                self.real.setdefault(clip, []).append(i)
        self.real_clips = sorted(self.real)
        self.real_share = real_share if len(self.real_clips) > 1 else 0.0

    def sound_of(self, kind: int, rng: np.random.Generator) -> np.ndarray:
        """A window of something of this kind, (samples,) float32."""
        have = self.by_kind[kind]
        shares = np.array([share for _, share in have])
        numbers = have[rng.choice(len(have), p=shares / shares.sum())][0]
        return self._window(int(numbers[rng.integers(len(numbers))]), rng)

    def _window(self, number: int, rng: np.random.Generator) -> np.ndarray:
        room = self.sounds.room(number, self.samples)
        for _ in range(6):
            wav = self.sounds.wav(number, int(rng.integers(room + 1)), self.samples)
            if np.sqrt(np.mean(wav**2)) > QUIET:
                break
        if rng.random() < 0.3:
            ratio = 2 ** (rng.uniform(-DETUNE_SEMITONES, DETUNE_SEMITONES) / 12)
            wav = np.interp(np.arange(self.samples) * ratio % (self.samples - 1), np.arange(self.samples), wav).astype(np.float32)
        return wav

    def item(self, index: int) -> Item:
        """Item number ``index``."""
        rng = np.random.default_rng([self.seed, 37, index])
        if rng.random() < self.real_share:
            return self._real(rng)
        return self._made(index, rng)

    def _real(self, rng: np.random.Generator) -> Item:
        clip = self.real_clips[rng.integers(len(self.real_clips))]
        pictures = self.real[clip]
        picture = int(pictures[rng.integers(len(pictures))])
        start_s = self.table.time_s[picture] - rng.uniform(0, self.samples / self.sample_rate)  # the second overlaps the frame
        wav = self.clips.wav(clip, round(start_s * self.sample_rate), self.samples)
        return Item(picture, wav * self._gain(rng, 6.0), -1 - clip, REAL, (), True)

    def _made(self, index: int, rng: np.random.Generator) -> Item:
        picture = int(self.made[rng.integers(len(self.made))])
        kind = rng.random()
        if kind < SILENCES:
            wav = rng.normal(0, 10 ** (rng.uniform(-110, -60) / 20), self.samples).astype(np.float32)
            return Item(picture, wav, index, MADE, (), False)
        if kind < SILENCES + STRANGERS and self.strangers:
            wav = self._window(int(self.strangers[rng.integers(len(self.strangers))]), rng)
            return Item(picture, wav * self._gain(rng), index, MADE, (), False)
        sounding = [k for k in self.table.kinds[picture] if self.by_kind[k]]
        chosen = rng.permutation(sounding)[: 2 if rng.random() < DUETS else 1].tolist()
        wav = sum(self.sound_of(k, rng) * np.float32(10 ** (rng.uniform(-4, 4) / 20)) for k in chosen)
        if rng.random() < NOISY:
            wav = wav + self._background(rng)
        return Item(picture, (wav * self._gain(rng)).astype(np.float32), index, MADE, tuple(chosen), True)

    def _background(self, rng: np.random.Generator) -> np.ndarray:
        """Hiss, or the sound of a real clip, well below the sound that counts (packed at -20 dBFS)."""
        level = 10 ** (rng.uniform(-26, -8) / 20)
        if self.real_clips and rng.random() < 0.6:
            clip = self.real_clips[rng.integers(len(self.real_clips))]
            wav = self.clips.wav(clip, int(rng.integers(max(1, self.clips.entries[clip]["sound_length"]))), self.samples)
        else:
            wav = rng.normal(0, 1, self.samples).astype(np.float32)
        return wav * np.float32(0.1 * level / max(1e-4, float(np.sqrt(np.mean(wav**2)))))

    @staticmethod
    def _gain(rng: np.random.Generator, spread_db: float = GAIN_DB) -> np.float32:
        return np.float32(10 ** (rng.uniform(-spread_db, spread_db) / 20))
