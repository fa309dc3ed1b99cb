"""Acoustic tokens: what they say of a sound, how they are found, and the tier that writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import FRAMES, PLAIN, clips, lively, spoken

from avdemo.foley import token_writer
from avdemo.foley.config import FoleyConfig
from avdemo.foley.sampler import Sampler
from avdemo.foley.token_tier import anew
from avdemo.foley.tokens import LOWEST_HZ, Telling, Tokens, between, centres

CONFIG = FoleyConfig.debug()


def tone(hz: float, amplitude: float, samples: int = 4000) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * torch.arange(samples) / CONFIG.sample_rate).unsqueeze(0)


def test_a_spectrum_says_what_sounds_and_how_loud() -> None:
    tokens = Tokens(CONFIG)
    low, high, soft = (tokens.spectra(wav) for wav in (tone(300, 0.5), tone(2500, 0.5), tone(300, 0.05)))
    assert low.shape == (1, 25, CONFIG.bands)
    assert low[0, 12].argmax() < high[0, 12].argmax()
    assert torch.allclose((low - soft)[0, 12, low[0, 12].argmax()], torch.tensor(2.0), atol=0.05)  # 20 dB
    late = torch.cat([torch.zeros(1, 1600), tone(300, 0.5, 1600)], 1)
    heard = tokens.spectra(late)[0].amax(1)
    assert (heard[:9] == heard[0]).all() and (heard[11:] > heard[0] + 3).all()


@pytest.mark.parametrize("config", [FoleyConfig.compact(), CONFIG], ids=["compact", "debug"])
def test_bands_lie_closer_the_lower_they_are_and_each_hears_its_own(config) -> None:
    middles = centres(config)
    steps = middles.diff()
    assert len(middles) == config.bands and float(middles[0]) == LOWEST_HZ and (steps >= LOWEST_HZ - 1e-6).all()
    assert (steps.diff() >= -1e-6).all()
    following = float(middles[-1].square() / middles[-2])
    assert following == pytest.approx(config.sample_rate / 2, rel=0.01)
    shares = between(torch.linspace(0, config.sample_rate / 2, 999, dtype=torch.float64), middles)
    assert torch.allclose(shares.sum(1), torch.ones(999, dtype=torch.float64))
    assert (shares >= 0).all() and ((shares > 0).sum(1) <= 2).all()
    assert torch.allclose(between(middles, middles), torch.eye(config.bands, dtype=torch.float64))
    at = torch.arange(4000) / config.sample_rate
    wavs = 0.5 * torch.sin(2 * torch.pi * middles.float()[:, None] * at)
    heard = Tokens(config).spectra(wavs)[:, 5]
    assert ((heard.argmax(1) - torch.arange(config.bands)).abs() <= 1).all()


def test_codebooks_are_found_and_each_leaves_less_over() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(0, 2, (8, CONFIG.bands)) - 5
    spectra = (places[rng.integers(8, size=2000)] + rng.normal(0, 0.1, (2000, CONFIG.bands))).astype(np.float32)
    tokens = Tokens(CONFIG)
    errors = tokens.find(spectra, seed=1)
    assert errors == sorted(errors, reverse=True) and errors[-1] < errors[0] < 1.2  # dB; the noise alone has 1
    some = torch.from_numpy(spectra[:50]).unsqueeze(0)
    numbers = tokens.encode(some)
    assert numbers.shape == (1, 50, CONFIG.books) and (tokens.decode(numbers) - some).abs().mean() < 0.1
    assert torch.equal(tokens.books, tokens.books.half().float())
    exact = tokens.decode(3 + 2 * torch.arange(CONFIG.books)[None, None])
    assert (tokens.decode(tokens.encode(exact)) - exact).abs().max() < 0.3
    with pytest.raises(ValueError, match="too few"):
        Tokens(CONFIG).find(spectra[:5])


def test_what_is_told_looks_two_tokens_around() -> None:
    torch.manual_seed(0)
    tells, spectra = Telling(CONFIG), torch.randn(1, 12, CONFIG.bands) - 5
    whole = tells(spectra)
    assert whole.shape == (1, 12, CONFIG.node_row) and torch.allclose(tells.inner(spectra), whole[:, 2:-2], atol=1e-5)
    spectra[:, 6] += 1
    changed = (tells(spectra) - whole).abs().amax((0, 2)) > 1e-6
    assert changed.nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


def test_a_token_s_logits_follow_from_those_before_it_and_from_the_picture(flow_network) -> None:
    tier = flow_network.tier
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG))
        tokens = torch.randint(0, CONFIG.codes, (2, 12, CONFIG.books), generator=torch.Generator().manual_seed(1))
        before = tier(tokens, condition.rows, condition.start)
        assert [logits.shape for logits in before] == [(2, 12, CONFIG.codes)] * CONFIG.books
        for book in range(CONFIG.books):
            other = tokens.clone()
            other[:, 5, book] = (other[:, 5, book] + 1) % CONFIG.codes
            after = tier(other, condition.rows, condition.start)
            begins = [int(((a - b).abs().amax((0, 2)) > 0).nonzero()[0]) for a, b in zip(before, after, strict=True)]
            assert begins == [6] * (book + 1) + [5] * (CONFIG.books - book - 1)  # later books are told what it chose
        crossed = tier(tokens, condition.rows.flip(0), condition.start.flip(0))
    assert all((a - b).abs().max() > 0.01 for a, b in zip(before, crossed, strict=True))


def test_each_time_is_told_what_its_video_frame_and_its_place_there_add(flow_network) -> None:
    tier, count = flow_network.tier, CONFIG.tokens_per_frame
    frames = torch.randn(2, FRAMES, CONFIG.token_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        times = tier.at_times(frames)
        assert flow_network.condition(*clips(CONFIG)).rows.shape == times.shape == (2, FRAMES * count, CONFIG.token_dim)
    of_places = (times - frames.repeat_interleave(count, 1)).unflatten(1, (FRAMES, count))
    assert torch.allclose(of_places, of_places[:1, :1].expand_as(of_places), atol=1e-6)
    assert len(torch.unique(of_places[0, 0].round(decimals=4), dim=0)) == count
    assert torch.equal(tier.rows(times, 5), times[:, :5])
    longer = tier.rows(times, FRAMES * count + 2)
    assert torch.equal(longer[:, :-2], times) and (longer[:, -2:] == times[:, -1:]).all()  # after the end it stays


def test_the_likelihood_of_tokens_is_a_probability(flow_network) -> None:
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG)).pick([0])
        every = torch.cartesian_prod(*[torch.arange(CONFIG.codes)] * CONFIG.books)[:, None]
        many = condition.pick([0] * len(every))
        nats = flow_network.tier.log_likelihood(every, many.rows, many.start)
    assert float(nats.exp().sum()) == pytest.approx(1, abs=1e-4)


def test_the_writer_writes_what_the_tier_writes(flow_network) -> None:
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG))
    writer = token_writer.TokenWriter(flow_network)
    for temperature in (1.0, 0.5, 0.0):
        line = writer.begin(condition, 1, token_writer.token_dice(7, 1), temperature)
        told = writer.rows(line, 0, 8)
        tokens, nodes = spoken(flow_network, condition.pick([1]), 9 * CONFIG.token_step, seed=7, take=1, temperature=temperature)
        assert line.tokens == [tuple(numbers) for numbers in tokens[0].tolist()]
        assert np.allclose(told.row, nodes.rows[0, :9].numpy(), atol=1e-4)
        assert np.allclose(told.predictor, nodes.predictor[0][0, : len(told.predictor)].numpy(), atol=1e-4)
    again = writer.begin(condition, 1, token_writer.token_dice(7, 1), 1.0)
    parts = [writer.rows(again, time, time + 1) for time in (0, 1, 3, 5, 7)]  # asked for a second time, too
    whole = writer.rows(writer.begin(condition, 1, token_writer.token_dice(7, 1), 1.0), 0, 8)
    assert np.array_equal(parts[-1].row, whole.row[7:9]) and len(again.tokens) < 8


def test_guidance_brings_what_the_picture_makes_likelier(flow_network, monkeypatch) -> None:
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG))
        rows, start = condition.rows[:1], condition.start[:, :1]
        blind = rows - 1.0, start
        uniforms = torch.rand(1, 400, CONFIG.books, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        gains = []
        for guidance in (0.0, 1.0, 3.0):
            tokens = flow_network.tier.write((rows, start), blind, uniforms, guidance=guidance)
            seeing, unseeing = (flow_network.tier.log_likelihood(tokens, *way).mean() for way in ((rows, start), blind))
            gains.append(float(seeing - unseeing))
    assert gains == sorted(gains) and gains[2] > gains[0] + 0.1
    sampler = Sampler(flow_network)
    plain = sampler.write(sampler.begin(condition, seed=1), 2000)
    monkeypatch.setattr(token_writer, "GUIDANCE", 6.0)
    assert not np.array_equal(sampler.write(sampler.begin(condition, seed=1), 2000), plain)


def test_where_something_is_told_to_sound_it_is_not_silent(flow_network) -> None:
    assert flow_network.tokens.silent().tolist() == [True] * 3 + [False] * 13
    loudness = torch.tensor([[0.0, 0.0, 0.6]])
    frames, flow = clips(CONFIG, 1)
    with torch.no_grad():
        condition = flow_network.condition(frames, flow, loudness=loudness)
        chosen = {"quiet": set(), "loud": set()}
        for seed in range(12):
            tokens, _ = spoken(flow_network, condition, 12 * CONFIG.token_step, seed=seed)
            chosen["quiet"] |= set(tokens[0, :8, 0].tolist())
            chosen["loud"] |= set(tokens[0, 8:, 0].tolist())
    assert chosen["quiet"] & {0, 1, 2} and not chosen["loud"] & {0, 1, 2} and chosen["loud"]


def test_a_stroke_begins_a_sound_anew(flow_network) -> None:
    frames, flow = clips(CONFIG, 1)
    per_frame, strokes = CONFIG.tokens_per_frame, torch.zeros(1, 3 * CONFIG.tokens_per_frame)
    strokes[0, [1, 6, 9]] = 1  # long before the third video frame, which is loud at first, late in the one before, and in it

    def times(*loudness: float, known: bool) -> list[int]:
        with torch.no_grad():
            condition = flow_network.condition(frames, flow, loudness=torch.tensor([loudness]), strokes=strokes)
        again = anew(condition if known else replace(condition, strokes=None), per_frame)
        assert again.shape == strokes.shape and again.dtype == torch.bool
        return again[0].nonzero().flatten().tolist()

    assert times(0.1, 0.1, 0.9, known=True) == [6, 9] and times(0.1, 0.1, 0.9, known=False) == [8]
    assert times(0.4, 0.5, 0.6, known=True) == [1, 6, 9] and times(0.4, 0.5, 0.6, known=False) == [0]
    assert times(0.0, 0.05, 0.1, known=True) == times(0.0, 0.05, 0.1, known=False) == []  # too soft to be a stroke
    with torch.no_grad():
        struck = flow_network.condition(frames, flow, loudness=torch.tensor([[0.1, 0.1, 0.9]]), strokes=strokes)
        silent = flow_network.condition(frames, flow, loudness=torch.tensor([[0.1, 0.1, 0.9]]), strokes=0 * strokes)
    writer, lines = token_writer.TokenWriter(flow_network), []
    for condition in (struck, silent):
        for last in (3, 5):  # whatever came before, what follows a stroke is the same
            line = writer.begin(condition, 0, token_writer.token_dice(1), 1.0)
            for _ in range(9):
                writer._next(line)
            line.last, line.dice = (last,) * CONFIG.books, token_writer.token_dice(2)
            lines.append([writer._next(line) for _ in range(3)])
    assert lines[0] == lines[1] and lines[2] != lines[3]


def test_configurations_that_do_not_fit_are_refused() -> None:
    for values, words in (
        ({"tokens_per_frame": 3}, "whole part"),
        ({"tokens_per_frame": 8}, "top-tier"),
        ({"middle_sees": 4}, "middle tier"),
        ({"codes": 0}, "tokens"),
        ({"codes": 0, "predicts": 0}, "strokes and voices"),
        ({"codes": 0, "predicts": 0, "strokes": False, "decay": False, "voices": 5}, "strokes and voices"),
        ({"strokes": False}, "dies away"),
        ({"kind_head": False}, "kind head"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(CONFIG, **values)
    assert lively(replace(CONFIG, **PLAIN)).tier is None
