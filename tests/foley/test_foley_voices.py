"""Voices: which one a take gets, what it adds, and that what is written follows it."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import FRAMES, clips, lively

from avdemo.foley.config import FoleyConfig
from avdemo.foley.sampler import Sampler
from avdemo.foley.token_writer import token_dice
from avdemo.foley.voices import Voices, voiced

CONFIG = FoleyConfig.debug()


@pytest.fixture
def voices() -> Voices:
    """The third kind has the voices 1 and 4, the fourth one the voice 2, the others none."""
    torch.manual_seed(3)
    made = Voices(CONFIG)
    made.shares[2, [1, 4]], made.shares[3, 2] = torch.tensor([0.75, 0.25]), 1.0
    return made


@pytest.fixture(scope="module")
def condition(flow_network):
    with torch.no_grad():
        return flow_network.condition(*clips(CONFIG))


def of_kind(kind: int) -> torch.Tensor:
    """Logits that see one kind, and most of all none of them."""
    logits = torch.zeros(len(CONFIG.kinds) + 1)
    logits[kind], logits[-1] = 2.0, 5.0
    return logits


def with_voice(network, *numbers: int):
    """The same network, in which every kind has these voices alone, equally often."""
    network = copy.deepcopy(network)
    network.voices.shares.zero_()
    network.voices.shares[:, list(numbers)] = 1 / max(1, len(numbers))
    return network


def sound(network, condition, **which) -> np.ndarray:
    sampler = Sampler(network)
    return sampler.write(sampler.begin(condition, **which), FRAMES * CONFIG.samples_per_frame)


def test_a_voice_of_the_likeliest_kind_is_drawn_as_often_as_it_is_due(voices) -> None:
    drawn = [voices.draw(of_kind(2), uniform) for uniform in np.linspace(0, 1, 400, endpoint=False)]
    assert drawn == [1] * 300 + [4] * 100
    assert {voices.draw(of_kind(3), uniform) for uniform in (0.0, 0.5, 1 - 2**-53)} == {2}
    assert voices.draw(of_kind(2), 1 - 2**-53) == 4
    assert {voices.draw(of_kind(0), uniform) for uniform in (0.0, 0.5, 1 - 2**-53)} == {-1}


def test_a_voice_is_added_at_every_time_and_none_adds_nothing(voices, condition) -> None:
    told = voiced(condition.pick([0, 1, 0]), voices, [4, -1, 1])
    added = told.rows - condition.rows[[0, 1, 0]]
    assert not added[1].any() and not added.requires_grad
    for n, number in ((0, 4), (2, 1)):
        assert torch.allclose(added[n], voices.rows.weight[number].expand_as(added[n]), atol=1e-6) and added[n].abs().max() > 0.01
    assert torch.equal(told.start[:, :2], condition.start) and torch.equal(told.blind[0][:2], condition.blind[0])
    assert torch.equal(told.loudness[:2], condition.loudness)
    assert torch.equal(voices(torch.tensor([-1, 2])), torch.stack([torch.zeros(1, CONFIG.row), voices.rows.weight[None, 2]]))


def test_what_is_written_follows_the_voice(flow_network, condition) -> None:
    heard = [sound(with_voice(flow_network, *numbers), condition, seed=1) for numbers in ((), (0,), (3,))]
    assert not any(np.array_equal(heard[a], heard[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert np.array_equal(sound(with_voice(flow_network, 3), condition, seed=1), heard[2])
    mute = copy.deepcopy(flow_network)
    mute.voices.rows.weight.data.zero_()
    assert np.array_equal(sound(mute, condition, seed=1), heard[0])


def test_takes_of_one_seed_have_voices_of_their_own(flow_network, condition) -> None:
    both, each = with_voice(flow_network, 0, 3), {number: with_voice(flow_network, number) for number in (0, 3)}
    found = []
    for take in range(6):
        which = {"seed": 1, "take": take}
        written = sound(both, condition, **which)
        mine = [number for number, network in each.items() if np.array_equal(sound(network, condition, **which), written)]
        assert mine == [0 if token_dice(1, take).random() < 0.5 else 3]
        found += mine
    assert set(found) == {0, 3}


def test_a_network_without_voices_writes_without(condition) -> None:
    network = lively(replace(CONFIG, voices=0))
    with torch.no_grad():
        mine = network.condition(*clips(CONFIG))
    assert network.voices is None and sound(network, mine).std() > 1e-4
