"""The loaded networks, and how every part of the pipeline runs them: one at a time, without gradients, in the device's precision."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from avdemo.checkpoints.running import Model
from avdemo.errors import Cancelled

if TYPE_CHECKING:
    from avdemo.lips.network import Lips

CHECKPOINT = "lips-compact"

Progress = Callable[[float, str], None]
Stop = Callable[[], bool]
Step = Callable[[float, str], None]  # tells how far a job is; raises Cancelled when it was stopped
run_lock = threading.Lock()  # one network at a time: two would share the same cores


@lru_cache(maxsize=2)
def load_model(name: str = CHECKPOINT) -> Model:
    """The checkpoint of a name or path, loaded once; errors as of :func:`avdemo.checkpoints.running.open_model`."""
    from avdemo.checkpoints.running import open_model
    from avdemo.lips.config import LipsConfig
    from avdemo.lips.network import Lips

    def build(config: dict) -> Lips:
        return Lips(LipsConfig.from_dict(config))

    return open_model(name, build)


@contextlib.contextmanager
def at_work(model: Model) -> Iterator[None]:
    """Within it, the model's network may be called."""
    import torch

    halves = model.dtype != torch.float32
    with torch.inference_mode(), run_lock, torch.autocast(model.device.type, model.dtype, enabled=halves):
        yield


def stepper(progress: Progress | None, cancelled: Stop | None, first: float = 0.0, last: float = 1.0) -> Step:
    """A function (share, words) for a part of a job that takes it from ``first`` to ``last``; raises Cancelled when it was stopped."""

    def step(share: float, words: str) -> None:
        if cancelled and cancelled():
            raise Cancelled
        if progress:
            progress(first + (last - first) * share, words)

    return step
