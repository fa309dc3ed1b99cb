"""What keeps the second part of the training from learning its pairs by heart: disturbances of the spectrogram and of the features.

Other microphones and rooms colour a sound; a random gain curve over the bands stands for them. Masked bands and moments (SpecAugment,
Park et al. 2019) and dropped channels keep the answer from hanging on a single one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EQ_KNOTS, EQ_SPREAD = 7, 0.25  # of the gain curve; 0.25 are 5 dB
LEVEL_SPREAD = 0.15  # 3 dB
MASKED = 0.6  # of the sounds
BANDS, MOMENTS = 0.15, 0.2  # longest mask, as a share of the bands and of the frames
DROPPED = 0.3  # of the pooled channels
DROPPED_MAPS = 0.1  # of the vision map's channels


def colour(spec: Tensor) -> Tensor:
    """Add a smooth random curve over the bands and a random level to each log spectrogram (N, 1, F, T)."""
    knots = EQ_SPREAD * torch.randn(len(spec), 1, EQ_KNOTS, device=spec.device)
    curve = F.interpolate(knots, size=spec.shape[2], mode="linear", align_corners=True)
    level = LEVEL_SPREAD * torch.randn(len(spec), 1, 1, 1, device=spec.device)
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
