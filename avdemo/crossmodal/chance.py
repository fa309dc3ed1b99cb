"""Where the noise z comes from: number ``i`` of a seed is always the same, however many are asked for, on every device."""

from __future__ import annotations

import numpy as np

from avdemo.hooks import MOST_SEED, check_seed, is_whole

__all__ = ["MOST_SEED", "check_seed", "is_whole", "noise"]


def noise(seed: int, number: int, length: int) -> np.ndarray:
    """z (length,) float32 ~ N(0, 1), the ``number``-th of this seed."""
    return np.random.default_rng([seed, number]).standard_normal(length).astype(np.float32)
