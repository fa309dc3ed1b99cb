"""Markers: centred on the click, ringed, numbered, cut at the edge, quick."""

import numpy as np
import pytest
from pictures import cpu_ms, photo, share_of

from avdemo.viz.marker import Marker, marker, markers
from avdemo.viz.palette import PALETTE


def changed(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((before != after).any(axis=-1))


@pytest.mark.parametrize(("x", "y"), [(640, 360), (300.4, 100.6)])
def test_the_click_is_the_centre(x: float, y: float) -> None:
    frame = np.full((720, 1280, 3), 120, np.uint8)
    rows, columns = changed(frame, marker(frame, x, y, PALETTE[0]))
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(x, abs=1.0)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(y, abs=1.0)
    assert 40 <= columns.max() - columns.min() <= 100


@pytest.mark.parametrize("background", [0, 128, 255])
def test_it_stands_out_from_any_background(background: int) -> None:
    frame = np.full((200, 200, 3), background, np.uint8)
    patch = marker(frame, 100, 100, PALETTE[1], radius_px=20)[70:130, 70:130]
    assert share_of(patch, "#ffffff", 20) > 0.04 or background == 255
    assert share_of(patch, "#0a0a0c", 60) > 0.01 or background == 0
    assert share_of(patch, PALETTE[1]) > 0.25


def test_numbers_differ_and_later_ones_lie_on_top() -> None:
    frame = photo(400, 300)
    one, two = (marker(frame, 200, 150, PALETTE[0], label) for label in ("1", "2"))
    assert not np.array_equal(one, two)
    both = markers(frame, [Marker(200, 150, PALETTE[0], "1"), Marker(200, 150, PALETTE[1], "2")])
    inside = (slice(145, 156), slice(195, 206))
    np.testing.assert_array_equal(both[inside], marker(frame, 200, 150, PALETTE[1], "2")[inside])
    assert markers(frame, [Marker(200, 150, PALETTE[0], "123")]).shape == frame.shape


@pytest.mark.parametrize(("x", "y"), [(0, 0), (399, 299), (0, 150), (-500, 20), (1e4, 1e4)])
def test_near_and_beyond_the_edge_it_is_cut(x: float, y: float) -> None:
    frame = photo(400, 300)
    assert marker(frame, x, y, PALETTE[0], "1").shape == frame.shape


def test_the_frame_itself_is_not_changed() -> None:
    frame = photo(400, 300)
    before = frame.copy()
    frame.flags.writeable = False
    assert not np.array_equal(marker(frame, 20, 20, PALETTE[0]), before)
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_array_equal(markers(frame, []), before)


def test_speed() -> None:
    frame = photo()
    points = [Marker(100 + 120 * k, 300, colour, str(k + 1)) for k, colour in enumerate(PALETTE)]
    assert cpu_ms(lambda: markers(frame, points)) < 30
