"""The joint solver against scikit-learn's LinearSVC, which comes with librosa."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from avdemo.metrics.svm import fit, fit_path


def _blobs(seed: int = 0, count: int = 180, size: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    centres = 3 * np.random.default_rng(9).standard_normal((4, size))
    return (7 + centres[labels] + 4 * rng.standard_normal((count, size))).astype(np.float32), labels


@pytest.mark.parametrize("strength", [1e-3, 1e-1])
def test_decisions_are_those_of_liblinear(strength) -> None:
    x, y = _blobs()
    scaler = StandardScaler().fit(x)
    judge = LinearSVC(C=strength, tol=1e-6, max_iter=20_000, dual=True, random_state=0).fit(scaler.transform(x), y)
    ours = fit(x, y, strength, steps=500, tolerance=1e-10)
    other, _ = _blobs(1)
    np.testing.assert_allclose(ours.decide(other), judge.decision_function(scaler.transform(other)), atol=5e-3)


def test_a_path_ends_where_a_single_fit_does() -> None:
    x, y = _blobs()
    path = list(fit_path(x, y, [1e-4, 1e-2], steps=300, tolerance=1e-9))
    alone = fit(x, y, 1e-2, steps=300, tolerance=1e-9)
    np.testing.assert_allclose(path[1].decide(x), alone.decide(x), atol=5e-3)
    assert not np.allclose(path[0].weights, path[1].weights)


def test_it_generalises_and_keeps_the_labels() -> None:
    x, y = _blobs()
    other, truth = _blobs(5)
    machine = fit(x, y * 10, 1e-2)
    assert machine.classes.tolist() == [0, 10, 20, 30]
    assert (machine.classes[machine.decide(other).argmax(1)] == truth * 10).mean() > 0.9


def test_a_feature_that_never_changes_is_left_out() -> None:
    x, y = _blobs()
    x = np.hstack([x, np.full((len(x), 1), 3.0, np.float32)])
    machine = fit(x, y, 1e-2)
    changed = x.copy()
    changed[:, -1] = 50.0
    np.testing.assert_array_equal(machine.decide(x), machine.decide(changed))
