"""Retrieval: is what belongs to the query among the first few of the gallery?

A query ranks the whole gallery by a score; some items of the gallery are relevant to it. The rank of a query is that of its
best-placed relevant item, from 1. Recall at k is the share of queries with a rank of k or better (R@k, as in Faghri et al. 2018,
"VSE++", and most work on retrieval between modalities; with one relevant item it is recall in the strict sense). Ties count
against the query, so that a constant score finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Retrieval:
    """Scores of one direction of retrieval."""

    recall: dict[int, float]  # k -> share of the queries, in [0, 1]
    median_rank: float
    queries: int
    gallery: int


def ranks(scores: ArrayLike, relevant: ArrayLike) -> NDArray[np.int64]:
    """Rank of each query's best-placed relevant item.

    Args:
        scores: (queries, gallery), larger is more similar.
        relevant: (queries, gallery) bool.

    Returns:
        (queries,) ranks from 1; items that are not relevant and score the same stand before it.

    Raises:
        ValueError: shapes differ, a score is not a number, or a query has nothing relevant.
    """
    scores, relevant = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    if scores.ndim != 2 or scores.shape != relevant.shape or np.isnan(scores).any():
        raise ValueError(
            f"scores {scores.shape} and relevant {relevant.shape} must be one table of numbers each, of the same shape"
        )
    if not relevant.any(1).all():
        raise ValueError("every query needs something relevant in the gallery")
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    return 1 + ((scores >= best) & ~relevant).sum(1)


def summarise(ranks: ArrayLike, gallery: int, depths: tuple[int, ...] = DEPTHS) -> Retrieval:
    """Recall at each depth and the median rank; NaN without queries."""
    found = np.asarray(ranks)
    if not len(found):
        return Retrieval(dict.fromkeys(depths, float("nan")), float("nan"), 0, gallery)
    return Retrieval({k: float((found <= k).mean()) for k in depths}, float(np.median(found)), len(found), gallery)


def retrieve(scores: ArrayLike, relevant: ArrayLike, depths: tuple[int, ...] = DEPTHS) -> Retrieval:
    """:func:`ranks` and :func:`summarise` in one step."""
    return summarise(ranks(scores, relevant), np.shape(scores)[1], depths)


def chance(relevant: ArrayLike, depths: tuple[int, ...] = DEPTHS) -> Retrieval:
    """What a random order of the gallery gives in expectation.

    With m relevant of M items, the first k of a random order hold none of them with probability C(M - m, k) / C(M, k). The median
    rank is the smallest rank that half of all queries reach in expectation.
    """
    relevant = np.asarray(relevant, bool)
    queries, gallery = relevant.shape
    counts = relevant.sum(1)

    def recall(k: int) -> float:
        k = min(k, gallery)
        return float(np.mean([1 - comb(gallery - int(m), k) / comb(gallery, k) for m in counts]))

    median = next((k for k in range(1, gallery + 1) if recall(k) >= 0.5), gallery)
    return Retrieval({k: recall(k) for k in depths}, float(median), queries, gallery)
