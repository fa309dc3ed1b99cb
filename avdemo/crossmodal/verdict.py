"""From probabilities to an answer in words: which instrument, or that it is none of those the model knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

OTHER = "none of these"
KNOWN = 0.4  # probability from which on the best kind counts as known, if "none of these" lies below it; chosen on validation sounds
UNSURE = 0.3  # below this nothing is near enough to be called likely
PLURAL = ("bagpipes", "drums")
NONE = {"hear": "This does not sound like", "see": "This does not look like"}
LIKE = {"hear": "This sounds like", "see": "This looks like"}


@dataclass(frozen=True)
class Verdict:
    """``probability``: of each kind and of OTHER, summing to 1. ``kind``: the likeliest instrument, whether known or not."""

    probability: dict[str, float]
    kind: str
    known: bool
    sentence: str


class Answered:
    """What has a verdict answers as the verdict does."""

    verdict: Verdict

    @property
    def probability(self) -> dict[str, float]:
        """Of each kind and of "none of these"; sums to 1."""
        return self.verdict.probability

    @property
    def kind(self) -> str:
        return self.verdict.kind

    @property
    def known(self) -> bool:
        return self.verdict.known

    @property
    def sentence(self) -> str:
        return self.verdict.sentence


def named(kind: str) -> str:
    """ "an accordion", "a violin", "drums"."""
    if kind in PLURAL:
        return kind
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def verdict(kinds: Sequence[str], shares: np.ndarray, sense: Literal["hear", "see"]) -> Verdict:
    """Put probabilities into words.

    Args:
        kinds: names of the instruments.
        shares: (kinds + 1,) probabilities, the last of none of them.
        sense: what the sentence is about.
    """
    probability = {name: float(share) for name, share in zip([*kinds, OTHER], shares, strict=True)}
    ranked = sorted(kinds, key=lambda kind: -probability[kind])
    best, most = ranked[0], probability[ranked[0]]
    known = most >= KNOWN and most > probability[OTHER]
    if known:
        sentence = f"{LIKE[sense]} {named(best)} ({most:.2f})."
    elif most >= UNSURE and most > probability[OTHER]:
        then = f", then {ranked[1]} ({probability[ranked[1]]:.2f})" if len(ranked) > 1 else ""
        sentence = f"The model is not sure what it {sense}s here; the nearest is {best} ({most:.2f}){then}."
    else:
        sentence = f"{NONE[sense]} any of the {len(kinds)} instruments that this model knows; the nearest is {best} ({most:.2f})."
    return Verdict(probability, best, known, sentence)
