"""Speech made for the lips tests, and where the app's examples lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[2] / "avdemo" / "lips" / "examples"


def syllables(seconds: float, rate: int = 16_000, pauses: tuple[tuple[float, float], ...] = ()) -> np.ndarray:
    """Noise in the rhythm of syllables, (1, samples), silent in the pauses (from, to) in seconds."""
    at = np.arange(round(seconds * rate)) / rate
    wav = 0.2 * np.random.default_rng(1).normal(size=len(at)) * np.maximum(0, np.sin(2 * np.pi * 4 * at)) ** 2
    for first, last in pauses:
        wav[(at >= first) & (at < last)] = 0
    return wav[None].astype(np.float32)
