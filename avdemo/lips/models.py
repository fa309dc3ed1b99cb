"""The loaded networks, and how every part of the pipeline runs them: one at a time, without gradients, in the device's precision."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from avdemo.checkpoints.running import Model, at_work, run_lock
from avdemo.hooks import Progress, Step, Stop, stepper

if TYPE_CHECKING:
    from avdemo.lips.network import Lips

__all__ = ["CHECKPOINT", "Model", "Progress", "Step", "Stop", "at_work", "load_model", "run_lock", "stepper"]

CHECKPOINT = "lips-compact"


@lru_cache(maxsize=2)
def load_model(name: str = CHECKPOINT) -> Model:
    """The checkpoint of a name or path, loaded once; errors as of :func:`avdemo.checkpoints.running.open_model`."""
    from avdemo.checkpoints.running import open_model
    from avdemo.lips.config import LipsConfig
    from avdemo.lips.network import Lips

    def build(config: dict) -> Lips:
        return Lips(LipsConfig.from_dict(config))

    return open_model(name, build)
