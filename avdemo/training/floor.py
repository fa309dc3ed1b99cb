"""The floor of an evaluation: a network of the same shape that was taught nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def untrained(build: Callable[[], Network], show: Callable[[Network], object], seed: int = 0) -> Network:
    """The network with random weights, in eval mode.

    Its BatchNorm layers take their statistics from what it is shown, as training would have set them: without, the signal fades
    from layer to layer and the floor would be lower than random filters deserve. The global generator is left as it was.

    Args:
        show: runs the network on something like its real input.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build().eval()
    for norm in (m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)):
        norm.momentum = None  # statistics: the mean over the batches seen
        norm.training = True
    with torch.no_grad():
        show(network)
    return network.eval()
