"""The loaded networks, one for each variant, each with its compiled sampler. All variants ship in one checkpoint."""

from __future__ import annotations

import dataclasses
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING

from avdemo.checkpoints.running import Model, at_work
from avdemo.errors import InputError
from avdemo.foley.config import VARIANTS

if TYPE_CHECKING:
    from avdemo.foley.sampler import Sampler

__all__ = ["CHECKPOINT", "VARIANT", "Model", "at_work", "check_variant", "load_model", "sampler_of", "with_variant"]

CHECKPOINT = "foley-compact"
VARIANT = "flow"  # which one is used when nobody says

_samplers: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # network -> sampler: as long as the network is loaded
_making = threading.Lock()


def check_variant(variant: str) -> str:
    """The variant itself; the usual one for "".

    Raises:
        InputError: there is no such variant.
    """
    variant = variant or VARIANT
    if variant not in VARIANTS:
        raise InputError(f"There is no variant {variant!r} of this network; there are {', '.join(VARIANTS)}.")
    return variant


@lru_cache(maxsize=2)
def load_model(name: str = CHECKPOINT) -> Model:
    """The checkpoint of a name or path with all variants, loaded once; errors as of :func:`avdemo.checkpoints.running.open_model`."""
    from avdemo.checkpoints.running import open_model
    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.family import Family

    return open_model(name, lambda config: Family(FoleyConfig.from_dict(config)))


def with_variant(model: Model, variant: str = "") -> Model:
    """The same checkpoint with the network of one variant.

    Raises:
        InputError: there is no such variant.
    """
    return dataclasses.replace(model, network=model.network.network(check_variant(variant)))


def sampler_of(model: Model) -> Sampler:
    """The compiled sampler with the weights of a variant's network, made once."""
    from avdemo.foley.sampler import Sampler

    with _making:
        if model.network not in _samplers:
            _samplers[model.network] = Sampler(model.network)
        return _samplers[model.network]
