"""Variations of a recording: there are few, and many sounds like them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FASTER = 0.22  # and slower, as a power of e
EQUALISER_KNOTS, EQUALISER_DB = 6, 4.0  # evenly over the octaves; their deviation


def varied(wav: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A sound (T,) played up to a quarter faster or slower, and through an equaliser of a few dB. Faster it begins anew at its end."""
    speed = np.exp(rng.uniform(-FASTER, FASTER))
    count = len(wav)
    wav = np.interp(np.arange(count) * speed % (count - 1), np.arange(count), wav)
    spectrum = np.fft.rfft(wav)
    octaves = np.log2(np.linspace(0, sample_rate / 2, len(spectrum)).clip(60) / 60)
    knots = np.linspace(0, octaves[-1], EQUALISER_KNOTS)
    db = np.interp(octaves, knots, rng.normal(0, EQUALISER_DB, EQUALISER_KNOTS))
    return np.fft.irfft(spectrum * 10 ** (db / 20), count).clip(-1, 1).astype(np.float32)


def sped(times_s: Sequence[float], seconds: float, rng: np.random.Generator) -> list[float]:
    """Moments of a sound of so many seconds -> those of its variation with the same dice."""
    speed = np.exp(rng.uniform(-FASTER, FASTER))
    return sorted(at for turn in (0, 1) for time_s in times_s if (at := (time_s + turn * seconds) / speed) < seconds)
