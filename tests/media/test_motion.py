"""Optical flow on its grid: which way, where, how far, and that a stream gives what a whole video gives."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from avdemo.media.motion import FURTHEST, GRID, FlowMeter, flow, grey, motion_energy


def _cloth(side: int, seed: int = 0) -> np.ndarray:
    """Something with enough in it to follow, uint8 (side, side, 3)."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((side, side)).astype(np.float32), (0, 0), side / 40)
    return np.repeat(((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)[..., None], 3, 2)


def _with_square(x: int, y: int, side: int = 112) -> np.ndarray:
    frame = _cloth(side).copy()
    frame[y : y + 40, x : x + 40] = _cloth(40, 5)
    return frame


def test_what_moves_right_flows_right_where_it_is_and_nowhere_else() -> None:
    moved = flow([_with_square(30, 40), _with_square(34, 40), _with_square(38, 40)])
    assert moved.shape == (3, GRID, GRID, 2) and moved.dtype == np.float32
    assert not moved[0].any()
    inside, outside = moved[2, 12:18, 12:17], moved[2, :, 24:]
    assert inside[..., 0].mean() == pytest.approx(0.9, abs=0.2)  # 4 px of 112 are one cell of 28; small things lose a little
    assert abs(inside[..., 1].mean()) < 0.1 and np.abs(outside).mean() < 0.1


def test_down_is_positive_and_left_negative() -> None:
    down, left = flow([_with_square(40, 30), _with_square(40, 34)])[1], flow([_with_square(40, 40), _with_square(36, 40)])[1]
    assert down[11:15, 13:17, 1].mean() == pytest.approx(0.9, abs=0.25) and abs(down[11:15, 13:17, 0].mean()) < 0.2
    assert left[13:17, 12:16, 0].mean() == pytest.approx(-0.9, abs=0.25) and abs(left[13:17, 12:16, 1].mean()) < 0.2


@pytest.mark.parametrize("side", [56, 100, 224])
def test_cells_do_not_depend_on_the_size_of_the_picture(side: int) -> None:
    whole = _cloth(2 * side)
    step = round(side / 14)  # two cells
    pair = [whole[:side, step : step + side], whole[:side, :side]]
    assert flow(pair)[1, 6:-6, 6:-6, 0].mean() == pytest.approx(2.0 * step * 14 / side, abs=0.25)


def test_a_still_picture_has_no_flow_and_noise_has_little() -> None:
    frame = _with_square(30, 40)
    assert not flow([frame] * 3).any()
    grain = np.random.default_rng(1).normal(0, 2, (4, 112, 112, 3))
    noisy = np.clip(frame + grain, 0, 255).astype(np.uint8)
    assert motion_energy(flow(noisy))[1:].max() < 0.1


def test_frame_by_frame_is_the_same_as_all_at_once_and_nothing_is_kept_of_the_past_but_one_picture() -> None:
    frames = [_with_square(30 + 3 * t, 40) for t in range(5)]
    meter = FlowMeter()
    assert np.array_equal(np.stack([meter(f) for f in frames]), flow(frames))
    assert np.array_equal(flow(frames[2:])[1:], flow(frames)[3:])


def test_a_cut_stays_within_bounds() -> None:
    moved = flow([_cloth(112, 1), _cloth(112, 2), np.zeros((112, 112, 3), np.uint8), _cloth(112, 3)])
    assert np.isfinite(moved).all() and np.abs(moved).max() <= FURTHEST


def test_no_frames_and_grey() -> None:
    assert flow(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, GRID, GRID, 2)
    red = np.zeros((90, 90, 3), np.uint8)
    red[..., 0] = 255
    assert grey(red).shape == (56, 56) and abs(int(grey(red)[20, 20]) - 76) <= 1  # red comes first


def test_it_keeps_up_with_any_video() -> None:
    frames = [_with_square(20 + t % 30, 40) for t in range(60)]
    flow(frames[:3])
    began = time.process_time()
    flow(frames)
    assert (time.process_time() - began) / len(frames) < 0.002
