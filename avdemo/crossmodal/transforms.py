"""The five pictures of a sound that the paper compares (section 3.1): of the same window, all about 128 x 128.

    MS    mel spectrogram: amplitude of 128 mel bands
    LMS   its logarithm, the picture that the ear reads
    CQT   constant-Q transform: amplitude in dB, bands in equal musical steps over the same range (librosa)
    MFCC  mel cepstrum: the first coefficients of the LMS's cosine transform
    STFT  short-time Fourier transform: power in dB, neighbouring bins averaged to as many rows as the LMS has

The paper does not say which of them it takes the logarithm of, nor their sizes. Here MS is the one without, so that it differs from LMS
in nothing else.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from avdemo.crossmodal.config import SoundWindow
from avdemo.crossmodal.hearing import levelled, log_mel_picture, mel_scale
from avdemo.dsp.mel import mel_spectrogram
from avdemo.dsp.stft import magnitude, stft

TRANSFORMS = ("MS", "LMS", "CQT", "MFCC", "STFT")
CQT_TOP_DB = 20.0  # of a tone at the window's level, about: cut range_db below, as the LMS is
STFT_TOP_DB = 34.0
LEAST_COEFFICIENTS = 16  # four times halved, one is left


def coefficients(window: SoundWindow) -> int:
    """How many of the cepstrum are kept: 40 of 128 bands."""
    return max(LEAST_COEFFICIENTS, window.mels * 5 // 16)


def rows(name: str, window: SoundWindow) -> int:
    """Height of a picture; all are ``window.frames`` wide."""
    return coefficients(window) if name == "MFCC" else window.mels


@torch.no_grad()
def pictures(wav: Tensor, window: SoundWindow) -> dict[str, np.ndarray]:
    """All representations of sounds (N, window.samples) at any level: (N, rows, frames) float32, on their own scales.

    Raises:
        ValueError: the STFT's bins do not share out evenly into the rows.
    """
    from scipy.fft import dct

    if (window.n_fft // 2) % window.mels:
        raise ValueError(f"{window.n_fft // 2} bins do not share out evenly into {window.mels} rows")
    even = levelled(wav.float(), window)
    mag = magnitude(stft(even, window.n_fft, window.hop))
    lms = log_mel_picture(wav, window).numpy()
    power = mag.square()[:, 1:].reshape(len(mag), window.mels, -1, mag.shape[2]).mean(2)  # without 0 Hz
    return {
        "MS": mel_spectrogram(mag, mel_scale(window)).sqrt().numpy(),
        "LMS": lms,
        "CQT": _clipped_db(_constant_q(even.numpy(), window), CQT_TOP_DB, window),
        "MFCC": dct(lms * (window.range_db / 2), axis=1, norm="ortho")[:, : coefficients(window)],
        "STFT": _clipped_db(power.sqrt().numpy(), STFT_TOP_DB, window),
    }


def _constant_q(wav: np.ndarray, window: SoundWindow) -> np.ndarray:
    """Amplitudes (N, mels, frames); as many bands an octave as bring the last of them near ``f_max``."""
    import librosa

    octaves = np.log2(window.f_max / window.f_min)
    shape = {"hop_length": window.hop, "fmin": window.f_min, "n_bins": window.mels}
    return np.abs(librosa.cqt(wav, sr=window.sample_rate, bins_per_octave=round(window.mels / octaves), **shape))


def _clipped_db(amplitude: np.ndarray, top_db: float, window: SoundWindow) -> np.ndarray:
    """Amplitude to dB, cut at ``top_db`` and ``range_db`` below it, scaled to [-1, 1]."""
    db = 20 * np.log10(np.maximum(amplitude, 1e-9))
    return np.clip(1 + 2 * (db - top_db) / window.range_db, -1, 1).astype(np.float32)
