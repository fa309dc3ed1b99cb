"""Drawn pictures: cut-outs are clean, placing is exact, backgrounds are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from avdemo.corpora import drawn
from avdemo.errors import InputError


@pytest.fixture(scope="module")
def font():
    try:
        return drawn.find_emoji_font()
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", drawn.BACKGROUNDS)
def test_background_is_the_same_picture_every_time(name):
    first, second = drawn.draw_background(name, (160, 90)), drawn.draw_background(name, (160, 90))
    assert first.shape == (90, 160, 3) and first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert first.std() > 20  # a picture, not a plain field


def test_backgrounds_for_training_vary_and_repeat_with_the_seed():
    pictures = [drawn.draw_background(np.random.default_rng(seed), (96, 54)) for seed in range(6)]
    assert len({picture.tobytes() for picture in pictures}) == 6
    assert np.array_equal(pictures[3], drawn.draw_background(np.random.default_rng(3), (96, 54)))


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match="beach"):
        drawn.draw_background("moon")
    with pytest.raises(InputError, match="violin"):
        drawn.emoji_cutout("theremin")


@pytest.mark.parametrize("instrument", drawn.DRAWN_INSTRUMENTS)
def test_cutout_is_cropped_tight_and_has_clean_edges(font, instrument):
    cutout = drawn.emoji_cutout(instrument)
    height, width = cutout.shape[:2]
    assert cutout.dtype == np.uint8 and cutout.shape[2] == 4 and max(height, width) > 90
    visible = cutout[..., 3] > 8
    assert visible[0].any() and visible[-1].any() and visible[:, 0].any() and visible[:, -1].any()
    # Half-covered edge pixels keep the colour of their fully covered neighbours: they are not darkened towards black.
    edge = (cutout[..., 3] > 60) & (cutout[..., 3] < 200)
    assert cutout[edge][:, :3].max(axis=1).mean() > 0.7 * cutout[cutout[..., 3] == 255][:, :3].max(axis=1).mean()
    assert drawn.emoji_cutout(instrument) is cutout


def test_character_that_the_font_lacks_is_refused(font):
    with pytest.raises(InputError, match="no picture"):
        drawn.emoji_picture("\u0394")


def square(size=20, colour=(250, 10, 30)):
    return np.dstack([np.full((size, size), c, np.uint8) for c in (*colour, 255)])


def test_place_fills_its_box_and_nothing_else():
    canvas = np.full((60, 80, 3), 100, np.uint8)
    drawn.place(canvas, square(), (10, 20, 30, 24))
    assert np.array_equal(canvas[22:42, 12:38], np.broadcast_to(np.array([250, 10, 30], np.uint8), (20, 26, 3)))
    untouched = np.ones((60, 80), bool)
    untouched[18:46, 8:42] = False
    assert (canvas[untouched] == 100).all()


def test_place_keeps_the_area_between_pixels_and_when_turned():
    areas = []
    for x, angle in ((20.0, 0), (20.25, 0), (20.5, 0), (20.0, 30), (20.0, 45)):
        canvas = np.zeros((80, 80, 3), np.uint8)
        drawn.place(canvas, square(colour=(255, 255, 255)), (x, 20, 40, 40), angle_deg=angle)
        areas.append(canvas[..., 0].sum() / 255)
    assert np.allclose(areas, 1600, rtol=0.03)


def test_place_turns_counter_clockwise_and_flips():
    arrow = np.zeros((40, 40, 4), np.uint8)
    arrow[15:25, 20:] = 255  # points right
    up, left = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    drawn.place(up, arrow, (0, 0, 40, 40), angle_deg=90)
    drawn.place(left, arrow, (0, 0, 40, 40), flip=True)
    assert up[5, 20, 0] == 255 and up[35, 20, 0] == 0
    assert left[20, 5, 0] == 255 and left[20, 35, 0] == 0


@pytest.mark.parametrize("box", [(-500, 0, 20, 20), (70, 50, 40, 40), (-10, -10, 200, 200), (5, 5, 0, 10)])
def test_place_may_reach_outside(box):
    canvas = np.full((60, 80, 3), 100, np.uint8)
    assert drawn.place(canvas, square(), box, angle_deg=20) is canvas


def test_enlarged_outline_stays_solid():
    big = drawn.enlarge(square(), 2)
    assert big.shape == (40, 40, 4)
    assert (big[4:-4, 4:-4] == np.array([250, 10, 30, 255])).all()


def test_shadow_darkens_its_middle_and_fades():
    canvas = drawn.soft_shadow(np.full((40, 80, 3), 200, np.uint8), 40, 20, 60, 20)
    assert canvas[20, 40].mean() < 150 and canvas[20, 12].mean() > 190 and (canvas[0] == 200).all()
