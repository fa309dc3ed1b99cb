"""Printers that never were: there is a quarter of a minute of recorded printers to train on, and a line of print is easily imitated.

An inkjet's carriage whines as it speeds up, runs and slows down, its cable hisses, its ends click; then rollers step the paper on. A
dot-matrix head buzzes with its pins, louder where there is ink. Physics of the ear, not of the machine; for training only.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter


def _hiss(rng: np.random.Generator, count: int, low_hz: float, high_hz: float, sample_rate: int) -> np.ndarray:
    """Noise between two frequencies, RMS 1."""
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    wav = np.fft.irfft(spectrum / (1 + (low_hz / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / high_hz) ** 4), count)
    return wav / (np.sqrt((wav**2).mean()) + 1e-9)


def _trapezoid(count: int, ramp: int) -> np.ndarray:
    """Speed of a carriage from rest to rest, 0 to 1."""
    at = np.arange(count)
    return np.clip(np.minimum(at, count - 1 - at) / max(1, ramp), 0, 1)


def _click(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    count = int(rng.uniform(0.015, 0.05) * sample_rate)
    time_s = np.arange(count) / sample_rate
    ring = sum(rng.uniform(0.3, 1) * np.sin(2 * np.pi * rng.uniform(300, 4200) * time_s) for _ in range(4))
    return (ring + rng.normal(0, 0.8, count)) * np.exp(-time_s / rng.uniform(0.003, 0.012)) / 3


def made_printer(rng: np.random.Generator, seconds: float, sample_rate: int) -> np.ndarray:
    """One machine printing line after line, with pauses: float32 (samples,), peak at most 0.7."""
    total = int(seconds * sample_rate)
    wav = np.zeros(total + 2 * sample_rate)
    dots = rng.random() < 0.4
    whine_hz, whine, hiss = rng.uniform(180, 900), rng.uniform(0.05, 0.3), rng.uniform(0.03, 0.2)
    low, high = rng.uniform(400, 1500), rng.uniform(2500, 7500)
    pins_hz, stepping_hz = rng.uniform(500, 1300), rng.uniform(14, 60)
    pass_s, partials = rng.uniform(0.28, 1.1), rng.dirichlet(np.ones(6))
    clicks = [_click(rng, sample_rate) for _ in range(2)]
    resonance = np.exp(-np.pi * rng.uniform(200, 900) / sample_rate), rng.uniform(700, 2600)
    at = int(rng.uniform(0.0, 0.4) * sample_rate)
    while at < total:
        for _ in range(int(rng.integers(1, 7))):
            count = int(pass_s * rng.uniform(0.75, 1.2) * sample_rate)
            speed = _trapezoid(count, int(0.06 * sample_rate))
            phase = 2 * np.pi * np.cumsum(whine_hz * speed) / sample_rate
            tone = sum(p * np.sin((k + 1) * phase) for k, p in enumerate(partials))
            line = speed * (whine * tone + hiss * _hiss(rng, count, low, high, sample_rate))
            if dots:
                ink = np.repeat(rng.random(int(count / sample_rate * 18) + 1) < 0.75, int(sample_rate / 18) + 1)[:count]
                strikes = (np.diff(np.floor(np.arange(count + 1) * pins_hz / sample_rate)) > 0) * rng.uniform(0.4, 1.0, count)
                decay, hertz = resonance
                pole = [1.0, -2 * decay * np.cos(2 * np.pi * hertz / sample_rate), decay**2]
                line = line + 0.6 * lfilter([1.0], pole, strikes * ink * (speed > 0.3)) * 0.5
            _lay(wav, at, line)
            _lay(wav, at + count - 60, 0.35 * clicks[0])
            at += count
            if rng.random() < 0.7:  # the paper moves on
                feed = int(rng.uniform(0.06, 0.3) * sample_rate)
                teeth = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * stepping_hz * np.arange(feed) / sample_rate))
                _lay(wav, at, 0.8 * hiss * teeth * _hiss(rng, feed, 200, 3000, sample_rate))
                _lay(wav, at, 0.25 * clicks[1])
                at += feed
        at += int(rng.choice([0.05, 0.5, 1.2]) * rng.uniform(0.6, 1.4) * sample_rate)
    wav = wav[:total]
    return (wav * (rng.uniform(0.3, 0.7) / (np.abs(wav).max() + 1e-9))).astype(np.float32)


def _lay(wav: np.ndarray, at: int, sound: np.ndarray) -> None:
    end = min(len(wav), at + len(sound))
    if end > at >= 0:
        wav[at:end] += sound[: end - at]
