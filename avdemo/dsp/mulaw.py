"""Samples to class numbers and back: mu-law companding and plain linear quantisation.

A network that writes sound sample by sample chooses among ``levels`` classes. Visual to Sound quantises linearly to 256
levels; mu-law spends the same 256 where the ear needs them, near zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEVELS = 256  # 8 bits


def _check(levels: int) -> None:
    if levels < 2:
        raise ValueError(f"Quantising needs at least 2 levels, not {levels}.")


def mu_compress(wav: Tensor, levels: int = LEVELS) -> Tensor:
    """Samples in [-1, 1] -> compressed samples in [-1, 1], without rounding; values outside are clipped."""
    _check(levels)
    mu = levels - 1
    wav = wav.clamp(-1.0, 1.0)
    return torch.sign(wav) * torch.log1p(mu * wav.abs()) / math.log1p(mu)


def mu_expand(compressed: Tensor, levels: int = LEVELS) -> Tensor:
    """Inverse of :func:`mu_compress`."""
    _check(levels)
    mu = levels - 1
    return torch.sign(compressed) * torch.expm1(compressed.abs() * math.log1p(mu)) / mu


def mulaw_encode(wav: Tensor, levels: int = LEVELS) -> Tensor:
    """Samples in [-1, 1], floating point, any shape -> class numbers 0 ... levels - 1 (int64); values outside are clipped.

    As ``torchaudio.functional.mu_law_encoding``. With an even number of levels no class stands for exactly 0; digital
    silence is class levels / 2, which decodes to +8.6e-5 for 256 levels.
    """
    return linear_encode(mu_compress(wav, levels), levels)


def mulaw_decode(classes: Tensor, levels: int = LEVELS) -> Tensor:
    """Class numbers 0 ... levels - 1 -> samples in [-1, 1], float32. ``mulaw_encode(mulaw_decode(k)) == k``."""
    return mu_expand(linear_decode(classes, levels), levels)


def linear_encode(wav: Tensor, levels: int = LEVELS) -> Tensor:
    """Samples in [-1, 1] -> the nearest of ``levels`` evenly spaced values, as class numbers (int64); -1 is 0, +1 is levels - 1.

    No per-file stretching to the full range: that loses loudness (Visual to Sound keeps it only if levels are kept).
    """
    _check(levels)
    top = levels - 1
    # float32 holds every class number exactly for any sensible count; half precision would not
    wav = wav.float() if wav.dtype in (torch.float16, torch.bfloat16) else wav
    return torch.floor((wav.clamp(-1.0, 1.0) + 1.0) / 2.0 * top + 0.5).clamp(0, top).long()


def linear_decode(classes: Tensor, levels: int = LEVELS) -> Tensor:
    """Class numbers 0 ... levels - 1 -> evenly spaced samples in [-1, 1], float32; at most 1 / (levels - 1) from the original."""
    _check(levels)
    return classes.float() * (2.0 / (levels - 1)) - 1.0
