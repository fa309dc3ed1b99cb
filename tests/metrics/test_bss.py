"""BSS-eval against mir_eval, and what it does where mir_eval refuses."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from avdemo.metrics.bss import QUIETEST_DB, bss_eval, mean_defined, relative_level_db, summarise

RATE = 11_025
SAMPLES = 16_384


def _notes(rng: np.random.Generator, octave: float) -> np.ndarray:
    """A melody of decaying harmonic notes: band-limited and tonal, which makes the normal equations ill-conditioned."""
    time_s = np.arange(SAMPLES) / RATE
    wav = np.zeros(SAMPLES)
    for start in np.arange(0, time_s[-1], 0.25):
        hertz = 110 * octave * 2 ** (rng.integers(0, 12) / 12)
        late = np.maximum(time_s - start, 0)
        note = sum(np.sin(2 * np.pi * hertz * k * late) / k**1.5 for k in range(1, 9) if hertz * k < RATE / 2)
        wav += note * np.exp(-4 * late) * (time_s >= start)
    return wav / np.abs(wav).max()


def _signals(kind: str, sources: int) -> np.ndarray:
    rng = np.random.default_rng(sources)
    if kind == "noise":
        return rng.standard_normal((sources, SAMPLES))
    if kind == "lowpass noise":
        spectrum = np.fft.rfft(rng.standard_normal((sources, SAMPLES)))
        spectrum[:, SAMPLES // 8 :] = 0
        return np.round(np.fft.irfft(spectrum, SAMPLES) * 8192) / 32768
    melodies = np.stack([_notes(rng, 2.0**i) for i in range(sources)])
    return np.round(melodies * 32767) / 32768 if kind == "16-bit melodies" else melodies


@pytest.mark.parametrize("sources", [1, 2, 3])
@pytest.mark.parametrize("kind", ["noise", "lowpass noise", "melodies", "16-bit melodies"])
def test_agrees_with_mir_eval_within_a_hundredth_of_a_decibel(kind: str, sources: int) -> None:
    from mir_eval.separation import bss_eval_sources

    ref = _signals(kind, sources)
    rng = np.random.default_rng(9)
    mix = ref.mean(axis=0)
    est = ref + 0.3 * np.roll(ref, 1, axis=0) + 0.05 * ref.std() * rng.standard_normal(ref.shape)
    ours = bss_eval(ref, est, mix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sdr, sir, sar, _ = bss_eval_sources(ref, est, compute_permutation=False)
        of_mixture, *_ = bss_eval_sources(ref, np.tile(mix, (sources, 1)), compute_permutation=False)
    np.testing.assert_allclose(ours.sdr, sdr, atol=0.01)
    np.testing.assert_allclose(ours.sar, sar, atol=0.01)
    if sources > 1:
        np.testing.assert_allclose(ours.sir, sir, atol=0.01)
        np.testing.assert_allclose(ours.mixture_sdr, of_mixture, atol=0.01)
        np.testing.assert_allclose(ours.nsdr, sdr - of_mixture, atol=0.02)
    else:
        assert np.isnan(ours.sir).all()  # nothing can interfere; mir_eval reports rounding noise


def test_an_exactly_empty_band_costs_little_accuracy() -> None:
    rng = np.random.default_rng(2)
    samples, taps = 4096, 128
    spectrum = np.fft.rfft(rng.standard_normal((2, samples)))
    spectrum[:, samples // 8 :] = 0
    ref = np.fft.irfft(spectrum, samples)
    est = ref + 0.3 * ref[::-1] + 0.05 * ref.std() * rng.standard_normal(ref.shape)
    # The truth: project on an orthonormal basis of all delays, by singular values instead of normal equations.
    delays = np.concatenate([[np.pad(one, (k, taps - 1 - k)) for k in range(taps)] for one in ref])
    _, size, basis = np.linalg.svd(delays, full_matrices=False)
    basis = basis[size > 1e-10 * size[0]]
    padded = np.pad(est, ((0, 0), (0, taps - 1)))
    everything = padded @ basis.T @ basis
    sar = 10 * np.log10((everything**2).sum(axis=1) / ((padded - everything) ** 2).sum(axis=1))
    np.testing.assert_allclose(bss_eval(ref, est, taps=taps).sar, sar, atol=0.1)


def test_a_gain_and_a_short_filter_are_forgiven() -> None:
    ref = _signals("noise", 2)
    est = ref + 0.1 * ref[::-1]
    plain = bss_eval(ref, est)
    np.testing.assert_allclose(bss_eval(ref, 7.5 * est).sdr, plain.sdr, atol=1e-6)
    delayed = np.concatenate([np.zeros((2, 100)), ref[:, :-100]], axis=1)
    assert (bss_eval(ref, delayed).sdr > 15).all()  # only the 100 samples pushed off the end are lost


def test_more_leak_is_worse_and_shows_in_sir_alone() -> None:
    ref = _signals("noise", 2)
    low, high = (bss_eval(ref, ref + leak * ref[::-1]) for leak in (0.1, 0.4))
    assert (high.sir < low.sir - 10).all()
    assert (high.sar > 60).all() and (low.sar > 60).all()


def test_the_mixture_gains_nothing_over_itself() -> None:
    ref = _signals("melodies", 2)
    mix = ref.mean(axis=0)
    np.testing.assert_allclose(bss_eval(ref, np.stack([mix, mix]), mix).nsdr, 0.0, atol=1e-6)


def test_a_silent_reference_is_left_out_and_flagged() -> None:
    ref = _signals("noise", 3)
    est = ref + 0.2 * np.roll(ref, 1, axis=0)
    with_silence, est_silence = ref.copy(), est.copy()
    with_silence[1] = 0
    scores = bss_eval(with_silence, est_silence, ref.mean(axis=0))
    assert scores.silent_reference.tolist() == [False, True, False]
    assert np.isnan([scores.sdr[1], scores.sir[1], scores.sar[1], scores.nsdr[1], scores.mixture_sdr[1]]).all()
    alone = bss_eval(ref[[0, 2]], est[[0, 2]], ref.mean(axis=0))
    np.testing.assert_allclose(scores.sdr[[0, 2]], alone.sdr)
    np.testing.assert_allclose(scores.nsdr[[0, 2]], alone.nsdr)


def test_a_silent_estimate_is_flagged_and_does_not_touch_the_others() -> None:
    ref = _signals("noise", 2)
    est = np.stack([ref[0] + 0.1 * ref[1], np.zeros(SAMPLES)])
    scores = bss_eval(ref, est, ref.mean(axis=0))
    assert scores.silent_estimate.tolist() == [False, True]
    assert np.isnan(scores.sdr[1]) and np.isnan(scores.nsdr[1]) and np.isfinite(scores.mixture_sdr[1])
    np.testing.assert_allclose(scores.sdr[0], bss_eval(ref, ref + 0.1 * ref[::-1]).sdr[0])


def test_silence_everywhere_is_all_nan() -> None:
    quiet = np.zeros((2, 1000))
    scores = bss_eval(quiet, quiet, quiet[0])
    assert scores.silent_reference.all() and scores.silent_estimate.all() and np.isnan(scores.nsdr).all()


def test_two_equal_references_still_give_an_answer() -> None:
    ref = np.tile(_signals("noise", 1), (2, 1))
    scores = bss_eval(ref, ref + 0.01 * np.random.default_rng(0).standard_normal(ref.shape))
    np.testing.assert_allclose(scores.sdr, 40, atol=1)


@pytest.mark.parametrize(
    ("ref", "est", "mix"),
    [
        (np.ones((2, 10)), np.ones((3, 10)), None),
        (np.ones((2, 0)), np.ones((2, 0)), None),
        (np.ones((2, 10)), np.ones((2, 10)), np.ones(9)),
        (np.ones((2, 10)), np.full((2, 10), np.nan), None),
    ],
)
def test_shapes_and_values_that_cannot_be_scored_are_refused(ref, est, mix) -> None:
    with pytest.raises(ValueError, match=r"samples|finite"):
        bss_eval(ref, est, mix)


def test_means_count_what_they_skip() -> None:
    mean = mean_defined([1.0, 3.0, float("nan"), float("inf")])
    assert (mean.value, mean.n, mean.skipped) == (2.0, 2, 2)
    assert str(mean) == "2.00 (n = 2, 2 undefined)"
    assert np.isnan(mean_defined([]).value)
    ref = _signals("noise", 2)
    ref[1] = 0
    summary = summarise([bss_eval(ref, ref + 0.1 * np.random.default_rng(0).standard_normal(ref.shape), ref.mean(axis=0))])
    assert summary["sdr"].n == 1 and summary["sdr"].skipped == 1 and summary["sir"].n == 0


def test_relative_level() -> None:
    wav = _signals("noise", 1)
    assert relative_level_db(0.1 * wav, wav) == pytest.approx(-20)
    assert relative_level_db(0 * wav, wav) == QUIETEST_DB
    assert np.isnan(relative_level_db(wav, 0 * wav))
