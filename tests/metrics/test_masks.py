"""Ideal masks and the NMF floor, on tones whose right answer is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from avdemo.errors import InputError
from avdemo.metrics.bss import bss_eval
from avdemo.metrics.masks import ideal_binary, ideal_ratio, ideal_separation
from avdemo.metrics.nmf import ClassNmf, activate, divergence, factorise

RATE = 11_025


def _tones(seed: int, partials: list[float]) -> np.ndarray:
    """Two seconds of notes with a class's own spectrum: partials' strengths at multiples of a few pitches."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(2 * RATE) / RATE
    wav = np.zeros(len(time_s))
    for start in np.arange(0, 2, 0.25):
        hertz = 220 * 2 ** (rng.choice([0, 2, 4, 7]) / 12)
        late = np.maximum(time_s - start, 0)
        on = (time_s >= start) * np.exp(-5 * late)
        wav += on * sum(a * np.sin(2 * np.pi * hertz * (k + 1) * late) for k, a in enumerate(partials))
    return (0.3 * wav / np.abs(wav).max()).astype(np.float32)


HOLLOW = [1.0, 0.0, 0.5, 0.0, 0.3]
BRIGHT = [0.0, 0.3, 0.0, 0.6, 0.0, 1.0, 0.0, 0.9]


def test_binary_masks_give_every_sounding_cell_to_exactly_one_source() -> None:
    mags = np.random.default_rng(0).uniform(0, 1, (3, 20, 30)).astype(np.float32)
    mags[:, 0, 0] = 0
    mags[:, 1, 1] = 0.5
    masks = ideal_binary(mags)
    assert set(np.unique(masks)) == {0.0, 1.0}
    assert masks[:, 0, 0].tolist() == [0, 0, 0] and masks[:, 1, 1].tolist() == [1, 0, 0]
    total = masks.sum(axis=0)
    total[0, 0] = 1
    assert (total == 1).all()
    assert (np.where(masks[2, 2:] == 1, mags[2, 2:] - mags[:2, 2:].max(axis=0), 0) >= 0).all()


def test_ratio_masks_share_by_magnitude() -> None:
    mags = np.random.default_rng(1).uniform(0, 1, (2, 20, 30)).astype(np.float32)
    mags[:, 0, 0] = 0
    masks = ideal_ratio(mags)
    assert masks.min() >= 0 and masks.max() <= 1 and masks.dtype == np.float32
    assert masks[:, 0, 0].tolist() == [0, 0]
    np.testing.assert_allclose(masks * mags.sum(axis=0), mags, atol=1e-6)
    np.testing.assert_allclose(ideal_ratio(5 * mags), masks, atol=1e-6)


@pytest.mark.parametrize("kind", ["binary", "ratio"])
@pytest.mark.parametrize("log_bins", [None, 256])
def test_ideal_separation_beats_the_mixture(kind, log_bins) -> None:
    sources = np.stack([_tones(0, HOLLOW), _tones(1, BRIGHT)]) / 2
    mixture = sources.sum(axis=0)
    estimates = ideal_separation(sources, mixture, kind, log_bins=log_bins)
    assert estimates.shape == sources.shape and estimates.dtype == np.float32
    assert bss_eval(sources, estimates, mixture).nsdr.mean() > 8
    np.testing.assert_allclose(estimates.sum(axis=0), mixture, atol=0.02)


def test_updates_never_raise_the_divergence_and_keep_everything_non_negative() -> None:
    mag = np.random.default_rng(2).gamma(1.0, 1.0, (40, 60)).astype(np.float32)
    mag[:, 5] = 0
    values = []
    for iterations in (0, 1, 2, 5, 20, 60):
        w, h = factorise(mag, 6, iterations, np.random.default_rng(3))
        assert w.min() >= 0 and h.min() >= 0 and w.shape == (40, 6) and h.shape == (6, 60)
        np.testing.assert_allclose(w.sum(axis=0), 1, atol=1e-4)
        values.append(divergence(mag, w @ h))
    assert all(after <= before * 1.0001 for before, after in pairwise(values)), values


def test_what_was_composed_is_found_again() -> None:
    rng = np.random.default_rng(4)
    w = rng.uniform(0, 1, (50, 3)).astype(np.float32) ** 4
    w /= w.sum(axis=0)
    h = (rng.uniform(0, 1, (3, 80)) * (rng.uniform(0, 1, (3, 80)) > 0.5)).astype(np.float32)
    np.testing.assert_allclose(activate(w @ h, w, 500), h, atol=0.02)


def test_nmf_separates_classes_with_different_spectra() -> None:
    floor = ClassNmf(components=8, iterations=60).fit(
        {"hollow": [_tones(seed, HOLLOW) for seed in range(3)], "bright": [_tones(seed, BRIGHT) for seed in range(3, 6)]}
    )
    sources = np.stack([_tones(7, HOLLOW), _tones(8, BRIGHT)])
    mixture = sources.mean(axis=0)
    estimates = floor.separate(mixture, ["hollow", "bright"])
    np.testing.assert_allclose(estimates.sum(axis=0), mixture, atol=1e-4)  # the masks partition the mixture
    right = bss_eval(sources, estimates, mixture).nsdr
    wrong = bss_eval(sources, floor.separate(mixture, ["bright", "hollow"]), mixture).nsdr
    assert right.min() > 4 and wrong.max() < 0, (right, wrong)


def test_nmf_is_reproducible_and_a_dictionary_does_not_depend_on_the_others() -> None:
    sounds = {"hollow": [_tones(0, HOLLOW)], "bright": [_tones(1, BRIGHT)]}
    both = ClassNmf(components=4, iterations=10).fit(sounds)
    alone = ClassNmf(components=4, iterations=10).fit({"bright": sounds["bright"]})
    np.testing.assert_array_equal(both.dictionaries["bright"], alone.dictionaries["bright"])


def test_nmf_says_what_it_cannot_do() -> None:
    floor = ClassNmf(components=4, iterations=5)
    with pytest.raises(InputError, match="harp has no training sound"):
        floor.fit({"harp": [np.zeros(4000, np.float32)]})
    floor.fit({"hollow": [_tones(0, HOLLOW)]})
    with pytest.raises(InputError, match="has not learnt harp; it knows hollow"):
        floor.separate(_tones(0, HOLLOW), ["harp", "hollow"])
    silent = floor.separate(np.zeros(4000, np.float32), ["hollow"])
    assert silent.shape == (1, 4000) and not silent.any()
