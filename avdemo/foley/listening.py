"""Sounds generated for the test's videos, and what is heard in them: the right kind, at the right moments, as loud as it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from avdemo.foley.agreement import course_score, level_error, onset_score
from avdemo.foley.ear import Ear, heard_kinds
from avdemo.foley.network import Condition, Foley
from avdemo.foley.objective import loudness_of
from avdemo.foley.sampler import Sampler
from avdemo.foley.testset import Pair

Progress = Callable[[float, str], None]
COLUMNS = ("kind seen", "kind heard", "onsets", "course", "level, dB", "pairs")
SEED = 3


@torch.no_grad()
def generate(
    network: Foley, pairs: Sequence[Pair], seen: Sequence[Tensor], *, told: bool = False, temperature: float = 1.0,
    progress: Progress | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """A sound for every pair, float32 in [-1, 1], as long as its video.

    Args:
        seen: what the variant sees in each, (1, F, V).
        told: the true loudness of each video frame, and the true strokes, instead of those decided from the picture.
    """
    sampler, config = Sampler(network), network.config
    takes, lengths = [], []
    for number, (pair, visual) in enumerate(zip(pairs, seen, strict=True)):
        true = (loudness_of(torch.from_numpy(pair.wav).unsqueeze(0), config), pair.strokes(config)) if told else ()
        condition: Condition = network.condition_of(visual, *true)
        takes.append(sampler.begin(condition, seed=SEED, take=number, temperature=temperature))
        lengths.append(len(pair.wav))
    longest, chunks, done = max(lengths), [], 0
    for chunk in sampler.write_all(takes, longest, chunk_s=0.5):
        chunks.append(chunk)
        done += chunk.shape[1]
        if progress:
            progress(done / longest, f"Writing {len(takes)} sounds, {done / config.sample_rate:.1f} of {longest / config.sample_rate:.1f} s")
    whole = np.concatenate(chunks, 1)
    return [sound[:length] for sound, length in zip(whole, lengths, strict=True)]


def scores(sounds: Sequence[np.ndarray], pairs: Sequence[Pair], ear: Ear, sample_rate: int, heard: np.ndarray | None = None) -> dict[str, float]:
    """Means over the pairs: percent heard as the kind, F1 of the onsets in percent, correlation of the courses, distance of the levels in dB."""
    heard = heard_kinds(ear, list(sounds), sample_rate) if heard is None else heard
    kinds = np.array([pair.kind for pair in pairs])
    both = [(wav[: len(pair.wav)], pair) for wav, pair in zip(sounds, pairs, strict=True)]
    found = {
        "kind heard": [100.0 * (a == b) for a, b in zip(heard, kinds, strict=True)],
        "onsets": [100 * onset_score(wav, pair.onsets_s, sample_rate) for wav, pair in both],
        "course": [course_score(wav, pair.wav[: len(wav)], sample_rate) for wav, pair in both],
        "level, dB": [level_error(wav, pair.wav[: len(wav)]) for wav, pair in both],
    }
    return {name: mean(values) for name, values in found.items()} | {"pairs": float(len(pairs))}


@torch.no_grad()
def kinds_seen(network: Foley, pairs: Sequence[Pair], seen: Sequence[Tensor]) -> float:
    """Percent of the videos whose kind the network names; NaN for one without that head."""
    if network.says_kind is None:
        return float("nan")
    return 100 * float(np.mean([int(network.kinds_of(v).argmax()) == p.kind for v, p in zip(seen, pairs, strict=True)]))


def mean(values: Sequence[float]) -> float:
    """Of those that are numbers; NaN of none."""
    known = [v for v in values if v == v]
    return float(np.mean(known)) if known else float("nan")


def shuffled(pairs: Sequence[Pair], *, same_kind: bool) -> list[int]:
    """For each pair another one, whose sound is to be taken for it: the next of its kind, or of another kind."""
    kinds = [pair.kind for pair in pairs]
    order = []
    for n, kind in enumerate(kinds):
        others = [m for m in (*range(n + 1, len(pairs)), *range(n)) if (kinds[m] == kind) == same_kind]
        order.append(others[0 if same_kind else len(others) // 2] if others else n)
    return order


def by_kind(sounds: Sequence[np.ndarray], pairs: Sequence[Pair], ear: Ear, kinds: Sequence[str], sample_rate: int) -> dict[str, dict[str, float]]:
    """:func:`scores` of each kind."""
    heard = heard_kinds(ear, list(sounds), sample_rate)
    rows = {}
    for number, kind in enumerate(kinds):
        mine = [n for n, pair in enumerate(pairs) if pair.kind == number]
        if mine:
            rows[kind] = scores([sounds[n] for n in mine], [pairs[n] for n in mine], ear, sample_rate, heard[mine])
    return rows
