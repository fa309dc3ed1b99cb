"""The matching-aware adversarial losses (paper, section 3.3, after Reed et al. 2016), and differentiable augmentation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 0.125  # largest translation, as a share of the side (Zhao et al. 2020)
BRIGHTNESS = 0.2


def critic_loss(real: Tensor, fake: Tensor, mismatch: Tensor | None, *, hinge: bool) -> Tensor:
    """Real pictures with their own feature are true; generated ones, and real ones with another's feature, are false.

    Each argument is scores (N, S, places). With S = 1 the two ways of being false weigh half each (paper, equation 2). With S = 2 the
    first score is about the picture alone, and a mismatched real picture is none of its business (as in StackGAN++, Zhang et al.
    2018): one score for both made the critic too weak here, since what it learnt from real pictures the mismatches took back.
    """
    loss = real.new_zeros(())
    for number in range(real.shape[1]):
        alone = real.shape[1] > 1 and number == 0
        wrong = [fake] if alone or mismatch is None else [fake, mismatch]
        true, false = real[:, number], [scores[:, number] for scores in wrong]
        if hinge:
            loss = loss + F.relu(1 - true).mean() + sum(F.relu(1 + scores).mean() for scores in false) / len(false)
        else:
            loss = loss + F.softplus(-true).mean() + sum(F.softplus(scores).mean() for scores in false) / len(false)
    return loss


def generator_loss(fake: Tensor, *, hinge: bool) -> Tensor:
    """Generated pictures shall look true, alone and together with their feature; scores (N, S, places)."""
    scores = -fake if hinge else F.softplus(-fake)
    return scores.mean((0, 2)).sum()


def reconstruction_loss(painted: list[Tensor], real: list[Tensor]) -> Tensor:
    """Mean absolute difference between pictures and between their maps (see :meth:`avdemo.crossmodal.critics.Critic.see`).

    Each map counts alike, whatever its level: its difference is a share of the real map's mean level.
    """
    terms = []
    for one, other in zip(painted, real, strict=True):
        scale = 1.0 if one is painted[0] else other.float().abs().mean().clamp_min(1e-3)
        terms.append((one.float() - other.float()).abs().mean() / scale)
    return sum(terms) / len(terms)


def sameness_loss(painted: list[Tensor], real: list[Tensor]) -> Tensor:
    """How much less two painted pictures of one feature differ than two real ones of its kind: 0 (no less) ... 1 (not at all).

    Args:
        painted, real: maps of the critic's view, each (2 P, C, h, w); 2 p and 2 p + 1 are a pair.
    """
    terms = []
    for one, other in zip(painted, real, strict=True):
        have, want = ((x[0::2].float() - x[1::2].float()).abs().mean((1, 2, 3)) for x in (one, other))
        terms.append(F.relu(1 - have / want.mean().clamp_min(1e-3)).mean())
    return sum(terms) / len(terms)


def augment(pictures: Tensor, *, sound: bool = False) -> Tensor:
    """Differentiable augmentation of (N, C, S, S) in [-1, 1] (Zhao et al. 2020): brightness and translation, edges continued.

    Of their policies only the mild ones: colour and cut-out as well kept a critic that trains for an hour from learning anything. For
    spectrograms (``sound``) level and time change, never the bands: an instrument moved up by an octave is another one.
    """
    n, _, height, width = pictures.shape
    like = {"device": pictures.device, "dtype": pictures.dtype}

    def draw(*shape: int) -> Tensor:
        return torch.rand(n, *shape, **like)

    pictures = pictures + (draw(1, 1, 1) - 0.5) * BRIGHTNESS
    rows = torch.arange(height, **like).view(1, -1, 1)
    columns = torch.arange(width, **like).view(1, 1, -1)
    dx = ((2 * draw(1, 1) - 1) * SHIFT * width).round()
    dy = torch.zeros_like(dx) if sound else ((2 * draw(1, 1) - 1) * SHIFT * height).round()
    x, y = (columns + dx).clamp(0, width - 1), (rows + dy).clamp(0, height - 1)
    flat = (y * width + x).long().view(n, 1, -1)
    moved = pictures.flatten(2).gather(2, flat.expand(-1, pictures.shape[1], -1)).view_as(pictures)
    return moved.contiguous(memory_format=torch.channels_last)
