"""Disturbances of log spectrograms that keep a network from learning its recordings by heart.

Other microphones and rooms colour a sound; a random gain curve over the bands stands for them. Masked bands and moments (SpecAugment,
Park et al. 2019) keep the answer from hanging on a single one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EQ_KNOTS, EQ_SPREAD_DB = 7, 5.0  # of the gain curve
LEVEL_SPREAD_DB = 3.0
MASKED = 0.6  # of the sounds
BANDS, MOMENTS = 0.15, 0.2  # longest mask, as a share of the bands and of the frames


def colour(spec: Tensor, unit_db: float) -> Tensor:
    """Add a smooth random curve over the bands and a random level to each log spectrogram (N, 1, F, T).

    Args:
        unit_db: how many dB a difference of 1 in ``spec`` stands for.
    """
    knots = EQ_SPREAD_DB / unit_db * torch.randn(len(spec), 1, EQ_KNOTS, device=spec.device)
    curve = F.interpolate(knots, size=spec.shape[2], mode="linear", align_corners=True)
    level = LEVEL_SPREAD_DB / unit_db * torch.randn(len(spec), 1, 1, 1, device=spec.device)
    return spec + curve.unsqueeze(-1) + level


def mask(spec: Tensor) -> Tensor:
    """Bring one stripe of bands and one of moments of most spectrograms (N, 1, F, T) to that spectrogram's mean."""
    mean = spec.mean((2, 3), keepdim=True)
    for axis, longest in ((2, BANDS), (3, MOMENTS)):
        n, length = len(spec), spec.shape[axis]
        width = torch.rand(n, device=spec.device) * longest * length * (torch.rand(n, device=spec.device) < MASKED)
        start = torch.rand(n, device=spec.device) * (length - width)
        at = torch.arange(length, device=spec.device)
        hidden = (at >= start[:, None]) & (at < (start + width)[:, None])
        spec = torch.where(hidden[:, None, :, None] if axis == 2 else hidden[:, None, None, :], mean, spec)
    return spec
