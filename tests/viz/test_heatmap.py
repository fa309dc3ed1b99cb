"""Heatmaps, colour maps: in the right place, smooth, blended as told, quick."""

import numpy as np
import pytest
from pictures import cpu_ms, photo

from avdemo.viz.colours import enlarge_colours, overlay_colours
from avdemo.viz.heatmap import heatmap, overlay, with_colour_bar


def spot(rows: int = 14, columns: int = 14, y: int = 3, x: int = 10) -> np.ndarray:
    energy = np.zeros((rows, columns), np.float32)
    energy[y, x] = 1.0
    return energy


@pytest.mark.parametrize(("rows", "columns"), [(14, 14), (7, 7), (14, 25), (1, 1)])
@pytest.mark.parametrize("size", [(1280, 720), (405, 721)])
def test_the_heat_is_where_the_energy_is(rows: int, columns: int, size: tuple[int, int]) -> None:
    y, x = rows // 3, columns // 2
    picture = heatmap(spot(rows, columns, y, x), size)
    assert picture.shape == (size[1], size[0], 4) and picture.dtype == np.uint8
    weight = picture[..., 3].astype(float)
    at_y, at_x = np.average(np.arange(size[1]), weights=weight.sum(1)), np.average(np.arange(size[0]), weights=weight.sum(0))
    assert at_y == pytest.approx((y + 0.5) / rows * size[1] - 0.5, abs=size[1] * 0.01)
    assert at_x == pytest.approx((x + 0.5) / columns * size[0] - 0.5, abs=size[0] * 0.01)


def test_more_energy_is_brighter_and_less_transparent() -> None:
    picture = heatmap(np.linspace(0, 1, 50)[None].repeat(4, 0), (500, 40))
    alpha = picture[20, :, 3].astype(int)
    light = picture[20, :, :3].astype(float) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(alpha) >= 0).all() and alpha[0] == 0 and alpha[-1] == 255
    assert (np.diff(light) >= -1).all() and light[-1] > 4 * light[0]


def test_it_is_smooth() -> None:
    alpha = heatmap(spot(), (1280, 720))[..., 3].astype(int)
    assert alpha.max() > 250  # and yet it takes many pixels to get there, where a blocky picture would jump
    assert max(np.abs(np.diff(alpha, axis=0)).max(), np.abs(np.diff(alpha, axis=1)).max()) < 24


def test_odd_energies_are_tamed() -> None:
    energy = np.array([[np.nan, np.inf], [-5.0, 7.0]])
    alpha = heatmap(energy, (64, 64))[..., 3]
    assert alpha[2, 2] == 0 and alpha[-3, 2] == 0 and alpha[-3, -3] == 255
    with pytest.raises(ValueError):
        heatmap(np.zeros((2, 2, 2)), (10, 10))


def test_opacity() -> None:
    frame = photo(320, 180)
    np.testing.assert_array_equal(overlay(frame, spot(), 0.0), frame)
    np.testing.assert_array_equal(overlay(frame, np.zeros((14, 14)), 1.0), frame)
    full = overlay(frame, np.ones((14, 14)), 1.0)
    np.testing.assert_array_equal(full, heatmap(np.ones((14, 14)), (320, 180))[..., :3])
    half = overlay(frame, np.ones((14, 14)), 0.5)
    np.testing.assert_allclose(half, (frame.astype(float) + full) / 2, atol=1.5)
    np.testing.assert_array_equal(overlay(frame, np.ones((14, 14)), 9.0), full)


def test_the_frame_is_not_changed_and_grids_may_come_ready_coloured() -> None:
    frame = photo(320, 180)
    before = frame.copy()
    ready = overlay(frame, heatmap(spot(), (320, 180)), 0.7)
    np.testing.assert_array_equal(ready, overlay(frame, spot(), 0.7))
    np.testing.assert_array_equal(frame, before)
    read_only = frame.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(overlay(read_only[:, ::-1], spot(), 0.7), overlay(frame[:, ::-1].copy(), spot(), 0.7))
    with pytest.raises(ValueError, match="fit"):
        overlay(frame, heatmap(spot(), (100, 100)))
    with pytest.raises(ValueError, match="frame"):
        overlay(frame.astype(float), spot())


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (240, 426), (64, 64)])
def test_the_colour_bar_leaves_the_picture_alone(width: int, height: int) -> None:
    picture = photo(width, height)
    barred = with_colour_bar(picture)
    left = (barred.shape[1] - width) // 2
    np.testing.assert_array_equal(barred[:height, left : left + width], picture)
    strip = barred[height:].reshape(-1, 3).astype(int)
    assert 20 <= barred.shape[0] - height <= 100
    assert (strip[:, 0] - strip[:, 2] > 150).sum() > 50  # the warm end of the bar


def test_colours_follow_their_cells() -> None:
    colours = np.zeros((4, 4, 3), np.uint8)
    colours[:, :2] = (200, 0, 0)
    colours[:, 2:] = (0, 0, 200)
    frame = np.full((120, 160, 3), 90, np.uint8)
    full = overlay_colours(frame, colours, 1.0)
    assert tuple(full[60, 10]) == (200, 0, 0) and tuple(full[60, 150]) == (0, 0, 200)
    np.testing.assert_array_equal(overlay_colours(photo(160, 120), colours, 0.0), photo(160, 120))
    silent_left = np.ones((2, 2)) * np.array([0.0, 1.0])
    partly = overlay_colours(frame, colours, 1.0, silent_left)
    assert tuple(partly[60, 5]) == (90, 90, 90) and tuple(partly[60, 155]) == (0, 0, 200)
    assert enlarge_colours(colours, (31, 17)).shape == (17, 31, 3)
    with pytest.raises(ValueError):
        enlarge_colours(colours[..., 0], (31, 17))


def test_speed() -> None:
    frame, energy = photo(), np.random.default_rng(0).random((14, 14))
    colours = np.random.default_rng(1).integers(0, 255, (14, 14, 3), np.uint8)
    assert cpu_ms(lambda: overlay(frame, energy, 0.7)) < 30
    assert cpu_ms(lambda: overlay_colours(frame, colours, 0.6, energy)) < 60
