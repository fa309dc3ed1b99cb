"""Localisation scores as a table of small maps whose answers can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from avdemo.metrics.localisation import Box, energy_shares, iou, peak_px, pointing_accuracy, points_at

LEFT, RIGHT = Box(0, 0, 100, 100), Box(100, 0, 100, 100)


def _hot(row: int, column: int, shape: tuple[int, int] = (7, 14)) -> np.ndarray:
    energy = np.zeros(shape)
    energy[row, column] = 2.0
    return energy


def test_the_peak_is_the_centre_of_its_cell() -> None:
    assert peak_px(_hot(0, 0), 280, 140) == (10, 10)
    assert peak_px(_hot(6, 13), 280, 140) == (270, 130)


@pytest.mark.parametrize(("column", "left", "right"), [(0, True, False), (6, True, False), (7, False, True), (13, False, True)])
def test_pointing(column: int, left: bool, right: bool) -> None:
    energy = _hot(3, column)
    assert points_at(energy, LEFT, 200, 100) is left
    assert points_at(energy, RIGHT, 200, 100) is right
    assert points_at(energy * 1e-9, LEFT, 200, 100) is left  # scale does not matter


def test_nothing_points_nowhere() -> None:
    assert points_at(np.zeros((4, 4)), LEFT, 200, 100) is False
    assert pointing_accuracy([True, False, True, True]) == 0.75
    assert np.isnan(pointing_accuracy([]))


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        (LEFT, [RIGHT], (0.5, 0.5, 0.0)),
        (LEFT, [], (0.5, 0.0, 0.5)),
        (Box(0, 0, 200, 100), [RIGHT], (1.0, 0.0, 0.0)),  # where boxes overlap the own box wins
        (Box(0, 0, 50, 50), [Box(25, 0, 75, 50), Box(50, 0, 100, 50)], (0.125, 0.25, 0.625)),  # others count once
        (Box(-50, -50, 100, 100), [], (0.125, 0.0, 0.875)),  # clipped to the frame
        (Box(10, 10, 1, 1), [], (1 / 20_000, 0.0, 1 - 1 / 20_000)),  # smaller than a cell
        (Box(500, 500, 10, 10), [], (0.0, 0.0, 1.0)),
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (14, 14), (5, 9)])
def test_shares_of_an_even_map_are_areas(own, others, expected, shape) -> None:
    shares = energy_shares(np.ones(shape), own, others, 200, 100)
    assert (shares.own, shares.others, shares.background) == pytest.approx(expected, abs=1e-9)


def test_shares_follow_the_energy_and_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    energy = rng.uniform(0, 1, (14, 14))
    shares = energy_shares(energy, LEFT, [RIGHT], 200, 100)
    assert shares.own == pytest.approx(energy[:, :7].sum() / energy.sum())
    assert shares.own + shares.others + shares.background == pytest.approx(1)
    assert np.isnan(energy_shares(np.zeros((3, 3)), LEFT, [], 200, 100).own)


def test_iou() -> None:
    energy = np.zeros((10, 20))
    energy[:, :10] = 1
    assert iou(energy, LEFT, 200, 100) == pytest.approx(1)
    assert iou(energy, RIGHT, 200, 100) == 0
    assert iou(energy, Box(0, 0, 200, 100), 200, 100) == pytest.approx(0.5)
    assert iou(energy, Box(0, 0, 55, 100), 200, 100) == pytest.approx(0.55)  # a cut cell counts by area
    assert iou(np.zeros((3, 3)), LEFT, 200, 100) == 0
    energy[:, 10:] = 0.4
    assert iou(energy, LEFT, 200, 100) == pytest.approx(1)
    assert iou(energy, LEFT, 200, 100, fraction=0.3) == pytest.approx(0.5)


@pytest.mark.parametrize("energy", [np.zeros((0, 3)), np.zeros(3), np.array([[-1.0]]), np.array([[np.nan]])])
def test_what_is_no_map_is_refused(energy) -> None:
    with pytest.raises(ValueError, match="energy map"):
        peak_px(energy, 10, 10)
