"""Linear prediction from spectra: the recursion solves its equations, and noise of a known colour is predicted as well as can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from avdemo.foley.config import FoleyConfig
from avdemo.foley.predictor import NOISE, Predictor, guess, levinson, predictors
from avdemo.foley.tiers import cells
from avdemo.foley.tokens import Tokens

CONFIG = FoleyConfig.compact()


def test_the_recursion_solves_the_normal_equations() -> None:
    rng = np.random.default_rng(3)
    lags = np.stack([np.correlate(w, w, "full")[199:220] for w in rng.normal(size=(3, 200)).cumsum(1)])
    coefficients, deviation = levinson(torch.from_numpy(lags))
    for row, got, error in zip(lags, coefficients.numpy(), deviation.numpy(), strict=True):
        first = row[:-1].copy()
        first[0] *= 1 + NOISE
        wanted = solve_toeplitz(first, row[1:])
        assert np.allclose(got, wanted, rtol=1e-3, atol=1e-4)
        assert error**2 == pytest.approx(first[0] - wanted @ row[1:], rel=1e-3)


@pytest.mark.parametrize("colour", [(), (0.9,), (1.6, -0.81)], ids=["white", "red", "a tone"])
def test_noise_of_a_colour_is_predicted_as_well_as_can_be(colour) -> None:
    excitation = 0.02 * np.random.default_rng(1).normal(size=(1, 32_000))
    wav = torch.from_numpy(lfilter([1], [1, *(-c for c in colour)], excitation).astype(np.float32))
    spectra = Tokens(CONFIG).spectra(wav).mean(1, keepdim=True)  # of much noise: one token's own is rough
    coefficients, deviation = Predictor(CONFIG)(spectra.expand(-1, 102, -1))
    order = CONFIG.predicts
    assert order > CONFIG.top_step and coefficients.shape == (1, 500, order) and deviation.shape == (1, 500)
    found = guess(torch.nn.functional.pad(wav, (order, 0)), coefficients)
    error = float((wav - found)[:, order:].square().mean().sqrt())
    assert error == pytest.approx(0.02, rel=0.12) and float(deviation.mean()) == pytest.approx(error, rel=0.2)


def test_low_tones_are_predicted_better_from_a_longer_past() -> None:
    at = np.arange(64_000) / CONFIG.sample_rate
    wav = 0.2 * (np.sin(2 * np.pi * 90 * at) + np.sin(2 * np.pi * 400 * at))
    wav += 1e-3 * np.random.default_rng(2).normal(size=len(at))
    spectra = Tokens(CONFIG).spectra(torch.from_numpy(wav.astype(np.float32))[None]).mean(1, keepdim=True).expand(-1, 3, -1)
    short, middle, long = (float(Predictor(replace(CONFIG, predicts=order))(spectra)[1].mean()) for order in (8, 32, 128))
    assert short > 1.1 * middle and middle > 1.05 * long > 0


@pytest.mark.parametrize("config", [CONFIG, FoleyConfig.debug()], ids=["compact", "debug"])
def test_the_writer_s_prediction_of_one_time_is_that_of_all(config) -> None:
    predictor, rng = Predictor(config), np.random.default_rng(4)
    spectra = rng.normal(-6, 1.5, (6, config.bands)).astype(np.float32)
    spectra[2] += np.linspace(4, -4, config.bands)  # steep
    with torch.no_grad():
        wanted = predictor(torch.from_numpy(spectra)[None])
    for time in range(4):
        coefficients, deviation = predictors(spectra[time : time + 3], predictor)
        mine = slice(time * predictor.each, (time + 1) * predictor.each)
        assert coefficients.shape == (predictor.each, config.predicts) and coefficients.dtype == deviation.dtype == np.float32
        assert np.allclose(coefficients, wanted[0][0, mine].numpy(), atol=1e-4)
        assert np.allclose(deviation, wanted[1][0, mine].numpy(), rtol=1e-4, atol=1e-6)


def test_between_two_tokens_it_changes_evenly() -> None:
    predictor, low, high = Predictor(CONFIG), torch.full((CONFIG.bands,), -6.0), torch.full((CONFIG.bands,), -4.0)
    between = predictor.between(torch.stack([low, low, high, high]).unsqueeze(0))
    assert between.shape == (1, 10, CONFIG.bands)
    assert torch.allclose(between[0, :, 0], torch.tensor([-6, -6, -6, -5.6, -5.2, -4.8, -4.4, -4, -4, -4.0]), atol=1e-5)


def test_the_cells_of_levels_fill_the_range() -> None:
    widths = cells(torch.tensor([-0.9, -0.1, 0.0, 0.3, 1.0]))
    assert torch.allclose(widths, torch.tensor([0.5, 0.45, 0.2, 0.5, 0.35])) and float(widths.sum()) == pytest.approx(2)
