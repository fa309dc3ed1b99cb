"""Curves over seconds, and results as words and bars."""

from __future__ import annotations

import numpy as np
import pytest

from avdemo.viz.lines import lines
from avdemo.viz.markup import bars, quiet, said


def _reddish(picture: np.ndarray) -> np.ndarray:
    """Columns in which the curve is seen, with its mean height from the top."""
    red = (picture[..., 0] > 150) & (picture[..., 1] < 90)
    return np.array([np.flatnonzero(column).mean() if column.any() else np.nan for column in red[60:].T])


def test_a_curve_goes_where_its_values_are() -> None:
    picture = lines([np.linspace(0, 1, 50)], 0.1, 5.0, labels=["Rising"], colours=["#ff0000"])
    assert picture.shape == (400, 960, 3) and picture.dtype == np.uint8
    place = _reddish(picture)
    seen = place[~np.isnan(place)]
    assert len(seen) > 700 and seen[5] > seen[len(seen) // 2] > seen[-5]


def test_an_area_is_pale_and_behind() -> None:
    low, high = np.full(20, 0.2), np.full(20, 0.8)
    plain = lines([low, high], 0.1, 2.0, labels=["a", "b"], colours=["#ff0000", "#00ff00"])
    filled = lines([low, high], 0.1, 2.0, labels=["a", "b"], colours=["#ff0000", "#00ff00"], filled=(0,))
    assert not np.array_equal(plain, filled)
    assert (filled[340, 480] != plain[340, 480]).any()  # under the low curve


def test_odd_values_do_no_harm_and_nothing_is_refused() -> None:
    lines([np.array([np.nan, 2.0, -1.0])], 1.0, 3.0, labels=["odd"])
    lines([np.array([0.5])], 1.0, 0.0, labels=["one"])
    with pytest.raises(ValueError, match="cannot be drawn"):
        lines([], 1.0, 1.0, labels=[])
    with pytest.raises(ValueError, match="2 names"):
        lines([np.zeros(3)], 1.0, 1.0, labels=["a", "b"])


def test_words_and_bars_escape_what_they_are_given() -> None:
    made = bars({"<b>": 0.25}, "Seen & heard", last={"none": 0.5})
    assert "&lt;b&gt;" in made and "Seen &amp; heard" in made and "width: 25.0%" in made and "0.50" in made and "neutral" in made
    assert "&lt;i&gt;" in said("<i>", "", "more") and said("<i>", "", "more").count("<div") == 2 and "&quot;" in quiet('"')
