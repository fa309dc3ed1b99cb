"""Onsets and envelopes on sounds whose onsets are known."""

from __future__ import annotations

import numpy as np
import pytest
from bursts import RATE, bursts

from avdemo.dsp.onsets import GAP_S, envelope, onsets


@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_bursts_are_found_to_ten_milliseconds(rate: int) -> None:
    truth = (0.31, 0.8, 1.0, 1.52, 2.75)
    wav = np.interp(np.arange(int(3.2 * rate)) / rate, np.arange(int(3.2 * RATE)) / RATE, bursts(truth, 3.2)).astype(np.float32)
    times, force, bright = onsets(wav, rate)
    assert times == pytest.approx(truth, abs=0.01)
    assert len(force) == len(bright) == len(truth) and (force > 0.05).all()


def test_quiet_onsets_beside_loud_ones_are_found_and_weighed() -> None:
    times, force, _ = onsets(bursts([0.5], 2.0) + bursts([1.3], 2.0, 0.03, 1), RATE)
    assert times == pytest.approx((0.5, 1.3), abs=0.01)
    assert 6 < force[0] / force[1] < 16


def test_bright_sounds_are_told_from_dark_ones() -> None:
    at = np.arange(RATE) / RATE
    decay = np.exp(-np.maximum(at - 0.3, 0) / 0.1) * (at > 0.3)
    low, high = (onsets(0.4 * decay * np.sin(2 * np.pi * hertz * at), RATE)[2][0] for hertz in (90, 5000))
    assert low < 0.2 and high > 0.6


def test_silence_and_steady_noise_have_none() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE)
    assert len(onsets(np.zeros(RATE), RATE)[0]) == 0 and len(onsets(np.zeros(3), RATE)[0]) == 0
    assert len(onsets(noise, RATE)[0]) == 0


def test_onsets_keep_their_distance() -> None:
    times, _, _ = onsets(bursts([*np.arange(0.2, 1.0, 0.055), 1.5, 1.54, 2.0], 3.0, decay_s=0.006), RATE)
    assert len(times) > 3 and np.diff(times).min() >= GAP_S


def test_the_envelope_is_the_rms_of_each_slice() -> None:
    wav = np.concatenate([np.full(1280, 0.5), np.zeros(1280), np.tile([0.2, -0.2], 640)]).astype(np.float32)
    assert envelope(wav, RATE, 12.5) == pytest.approx([0.5, 0.0, 0.2])
    assert envelope(wav, RATE, 12.5, 5) == pytest.approx([0.5, 0.0, 0.2, 0.0, 0.0])
    assert envelope(wav[:2000], RATE, 12.5).shape == (2,)
