"""Which frequency a row of a spectrogram stands for, for the three axes in use: linear, log (The Sound of Pixels) and mel.

Heights run from 0 (first row's centre) to 1 (last row's centre).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Axis = Literal["linear", "log", "mel"]

LOG_RATIO = 21.0  # hz = top * (21 ** height - 1) / 20: the released warp, written for heights 0 ... 1
LINEAR_HZ_PER_MEL = 200.0 / 3.0  # Slaney's mel scale, as in avdemo.dsp.mel
LOG_START_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27.0

TICKS_HZ = {
    "linear": None,
    "log": (0, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000),
    "mel": (0, 200, 500, 1000, 2000, 4000, 8000, 16_000),
}


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    above = LOG_START_HZ / LINEAR_HZ_PER_MEL + np.log(np.maximum(hz, LOG_START_HZ) / LOG_START_HZ) / LOG_STEP
    return np.where(hz >= LOG_START_HZ, above, hz / LINEAR_HZ_PER_MEL)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    start = LOG_START_HZ / LINEAR_HZ_PER_MEL
    return np.where(mel >= start, LOG_START_HZ * np.exp(LOG_STEP * (np.maximum(mel, start) - start)), mel * LINEAR_HZ_PER_MEL)


def height_to_hz(height: np.ndarray, axis: Axis, top_hz: float) -> np.ndarray:
    """Heights 0 ... 1 -> Hz; ``top_hz`` is the last row's frequency."""
    height = np.asarray(height, np.float64)
    if axis == "linear":
        return height * top_hz
    if axis == "log":
        return top_hz * (LOG_RATIO**height - 1) / (LOG_RATIO - 1)
    if axis == "mel":
        return _mel_to_hz(height * _hz_to_mel(np.float64(top_hz)))
    raise ValueError(f"There is no frequency axis {axis!r}; there are linear, log and mel.")


def hz_to_height(hz: np.ndarray, axis: Axis, top_hz: float) -> np.ndarray:
    """Inverse of :func:`height_to_hz`."""
    hz = np.asarray(hz, np.float64)
    if axis == "linear":
        return hz / top_hz
    if axis == "log":
        return np.log1p(hz / top_hz * (LOG_RATIO - 1)) / np.log(LOG_RATIO)
    if axis == "mel":
        return _hz_to_mel(hz) / _hz_to_mel(np.float64(top_hz))
    raise ValueError(f"There is no frequency axis {axis!r}; there are linear, log and mel.")


def ticks(axis: Axis, top_hz: float, most: int) -> list[tuple[float, float]]:
    """(height, Hz) of round frequencies, ascending; on the linear axis at most ``most`` steps."""
    values = TICKS_HZ[axis]
    if values is None:
        step = next((s for s in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if top_hz / s <= most), 20_000)
        values = tuple(step * k for k in range(int(top_hz / step) + 1))
    return [(float(hz_to_height(np.float64(hz), axis, top_hz)), float(hz)) for hz in values if hz <= top_hz]
