"""The gain that is taken from a sound before it is learnt, and given back after it was written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from tiny_foley import lively

from avdemo.foley.config import HISS_DB, FoleyConfig
from avdemo.foley.levelling import (
    LEAST,
    course_db,
    emphasised,
    gains,
    hold,
    levelled_sound,
    strokes,
    without_emphasis,
    without_rumble,
)
from avdemo.foley.objective import loudness_of

CONFIG = FoleyConfig.debug()
PER_FRAME = CONFIG.samples_per_frame


def plain(wav: torch.Tensor, emphasis: float = CONFIG.emphasis) -> torch.Tensor:
    """Sounds (N, T) without their emphasis."""
    return torch.from_numpy(np.stack([without_emphasis(part.numpy(), np.zeros(1), emphasis)[0] for part in wav])).float()


def test_the_gain_follows_the_loudest_neighbour() -> None:
    loudness = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    assert course_db(loudness).tolist() == [[-40.0, -40.0, 20.0, 20.0, 20.0, -40.0]]


def test_the_gain_changes_evenly_from_middle_to_middle() -> None:
    gain_db = torch.tensor([-40.0, 20.0])
    db = 20 * gains(gain_db, 0, 2 * PER_FRAME, PER_FRAME).log10()
    assert torch.allclose(db[: PER_FRAME // 2], torch.tensor(-40.0)) and torch.allclose(db[-PER_FRAME // 2 :], torch.tensor(20.0))
    between = db[PER_FRAME // 2 : PER_FRAME + PER_FRAME // 2].diff()
    assert torch.allclose(between, between.mean(), rtol=0.05, atol=1e-4) and between.mean() > 0
    parts = torch.cat([gains(gain_db, first, 100, PER_FRAME) for first in range(0, 1000, 100)])
    assert torch.equal(parts, gains(gain_db, 0, 1000, PER_FRAME))
    assert torch.equal(gains(gain_db, 5 * PER_FRAME, 10, PER_FRAME), torch.full((10,), 10.0))  # after the end it stays
    assert gains(torch.tensor([[-20.0]]), 0, 5, PER_FRAME).shape == (1, 5)


def test_levelled_sound_comes_back_as_loud_as_it_was() -> None:
    network = lively(CONFIG)
    rng = np.random.default_rng(2)
    wav = torch.from_numpy(rng.normal(0, 1, (2, 6 * PER_FRAME)).astype(np.float32))
    wav = torch.stack([wav[0] * 0.003, wav[1] * 0.1])
    loudness = loudness_of(wav, CONFIG)
    levels = network.levelled(wav, loudness)
    written = plain(network.decode(levels))
    assert torch.allclose(written.square().mean(1).sqrt(), torch.tensor(0.1), rtol=0.3)  # one level for both
    back = written * gains(course_db(loudness), 0, wav.shape[1], PER_FRAME)
    assert ((back - wav).square().mean(1) / wav.square().mean(1) < 0.015).all()
    as_it_is = lively(replace(CONFIG, levelled=False, emphasis=0.0))
    assert torch.equal(as_it_is.levelled(wav, loudness), as_it_is.encode(wav))


def test_an_emphasis_raises_the_heights_and_is_taken_away_again() -> None:
    at = torch.arange(8000) / CONFIG.sample_rate
    for hz, db in ((60.0, (-14, -9)), (1000.0, (0, 6)), (3500.0, (8, 10))):
        tone = 0.3 * torch.sin(2 * torch.pi * hz * at).unsqueeze(0)
        raised = emphasised(tone, CONFIG.emphasis)
        assert db[0] < 10 * float((raised.square().mean() / tone.square().mean()).log10()) < db[1], hz
        assert torch.allclose(plain(raised), tone, atol=1e-5)
    assert torch.equal(emphasised(tone, 0.0), tone) and torch.equal(plain(raised, 0.0), raised)
    for emphasis in (0.0, CONFIG.emphasis):
        state, parts = np.zeros(1), []
        for part in np.split(raised[0].numpy(), [1, 2, 500, 3001]):
            part, state = without_emphasis(part, state, emphasis)
            parts.append(part)
        assert np.array_equal(np.concatenate(parts).astype(np.float32), plain(raised, emphasis)[0].numpy())


def test_with_an_emphasis_the_noise_of_levels_lies_under_the_heights_of_a_dull_sound() -> None:
    wav = lfilter([0.02], [1, -0.97], np.random.default_rng(5).normal(size=(1, 6 * PER_FRAME))).astype(np.float32)
    wav, noises = torch.from_numpy(wav), []
    for emphasis in (0.0, CONFIG.emphasis):
        config = replace(CONFIG, emphasis=emphasis, levels=256)
        network, loudness = lively(config), loudness_of(wav, config)
        written = plain(network.decode(network.levelled(wav, loudness)), emphasis)
        back = written * gains(course_db(loudness), 0, wav.shape[1], PER_FRAME)
        heights = [np.square(np.abs(np.fft.rfft(part.numpy())))[0, wav.shape[1] // 4 :].mean() for part in (back - wav, wav)]
        noises.append(10 * np.log10(heights[0] / heights[1]))
    assert noises[1] < noises[0] - 6 and noises[1] < -15


def test_each_sound_gets_a_hiss_of_its_own_after_the_emphasis() -> None:
    silence, loudness = torch.zeros(1, 2 * PER_FRAME), torch.zeros(1, 2)
    one, same, other = (levelled_sound(silence, loudness, CONFIG, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert 20 * float(one.std().log10()) == pytest.approx(HISS_DB, abs=0.5)
    assert torch.equal(levelled_sound(silence, loudness, replace(CONFIG, levelled=False, emphasis=0.0)), silence)


def test_an_automatic_gain_holds_what_is_told_and_leaves_silence_alone() -> None:
    rng, rate = np.random.default_rng(1), 8000
    soft = 0.005 * rng.normal(size=rate)
    told = np.full(rate, -20.0)
    held, power = hold(soft, told, LEAST, rate)
    assert abs(10 * np.log10(np.mean(held[rate // 2 :] ** 2)) + 20) < 1 and power > LEAST
    first, middle = hold(soft[:333], told[:333], LEAST, rate)
    second, _ = hold(soft[333:], told[333:], middle, rate)
    assert np.allclose(np.concatenate([first, second]), held, rtol=1e-12)
    assert np.abs(hold(np.zeros(rate), told, LEAST, rate)[0]).max() == 0
    louder = np.where(np.arange(rate) < rate // 2, -40.0, -20.0)
    jump = hold(soft, louder, LEAST, rate)[0]
    assert 10 * np.log10(np.mean(jump[rate // 2 :][:80] ** 2) / np.mean(jump[: rate // 2][-800:] ** 2)) > 15  # within 10 ms


def test_a_stroke_comes_at_a_moment_and_a_swelling_does_not() -> None:
    rate = CONFIG.sample_rate
    swelling, stroke = np.array([-40.0, -36.0, -32.0, -32.0, -36.0]), np.array([-50.0, -50.0, -20.0, -26.0, -40.0])
    even = strokes(swelling, 0, 5 * PER_FRAME, PER_FRAME, rate)
    assert np.abs(np.diff(even)).max() < 0.02
    course = strokes(stroke, 0, 5 * PER_FRAME, PER_FRAME, rate)
    rises = np.flatnonzero(course > -30)[0]
    assert course[: 2 * PER_FRAME].max() < -49 and 2 * PER_FRAME < rises < 3 * PER_FRAME and course.max() == pytest.approx(-17, abs=0.5)
    assert course[rises + round(0.005 * rate)] > -20  # it takes less than 5 ms
    late = strokes(np.array([-50.0, -50.0, -30.0, -20.0, -20.0]), 0, 5 * PER_FRAME, PER_FRAME, rate)
    assert np.flatnonzero(late > -30)[0] > rises  # a frame far quieter than the next is struck at its end
    parts = np.concatenate([strokes(stroke, at, 100, PER_FRAME, rate) for at in range(0, 5 * PER_FRAME, 100)])
    assert np.allclose(parts[: 5 * PER_FRAME], course, rtol=0, atol=1e-12)
    assert strokes(stroke, 7 * PER_FRAME, 10, PER_FRAME, rate).tolist() == [-40.0] * 10  # after the end it stays


def test_a_stroke_whose_moment_is_known_comes_at_it() -> None:
    rate, count = CONFIG.sample_rate, 5 * PER_FRAME
    told_db = np.array([-50.0, -50.0, -20.0, -26.0, -40.0])

    def rise(*begins: float) -> int:
        return int(np.flatnonzero(strokes(told_db, 0, count, PER_FRAME, rate, np.array(begins)) > -45)[0])

    unknown = rise()
    for begin in (1.7, 2.0, 2.3, 2.9):  # it may come late in the frame before
        assert 0 <= rise(begin * PER_FRAME) - begin * PER_FRAME < 0.005 * rate
        assert rise(begin * PER_FRAME, 2.95 * PER_FRAME) == rise(begin * PER_FRAME)
    assert rise(0.3 * PER_FRAME, 3.2 * PER_FRAME) == unknown  # those are of other frames
    begins = np.array([2.3 * PER_FRAME])
    whole = strokes(told_db, 0, count, PER_FRAME, rate, begins)
    parts = np.concatenate([strokes(told_db, at, 100, PER_FRAME, rate, begins) for at in range(0, count, 100)])
    assert np.allclose(parts[:count], whole, rtol=0, atol=1e-12)
    even = np.array([-40.0, -36.0, -32.0, -32.0, -36.0])
    assert np.array_equal(strokes(even, 0, count, PER_FRAME, rate, begins), strokes(even, 0, count, PER_FRAME, rate))


def test_rumble_goes_and_what_is_heard_stays() -> None:
    rate = CONFIG.sample_rate
    seconds = np.arange(2 * rate) / rate
    for hz, db in ((8.0, (-60, -20)), (80.0, (-1, 0.1)), (1000.0, (-0.1, 0.1))):
        tone = np.sin(2 * np.pi * hz * seconds)
        got, _ = without_rumble(tone, np.zeros((1, 2)), rate)
        assert db[0] < 10 * np.log10(np.mean(got[rate:] ** 2) / np.mean(tone[rate:] ** 2)) < db[1]
    state, parts = np.zeros((1, 2)), []
    for part in np.split(tone, [1, 500, 3001]):
        part, state = without_rumble(part, state, rate)
        parts.append(part)
    assert np.array_equal(np.concatenate(parts), got)
