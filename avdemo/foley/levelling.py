"""Loudness set apart from sound: what is divided away before the SampleRNN learns a sound, and multiplied back after it wrote one.

The gain follows the loudest of three neighbouring video frames, so that the attack of a blow, which falls somewhere in its frame, is
not raised as if it belonged to the silence before; within 80 ms of it the SampleRNN itself has to be silent, as it is told.

"Silent" is a hiss some 40 dB under the sound: digital silence is followed by nothing but silence, and a network that writes it once would
never stop.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import butter, lfilter, sosfilt
from torch import Tensor

from avdemo.dsp import mulaw
from avdemo.foley.config import HISS_DB, LEVELLED_DB, QUIETEST_DB, FoleyConfig

RUMBLE_HZ = 30.0  # and below: recordings have some, loudspeakers and ears do not
HOLD_S = 0.03  # of the running mean of power that the automatic gain looks at
HELD_DB = (-25.0, 30.0)  # its range
ATTACK_DB = 6.0  # from one video frame to the next: so much more is a stroke, which comes at a moment, not a swelling
ABOVE_DB = 3.0  # by how much a stroke is louder, at the least, than the mean of the video frame that it falls in
ATTACK_S = 0.004  # that a stroke takes
LEAST = 1e-9  # of power: silence is not raised
EMPHASISED = 1.6  # factor of what is emphasised: noise becomes 6 dB louder by that, what rumbles 12 dB softer


def emphasised(wav: Tensor, emphasis: float) -> Tensor:
    """Sound (N, T) with its heights raised, and about as loud as before."""
    return EMPHASISED * (wav - emphasis * F.pad(wav, (1, 0))[:, :-1]) if emphasis else wav


def without_emphasis(wav: np.ndarray, state: np.ndarray, emphasis: float) -> tuple[np.ndarray, np.ndarray]:
    """The way back, of (T,) samples. ``state`` (1,): of the filter, after the samples before; zeros at first."""
    if not emphasis:
        return wav.astype(np.float64), state
    return lfilter([1 / EMPHASISED], [1.0, -emphasis], wav.astype(np.float64), zi=state)


def encode(wav: Tensor, config: FoleyConfig) -> Tensor:
    """Samples in [-1, 1] -> levels (int64), by the configuration's quantiser."""
    return (mulaw.linear_encode if config.quantiser == "linear" else mulaw.mulaw_encode)(wav, config.levels)


def without_rumble(wav: np.ndarray, state: np.ndarray, samples_per_s: int) -> tuple[np.ndarray, np.ndarray]:
    """Take away what nobody hears, for the gain would hear it.

    Args:
        wav: (T,). state: (1, 2), of the filter, after the samples before; zeros at first.

    Returns:
        the sound (T,), float64, and the state after it.
    """
    return sosfilt(_rumble_filter(samples_per_s), wav.astype(np.float64), zi=state)


@lru_cache(maxsize=4)
def _rumble_filter(samples_per_s: int) -> np.ndarray:
    return butter(2, RUMBLE_HZ, "highpass", fs=samples_per_s, output="sos")


def hold(wav: np.ndarray, told_db: np.ndarray, power: float, samples_per_s: int) -> tuple[np.ndarray, float]:
    """Bring sound to the loudness that it was told: an automatic gain, which hears slowly and obeys at once.

    Args:
        wav: (T,) as loud as the gain of :func:`course_db` makes it.
        told_db: (T,) dB of full scale that it should have.
        power: running mean of what sounded before the first sample.

    Returns:
        the sound (T,), float64, and the running mean after it.
    """
    keep = np.exp(-1 / (HOLD_S * samples_per_s))
    means, _ = lfilter([1 - keep], [1, -keep], np.square(wav, dtype=np.float64), zi=[keep * power])
    gain = np.sqrt((10 ** (told_db / 10) + LEAST) / (means + LEAST)).clip(*(10 ** (db / 20) for db in HELD_DB))
    return wav * gain, float(means[-1])


