"""A checkpoint as a network that is ready to run. Importing this loads no torch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


run_lock = threading.Lock()  # one network at a time: two would share the same cores


@dataclass(frozen=True)
class Model:
    """A loaded checkpoint: its network in eval mode on its device, and how to run it."""

    network: Any  # the capability's own nn.Module
    name: str
    sha256: str
    device: torch.device
    dtype: torch.dtype

    def on_cpu(self) -> Model:
        """The same in main memory, so that it can leave a process that has a graphics card."""
        import copy
        import dataclasses

        import torch

        cpu = torch.device("cpu")
        return dataclasses.replace(self, network=copy.deepcopy(self.network).to(cpu), device=cpu, dtype=torch.float32)


def open_model(
    name: str | Path, build: Callable[[dict], nn.Module], *, finish: Callable[[nn.Module], None] | None = None
) -> Model:
    """Load a checkpoint into the network that ``build`` makes of its configuration.

    Args:
        name: of a shipped checkpoint, or the path of a ``.safetensors`` file.
        finish: changes the network once its weights are in, before it goes to its device.

    Raises:
        WeightsError: it is missing, damaged, or does not fit.
    """
    import torch

    from avdemo.checkpoints.device import choose_device, inference_dtype
    from avdemo.checkpoints.files import load_into, opened

    name = str(name)
    loaded = opened(name)
    device = choose_device()
    network = build(loaded.config).eval()
    load_into(network, loaded.state, name=name)
    if finish is not None:
        finish(network)
    network.to(device)
    for parameter in network.parameters():
        if parameter.dim() == 4:  # a whole network's .to() stumbles over the five of a 3-D convolution
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return Model(network, name, loaded.sha256, device, inference_dtype(device))


@contextlib.contextmanager
def at_work(model: Model, *, exact: bool = False) -> Iterator[None]:
    """Within it, the model's network may be called; ``exact``: in float32 on any device, as decibels need it."""
    import torch

    halves = model.dtype != torch.float32 and not exact
    with torch.inference_mode(), run_lock, torch.autocast(model.device.type, model.dtype, enabled=halves):
        yield
