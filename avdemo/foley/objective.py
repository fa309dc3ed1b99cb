"""What a foley network learns: the next level of every sample, how loud each video frame sounds, and which kind is seen."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from avdemo.foley.config import QUIETEST_DB, FoleyConfig
from avdemo.foley.network import Condition

LOUDNESS, KIND = 2.0, 0.2  # weights of the two heads beside the cross-entropy in nats per sample, which ends between 2 and 3
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


def foley_loss(
    logits: Tensor, levels: Tensor, condition: Condition, *, mask: Tensor | None = None, loudness: Tensor | None = None,
    frames_mask: Tensor | None = None, kinds: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """The sum that is trained on, and its parts.

    Args:
        levels: (N, T), what the logits (N, T, L) should have said.
        mask: (N, T) bool, samples that count: not the padded ends.
        loudness: (N, F) true loudness of the whole clips, for a network with that head.
        frames_mask: (N, F) bool, video frames that count.
        kinds: (N,) int64, for a network with that head; ``config.other`` is none of the kinds.
    """
    loss = level_loss(logits, levels, mask)
    parts = {"nats": loss.detach()}
    if condition.loudness is not None and loudness is not None:
        error = loudness_loss(condition.loudness, loudness, frames_mask)
        loss, parts["loudness"] = loss + LOUDNESS * error, error.detach()
    if condition.kinds is not None and kinds is not None:
        error = F.cross_entropy(condition.kinds, kinds)
        loss, parts["kind"] = loss + KIND * error, error.detach()
    return loss, parts