def strokes(
    told_db: np.ndarray, first: int, samples: int, samples_per_frame: int, samples_per_s: int, begins: np.ndarray | None = None
) -> np.ndarray:  # fmt: skip
    """dB told to video frames (F,) -> dB of the samples (samples,), float64, from ``first`` on.

    They change evenly from the middle of a frame to that of the next, but where a frame is much louder than the one before: there it
    stays low until a stroke, which comes as late in the louder frame as that frame falls short of the one after it; or at the first
    of ``begins`` there, samples at which strokes are known to begin.
    """
    told_db = told_db.astype(np.float64)
    at = np.arange(first, first + samples) + 0.5
    course = np.interp(at / samples_per_frame - 0.5, np.arange(len(told_db)), told_db)
    for frame in np.flatnonzero(np.diff(told_db) > ATTACK_DB):
        begin, end = (frame + 0.5) * samples_per_frame, (frame + 2.5) * samples_per_frame
        if end <= first or begin >= first + samples:
            continue
        low, loud, after = told_db[frame], told_db[frame + 1], told_db[min(frame + 2, len(told_db) - 1)]
        top = max(loud + ABOVE_DB, after)
        before, mean, beyond = (10 ** (db / 10) for db in (low, loud, top))
        stroke = (frame + 2 - (mean - before) / (beyond - before)) * samples_per_frame
        known = [] if begins is None else begins[(begins >= begin) & (begins < (frame + 2) * samples_per_frame)]
        stroke = known[0] if len(known) else stroke
        share = ((at - stroke) / (end - stroke)).clip(0, 1)  # of the way from the stroke to the middle of the frame after
        risen = ((at - stroke) / (ATTACK_S * samples_per_s)).clip(0, 1)
        course = np.where((at >= begin) & (at < end), low + risen * np.maximum(top + share * (after - top) - low, 0), course)
    return course


def hiss(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """The noise that is added to levelled sound."""
    return 10 ** (HISS_DB / 20) * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def course_db(loudness: Tensor) -> Tensor:
    """Loudness (N, F) in [0, 1] of video frames -> gain (N, F) in dB, of the sound as it is over the sound as it is written."""
    loudest = F.max_pool1d(loudness.float().unsqueeze(1), 3, 1, 1).squeeze(1)
    return QUIETEST_DB * (1 - loudest) - LEVELLED_DB


def gains(gain_db: Tensor, first: int, samples: int, samples_per_frame: int) -> Tensor:
    """Factors (..., samples) of the samples from ``first`` on; gain (..., F) in dB belongs to the middle of each video frame.

    Between two middles the dB change evenly; before the first and after the last they stay.
    """
    at = (torch.arange(first, first + samples, device=gain_db.device).double() + 0.5) / samples_per_frame - 0.5
    at = at.clamp(0, gain_db.shape[-1] - 1)
    before = at.long().clamp_max(max(0, gain_db.shape[-1] - 2))
    after = (before + 1).clamp_max(gain_db.shape[-1] - 1)
    db = torch.lerp(
        gain_db[..., before], gain_db[..., after], (at - before).to(gain_db.dtype).expand(*gain_db.shape[:-1], samples)
    )
    return 10 ** (db / 20)


def levelled_sound(wav: Tensor, loudness: Tensor, config: FoleyConfig, seed: int = 0) -> Tensor:
    """Sound (N, T) in [-1, 1] and its loudness (N, F) -> the sound that the SampleRNN is to write for it, emphasis and hiss included.

    Args:
        seed: of the hiss. Who learns needs another one for each sound, or would learn the hiss by heart.
    """
    if not config.levelled:
        return wav
    even = wav / gains(course_db(loudness), 0, wav.shape[1], config.samples_per_frame)
    return emphasised(even, config.emphasis) + hiss(wav.shape, seed).to(wav.device)
