"""Which pairs of a batch are asked about, and what the answers cost."""

import math

import pytest
import torch

from avdemo.correspondence.objective import NEGATIVE, POSITIVE, UNASKED, pair_loss, pair_table


def table_of(video, *, domain=None, seen=None, heard=None, has_pair=None, rivals=None, seed=0) -> torch.Tensor:
    n = len(video)
    nothing = torch.zeros(n, 3, dtype=torch.bool)
    return pair_table(
        torch.tensor(video),
        torch.tensor(domain if domain is not None else [0] * n),
        torch.tensor(seen) if seen is not None else nothing,
        torch.tensor(heard) if heard is not None else nothing,
        torch.tensor(has_pair if has_pair is not None else [True] * n),
        rivals,
        torch.Generator().manual_seed(seed),
    )


# ---- the table


def test_positives_on_the_diagonal_and_other_videos_around_it() -> None:
    table = table_of([0, 1, 2])
    assert table.dtype == torch.int8
    assert table.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_what_was_drawn_apart_is_no_positive() -> None:
    table = table_of([0, 1, 2], has_pair=[True, False, True])
    assert table.diagonal().tolist() == [POSITIVE, NEGATIVE, POSITIVE]
    assert table[1].tolist() == [NEGATIVE] * 3 and table[:, 1].tolist() == [NEGATIVE] * 3


def test_moments_of_one_video_are_never_rivals() -> None:
    table = table_of([7, 7, 8])
    assert table.tolist() == [[1, -1, 0], [-1, 1, 0], [0, 0, 1]]


def test_negatives_stay_inside_a_domain() -> None:
    table = table_of([0, 1, 2, 3], domain=[0, 0, 1, 1])
    assert table.tolist() == [[1, 0, -1, -1], [0, 1, -1, -1], [-1, -1, 1, 0], [-1, -1, 0, 1]]


def test_what_can_be_seen_after_all_is_not_asked() -> None:
    seen = [[True, True, False], [False, False, True], [False, False, False]]
    heard = [[True, False, False], [False, True, False], [False, False, True]]
    table = table_of([0, 1, 2], seen=seen, heard=heard)
    # picture 0 shows kinds 0 and 1: sound 1 (kind 1) could belong; picture 1 shows kind 2: so could sound 2
    assert table.tolist() == [[POSITIVE, UNASKED, NEGATIVE], [NEGATIVE, POSITIVE, UNASKED], [NEGATIVE, NEGATIVE, POSITIVE]]


def test_one_rival_gives_one_negative_for_each_picture() -> None:
    tables = [table_of(list(range(12)), rivals=1, seed=seed) for seed in range(40)]
    for table in tables:
        assert (table == POSITIVE).sum() == 12 and ((table == NEGATIVE).sum(1) == 1).all()  # half and half, as in the paper
        assert (table.diagonal() == POSITIVE).all()
    often = torch.stack([table == NEGATIVE for table in tables]).sum((0, 1))
    assert often.min() > 15 and often.max() < 80  # every sound is a rival as often: 440 / 11


def test_rivals_are_chosen_among_those_that_may_be() -> None:
    for seed in range(10):
        table = table_of([0, 0, 1, 2], domain=[0, 0, 0, 1], rivals=2, seed=seed)
        assert table[0].tolist() == [POSITIVE, UNASKED, NEGATIVE, UNASKED]  # only one is left
        assert table[2].tolist() == [NEGATIVE, NEGATIVE, POSITIVE, UNASKED]
        assert table[3].tolist() == [UNASKED] * 3 + [POSITIVE]


def test_the_generator_decides() -> None:
    first, second, other = (table_of(list(range(9)), rivals=2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)


# ---- the loss


def test_chance_costs_log_two() -> None:
    loss, parts = pair_loss(torch.zeros(3, 3, 2), table_of([0, 1, 2]))
    assert loss.item() == pytest.approx(math.log(2)) and parts["accuracy"].item() == pytest.approx(0.5)


def test_both_kinds_weigh_the_same_however_many_there_are() -> None:
    logits = torch.zeros(4, 4, 2)
    logits[..., 1] = 1.0  # "match", always
    loss, parts = pair_loss(logits, table_of([0, 1, 2, 3]))
    yes, no = math.log1p(math.exp(-1)), math.log1p(math.exp(1))
    assert loss.item() == pytest.approx((yes + no) / 2, rel=1e-5) and parts["accuracy"].item() == pytest.approx(0.5)
    few, _ = pair_loss(logits, table_of([0, 1, 2, 3], rivals=1))
    assert few.item() == pytest.approx(loss.item(), rel=1e-5)


def test_loss_by_hand() -> None:
    logits = torch.tensor([[[0.0, 2.0], [1.0, 0.0]], [[0.0, 3.0], [0.5, 0.0]]])
    loss, parts = pair_loss(logits, torch.tensor([[POSITIVE, NEGATIVE], [NEGATIVE, UNASKED]], dtype=torch.int8))
    by_hand = 0.5 * math.log1p(math.exp(-2)) + 0.25 * (math.log1p(math.exp(-1)) + math.log1p(math.exp(3)))
    assert loss.item() == pytest.approx(by_hand, rel=1e-5) and parts["accuracy"].item() == pytest.approx(0.75)


def test_gradients_pull_apart_what_is_asked_and_leave_the_rest() -> None:
    logits = torch.zeros(2, 2, 2, requires_grad=True)
    table = torch.tensor([[POSITIVE, NEGATIVE], [UNASKED, POSITIVE]], dtype=torch.int8)
    loss, parts = pair_loss(logits, table)
    loss.backward()
    assert not parts["accuracy"].requires_grad
    yes = logits.grad[..., 1]
    assert yes[0, 0] < 0 and yes[1, 1] < 0 and yes[0, 1] > 0 and not logits.grad[1, 0].any()
    assert yes[0, 1].item() == pytest.approx(-(yes[0, 0] + yes[1, 1]).item())  # one mismatch against two matches


def test_a_batch_without_one_kind_is_finite() -> None:
    for kind in (POSITIVE, NEGATIVE, UNASKED):
        logits = torch.randn(2, 2, 2, requires_grad=True)
        loss, parts = pair_loss(logits, torch.full((2, 2), kind, dtype=torch.int8))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(parts["accuracy"]) and torch.isfinite(logits.grad).all()
    assert not logits.grad.any()


def test_half_precision_logits() -> None:
    loss, parts = pair_loss(torch.randn(3, 3, 2).bfloat16(), table_of([0, 1, 2]))
    assert loss.dtype == parts["accuracy"].dtype == torch.float32
