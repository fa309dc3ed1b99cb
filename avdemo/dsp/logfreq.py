"""The log-frequency axis of The Sound of Pixels and its inverse.

The released code samples a linear-frequency picture at heights ``y' = (21 ** ((y + 1) / 2) - 11) / 10`` for y in [-1, 1]
(bilinear, ``align_corners=True``): low frequencies are stretched, high ones squeezed, and the time axis is untouched. With
the time axis untouched, bilinear sampling is a blend of two rows, so it is done here as two gathers and one blend.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

BASE = 21.0  # of the exponential; the axis covers a ratio of 21 between the densest and the sparsest end
SHIFT = 11.0
SCALE = 10.0
assert (1 - SHIFT) / SCALE == -1 and (BASE - SHIFT) / SCALE == 1  # both ends of the axis stay where they are


@lru_cache(maxsize=32)
def _rows(bins_in: int, bins_out: int, inverse: bool, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Lower row, upper row (bins_out,) and blend weight of the upper row (bins_out, 1)."""
    with torch.inference_mode(False):  # the cached tensors must serve training too, whoever asks first
        y = torch.linspace(-1.0, 1.0, bins_out, dtype=torch.float64)
        if inverse:
            position = torch.log(y * SCALE + SHIFT) / torch.log(torch.tensor(BASE, dtype=torch.float64)) * 2 - 1
        else:
            position = (BASE ** ((y + 1) / 2) - SHIFT) / SCALE
        row = ((position + 1) / 2 * (bins_in - 1)).clamp(0, bins_in - 1)
        low = row.floor().long().clamp(max=bins_in - 2)
        weight = (row - low).float().unsqueeze(1)
        return low.to(device), (low + 1).to(device), weight.to(device)


def _resample(picture: Tensor, bins: int, inverse: bool) -> Tensor:
    low, high, weight = _rows(picture.shape[-2], bins, inverse, picture.device)
    return torch.lerp(picture.index_select(-2, low), picture.index_select(-2, high), weight.to(picture.dtype))


def to_log_frequency(mag: Tensor, bins: int = 256) -> Tensor:
    """Linear to logarithmic frequency: (..., F, T) -> (..., bins, T)."""
    return _resample(mag, bins, inverse=False)


def to_linear_frequency(picture: Tensor, bins: int = 512) -> Tensor:
    """Logarithmic to linear frequency: (..., F_log, T) -> (..., bins, T); for masks, which are smooth enough to survive it."""
    return _resample(picture, bins, inverse=True)


def log_frequency_hz(bins: int, sample_rate: float) -> Tensor:
    """Centre frequency in Hz of each row of the log-frequency axis: (bins,)."""
    y = torch.linspace(-1.0, 1.0, bins, dtype=torch.float64)
    return ((BASE ** ((y + 1) / 2) - SHIFT) / SCALE + 1) / 2 * (sample_rate / 2)
