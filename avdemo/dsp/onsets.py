"""When a sound begins anew, and how loud it is from frame to frame: numpy only, for making pairs and for measuring synchrony."""

from __future__ import annotations

import numpy as np

HOP_S = 0.01
WINDOW_S = 0.032
BANDS = 20
FLOOR_DB = -70.0  # of full scale; quieter bands count as this quiet
RISE_DB = 3.0  # mean rise over the bands that makes an onset ...
ABOVE_USUAL = 2.5  # ... and this many times the usual rise of the sound, so that noise has none
GAP_S = 0.07  # no two onsets are closer
QUIET_DB = -45.0  # below the sound's loudest moment (and -60 dB of full scale) nothing begins


def envelope(wav: np.ndarray, sample_rate: int, rate: float, count: int | None = None) -> np.ndarray:
    """Loudness of consecutive slices, 1/``rate`` s each: RMS, float32 (count,); wav (samples,) in [-1, 1].

    Args:
        rate: slices a second, a video's frame rate for one value a frame.
        count: how many slices; those after the end are 0. By default all that begin inside the sound.
    """
    total = int(np.ceil(len(wav) * rate / sample_rate)) if count is None else count
    edges = np.round(np.arange(total + 1) * sample_rate / rate).astype(int)
    sums = np.concatenate([[0.0], np.cumsum(np.square(wav, dtype=np.float64))])
    at = np.minimum(edges, len(wav))
    return np.sqrt(np.maximum(np.diff(sums[at]), 0) / np.maximum(np.diff(edges), 1)).astype(np.float32)


def _bands(wav: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Level of each band (frames, BANDS) and of all together (frames,), dB of full scale; frame k is centred on k * HOP_S."""
    size, hop = round(WINDOW_S * sample_rate), round(HOP_S * sample_rate)
    padded = np.pad(np.asarray(wav, np.float32), (size // 2, 0), mode="reflect")  # what sounds already has no onset at 0
    padded = np.pad(padded, (0, size))
    count = len(wav) // hop + 1
    views = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(views * window, axis=1)).astype(np.float32) ** 2 * np.float32(2 / (window.sum() ** 2))
    top = 0.5 * sample_rate
    mel = np.linspace(0, np.log1p(top / 700), BANDS + 1)
    edges = np.unique(np.round(700 * np.expm1(mel) / top * (power.shape[1] - 1)).astype(int))
    sums = np.concatenate([np.zeros((len(power), 1), np.float32), np.cumsum(power, axis=1, dtype=np.float32)], axis=1)
    bands = sums[:, edges[1:]] - sums[:, edges[:-1]]
    floor = np.float32(10 ** (FLOOR_DB / 10))
    return 10 * np.log10(bands + floor), 10 * np.log10(power.sum(1) + floor)


def onsets(wav: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where something begins to sound: peaks of the spectral flux (rise in dB, averaged over mel bands).

    Args:
        wav: (samples,) in [-1, 1].
        sample_rate: Hz.

    Returns:
        times in s (n,), rising; how loud each is: RMS of the 60 ms that follow (n,); how bright: centre of its bands, 0 to 1 (n,).
    """
    nothing = np.zeros(0), np.zeros(0), np.zeros(0)
    if len(wav) < WINDOW_S * sample_rate:
        return nothing
    bands, level = _bands(wav, sample_rate)
    before = np.minimum(np.pad(bands, ((2, 0), (0, 0)), mode="edge")[:-2], np.pad(bands, ((1, 0), (0, 0)), mode="edge")[:-1])
    rise = np.maximum(bands - before, 0).mean(1)  # over what was 10 and 20 ms ago: slow attacks too
    usual = np.median(rise[level > level.max() + QUIET_DB])
    reach = round(0.03 / HOP_S)
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(rise, reach), 2 * reach + 1).max(1)
    loud = level > max(level.max() + QUIET_DB, -60.0)
    nearby = np.lib.stride_tricks.sliding_window_view(np.pad(loud, (0, 3)), 4).any(1)  # it may take 30 ms to become loud
    peaks = np.flatnonzero((rise >= highest) & (rise > max(RISE_DB, ABOVE_USUAL * usual)) & nearby)
    times: list[float] = []
    kept: list[int] = []
    for peak in peaks:
        time_s = _begin(wav, sample_rate, peak * HOP_S)
        if not times or time_s - times[-1] >= GAP_S:
            times.append(time_s)
            kept.append(int(peak))
    if not times:
        return nothing
    size = round(0.06 * sample_rate)
    starts = [round(t * sample_rate) for t in times]
    force = np.array([np.sqrt(np.mean(np.square(wav[s : s + size], dtype=np.float64))) for s in starts])
    after = 10 ** (bands[np.minimum(np.array(kept) + 2, len(bands) - 1)] / 10)
    bright = (after @ np.arange(bands.shape[1])) / after.sum(1) / (bands.shape[1] - 1)
    return np.array(times), force, bright


def _begin(wav: np.ndarray, sample_rate: int, about_s: float) -> float:
    """The moment, within 30 ms of ``about_s``, when the level leaves what it was: a quarter of the way to the loudest, in 2-ms steps."""
    step = max(1, round(0.002 * sample_rate))
    first = max(0, round((about_s - 0.03) * sample_rate))
    piece = wav[first : round((about_s + 0.03) * sample_rate)]
    piece = piece[: len(piece) // step * step].reshape(-1, step)
    if not len(piece):
        return about_s
    loud = np.abs(piece).max(1)
    top = int(loud.argmax())
    low = float(loud[: top + 1].min())
    over = np.flatnonzero(loud[: top + 1] >= low + 0.25 * (loud[top] - low))
    return (first + int(over[0]) * step) / sample_rate
