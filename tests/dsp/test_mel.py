"""Mel spectrograms against librosa, and the way back."""

import librosa
import numpy as np
import pytest
import torch

from avdemo.dsp.mel import MelScale, hz_to_mel, log_mel, log_mel_to_power, mel_filterbank, mel_spectrogram, mel_to_hz, mel_to_mag
from avdemo.dsp.stft import stft

SCALES = [
    MelScale(11_025, 1022, 80),
    MelScale(16_000, 1024, 128, f_min=40.0, f_max=7600.0),
    MelScale(22_050, 2048, 128, htk=True),
    MelScale(44_100, 1024, 40, f_max=16_000.0),
]


def tone(sample_rate: int, seed: int = 0) -> torch.Tensor:
    """One second of a decaying harmonic tone over faint noise."""
    time_s = torch.arange(sample_rate) / sample_rate
    wav = 0.01 * torch.randn(sample_rate, generator=torch.Generator().manual_seed(seed))
    for k in range(1, 8):
        wav = wav + 0.5 / k * torch.exp(-k * time_s) * torch.sin(2 * torch.pi * 220 * k * time_s)
    return wav


def kwargs(scale: MelScale) -> dict:
    return {"sr": scale.sample_rate, "n_fft": scale.n_fft, "fmin": scale.f_min, "fmax": scale.f_max, "htk": scale.htk}


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_filterbank_equals_librosa(scale: MelScale) -> None:
    ours = mel_filterbank(scale)
    assert ours.shape == (scale.n_mels, scale.bins) and ours.dtype == torch.float32
    np.testing.assert_allclose(ours.numpy(), librosa.filters.mel(n_mels=scale.n_mels, **kwargs(scale)), atol=2e-8)


@pytest.mark.parametrize("scale", SCALES, ids=str)
@pytest.mark.parametrize("floor_db", [None, 80.0])
def test_log_mel_equals_librosa(scale: MelScale, floor_db: float | None) -> None:
    wav = tone(scale.sample_rate)
    mag = stft(wav, scale.n_fft, 256).abs()
    theirs = librosa.feature.melspectrogram(y=wav.numpy(), hop_length=256, n_mels=scale.n_mels, **kwargs(scale))
    np.testing.assert_allclose(mel_spectrogram(mag, scale).numpy(), theirs, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(log_mel(mag, scale, floor_db).numpy(), librosa.power_to_db(theirs, top_db=floor_db), atol=0.01)


@pytest.mark.parametrize("htk", [False, True])
def test_mel_and_hertz_equal_librosa_and_invert_each_other(htk: bool) -> None:
    hz = torch.tensor([0.0, 20.0, 440.0, 999.9, 1000.0, 1000.1, 8000.0, 22_050.0], dtype=torch.float64)
    np.testing.assert_allclose(hz_to_mel(hz, htk).numpy(), librosa.hz_to_mel(hz.numpy(), htk=htk), rtol=1e-12)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz, htk), htk), hz)


@pytest.mark.parametrize("power", [1.0, 2.0, 1.7])
def test_there_and_back_and_there(power: float) -> None:
    scale = MelScale(16_000, 1024, 80)
    mag = stft(tone(16_000), 1024, 256).abs()
    mel = mel_spectrogram(mag, scale, power)
    back = mel_to_mag(mel, scale, power)
    assert back.shape == mag.shape and float(back.min()) >= 0
    again = mel_spectrogram(back, scale, power)
    assert float((again - mel).norm() / mel.norm()) < 0.01
    off_db = 10 * ((again + 1e-10).log10() - (mel + 1e-10).log10()).abs()
    assert float(off_db.mean()) < 0.05


def test_the_way_back_is_at_least_as_close_as_librosa_s() -> None:
    scale = MelScale(16_000, 1024, 64)
    mag = stft(tone(16_000), 1024, 512).abs()
    mel = mel_spectrogram(mag, scale)
    theirs = torch.from_numpy(librosa.feature.inverse.mel_to_stft(mel.numpy(), sr=16_000, n_fft=1024))

    def distance(estimate: torch.Tensor) -> float:
        return float(((estimate + 1e-3).log() - (mag + 1e-3).log()).abs().mean())

    assert distance(mel_to_mag(mel, scale)) <= distance(theirs)


def test_log_mel_to_power_inverts_the_logarithm() -> None:
    scale = MelScale(16_000, 512, 64)
    mag = stft(tone(16_000), 512, 128).abs()
    expected = mel_spectrogram(mag, scale).clamp_min(1e-10)
    torch.testing.assert_close(log_mel_to_power(log_mel(mag, scale)), expected, rtol=1e-4, atol=0)


def test_silence_stays_silent_and_batches_are_independent() -> None:
    scale = MelScale(16_000, 512, 64)
    assert float(mel_to_mag(torch.zeros(64, 3), scale).abs().max()) == 0.0
    assert float(log_mel(torch.zeros(257, 3), scale).max()) == pytest.approx(-100.0, abs=1e-4)
    mag = torch.rand(2, 3, 257, 9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(log_mel(mag, scale, 80.0)[1, 2], log_mel(mag[1, 2], scale, 80.0))
    mel = mel_spectrogram(mag, scale)
    torch.testing.assert_close(mel_to_mag(mel, scale)[1, 2], mel_to_mag(mel[1, 2], scale), rtol=1e-3, atol=1e-4)


def test_nobody_can_write_into_the_cached_filters() -> None:
    scale = MelScale(16_000, 512, 32)
    before = mel_filterbank(scale).clone()
    mel_filterbank(scale).zero_()
    assert torch.equal(mel_filterbank(scale), before)


def test_training_works_after_a_prediction_filled_the_caches() -> None:
    scale = MelScale(16_000, 256, 20)
    with torch.inference_mode():
        log_mel(torch.rand(129, 4), scale)
    mag = torch.rand(129, 4, requires_grad=True)
    log_mel(mag, scale).sum().backward()
    assert mag.grad is not None


@pytest.mark.parametrize("bad", [{"n_mels": 0}, {"f_min": 9000.0}, {"f_min": -1.0}, {"sample_rate": 0}])
def test_impossible_scales_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError):
        MelScale(**{"sample_rate": 16_000, "n_fft": 512, "n_mels": 40} | bad)
