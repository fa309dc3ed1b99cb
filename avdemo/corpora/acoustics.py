"""What a room, a microphone and a cheap recorder do to a sound: variety for training, baked into the packed arrays."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

TARGET_RMS = 0.1  # -20 dBFS over the parts that sound


def level(wav: np.ndarray, floor: float = 0.02) -> float:
    """RMS over the 50-ms blocks louder than ``floor`` times the loudest block; 0 for silence. wav: (samples,)."""
    block = 550
    blocks = wav[: len(wav) // block * block].reshape(-1, block) if len(wav) >= block else wav[None]
    power = (blocks.astype(np.float64) ** 2).mean(1)
    if power.size == 0 or power.max() <= 1e-12:
        return 0.0
    return float(np.sqrt(power[power > floor**2 * power.max()].mean()))


def to_target_level(wav: np.ndarray) -> np.ndarray:
    """Scale to :data:`TARGET_RMS`, peaks limited to 1 by scaling down; silence stays silence."""
    now = level(wav)
    if now == 0:
        return wav
    wav = wav * (TARGET_RMS / now)
    peak = float(np.abs(wav).max())
    return (wav / peak if peak > 1 else wav).astype(np.float32)


def equalise(wav: np.ndarray, rng: np.random.Generator, depth_db: float = 9.0) -> np.ndarray:
    """A random smooth gain over octaves (up to about ``depth_db``), sometimes a dull or a thin recording."""
    n = len(wav)
    spectrum = np.fft.rfft(wav)
    octave = np.log2(np.maximum(np.arange(len(spectrum)) / len(spectrum), 2**-8)) + 8  # 0..8
    knots = rng.normal(0, depth_db / 2, 9)
    gain_db = np.interp(octave, np.arange(9), knots)
    if rng.random() < 0.2:
        gain_db -= 8 * np.maximum(0, octave - rng.uniform(5.5, 7.5))
    if rng.random() < 0.15:
        gain_db -= 8 * np.maximum(0, rng.uniform(1, 3) - octave)
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), n).astype(np.float32)


def reverberate(wav: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Convolve with decaying noise of 0.1 to 0.9 s, mixed under the dry sound."""
    rt60 = rng.uniform(0.1, 0.9)
    n = int(rt60 * sample_rate)
    tail = rng.normal(0, 1, n) * 10 ** (-3 * np.arange(n) / n)
    tail = np.convolve(tail, [0.25, 0.5, 0.25], "same")
    tail[: int(rng.uniform(0.003, 0.03) * sample_rate)] = 0
    tail /= np.sqrt((tail**2).sum()) + 1e-9
    wet = fftconvolve(wav, tail.astype(np.float32))[: len(wav)]
    return (wav + rng.uniform(0.1, 0.7) * wet).astype(np.float32)


def weather(wav: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A random selection of the above with a little saturation and noise, at the target level. (samples,) -> (samples,)."""
    if rng.random() < 0.75:
        wav = equalise(wav, rng)
    if rng.random() < 0.6:
        wav = reverberate(wav, sample_rate, rng)
    wav = to_target_level(wav)
    if rng.random() < 0.2:
        drive = rng.uniform(1.5, 5)
        wav = np.tanh(drive * wav) / drive
    if rng.random() < 0.3:
        wav = wav + rng.normal(0, 10 ** (rng.uniform(-75, -48) / 20), len(wav))
    return to_target_level(wav.astype(np.float32))
