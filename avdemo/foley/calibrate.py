"""Measure, after training, how the mean spectrum of what each variant writes differs from that of the training recordings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from avdemo.foley.colouring import BINS
from avdemo.foley.config import VARIANTS
from avdemo.foley.family import Family
from avdemo.foley.levelling import course_db, gains
from avdemo.foley.looks import look
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sampler import Sampler
from avdemo.foley.sight_recipe import Sight

PAIRS, SECONDS = 6, 2.0  # of each kind, and of each pair
FRAME = 512  # samples of a spectrum
LOUD = 0.02  # root mean square of levelled frames that count; the others are hiss
MOST_DB = 25.0  # of correction
SMOOTH = 3  # bins of 125 Hz on either side that are averaged

Progress = Callable[[float, str], None]


def colour_family(
    family: Family, store: PairStore, *, pairs: int = PAIRS, seconds: float = SECONDS, seed: int = 0, progress: Progress | None = None
) -> None:  # fmt: skip
    """Fill the colours of each variant, in place. ``store``: training pairs."""
    config, family = family.config, family.eval()
    rng = np.random.default_rng([seed, 21])
    chosen = []
    for kind in range(len(config.kinds)):
        mine = [n for n in rng.permutation(np.flatnonzero(store.kind == kind)) if np.abs(store.wav[n]).max() > 600]
        chosen += mine[:pairs]
    if not chosen:
        return
    part = store.part(np.array(chosen))
    looked = look(Sight(family), part, VARIANTS)
    size = config.samples_per_frame
    count = min(round(seconds * config.sample_rate / size) * size, part.wav.shape[1])
    wav = torch.from_numpy(np.stack([part.sound(n) for n in range(len(part))]))
    real = (wav / gains(course_db(torch.from_numpy(looked.loudness)), 0, wav.shape[1], size)).numpy()
    for number, variant in enumerate(VARIANTS):
        network = family.network(variant)
        if network.colour is None:
            continue
        if progress:
            progress(number / len(VARIANTS), f"Measuring the colours of {variant}")
        with torch.no_grad():
            condition = network.condition_of(torch.from_numpy(looked.seen[variant]))
        sampler = Sampler(network)
        takes = [sampler.begin(condition, n, seed=seed, take=n) for n in range(len(part))]
        written = np.concatenate(list(sampler.write_plain(takes, count)), 1)
        table = np.zeros((len(config.kinds) + 1, BINS), np.float32)
        for kind in range(len(config.kinds)):
            mine = np.flatnonzero(part.kind == kind)
            if len(mine):
                table[kind] = difference_db(spectrum(real[mine]), spectrum(written[mine]))
        table[-1] = table[:-1].mean(0)
        network.colour.db.copy_(torch.from_numpy(table))


def spectrum(wavs: np.ndarray) -> np.ndarray:
    """Mean power (FRAME / 2 + 1,) of the loud frames of sounds (N, samples)."""
    frames = np.lib.stride_tricks.sliding_window_view(wavs, FRAME, 1)[:, :: FRAME // 2].reshape(-1, FRAME)
    loud = frames[np.sqrt(np.mean(np.square(frames), 1)) > LOUD]
    if not len(loud):
        return np.ones(FRAME // 2 + 1)
    return np.mean(np.abs(np.fft.rfft(loud * np.hanning(FRAME), axis=1)) ** 2, 0) + 1e-9


def difference_db(wanted: np.ndarray, written: np.ndarray) -> np.ndarray:
    """What makes the one mean spectrum of the other, smoothed, in dB (BINS,); the loudness stays as it is."""

    def smooth(power: np.ndarray) -> np.ndarray:
        db = 10 * np.log10(power)
        few = db[: FRAME // 2].reshape(BINS - 1, -1).mean(1)
        few = np.append(few, few[-1])
        reach = np.ones(2 * SMOOTH + 1) / (2 * SMOOTH + 1)
        soft = np.convolve(np.pad(few, SMOOTH, mode="edge"), reach, "valid")
        low = np.arange(BINS) < 2 * SMOOTH  # where octaves are narrow, less is averaged
        return np.where(low, few, soft)

    to, of = smooth(wanted), smooth(written)
    db = np.clip(to - of, -MOST_DB, MOST_DB)
    weight = 10 ** (of / 10)
    db -= 10 * np.log10((weight * 10 ** (db / 10)).sum() / weight.sum())
    return db.clip(-MOST_DB, MOST_DB)
