"""Exponential moving average of weights: what is validated and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def decay_at(update: int, decay: float) -> float:
    """The decay of update number ``update`` (from 0): short memory at first, (1 + t) / (10 + t), then ``decay``."""
    return min(decay, (1 + update) / (10 + update))


class Average:
    """Keeps ``average <- d * average + (1 - d) * weights`` in a copy of the model, with one fused call per update.

    Floating-point buffers (batch-norm statistics) are averaged like weights, whole-number ones are copied. With
    ``decay`` 0 nothing is done per step and :meth:`sync` copies the weights before they are looked at.
    """

    def __init__(self, model: nn.Module, decay: float, every: int = 1) -> None:
        self.decay = decay
        self.every = every
        self.model = copy.deepcopy(model).requires_grad_(False).eval()
        self._mine: list[Tensor] = []
        self._theirs: list[Tensor] = []
        self._counts: list[tuple[Tensor, Tensor]] = []
        self.follow(model)

    def follow(self, model: nn.Module) -> None:
        """Average ``model``'s weights from now on; its tensors must have the names of the model given first.

        Holds the parameters themselves, not views of them: moving a model to a device or wrapping it for several
        processes gives a parameter new storage, and a view would go on showing the old one.
        """
        weights, buffers = dict(model.named_parameters()), dict(model.named_buffers())
        mine = dict(self.model.named_parameters()) | dict(self.model.named_buffers())
        # a frozen weight never moves: averaging it would only cost memory traffic
        theirs = {name: tensor for name, tensor in weights.items() if tensor.requires_grad} | buffers
        moving = [name for name, tensor in theirs.items() if tensor.is_floating_point()]
        self._mine, self._theirs = [mine[name] for name in moving], [theirs[name] for name in moving]
        self._counts = [(mine[name], tensor) for name, tensor in theirs.items() if not tensor.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step number ``step`` (from 0)."""
        if self.decay == 0 or (step + 1) % self.every:
            return
        decay = decay_at(step, self.decay) ** self.every
        torch._foreach_lerp_(self._mine, self._theirs, 1 - decay)
        for mine, theirs in self._counts:
            mine.copy_(theirs)

    @torch.no_grad()
    def sync(self) -> nn.Module:
        """The averaged model, in eval mode, fit to be validated."""
        if self.decay == 0:
            for mine, theirs in (*zip(self._mine, self._theirs, strict=True), *self._counts):
                mine.copy_(theirs)
        return self.model.eval()
