"""The one place that knows about ZeroGPU, Hugging Face's shared graphics cards.

There, a function gets a card only while it runs inside ``spaces.GPU``, in a process of its own: what goes in and out is pickled.
Everywhere else the decorator changes nothing.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable)

IN_PROCESS_ONLY = ("progress", "cancelled")  # keyword arguments that are closures over this process and cannot be pickled


def on_zero_gpu() -> bool:
    """True on a Space with ZeroGPU hardware (Hugging Face sets ``SPACES_ZERO_GPU`` there)."""
    return os.environ.get("SPACES_ZERO_GPU", "").strip().lower() in ("1", "t", "true")


def gpu(seconds: int = 60) -> Callable[[F], F]:
    """Decorate a function that uses the model; ``seconds`` is the longest it may hold a shared card.

    On ZeroGPU the keyword arguments ``progress`` and ``cancelled`` stay behind, because they cannot cross to the other process:
    there a job reports only its start. The decorated function must take them as optional.
    """

    def decorate(function: F) -> F:
        if not on_zero_gpu():
            return function
        import spaces  # there on every ZeroGPU Space; must come before torch, and does: torch loads on first use

        remote = spaces.GPU(duration=seconds)(function)

        @functools.wraps(function)
        def call(*args, **kwargs):
            progress = kwargs.get("progress")
            if progress is not None:
                progress(0.05, "Working on a shared graphics card")
            return remote(*args, **{key: value for key, value in kwargs.items() if key not in IN_PROCESS_ONLY})

        return call

    return decorate


def lane_width() -> int:
    """How many model jobs may run at once: one on a machine of our own (a second would only slow the first), more on ZeroGPU."""
    return 4 if on_zero_gpu() else 1
