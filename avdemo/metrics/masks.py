"""Ideal masks: the best that masking can do, which is the upper bound of every method that masks.

Definition: with the true sources known, the ideal binary mask gives each time-frequency cell to the loudest source, the ideal
ratio mask shares it by magnitude (Wang 2005, "On ideal binary mask as the computational goal of auditory scene analysis"; The
Sound of Pixels, section 3, uses both as training targets). The mixture's phase is kept, as the network has to. Masks are in
[0, 1], shape (sources, F, T).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["binary", "ratio"]
Array = NDArray[np.float32]


def ideal_binary(mags: NDArray[np.floating]) -> Array:
    """1 where a source is the loudest, else 0; a tie goes to the first; where nothing sounds every mask is 0.

    Args:
        mags: (sources, F, T) magnitudes.
    """
    masks = np.zeros(mags.shape, dtype=np.float32)
    np.put_along_axis(masks, mags.argmax(axis=0)[None], 1.0, axis=0)
    return masks * (mags.sum(axis=0) > 0)


def ideal_ratio(mags: NDArray[np.floating]) -> Array:
    """Each source's share of the summed magnitude; the shares sum to 1 where anything sounds, and are 0 elsewhere.

    Args:
        mags: (sources, F, T) magnitudes.
    """
    total = mags.sum(axis=0)
    return np.divide(mags, total, out=np.zeros(mags.shape, dtype=np.float32), where=total > 0, casting="same_kind")


def ideal_separation(
    sources: NDArray[np.float32],
    mixture: NDArray[np.float32],
    kind: Kind = "binary",
    *,
    n_fft: int = 1022,
    hop: int = 256,
    log_bins: int | None = 256,
) -> NDArray[np.float32]:
    """Separate a mixture with the masks of its own sources.

    Args:
        sources: (sources, samples), on the mixture's scale (for a mean of N sources: each divided by N).
        mixture: (samples,).
        kind: "binary" or "ratio".
        n_fft, hop: of the transform, in samples; the paper's by default.
        log_bins: rows of the log-frequency axis on which the masks are made, as the network has to; None makes them on the linear
            axis, which bounds every mask.

    Returns:
        Estimates (sources, samples).
    """
    import torch

    from avdemo.dsp.logfreq import to_linear_frequency, to_log_frequency
    from avdemo.dsp.stft import istft, stft

    mags = stft(torch.from_numpy(np.ascontiguousarray(sources)), n_fft, hop).abs()
    if log_bins:
        mags = to_log_frequency(mags, log_bins)
    make = {"binary": ideal_binary, "ratio": ideal_ratio}[kind]
    masks = torch.from_numpy(make(mags.numpy()))
    if log_bins:
        masks = to_linear_frequency(masks, n_fft // 2 + 1)
    spec = stft(torch.from_numpy(np.ascontiguousarray(mixture)), n_fft, hop)
    return istft(masks * spec, n_fft, hop, len(mixture)).numpy()
