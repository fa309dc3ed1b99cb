"""The area under the ROC curve against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from avdemo.metrics.detection import auc


@pytest.mark.parametrize(
    ("belonging", "strange", "percent"),
    [([3, 4], [1, 2], 100), ([1, 2], [3, 4], 0), ([1, 3], [2, 4], 25), ([1, 1], [1], 50), ([0.2, 0.9], [0.5], 50)],
)
def test_it_counts_couples(belonging, strange, percent) -> None:
    assert auc(belonging, strange) == pytest.approx(percent)


def test_without_one_side_there_is_nothing_to_say() -> None:
    assert np.isnan(auc([], [1.0])) and np.isnan(auc([1.0], []))
