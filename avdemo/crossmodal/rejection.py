"""Does it say so when it is no instrument that it knows? The app's own rule, and the AUC, which needs no threshold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.judging import percent
from avdemo.crossmodal.verdict import verdict
from avdemo.metrics.detection import auc


def rejection(
    known: np.ndarray, kinds: np.ndarray, strange: dict[str, np.ndarray], config: CrossmodalConfig, sense: str,
    nothing: Callable[[str], np.ndarray] | None = None,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Rows of a table: what it knows first, then each group of what it does not, then all of those.

    Args:
        known: probabilities (N, kinds + 1) for things of the kinds; kinds: (N,) their classes.
        strange: group -> probabilities (M, kinds + 1).
        sense: "hear" or "see".
        nothing: group -> (M,) bool, True for what the app refuses before it asks the network: silence, a plain colour.

    Returns:
        "refused" (percent; wrongly so in the first row), "AUC" of the best kind's probability against the known things, "items"; in
        the first row "right" too: percent of the accepted ones that are named rightly.
    """

    def accepted(shares: np.ndarray) -> np.ndarray:
        return np.array([verdict(config.kinds, row, sense).known for row in shares], bool)

    def best(shares: np.ndarray) -> np.ndarray:
        return shares[:, :-1].max(1)

    yes = accepted(known)
    named = known[:, :-1].argmax(1) == kinds
    rows = {"instruments that it knows": {"refused": percent(~yes), "right": percent(named[yes]), "items": float(len(known))}}
    refused, scores = [], []
    for group, shares in strange.items():
        no, score = ~accepted(shares), best(shares)
        if nothing is not None:
            empty = nothing(group)
            no, score = no | empty, np.where(empty, 0, score)
        rows[group] = {"refused": percent(no), "AUC": auc(best(known), score), "items": float(len(no))}
        refused.append(no)
        scores.append(score)
    if refused:
        no, score = np.concatenate(refused), np.concatenate(scores)
        rows["all of these"] = {"refused": percent(no), "AUC": auc(best(known), score), "items": float(len(no))}
    return rows
