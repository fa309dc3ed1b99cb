"""What was struck dies away: a drum, a bark, a bang is softer a while after it began, until the next one begins.

A loudness decided frame by frame is a mean of what may be, and where the picture is unlike the made ones it hardly changes: a drummer hums
from stroke to stroke. How fast the training recordings of a kind die away is known, and no stroke of it is left to last longer than three
of four of them do.

Shapes: N clips, F video frames, S times of 20 ms (four to a video frame).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from avdemo.foley.config import FoleyConfig
from avdemo.foley.strokes import by_frame

REACH = 16  # video frames after which a sound gets no softer: 1.3 s
SHARE = 0.25  # of the strokes die away less than is asked for; chosen among 10, 25 and 50 % on validation pairs
STRUCK = 0.1  # of loudness, 6 dB: kinds that after SOON are less soft, in that share of their strokes, are not struck at all
SOON = 5  # video frames, 0.4 s
FEWEST = 20  # strokes that tell something


class Decay(nn.Module):
    """``drops`` (kinds, REACH): by how much a stroke is softer, at the least, so many video frames after it began; 0 for what is not struck."""

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.register_buffer("drops", torch.zeros(len(config.kinds), REACH))

    def forward(self, loudness: Tensor, strokes: Tensor, kinds: Tensor) -> Tensor:
        """Loudness (N, F), strokes (N, S) and logits of the kinds (N, kinds + 1) -> loudness (N, F), nowhere louder.

        It dies away as the likeliest kind does, in whose voice it is written.
        """
        frames = torch.arange(loudness.shape[1], device=loudness.device).expand_as(loudness)
        struck = by_frame(strokes, strokes.shape[1] // loudness.shape[1]).amax(2) > 0
        last = torch.where(struck, frames, -1).cummax(1).values  # the video frame of the last stroke; -1 before the first
        first = last.clamp_min(0)
        peak = torch.maximum(loudness.gather(1, first), loudness.gather(1, (first + 1).clamp_max(loudness.shape[1] - 1)))
        mine = self.drops[kinds[:, :-1].argmax(1)]
        drops = mine.gather(1, (frames - first).clamp_max(REACH - 1))
        free = (last < 0) | ~mine.any(1, keepdim=True)
        return torch.where(free, loudness, torch.minimum(loudness, (peak - drops).clamp_min(0)))


def drops_of(loudness: Tensor, strokes: Tensor, kinds: Sequence[int], count: int) -> Tensor:
    """How fast the kinds die away in true sounds, for :class:`Decay`: (count, REACH).

    Args:
        loudness: true ones (N, F), and strokes: (N, S). kinds: of each, those from ``count`` on are left out.
    """
    found: list[list[list[float]]] = [[[] for _ in range(REACH)] for _ in range(count)]
    per_frame = strokes.shape[1] // loudness.shape[1]
    for course, marks, kind in zip(loudness.tolist(), by_frame(strokes, per_frame).amax(2), kinds, strict=True):
        if kind >= count:
            continue
        for first, end in pairwise([*marks.nonzero().flatten().tolist(), len(course)]):
            peak = max(course[first : min(first + 2, end)])
            for after, value in enumerate(course[first : min(end, first + REACH)]):
                found[kind][after].append(peak - value)
    drops = torch.zeros(count, REACH)
    for kind, columns in enumerate(found):
        for after, values in enumerate(columns):
            before = drops[kind, after - 1] if after else drops.new_zeros(())
            told = torch.tensor(values).quantile(SHARE) if len(values) >= FEWEST else before
            drops[kind, after] = torch.maximum(before, told)
        if drops[kind, SOON] < STRUCK:
            drops[kind] = 0
    return drops
