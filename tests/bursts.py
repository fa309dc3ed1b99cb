"""Sounds whose onsets are known."""

from __future__ import annotations

import numpy as np

RATE = 16_000


def bursts(times_s, seconds: float, level: float = 0.3, seed: int = 0, decay_s: float = 0.05) -> np.ndarray:
    """Decaying noise at each time over a faint hiss, float32 (samples,)."""
    rng = np.random.default_rng(seed)
    wav = rng.normal(0, 2e-4, int(seconds * RATE))
    for time_s in times_s:
        start = round(time_s * RATE)
        count = min(len(wav) - start, round(8 * decay_s * RATE))
        wav[start : start + count] += level * rng.normal(0, 1, count) * np.exp(-np.arange(count) / (decay_s * RATE))
    return np.clip(wav, -1, 1).astype(np.float32)
