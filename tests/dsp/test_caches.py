"""Caches that were filled under inference_mode (a prediction, a validation pass) must serve a training step afterwards."""

import torch

from avdemo.dsp.logfreq import to_linear_frequency, to_log_frequency
from avdemo.dsp.stft import stft


def test_stft() -> None:
    with torch.inference_mode():
        stft(torch.rand(2000), 248, 62)
    wav = torch.rand(2000).requires_grad_()
    stft(wav, 248, 62).abs().sum().backward()
    assert wav.grad is not None and bool(wav.grad.isfinite().all())


def test_log_frequency() -> None:
    with torch.inference_mode():
        to_log_frequency(torch.rand(200, 3), 100)
        to_linear_frequency(torch.rand(100, 3), 200)
    mag = torch.rand(200, 3).requires_grad_()
    to_linear_frequency(to_log_frequency(mag, 100), 200).sum().backward()
    assert mag.grad is not None and bool(mag.grad.isfinite().all())
