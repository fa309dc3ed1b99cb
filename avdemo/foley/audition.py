"""Voices are auditioned before they are taken: which of them can be heard as their kind, when this network writes in them.

A recording may be a poor example of its kind, or too short or too odd for the network to write like it. So each voice writes the
loudness and the strokes of some of its own training pairs, and an ear that was taught for this alone (another one than that of the
evaluation, though from the same training recordings) says how much of its kind is in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from avdemo.corpora.foley_pack import FoleyPack
from avdemo.foley.ear import WINDOW_S, Ear, teach_ear
from avdemo.foley.family import Family
from avdemo.foley.looks import look
from avdemo.foley.pair_store import PairStore
from avdemo.foley.sampler import Sampler
from avdemo.foley.sight_recipe import Sight

EAR_SEED = 77  # of the ear that auditions
TRIED, SECONDS = 2, 3.2  # pairs of each voice, and how much of them is written
SHARP = 1.5  # power of what is heard
AT_ONCE = 16  # voices
Progress = Callable[[float, str], None]


def audition(
    family: Family, store: PairStore, packed: FoleyPack, *, lessons: int = 90, steps: int = 300, seed: int = 0, progress: Progress | None = None
) -> np.ndarray:  # fmt: skip
    """Set how often each voice is taken, in place: as often as it was met in training, times what is heard of its kind (to a power).

    Args:
        store: the training pairs. packed: the recordings, from which the ear learns in so many steps.

    Returns:
        of each voice how likely its kind is in what it writes, (voices,); NaN where it was not tried.
    """
    network, config, sight = family.network("flow"), family.config, Sight(family).eval()
    ear = teach_ear(packed, config.kinds, lessons, steps, seed=EAR_SEED)
    before, heard = network.voices.shares.clone(), np.full(config.voices, np.nan)
    names, rng = store.recordings(len(config.kinds)), np.random.default_rng([seed, 19])
    pairs = {number: [n for n, entry in enumerate(store.about) if entry["recording"] == name] for name, number in names.items()}
    numbers = [number for number, mine in pairs.items() if mine]
    for first in range(0, len(numbers), AT_ONCE):
        part = numbers[first : first + AT_ONCE]
        tried = [(number, int(pair)) for number in part for pair in rng.choice(pairs[number], min(TRIED, len(pairs[number])), replace=False)]
        chance = _heard(sight, store, tried, ear)
        for number in part:
            heard[number] = np.mean([value for (voice, _), value in zip(tried, chance, strict=True) if voice == number])
        if progress:
            progress(min(1.0, (first + AT_ONCE) / len(numbers)), f"Auditioning voices: {first + len(part)} of {len(numbers)}")
    weights = torch.from_numpy(np.nan_to_num(heard) ** SHARP).float()
    shares = before * weights
    network.voices.shares.copy_(shares / shares.sum(1, keepdim=True).clamp_min(1e-12))
    return heard


@torch.no_grad()
def _heard(sight: Sight, store: PairStore, tried: list[tuple[int, int]], ear: Ear) -> list[float]:
    """How likely the kind is in what each voice writes for a pair."""
    network = sight.family.network("flow")
    config, shares, sampler = network.config, network.voices.shares, Sampler(network)
    part = store.part(np.array([pair for _, pair in tried]))
    looked, kept, takes = look(sight, part, ["flow"]), shares.clone(), []
    for n, (voice, _) in enumerate(tried):
        strokes = part.strokes(config)[n : n + 1] if config.strokes else None
        condition = network.condition_of(torch.from_numpy(looked.seen["flow"][n : n + 1]), torch.from_numpy(looked.loudness[n : n + 1]), strokes)
        shares.zero_()
        shares[:, voice] = 1.0
        takes.append(sampler.begin(condition, seed=EAR_SEED, take=n))
    shares.copy_(kept)
    sounds = np.concatenate(list(sampler.write_all(takes, round(SECONDS * config.sample_rate))), 1)
    windows = torch.from_numpy(np.stack([_loudest(sound, round(WINDOW_S * config.sample_rate)) for sound in sounds]))
    chances = ear(ear.picture(windows)).softmax(1)
    return [float(chances[n, int(kind)]) for n, kind in enumerate(part.kind)]


def _loudest(sound: np.ndarray, size: int) -> np.ndarray:
    """Of a sound (samples,) the ``size`` samples with the most power."""
    summed = np.concatenate([[0.0], np.square(sound, dtype=np.float64).cumsum()])
    first = int((summed[size:] - summed[:-size]).argmax())
    return sound[first : first + size]
