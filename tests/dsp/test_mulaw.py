"""Quantisation: every class survives the round trip, and the error is bounded."""

import librosa
import numpy as np
import pytest
import torch

from avdemo.dsp.mulaw import LEVELS, linear_decode, linear_encode, mu_compress, mu_expand, mulaw_decode, mulaw_encode

WAV = torch.linspace(-1, 1, 20_001, dtype=torch.float64)


@pytest.mark.parametrize("levels", [2, 16, 256, 1024])
@pytest.mark.parametrize(("encode", "decode"), [(mulaw_encode, mulaw_decode), (linear_encode, linear_decode)])
def test_every_class_survives(encode, decode, levels: int) -> None:
    classes = torch.arange(levels)
    wav = decode(classes, levels)
    assert wav.dtype == torch.float32 and float(wav[0]) == -1.0 and float(wav[-1]) == pytest.approx(1.0)
    assert bool((wav.diff() > 0).all())
    assert torch.equal(encode(wav, levels), classes)


def test_compression_equals_librosa() -> None:
    np.testing.assert_allclose(mu_compress(WAV).numpy(), librosa.mu_compress(WAV.numpy(), mu=255, quantize=False), atol=1e-12)
    np.testing.assert_allclose(mu_expand(WAV).numpy(), librosa.mu_expand(WAV.numpy(), mu=255, quantize=False), atol=1e-12)
    torch.testing.assert_close(mu_expand(mu_compress(WAV)), WAV)


def test_classes_are_those_of_the_usual_formula() -> None:
    compressed = np.sign(WAV) * np.log1p(255 * np.abs(WAV)) / np.log(256)
    expected = ((compressed.numpy() + 1) / 2 * 255 + 0.5).astype(np.int64)
    assert np.array_equal(mulaw_encode(WAV).numpy(), expected)


def test_error_bounds() -> None:
    linear = (linear_decode(linear_encode(WAV)).double() - WAV).abs()
    assert float(linear.max()) <= 1 / (LEVELS - 1) + 1e-6
    mulaw = (mulaw_decode(mulaw_encode(WAV)).double() - WAV).abs()
    step = np.log(256) * 2 / 255 / 2  # half a class, in the exponent
    assert bool((mulaw <= (WAV.abs() + 1 / 255) * np.expm1(step) + 1e-6).all())
    assert float(mulaw[WAV.abs() < 0.01].max()) < float(linear[WAV.abs() < 0.01].max()) / 10


def test_loudness_is_kept_and_overloads_are_clipped() -> None:
    quiet = 0.1 * torch.sin(torch.linspace(0, 50, 8000))
    for encode, decode in ((mulaw_encode, mulaw_decode), (linear_encode, linear_decode)):
        assert float(decode(encode(quiet)).std() / quiet.std()) == pytest.approx(1.0, abs=0.02)
        assert encode(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
    assert mulaw_encode(torch.zeros(1)).item() == LEVELS // 2


def test_half_precision_input_and_shapes() -> None:
    wav = torch.rand(2, 3, 5).half() * 2 - 1
    assert torch.equal(linear_encode(wav), linear_encode(wav.float()))
    assert mulaw_encode(wav).shape == (2, 3, 5)


def test_one_level_is_refused() -> None:
    with pytest.raises(ValueError, match="2 levels"):
        mulaw_encode(torch.zeros(3), 1)
