"""The loaded networks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from avdemo.checkpoints.running import Model

if TYPE_CHECKING:
    from avdemo.lips.network import Lips

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
