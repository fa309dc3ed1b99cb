"""Which feature conditions a real item in training, and which one is its mismatch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np

from avdemo.corpora.paired_set import Partners

WOBBLE = 0.1  # noise on a feature, as a share of its spread: held-out features lie beside those seen


class Pool(Protocol):
    """``number`` is that of the real item, ``kind`` its class. ``by_kind``: a feature belongs to every item of its class."""

    by_kind: bool

    def own(self, number: int, kind: int, rng: np.random.Generator) -> np.ndarray:
        """A feature (128,) that belongs to the item."""
        ...

    def other(self, number: int, kind: int, rng: np.random.Generator, *, same_kind: bool) -> np.ndarray:
        """A feature (128,) that does not: of another class, or of the same one by somebody else."""
        ...


def _beside(feature: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return feature + WOBBLE * feature.std() * rng.standard_normal(feature.shape)


class KindPool:
    """Photos and sounds that agree in kind alone: any feature of the class belongs, also one between two of them.

    Args:
        features: for each class, (M, 128).
    """

    by_kind = True

    def __init__(self, features: list[np.ndarray]):
        self.features = features
        self.kinds = [k for k, pool in enumerate(features) if len(pool)]

    def own(self, number: int, kind: int, rng: np.random.Generator) -> np.ndarray:
        pool = self.features[kind]
        first, second = pool[rng.integers(len(pool))], pool[rng.integers(len(pool))]
        share = rng.beta(0.4, 0.4)
        return _beside(share * first + (1 - share) * second, rng)

    def other(self, number: int, kind: int, rng: np.random.Generator, *, same_kind: bool) -> np.ndarray:
        rest = [k for k in self.kinds if k != kind]
        return self.own(number, kind if same_kind or not rest else int(rng.choice(rest)), rng)


class PairPool:
    """Pictures and sounds of one moment (Sub-URMP) or one pairing (INIS).

    Args:
        features: (N, 128), one for each packed pair.
        partners: whose sounds are mismatches; it knows the items by their numbers in the pack.
        entries: for each real item, its number in the pack.
    """

    by_kind = False

    def __init__(self, features: np.ndarray, partners: Partners, entries: np.ndarray):
        self.features, self.partners, self.entries = features, partners, entries

    def own(self, number: int, kind: int, rng: np.random.Generator) -> np.ndarray:
        return _beside(self.features[self.entries[number]], rng)

    def other(self, number: int, kind: int, rng: np.random.Generator, *, same_kind: bool) -> np.ndarray:
        find = self.partners.same_instrument if same_kind else self.partners.other_instrument
        return _beside(self.features[find(int(self.entries[number]), rng)], rng)


def is_paired(packed: Path) -> bool:
    """True for a folder that :func:`avdemo.corpora.pack_paired.pack` wrote."""
    return "pairs" in json.loads((packed / "packed.json").read_text())
