"""Strokes: at which moments something begins to sound, a blow, a bark, a bang. Decided from the picture before how loud it will be.

A loudness alone is decided as a mean of what may be, and a mean of two moments is neither. So whether a stroke begins is asked for
every 20 ms first, the likeliest moments are taken, and the loudness and the sound follow from them.

Shapes: N clips, F video frames, S times of 20 ms (four to a video frame), V numbers for a video frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.foley.config import FoleyConfig

WIDTH = 64
NEAR = 3  # times to both sides, 60 ms: what is likely there counts as the same stroke
APART = 4  # times, 80 ms: no two strokes are closer
LIKELY = 0.4  # that a stroke falls near a time, from which on it is taken; chosen on validation pairs and clips


class Strokes(nn.Module):
    """What is seen (N, F, V) -> logits (N, S) that a stroke begins in each 20 ms. It looks three video frames to both sides."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(config.visual, WIDTH, 5, padding=2), nn.ReLU(), nn.Conv1d(WIDTH, config.tokens_per_frame, 3, padding=1)
        )

    def forward(self, seen: Tensor) -> Tensor:
        return self.layers(seen.transpose(1, 2)).transpose(1, 2).flatten(1)


def begins(logits: Tensor, likely: float = LIKELY) -> Tensor:
    """Logits (N, S) -> 1 where a stroke is decided to begin, else 0, (N, S): the likeliest time of each that is likely enough.

    What is near a time counts for whether it is likely, and the less for which time it is the further away it is: between two strokes
    there is none. Of equal times the first is taken.
    """
    chance = logits.double().sigmoid().unsqueeze(1)
    away = torch.arange(-NEAR, NEAR + 1, dtype=chance.dtype, device=chance.device).abs()
    weights = torch.stack([torch.ones_like(away), 1 - away / (NEAR + 1)]).unsqueeze(1)
    around, score = F.conv1d(chance, weights, padding=NEAR).unbind(1)
    score = score + 1e-2 * chance[:, 0] - 1e-9 * torch.arange(logits.shape[1], device=logits.device)
    highest = F.max_pool1d(score.unsqueeze(1), 2 * APART + 1, 1, APART).squeeze(1)
    return ((score >= highest) & (around > likely)).float()


def marks(onsets_s: Sequence[Sequence[float]], count: int, step_s: float) -> Tensor:
    """Moments in s of N sounds -> (N, count), 1 for each time of ``step_s`` in which something begins."""
    found = torch.zeros(len(onsets_s), count)
    for row, times_s in zip(found, onsets_s, strict=True):
        for time_s in times_s:
            if 0 <= (place := math.floor(time_s / step_s + 1e-6)) < count:
                row[place] = 1
    return found


def by_frame(strokes: Tensor, per_frame: int) -> Tensor:
    """(N, S) -> (N, F, per_frame)."""
    return strokes.unflatten(1, (-1, per_frame))
