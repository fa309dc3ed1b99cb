"""The losses of lip movements generation (paper, section 3), and those that today's work adds; each is a switch of the training.

L = L_corr + 0.5 L_pix + 1.0 L_perc + 1.0 L_gen        (paper, equation 5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from avdemo.lips.config import OUTER
from avdemo.lips.seeing import opening


@dataclass(frozen=True)
class Weights:
    """Of the terms of the generator's loss; the defaults are the compact configuration's."""

    pixel: float = 10.0
    perceptual: float = 1.0
    adversarial: float = 0.1
    correlation: float = 0.2
    sync: float = 0.2
    landmarks: float = 0.05
    motion: float = 0.2  # of the imagined points' error, which goes on being taught; part of the switch ``landmarks``

    @classmethod
    def paper(cls) -> Weights:
        return cls(pixel=0.5, perceptual=1.0, adversarial=1.0, correlation=1.0)


MOUTH_WEIGHT = 4.0  # of the pixels in the middle of the mouth, beside 1 of those far from it
MOUTH_REACH = 0.8  # of the mouth's half width and of at least its half height: standard deviation of that weight
LEAST_HALF_HEIGHT = 0.12  # of the side
INNER_WEIGHT = 8.0  # of the pixels between the lips, besides: teeth and tongue are few pixels, and what an eye looks at
INNER_REACH = 0.7  # of the inner lips' half width and height: standard deviation of that weight
INNER_LEAST = 0.02  # of the side
OPENING_WEIGHT = 2.0  # of the opening beside the points, in the loss of landmarks
MOTION_UNIT = 0.05  # of the side
GAP_WEIGHT = 1.0  # of the opening's squared error beside that of the points, in the loss of motion
MARGIN = 0.0  # cosine under which mismatched sound and motion are left alone


def mouth_weights(points: Tensor, size: int) -> Tensor:
    """How much each pixel counts, by where the mouth is: points (B, 20, 2) in pixels -> (B, 1, S, S), mean 1 in each picture."""
    least = points.new_tensor([0.0, LEAST_HALF_HEIGHT * size])
    mouth = _hill(points, MOUTH_REACH, least, size)
    inner = _hill(points[:, OUTER:], INNER_REACH, points.new_tensor([INNER_LEAST * size] * 2), size)
    weight = 1 + (MOUTH_WEIGHT - 1) * mouth + INNER_WEIGHT * inner
    return (weight / weight.mean((1, 2), keepdim=True)).unsqueeze(1)


def _hill(points: Tensor, reach: float, least: Tensor, size: int) -> Tensor:
    """A Gaussian over the pixels where points (B, P, 2) are, ``reach`` times as wide and high as they, and ``least`` is: (B, S, S)."""
    low, high = points.amin(1), points.amax(1)  # (B, 2)
    middle, half = (low + high) / 2, (high - low) / 2
    spread = reach * torch.maximum(half, least).clamp_min(1.0)
    place = torch.arange(size, device=points.device, dtype=points.dtype) + 0.5
    across = ((place - middle[:, :1]) / spread[:, :1]).square()
    down = ((place - middle[:, 1:]) / spread[:, 1:]).square()
    return torch.exp(-(across[:, None, :] + down[:, :, None]) / 2)


def pixel_loss(made: Tensor, true: Tensor, weight: Tensor | None = None) -> Tensor:
    """L_pix: mean absolute difference of frames (B, 3, S, S) in [-1, 1], weighted by (B, 1, S, S)."""
    difference = (made - true).abs()
    return difference.mean() if weight is None else (difference * weight).mean()


def feature_loss(made: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """L_perc: mean squared difference of maps, each in units of the true map's mean square, so that all layers count alike."""
    terms = [
        F.mse_loss(one.float(), other.float()) / other.float().square().mean().clamp_min(1e-6)
        for one, other in zip(made, true, strict=True)
    ]
    return sum(terms) / len(terms)


def critic_loss(real: Tensor, fake: Tensor, mismatch: Tensor, *, hinge: bool) -> Tensor:
    """L_dis: real frames with their speech are true; generated ones, and real ones with another's speech, are false, by half each.

    Each argument is scores (N, S, places). With two scores the first is about the frames alone, and a mismatch is none of its business.
    """
    loss = real.new_zeros(())
    for number in range(real.shape[1]):
        wrong = [fake] if real.shape[1] > 1 and number == 0 else [fake, mismatch]
        true, false = real[:, number], [scores[:, number] for scores in wrong]
        if hinge:
            loss = loss + F.relu(1 - true).mean() + sum(F.relu(1 + scores).mean() for scores in false) / len(false)
        else:
            loss = loss + F.softplus(-true).mean() + sum(F.softplus(scores).mean() for scores in false) / len(false)
    return loss


def generator_loss(fake: Tensor, *, hinge: bool) -> Tensor:
    """L_gen: generated frames shall look real, and go with their speech; scores (N, S, places)."""
    scores = -fake if hinge else F.softplus(-fake)
    return scores.mean((0, 2)).sum()


def correlation_loss(cosine: Tensor) -> Tensor:
    """L_corr for the generator: 1 - cosine of what is heard and how the frames move, (N,)."""
    return (1 - cosine).mean()


def correlator_loss(match: Tensor, mismatch: Tensor) -> Tensor:
    """For the two encoders themselves, on real frames: their own speech together, another's apart. Without the second term both could
    answer the same for everything.
    """
    return (1 - match).mean() + F.relu(mismatch - MARGIN).mean()


def landmark_loss(found: Tensor, wanted: Tensor, size: int) -> Tensor:
    """Mean absolute difference of mouth points (..., 20, 2) in pixels, and of the opening; in hundredths of the side."""
    unit = size / 100
    points = (found - wanted).abs().mean() / unit
    return points + OPENING_WEIGHT * (opening(found) - opening(wanted)).abs().mean() / unit


def contrast_loss(seen: Tensor, heard: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """For the expert of synchrony: each place's frames belong to the speech there, and to none of the batch's other places.

    Args:
        seen, heard: unit vectors (N, places, D); the other places of a window are the same speech shifted.
        scale: what cosines are multiplied by.

    Returns:
        the cross-entropy (mean of both directions), and the share of the frames that find their place among their own window's.
    """
    places = seen.shape[1]
    logits = scale * seen.flatten(0, 1) @ heard.flatten(0, 1).T
    own = torch.arange(len(logits), device=logits.device)
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    within = torch.einsum("npd,nqd->npq", seen, heard).argmax(2)
    right = (within == torch.arange(places, device=logits.device)).float().mean()
    return loss, right.detach()


def sync_loss(seen: Tensor, heard: Tensor) -> Tensor:
    """For the generator: 1 - cosine of frames and speech as the frozen expert sees them, (N, places, D) each."""
    return (1 - (seen * heard).sum(2)).mean()


def motion_loss(made: Tensor, true: Tensor, asked: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """For the imagination: mean squared error of points and of the opening of each window, in units of 5 % of the side.

    Args:
        made, true: (N, T, 20, 2), pixels.
        asked: (N, T), 1 for frames that count.

    Returns:
        the sum (N,), and both parts (N,), these without gradient.
    """
    unit, count = MOTION_UNIT * size, asked.sum(1).clamp_min(1.0)
    shape = (((made - true) / unit).square().sum(-1).mean(-1) * asked).sum(1) / count
    gap = (((opening(made) - opening(true)) / unit).square() * asked).sum(1) / count
    return shape + GAP_WEIGHT * gap, shape.detach(), gap.detach()
