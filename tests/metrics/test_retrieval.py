"""Ranks and recall against tables small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from avdemo.metrics.retrieval import chance, ranks, retrieve, summarise


def test_the_rank_is_that_of_the_best_relevant_item() -> None:
    scores = [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.5, 0.1]]
    relevant = [[True, False, False], [False, False, True], [False, True, True]]
    assert ranks(scores, relevant).tolist() == [1, 3, 2]


def test_ties_count_against_the_query() -> None:
    assert ranks(np.zeros((4, 4)), np.eye(4, dtype=bool)).tolist() == [4, 4, 4, 4]
    assert ranks([[1.0, 1.0]], [[True, True]]).tolist() == [1]  # both would be right


def test_recall_and_median() -> None:
    found = summarise([1, 2, 6, 40], gallery=40)
    assert found.recall == {1: 0.25, 5: 0.5, 10: 0.75}
    assert found.median_rank == 4.0 and found.queries == 4 and found.gallery == 40
    assert np.isnan(summarise([], gallery=3).recall[1])


def test_a_perfect_table_finds_everything_first() -> None:
    found = retrieve(np.eye(12), np.eye(12, dtype=bool))
    assert found.recall == {1: 1.0, 5: 1.0, 10: 1.0} and found.median_rank == 1.0


def test_chance_is_what_random_scores_give() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 8, 60)
    relevant = kinds[:, None] == kinds[None]
    expected = chance(relevant)
    drawn = [retrieve(rng.random((60, 60)), relevant) for _ in range(300)]
    for k in (1, 5, 10):
        assert np.mean([d.recall[k] for d in drawn]) == pytest.approx(expected.recall[k], abs=0.01)
    assert np.mean([d.median_rank for d in drawn]) == pytest.approx(expected.median_rank, abs=1.0)


def test_chance_of_a_single_relevant_item_is_k_in_the_gallery() -> None:
    expected = chance(np.eye(20, dtype=bool))
    assert expected.recall == pytest.approx({1: 0.05, 5: 0.25, 10: 0.5}) and expected.median_rank == 10


def test_a_gallery_smaller_than_the_depth_holds_everything() -> None:
    assert chance(np.eye(3, dtype=bool)).recall[10] == 1.0


@pytest.mark.parametrize(
    ("scores", "relevant"),
    [(np.zeros((2, 3)), np.ones((3, 2))), (np.full((1, 2), np.nan), [[1, 0]]), (np.zeros((1, 2)), [[0, 0]])],
)
def test_tables_that_cannot_be_ranked_are_refused(scores, relevant) -> None:
    with pytest.raises(ValueError):
        ranks(scores, relevant)
