"""Which picture belongs to which sound of a batch, and the loss over the pairs (paper, section 2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

POSITIVE, NEGATIVE, UNASKED = 1, 0, -1


def pair_table(
    video: Tensor, domain: Tensor, seen: Tensor, heard: Tensor, has_pair: Tensor, rivals: int | None, generator: torch.Generator
) -> Tensor:
    """What is asked about each picture (row) and each sound (column) of a batch.

    Positives are the pairs as they were drawn: a frame and a second of sound of the same (real or made) video. Negatives are
    sounds of *another* video of the same domain, so that compression or loudness cannot give the answer away; a made pair
    is no negative when the sound's kind is to be seen in the picture after all.

    Args:
        video: (N,) number of the video of each item.
        domain: (N,) number of where it comes from; negatives stay inside a domain.
        seen: (N, K) bool, kinds of things in the picture; all False where unknown.
        heard: (N, K) bool, kinds of things in the sound.
        has_pair: (N,) bool; False where picture and sound were drawn apart (strangers): these give only negatives.
        rivals: sounds of other videos for each picture; None: all of them. 1 is the paper's (half of all pairs match).

    Returns:
        (N, N) int8 of POSITIVE, NEGATIVE, UNASKED.
    """
    n = len(video)
    other = (video[:, None] != video[None]) & (domain[:, None] == domain[None])
    clash = (seen[:, None].float() * heard[None].float()).sum(-1) > 0
    table = torch.where(other & ~clash, NEGATIVE, UNASKED).to(torch.int8)
    if rivals is not None:
        order = torch.rand(n, n, generator=generator, device=table.device).masked_fill(table != NEGATIVE, 2.0)
        rank = order.argsort(1).argsort(1)
        table[(table == NEGATIVE) & (rank >= rivals)] = UNASKED
    diagonal = torch.arange(n, device=table.device)
    table[diagonal, diagonal] = torch.where(has_pair, POSITIVE, NEGATIVE).to(torch.int8)
    return table


def pair_loss(logits: Tensor, table: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy over the asked pairs; matches and mismatches weigh the same in all, as in the paper's half-half sampling.

    Args:
        logits: (N, N, 2).
        table: (N, N) as :func:`pair_table` gives it.

    Returns:
        the loss, and for the log ``accuracy`` (balanced, in [0, 1]) of the asked pairs.
    """
    each = F.cross_entropy(logits.float().flatten(0, 1), (table == POSITIVE).long().flatten(), reduction="none").view(table.shape)
    says_yes = logits[..., 1] > logits[..., 0]
    loss, accuracy = logits.new_zeros((), dtype=torch.float32), logits.new_zeros((), dtype=torch.float32)
    for kind in (POSITIVE, NEGATIVE):
        asked = (table == kind).float()
        count = asked.sum().clamp(min=1)
        loss = loss + 0.5 * (each * asked).sum() / count
        accuracy = accuracy + 0.5 * ((says_yes == (kind == POSITIVE)).float() * asked).sum() / count
    return loss, {"accuracy": accuracy.detach()}
