"""STFT and inverse: equal to librosa and torch, and to each other's inverse."""

import warnings

import librosa
import numpy as np
import pytest
import torch

from avdemo.dsp.stft import istft, stft

SIZES = [(1022, 256, 65_535), (1022, 256, 3000), (512, 128, 16_000), (480, 240, 4801), (64, 16, 1)]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(("n_fft", "hop", "samples"), SIZES)
def test_there_and_back(n_fft: int, hop: int, samples: int) -> None:
    wav = noise(2, samples)
    spec = stft(wav, n_fft, hop)
    assert spec.shape == (2, n_fft // 2 + 1, 1 + samples // hop)
    back = istft(spec, n_fft, hop, samples)
    assert back.shape == wav.shape
    torch.testing.assert_close(back, wav, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("n_fft", "hop", "samples"), SIZES)
def test_equals_librosa(n_fft: int, hop: int, samples: int) -> None:
    wav = noise(samples)
    with warnings.catch_warnings(action="ignore"):  # a window longer than the signal is meant
        theirs = librosa.stft(wav.numpy(), n_fft=n_fft, hop_length=hop)
    np.testing.assert_allclose(stft(wav, n_fft, hop).numpy(), theirs, atol=1e-4)


def test_the_paper_s_window_is_512_by_256() -> None:
    assert stft(noise(65_535), 1022, 256).shape == (512, 256)


def test_leading_dimensions_are_kept_and_independent() -> None:
    wav = noise(3, 2, 2000)
    spec = stft(wav, 256, 64)
    assert spec.shape == (3, 2, 129, 32)
    torch.testing.assert_close(spec[1, 1], stft(wav[1, 1], 256, 64))
    torch.testing.assert_close(istft(spec, 256, 64, 2000)[2, 0], istft(spec[2, 0], 256, 64, 2000))


def test_double_precision_and_a_longer_length() -> None:
    wav = noise(1000).double()
    with warnings.catch_warnings(action="ignore"):  # torch says that it pads
        back = istft(stft(wav, 128, 32), 128, 32, 1500)
    assert back.dtype == torch.float64
    torch.testing.assert_close(back[:1000], wav)
    assert float(back[1100:].abs().max()) == 0.0


def test_a_real_mask_of_one_and_its_complement_add_up() -> None:
    wav = noise(5000)
    spec = stft(wav, 512, 128)
    mask = noise(*spec.shape, seed=1).abs()
    total = istft(spec * mask, 512, 128, 5000) + istft(spec * (1 - mask), 512, 128, 5000)
    torch.testing.assert_close(total, wav, atol=2e-6, rtol=0)
