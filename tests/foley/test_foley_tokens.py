"""Acoustic tokens: what they say of a sound, how they are found, and the tier that writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import clips, lively, spoken

from avdemo.foley import token_writer
from avdemo.foley.config import FoleyConfig
from avdemo.foley.sampler import Sampler
from avdemo.foley.token_tier import anew
from avdemo.foley.tokens import Telling, Tokens

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


def test_codebooks_are_found_and_each_leaves_less_over() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(0, 2, (8, CONFIG.bands)) - 5
    spectra = (places[rng.integers(8, size=2000)] + rng.normal(0, 0.1, (2000, CONFIG.bands))).astype(np.float32)
    tokens = Tokens(CONFIG)
    errors = tokens.find(spectra, seed=1)
    assert errors[1] < errors[0] < 1.2  # dB; the noise alone has 1
    some = torch.from_numpy(spectra[:50]).unsqueeze(0)
    numbers = tokens.encode(some)
    assert numbers.shape == (1, 50, 2) and (tokens.decode(numbers) - some).abs().mean() < 0.1
    assert torch.equal(tokens.books, tokens.books.half().float())
    exact = tokens.decode(torch.tensor([[[3, 5]]]))
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
        tokens = torch.randint(0, CONFIG.codes, (2, 12, 2), generator=torch.Generator().manual_seed(1))
        before = tier(tokens, condition.rows, condition.start)
        assert [logits.shape for logits in before] == [(2, 12, CONFIG.codes)] * 2
        other = tokens.clone()
        other[:, 5, 0] = (other[:, 5, 0] + 1) % CONFIG.codes
        after = tier(other, condition.rows, condition.start)
        first, second = ((a - b).abs().amax((0, 2)) > 0 for a, b in zip(before, after, strict=True))
        assert first.nonzero()[0] == 6 and second.nonzero()[0] == 5  # the second book is told what the first one chose
        crossed = tier(tokens, condition.rows.flip(0), condition.start.flip(0))
    assert all((a - b).abs().max() > 0.01 for a, b in zip(before, crossed, strict=True))


def test_the_likelihood_of_tokens_is_a_probability(flow_network) -> None:
    with torch.no_grad():
        condition = flow_network.condition(*clips(CONFIG)).pick([0])
        every = torch.cartesian_prod(torch.arange(CONFIG.codes), torch.arange(CONFIG.codes))[:, None]
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
        uniforms = torch.rand(1, 400, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
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
    with torch.no_grad():
        struck = flow_network.condition(frames, flow, loudness=torch.tensor([[0.1, 0.1, 0.9]]))
        even = flow_network.condition(frames, flow, loudness=torch.tensor([[0.4, 0.5, 0.6]]))
    assert anew(struck.told).tolist() == [[False, False, True]] and anew(even.told).tolist() == [[True, False, False]]
    writer, lines = token_writer.TokenWriter(flow_network), []
    for last in (3, 5):  # whatever came before, what follows is the same
        line = writer.begin(struck, 0, token_writer.token_dice(1), 1.0)
        for _ in range(8):
            writer._next(line)
        line.last, line.dice = (last, last), token_writer.token_dice(2)
        lines.append([writer._next(line) for _ in range(4)])
    assert lines[0] == lines[1]


def test_configurations_that_do_not_fit_are_refused() -> None:
    for values, words in (
        ({"tokens_per_frame": 3}, "whole part"),
        ({"tokens_per_frame": 8}, "top-tier"),
        ({"middle_sees": 4}, "middle tier"),
        ({"codes": 0}, "tokens"),
        ({"kind_head": False}, "kind head"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(CONFIG, **values)
    assert lively(replace(CONFIG, codes=0, predicts=False)).tier is None
