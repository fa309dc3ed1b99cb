"""What the network sees, in words: one of its kinds of sound, or that it is none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avdemo.foley.config import KINDS

OTHER = "none of these"
KNOWN, UNSURE = 0.6, 0.3  # from which probability a kind counts as seen (then 91 % of validation photos are, 98 % of these rightly), or as likely
NAMES = {
    "baby_cry": "a crying baby", "chainsaw": "a chainsaw", "dog": "a dog", "drum": "drums", "fireworks": "fireworks",
    "helicopter": "a helicopter", "printer": "a printer", "rail": "a train", "snoring": "somebody snoring", "water": "flowing water",
}  # fmt: skip
assert tuple(NAMES) == KINDS
LIST = "baby crying, chainsaw, dog, drum, fireworks, helicopter, printer, train, snoring, flowing water"
LIMITS = f"This model knows ten kinds of sound ({LIST})"


@dataclass(frozen=True)
class Verdict:
    """``probability``: of each kind in words and of OTHER, summing to 1 (empty: this network has no opinion); ``kind``: the likeliest, whether
    known or not.
    """

    probability: dict[str, float]
    kind: str
    known: bool
    sentence: str


def named(kind: str) -> str:
    """A kind in words: "baby_cry" -> "a crying baby"."""
    return NAMES.get(kind, kind.replace("_", " "))


def verdict(kinds: Sequence[str], shares: np.ndarray | None) -> Verdict:
    """Put probabilities into words.

    Args:
        shares: (kinds + 1,) probabilities, the last of none of them; None: this network does not say.
    """
    if shares is None:
        return Verdict({}, "", False, f"This network does not say what it sees. {LIMITS}.")
    probability = {name: float(share) for name, share in zip([*map(named, kinds), OTHER], shares, strict=True)}
    ranked = sorted(map(named, kinds), key=lambda kind: -probability[kind])
    best, most = ranked[0], probability[ranked[0]]
    known = most >= KNOWN and most > probability[OTHER]
    if known:
        sentence = f"This looks like {best} ({most:.2f})."
    elif most >= UNSURE and most > probability[OTHER]:
        sentence = f"The model is not sure what it sees: {best} ({most:.2f}) or {ranked[1]} ({probability[ranked[1]]:.2f})."
    else:
        sentence = f"{LIMITS}, and sees none of them here; nearest: {best} ({most:.2f})."
    return Verdict(probability, best, known, sentence)
