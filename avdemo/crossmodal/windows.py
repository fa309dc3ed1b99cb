"""Windows of sound with their class, drawn from packed sounds: what the ear learns from and what the painters are conditioned on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avdemo.corpora.acoustics import weather
from avdemo.corpora.mixtures import SoundPack

ORIGINS = ("render", "notes", "phrase", "recording")
ORIGIN_SHARE = (0.38, 0.30, 0.24, 0.08)
OTHER_SHARE = 0.22  # of the windows sound like none of the kinds
NOISE_SHARE = 0.12  # of those are synthetic: noise of some colour, a hum, a click train, nearly nothing
BACKGROUND = 0.25  # of the instruments are heard over something else, this many dB louder than it:
BACKGROUND_DB = (8.0, 30.0)
WEATHERED = 0.5  # of the windows are heard through another room and microphone,
SPEED = 2.0  # all of them up to so many semitones higher or lower, and faster or slower with it
QUIET = 0.004  # root mean square under which a window is drawn again: the pause after a note
TRIES = 6


class WindowMaker:
    """Draws windows; window ``(seed, index)`` is always the same.

    Args:
        sounds: packed sounds at the ear's sample rate.
        kinds: gives the class numbers; every other sound of the pack belongs to class ``len(kinds)``.
        split: "train", "val" or "test".
        samples, sample_rate: length of a window, and Hz.
    """

    def __init__(self, sounds: SoundPack, kinds: Sequence[str], split: str, samples: int, seed: int = 0, sample_rate: int = 24_000):
        self.sounds, self.kinds, self.split, self.samples, self.seed = sounds, tuple(kinds), split, samples, seed
        self.sample_rate = sample_rate
        self.of_kind = [[sounds.numbers(kind, origin, split) for origin in ORIGINS] for kind in self.kinds]
        strangers: dict[tuple[str, str], list[int]] = {}
        for number, entry in enumerate(sounds.entries):
            if entry["split"] == split and entry["instrument"] not in self.kinds:
                strangers.setdefault((entry["instrument"], entry["kind"] == "recording"), []).append(number)
        self.strangers = [strangers[key] for key in sorted(strangers)]
        self.backgrounds = [n for (_, is_recording), group in strangers.items() if is_recording for n in group]

    def _cut(self, number: int, rng: np.random.Generator, speed: float = 1.0) -> np.ndarray:
        """A window of piece ``number`` that is not a pause, if it has one."""
        taken = round(self.samples * speed)
        for _ in range(TRIES):
            wav = self.sounds.wav(number, int(rng.integers(self.sounds.room(number, taken) + 1)), taken)
            if np.sqrt(np.mean(wav**2)) > QUIET:
                break
        if taken == self.samples:
            return wav
        return np.interp(np.linspace(0, taken - 1, self.samples), np.arange(taken), wav).astype(np.float32)

    def of(self, kind: int, rng: np.random.Generator, origin: str | None = None, speed: float = 1.0) -> np.ndarray:
        """A window (samples,) float32 of class ``kind``; of one ``origin`` only, if given; played ``speed`` times as fast.

        Raises:
            ValueError: the split has none.
        """
        if kind == len(self.kinds):
            if rng.random() < NOISE_SHARE or not self.strangers:
                return strange_noise(self.samples, rng)
            group = self.strangers[rng.integers(len(self.strangers))]
            return self._cut(group[rng.integers(len(group))], rng, speed)
        have = [
            (group, share)
            for group, share, name in zip(self.of_kind[kind], ORIGIN_SHARE, ORIGINS, strict=True)
            if group and origin in (None, name)
        ]
        if not have:
            raise ValueError(f"no {origin or 'sound'} of {self.kinds[kind]} in the split {self.split}")
        shares = np.array([share for _, share in have])
        group = have[rng.choice(len(have), p=shares / shares.sum())][0]
        return self._cut(group[rng.integers(len(group))], rng, speed)

    def item(self, index: int) -> tuple[np.ndarray, int]:
        """Window number ``index`` and its class: kinds in turn, over a background now and then."""
        rng = np.random.default_rng([self.seed, 61, index])
        kind = len(self.kinds) if rng.random() < OTHER_SHARE else int(rng.integers(len(self.kinds)))
        wav = self.of(kind, rng, speed=2 ** (rng.uniform(-SPEED, SPEED) / 12))
        if rng.random() < WEATHERED and np.any(wav):
            wav = weather(wav, self.sample_rate, rng)
        if kind < len(self.kinds) and self.backgrounds and rng.random() < BACKGROUND:
            behind = self._cut(self.backgrounds[rng.integers(len(self.backgrounds))], rng)
            ratio = np.sqrt(np.mean(wav**2) / max(np.mean(behind**2), 1e-10))
            wav = wav + behind * ratio * 10 ** (-rng.uniform(*BACKGROUND_DB) / 20)
        return wav.astype(np.float32), kind


def strange_noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """A sound (samples,) that no instrument makes: coloured noise, a hum, clicks, or next to nothing."""
    pick = rng.integers(4)
    if pick == 0:
        shape = np.arange(1, samples // 2 + 2, dtype=np.float64) ** -rng.uniform(0, 1.2)
        spec = shape * np.exp(2j * np.pi * rng.random(len(shape)))
        wav = np.fft.irfft(spec, samples)
    elif pick == 1:
        time = np.arange(samples) / samples * rng.uniform(90, 260)
        wav = sum(np.sin(2 * np.pi * h * time + rng.uniform(0, 6)) / h**1.5 for h in (1, 2, 3)) + 0.05 * rng.standard_normal(samples)
    elif pick == 2:
        wav = 0.003 * rng.standard_normal(samples)
        wav[rng.integers(samples, size=int(rng.integers(1, 40)))] = 1
    else:
        wav = 10 ** rng.uniform(-6, -3) * rng.standard_normal(samples)
        return wav.astype(np.float32)
    return (0.1 * wav / (np.sqrt(np.mean(wav**2)) + 1e-9)).astype(np.float32)
