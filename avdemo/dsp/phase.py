"""A waveform for a magnitude spectrogram that has lost its phase: fast Griffin-Lim."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avdemo.dsp.stft import istft, stft


def griffin_lim(
    mag: Tensor, n_fft: int, hop: int, length: int | None = None, *, iterations: int = 32, momentum: float = 0.99, seed: int = 0,
    step: Callable[[float], None] | None = None,
) -> Tensor:  # fmt: skip
    """Find a waveform whose STFT magnitude is close to ``mag`` (Griffin & Lim 1984; momentum: Perraudin et al. 2013).

    Args:
        mag: (..., n_fft // 2 + 1, T) magnitudes, >= 0.
        n_fft, hop: of the STFT that ``mag`` belongs to (:func:`avdemo.dsp.stft.stft`).
        length: samples wanted; None: ``hop * (T - 1)``. What no frame reaches is zero.
        iterations: each costs one STFT and one inverse.
        momentum: 0 is the classical algorithm; up to 1 converges faster and to a better place.
        seed: of the starting phase. The same seed gives the same start on every device.
        step: called with the share done before each iteration; what it raises ends the work.

    Returns:
        (..., length) float32 waveform.

    Raises:
        ValueError: the number of rows does not fit ``n_fft``, or momentum is outside [0, 1].
    """
    bins, frames = mag.shape[-2:]
    if bins != n_fft // 2 + 1:
        raise ValueError(f"A spectrogram with {bins} rows does not belong to n_fft {n_fft}, which has {n_fft // 2 + 1}.")
    if not 0.0 <= momentum <= 1.0:
        raise ValueError(f"The momentum of Griffin-Lim must lie in [0, 1], not {momentum}.")
    length = hop * (frames - 1) if length is None else length
    mag = mag.float()
    # Drawn on the CPU so that a GPU starts from the same phases.
    generator = torch.Generator().manual_seed(seed)
    phase = torch.rand(mag.shape, generator=generator).mul_(2 * torch.pi).to(mag.device)
    spec = torch.polar(mag, phase)
    # Iterate on a signal that covers all T frames even if fewer samples are wanted, and no longer (its frames would outnumber T).
    work = hop * (frames - 1) + min(hop - 1, max(0, length - hop * (frames - 1)))
    if work == 0 or length == 0:
        return mag.new_zeros(*mag.shape[:-2], length)
    weight = momentum / (1.0 + momentum)
    tiny = torch.finfo(mag.dtype).tiny
    previous = None
    for number in range(iterations):
        if step is not None:
            step(number / iterations)
        rebuilt = stft(istft(spec, n_fft, hop, work), n_fft, hop)
        wanted = rebuilt if previous is None else rebuilt - weight * previous
        spec = wanted * (mag / wanted.abs().clamp_min(tiny))
        previous = rebuilt
    wav = istft(spec, n_fft, hop, work)
    return torch.nn.functional.pad(wav, (0, length - work)) if length > work else wav[..., :length]
