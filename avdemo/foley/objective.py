"""What a foley network learns: the next level of every sample, how loud each video frame sounds, and which kind is seen."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from avdemo.foley.config import QUIETEST_DB, FoleyConfig

LOUDNESS = 2.0  # weight of the head that decides it, beside the kinds'
TOLERANCE = 0.1  # of loudness, 6 dB: smaller errors count as their square


def within(lengths: Tensor, count: int) -> Tensor:
    """(N,) lengths -> (N, count) bool: true before the end."""
    return torch.arange(count, device=lengths.device) < lengths.unsqueeze(1)


def mean_over(values: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of (N, T) values where the mask is true; None: of all. Of none it is 0."""
    return values.mean() if mask is None else (values * mask).sum() / mask.sum().clamp_min(1)


def level_loss(logits: Tensor, levels: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cross-entropy in nats per sample (paper, section 4): logits (N, T, L), levels (N, T), mask (N, T) of samples that count."""
    nats = F.cross_entropy(logits.flatten(0, 1), levels.flatten(), reduction="none")
    return mean_over(nats.view_as(levels), mask)


def loudness_of(wav: Tensor, config: FoleyConfig) -> Tensor:
    """Sound (N, T) in [-1, 1] -> (N, F) in [0, 1]: root mean square while each video frame lasts, in dB; 0 is -60 dB, 1 full scale."""
    last = -wav.shape[1] % config.samples_per_frame
    energy = F.pad(wav.float(), (0, last)).square().unflatten(1, (-1, config.samples_per_frame)).mean(-1)
    if last:  # the mean of a broken frame is over what there is of it
        energy = torch.cat([energy[:, :-1], energy[:, -1:] * config.samples_per_frame / (config.samples_per_frame - last)], 1)
    db = 10 * energy.clamp_min(10 ** (QUIETEST_DB / 10)).log10()
    return (1 - db / QUIETEST_DB).clamp(0, 1)


def loudness_loss(decided: Tensor, true: Tensor, mask: Tensor | None = None) -> Tensor:
    """Huber loss of loudness (N, F); absolute from 6 dB on, since one picture fits a louder and a softer sound."""
    return mean_over(F.huber_loss(decided, true, reduction="none", delta=TOLERANCE) / TOLERANCE, mask)
