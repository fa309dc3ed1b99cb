"""Targets and losses of mix-and-separate: who is loudest (binary) or who has which share (ratio)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHT_RANGE = (1e-3, 10.0)  # of log1p(mag_mix), released code


def cell_weights(mag_mix: Tensor) -> Tensor:
    """How much each time-frequency cell counts: log1p of the mixture's magnitude, clamped."""
    return torch.log1p(mag_mix).clamp(*WEIGHT_RANGE)


def targets(mag: Tensor, mag_mix: Tensor, kind: str) -> Tensor:
    """Masks to learn.

    Args:
        mag: (B, Q, F, T) magnitude of the sound that belongs to each place asked about; zeros where nothing sounds.
        mag_mix: (B, F, T) magnitude of the mixture.
        kind: "binary" (1 where ``mag > 0.5 * mag_mix``) or "ratio" (``mag / mag_mix``, clamped to [0, 5] as released).

    Returns:
        (B, Q, F, T).
    """
    mix = mag_mix.unsqueeze(1)
    if kind == "binary":
        return (mag > 0.5 * mix).to(mag.dtype)
    return (mag / (mix + 1e-10)).clamp(0.0, 5.0)


def mask_loss(logits: Tensor, target: Tensor, mag_mix: Tensor, kind: str, importance: Tensor | None = None) -> Tensor:
    """Weighted BCE for binary masks, weighted L1 for ratio masks (section 3.2, "mix-and-separate training").

    Args:
        logits, target: (B, Q, F, T).
        mag_mix: (B, F, T).
        importance: (B, Q) weight of each question, 0 to leave it out; None = 1.

    Returns:
        scalar.
    """
    weights = cell_weights(mag_mix).unsqueeze(1)
    if importance is not None:
        weights = weights * importance[:, :, None, None]
    if kind == "binary":
        cells = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    else:
        cells = (torch.sigmoid(logits) - target).abs()
    share = importance.mean().clamp(min=1e-6) if importance is not None else 1.0
    return (cells * weights).mean() / share
