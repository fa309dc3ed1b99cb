"""Targets and losses, on numbers small enough to do by hand."""

import math

import pytest
import torch

from avdemo.pixels.objective import cell_weights, mask_loss, targets


def test_cells_weigh_by_loudness_within_limits() -> None:
    mag = torch.tensor([[0.0, 1.0, math.e - 1, 1e9]])
    torch.testing.assert_close(cell_weights(mag), torch.tensor([[1e-3, math.log(2), 1.0, 10.0]]))


def test_binary_targets_say_who_is_loudest() -> None:
    mag = torch.tensor([0.4, 0.6, 0.5, 0.0]).view(1, 2, 1, 2)
    mix = torch.tensor([1.0, 1.0]).view(1, 1, 2)
    assert targets(mag, mix, "binary").flatten().tolist() == [0, 1, 0, 0]  # more than half, not half
    assert not targets(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2), "binary").any()  # silence belongs to nobody


def test_ratio_targets_are_shares_and_may_pass_one_where_sounds_cancel() -> None:
    mag = torch.tensor([0.25, 3.0, 100.0, 0.0]).view(1, 1, 1, 4)
    mix = torch.tensor([1.0, 1.5, 1.0, 0.0]).view(1, 1, 4)
    torch.testing.assert_close(targets(mag, mix, "ratio").flatten(), torch.tensor([0.25, 2.0, 5.0, 0.0]))


def test_binary_loss_is_weighted_cross_entropy() -> None:
    logits = torch.tensor([0.3, -1.2]).view(1, 1, 1, 2)
    target = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    mix = torch.tensor([2.0, 0.5]).view(1, 1, 2)
    by_hand = (math.log1p(2.0) * math.log1p(math.exp(-0.3)) + math.log1p(0.5) * math.log1p(math.exp(-1.2))) / 2
    assert mask_loss(logits, target, mix, "binary").item() == pytest.approx(by_hand, rel=1e-5)


def test_ratio_loss_is_weighted_distance() -> None:
    logits, target, mix = torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.1, 1.0]]]]), torch.tensor([[[1.0, 3.0]]])
    by_hand = (math.log(2) * 0.4 + math.log(4) * 0.5) / 2
    assert mask_loss(logits, target, mix, "ratio").item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("kind", ["binary", "ratio"])
def test_unimportant_questions_change_nothing(kind) -> None:
    torch.manual_seed(0)
    logits, target, mix = torch.randn(1, 3, 4, 5), torch.rand(1, 3, 4, 5), torch.rand(1, 4, 5)
    asked = mask_loss(logits[:, :2], target[:, :2], mix, kind)
    left_out = mask_loss(logits, target, mix, kind, torch.tensor([[1.0, 1.0, 0.0]]))
    torch.testing.assert_close(asked, left_out)
    assert mask_loss(logits, target, mix, kind, torch.zeros(1, 3)).item() == 0
