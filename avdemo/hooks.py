"""How a job tells how far it is and hears that it shall stop; and the seed that every generator takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from avdemo.errors import Cancelled, InputError

Progress = Callable[[float, str], None]
Stop = Callable[[], bool]
Step = Callable[[float, str], None]  # tells how far a job is; raises Cancelled when it was stopped
MOST_SEED = 2**32 - 1


def stepper(progress: Progress | None, cancelled: Stop | None, first: float = 0.0, last: float = 1.0) -> Step:
    """A function (share, words) for a part of a job that takes it from ``first`` to ``last``; raises Cancelled when it was stopped."""

    def step(share: float, words: str) -> None:
        if cancelled and cancelled():
            raise Cancelled
        if progress:
            progress(first + (last - first) * share, words)

    return step


def part(hooks: dict[str, Any], first: float, last: float) -> dict[str, Any]:
    """The hooks ("progress", "cancelled") for a part of a job that takes it from ``first`` to ``last``."""
    tell = hooks.get("progress")
    return {**hooks, "progress": tell and (lambda share, words: tell(first + (last - first) * share, words))}


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


def seed_after(seed: int) -> int:
    """The next seed; 0 after the last."""
    return 0 if seed >= MOST_SEED else seed + 1
