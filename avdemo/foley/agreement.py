"""Whether a sound comes when it should, as loud as it should: onsets, course of loudness, level. numpy only.

Each compares a generated sound with the true one of a video, both (samples,) in [-1, 1]. What cannot be said is NaN: a steady sound has
no onsets, and no course to correlate with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avdemo.dsp.onsets import envelope, onsets

NEAR_S = 0.1  # an onset is met by another so near: 1.25 video frames
ENVELOPE_HZ = 25.0
QUIETEST_DB = -60.0
LIVELY_DB = 3.0  # standard deviation of a course of loudness that says something
FEWEST = 2  # onsets that make a rhythm


def matched(found_s: Sequence[float], true_s: Sequence[float], near_s: float = NEAR_S) -> int:
    """How many onsets find one of their own, both rising, each used once."""
    count = at = 0
    for time_s in true_s:
        while at < len(found_s) and found_s[at] < time_s - near_s:
            at += 1
        if at < len(found_s) and found_s[at] <= time_s + near_s:
            count, at = count + 1, at + 1
    return count


def onset_score(wav: np.ndarray, true_s: Sequence[float], sample_rate: int) -> float:
    """F1 of the onsets of a sound against the true ones, in [0, 1]; NaN when there are fewer than two true ones."""
    if len(true_s) < FEWEST:
        return float("nan")
    found = onsets(wav, sample_rate)[0]
    return 2 * matched(found, true_s) / (len(found) + len(true_s))


def course_of(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """Loudness in dB of full scale, 25 times a second, -60 at least."""
    return np.maximum(20 * np.log10(envelope(wav, sample_rate, ENVELOPE_HZ) + 1e-9), QUIETEST_DB)


def course_score(wav: np.ndarray, true: np.ndarray, sample_rate: int) -> float:
    """Correlation of two courses of loudness in dB, in [-1, 1]; NaN when the true one is steady, 0 when only the other is."""
    a, b = course_of(wav, sample_rate), course_of(true, sample_rate)
    if b.std() < LIVELY_DB:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-3 else 0.0


def level_db(wav: np.ndarray) -> float:
    """Root mean square in dB of full scale, -60 at least."""
    return max(10 * float(np.log10(np.mean(np.square(wav, dtype=np.float64)) + 1e-12)), QUIETEST_DB)


def level_error(wav: np.ndarray, true: np.ndarray) -> float:
    """Distance of the levels in dB, NaN when the true sound is silent."""
    level = level_db(true)
    return abs(level_db(wav) - level) if level > QUIETEST_DB + 5 else float("nan")
