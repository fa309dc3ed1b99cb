"""Voices: the recordings that a token tier learnt from, each with a row of its own that is added to its nodes.

There are few recordings, and each goes on as it began: one dog does not turn into another. A tier that is told which one it hears learns
that; a tier that is not told takes the mean of all, and its sounds wander. What is written takes one voice of the kind that is seen,
drawn anew for every take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from avdemo.foley.condition import Condition
from avdemo.foley.config import FoleyConfig


class Voices(nn.Module):
    """``shares`` (kinds, voices): how often each is taken for a kind; rows sum to 1, or to 0 where nothing was learnt."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.rows = nn.Embedding(config.voices, config.row)
        nn.init.normal_(self.rows.weight, 0, 0.05)
        self.register_buffer("shares", torch.zeros(len(config.kinds), config.voices))

    def forward(self, voices: Tensor) -> Tensor:
        """Numbers of voices (N,), -1 for none -> what they add to the nodes, (N, 1, R)."""
        return (self.rows(voices.clamp_min(0)) * (voices >= 0).unsqueeze(1)).unsqueeze(1)

    def draw(self, kinds: Tensor, uniform: float) -> int:
        """A voice of the likeliest kind.

        Args:
            kinds: logits (kinds + 1,), the last for none of them. uniform: in [0, 1).

        Returns:
            its number; -1 where that kind has none.
        """
        summed = self.shares[int(kinds[:-1].argmax())].double().cumsum(0).cpu()
        if summed[-1] <= 0:
            return -1
        return min(int(torch.searchsorted(summed, uniform * summed[-1], right=True)), len(summed) - 1)


def voiced(condition: Condition, voices: Voices, numbers: Sequence[int]) -> Condition:
    """A condition of N clips whose token tier is told a voice for each; -1 for none."""
    added = voices(torch.as_tensor(numbers, device=condition.rows.device)).detach()
    return replace(condition, rows=condition.rows + added.to(condition.rows))
