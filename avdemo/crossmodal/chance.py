"""Where the noise z comes from: number ``i`` of a seed is always the same, however many are asked for, on every device."""

from __future__ import annotations

import math

import numpy as np

from avdemo.errors import InputError

MOST_SEED = 2**32 - 1


def is_whole(number: float) -> bool:
    """Whether it is a whole number, such as 4 or 4.0."""
    return not isinstance(number, bool) and math.isfinite(number) and number == int(number)


def check_seed(seed: int) -> int:
    """The seed itself.

    Raises:
        InputError: it is not a whole number from 0 to 4294967295.
    """
    if not (is_whole(seed) and 0 <= seed <= MOST_SEED):
        raise InputError(f"The seed {seed} cannot be used; give a whole number from 0 to {MOST_SEED}.")
    return int(seed)


def noise(seed: int, number: int, length: int) -> np.ndarray:
    """z (length,) float32 ~ N(0, 1), the ``number``-th of this seed."""
    return np.random.default_rng([seed, number]).standard_normal(length).astype(np.float32)
