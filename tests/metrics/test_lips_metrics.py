"""LMD, opening, PSNR, SSIM and CPBD against values that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from avdemo.metrics.cpbd import cpbd, edge_widths
from avdemo.metrics.lmd import INNER_PAIRS, best_lag, correlation, lmd, opening, opening_correlation, pooled_correlation
from avdemo.metrics.ssim_psnr import psnr, psnr_as_of_2018, ssim

RNG = np.random.default_rng(7)


def mouth(gap: np.ndarray, at: tuple[float, float] = (32.0, 30.0)) -> np.ndarray:
    """Points (T, 20, 2) of mouths that are ``gap`` open in the middle."""
    points = np.zeros((len(gap), 20, 2))
    points[:, :, 0] = np.linspace(-10, 10, 20)
    for upper, lower in INNER_PAIRS:
        points[:, upper, 1], points[:, lower, 1] = -gap / 2, gap / 2
        points[:, lower, 0] = points[:, upper, 0]
    return points + np.array(at)


# ---- landmarks


def test_lmd_is_the_mean_distance_of_points():
    true = RNG.normal(size=(5, 20, 2)) * 10
    assert lmd(true, true) == 0
    made = true.copy()
    made[:, 0] += (3.0, 4.0)  # 5 px away; centring spreads a twentieth of it over all points
    shift = 5 / 20
    assert lmd(true, made) == pytest.approx(((5 - shift) + 19 * shift) / 20)


def test_lmd_does_not_see_where_the_head_is():
    true = RNG.normal(size=(4, 20, 2))
    assert lmd(true, true + RNG.normal(size=(4, 1, 2))) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="alike"):
        lmd(true, true[:2])


def test_opening_and_its_correlation():
    gap = np.array([0.0, 1.0, 4.0, 2.0])
    assert opening(mouth(gap)) == pytest.approx(gap)
    assert opening_correlation(mouth(gap), mouth(3 * gap + 1, at=(20, 20))) == pytest.approx(1)
    assert opening_correlation(mouth(gap), mouth(4 - gap)) == pytest.approx(-1)
    assert opening_correlation(mouth(gap), mouth(np.full(4, 2.0))) == 0
    assert np.isnan(correlation(np.zeros(4), gap))


def test_a_late_mouth_has_a_positive_lag():
    curve = RNG.normal(size=40)
    late = np.concatenate([np.zeros(2), curve[:-2]])
    assert best_lag(late, curve, 4) == (2, pytest.approx(1))
    assert best_lag(curve, late, 4)[0] == -2
    assert best_lag(curve, curve, 0) == (0, pytest.approx(1))
    assert np.isnan(best_lag(np.ones(9), curve[:9], 2)[1])


def test_pooling_takes_each_clip_about_its_own_mean_and_at_its_own_lag():
    one, two = RNG.normal(size=(2, 30))
    late = np.concatenate([np.zeros(3), two[:-3]])
    assert pooled_correlation([one, two], [one + 5, two - 5]) == pytest.approx(1)
    assert pooled_correlation([one, late], [one, two], [0, 3]) == pytest.approx(1)
    assert pooled_correlation([one, late], [one, two]) < 0.9
    assert pooled_correlation([one, 100 * two], [one, -two[:20]]) < 0  # what moves much counts


# ---- PSNR and SSIM


def test_psnr_of_a_known_error():
    true = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(true, true + np.uint8(10)) == pytest.approx(28.1308, abs=1e-4)
    assert psnr(true, true) == float("inf")


def test_psnr_of_random_pictures_rightly_and_as_of_2018():
    one, other = RNG.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    assert psnr(one, other) == pytest.approx(7.75, abs=0.05)
    assert psnr_as_of_2018(one, other) == pytest.approx(27.9, abs=0.05)


def test_small_positive_differences_do_not_wrap():
    true = np.full((4, 4), 100, np.uint8)
    assert psnr_as_of_2018(true + np.uint8(10), true) == pytest.approx(psnr(true + np.uint8(10), true))
    assert psnr_as_of_2018(true, true + np.uint8(100)) > 30  # 156 * 156 = 24,336 = 16 (modulo 256)


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_ssim_of_plain_pictures(window):
    one, other = np.full((32, 32), 100, np.uint8), np.full((32, 32), 140, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(one, other, window) == pytest.approx((2 * 100 * 140 + c1) / (100**2 + 140**2 + c1), abs=1e-9)
    assert ssim(one, one, window) == pytest.approx(1)


def test_ssim_of_less_contrast_and_of_a_negative():
    waves = np.sin(np.arange(64) * 2 * np.pi / 7)[None] * np.ones((64, 1))
    full, half = (np.round(128 + contrast * waves).astype(np.uint8) for contrast in (100, 50))
    c2 = (0.03 * 255) ** 2
    s2 = full.astype(float).var()
    assert ssim(full, half, "uniform") == pytest.approx((2 * 0.5 * s2 + c2) / (s2 + 0.25 * s2 + c2), abs=5e-3)  # 7 px is one wave
    assert ssim(full, 255 - full, "uniform") < -0.9
    colour = np.stack([full, half, full], -1)
    assert ssim(colour, colour) == pytest.approx(1)
    with pytest.raises(ValueError, match="smaller"):
        ssim(full[:5, :5], full[:5, :5])


# ---- CPBD


def ramps(width: int, contrast: int, size: int = 64) -> np.ndarray:
    """A plain picture with one straight rise of ``width`` px from left to right."""
    rise = np.interp(np.arange(size), [size // 2, size // 2 + width], [100, 100 + contrast])
    return np.round(np.tile(rise, (size, 1))).astype(np.uint8)


def test_edge_widths_are_from_extreme_to_extreme():
    for width in (2, 4, 8):
        found = edge_widths(ramps(width, 120).astype(float))
        assert set(found[found > 0]) == {float(width)}, width


def test_cpbd_of_rises_on_either_side_of_the_just_noticeable_width():
    assert cpbd(ramps(2, 120)) == 1.0  # 1 - exp(-(2/3)^3.6) = 21 %
    assert cpbd(ramps(4, 120)) == 0.0  # 94 %
    assert cpbd(ramps(4, 40)) == 1.0  # of low contrast: 1 - exp(-(4/5)^3.6) = 36 %
    assert cpbd(ramps(8, 40)) == 0.0
    assert cpbd(np.full((64, 64), 90, np.uint8)) == 0.0


def test_cpbd_falls_with_blur():
    texture = np.kron(RNG.integers(0, 2, (32, 32)), np.ones((4, 4))) * 160 + 40
    scores = [cpbd(np.round(_blurred(texture, sigma)).astype(np.uint8)) for sigma in (0, 0.8, 1.6, 3.2)]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.95 and scores[-1] < 0.2
    colour = np.repeat(texture.astype(np.uint8)[..., None], 3, 2)
    assert cpbd(colour) == pytest.approx(scores[0])


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    for axis in (0, 1):
        picture = gaussian_filter1d(picture, sigma, axis) if sigma else picture
    return picture
