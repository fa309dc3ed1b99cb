"""Strokes: when they are decided to begin, what is told of them, and that loudness, tokens and sound follow."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny_foley import clips, lively, spoken

from avdemo.foley.config import FoleyConfig
from avdemo.foley.sampler import Sampler
from avdemo.foley.strokes import APART, NEAR, begins, by_frame, marks

CONFIG = FoleyConfig.debug()
FRAMES = 6  # video frames of a clip
TIMES = FRAMES * CONFIG.tokens_per_frame


def logits_of(chances: dict[int, float], count: int = 40) -> torch.Tensor:
    """Logits (1, count) of these chances of some times; little else is likely, and nothing quite as likely as another."""
    logits = -7 + 0.2 * torch.randn(1, count, generator=torch.Generator().manual_seed(2))
    for time, chance in chances.items():
        logits[0, time] = float(np.log(chance / (1 - chance)))
    return logits


def places(strokes: torch.Tensor) -> list[int]:
    """Where the first row of strokes (N, S) is 1."""
    assert set(strokes.unique().tolist()) <= {0.0, 1.0}
    return strokes[0].nonzero()[:, 0].tolist()


def at(*times: int, count: int = TIMES) -> torch.Tensor:
    """Strokes (1, count) at these times."""
    strokes = torch.zeros(1, count)
    strokes[0, list(times)] = 1
    return strokes


@pytest.fixture(scope="module")
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    return clips(CONFIG, 1, FRAMES)


@pytest.mark.parametrize(
    ("chances", "found"),
    [
        ({}, []),
        ({12: 0.9}, [12]),
        ({0: 0.9, 39: 0.9}, [0, 39]),
        ({12: 0.3}, []),
        ({5: 0.9, 12: 0.3, 30: 0.8}, [5, 30]),
        ({12: 0.2, 13: 0.35, 14: 0.2}, [13]),  # none of them is likely, but that it is one of them
        ({11: 0.1, 12: 0.1, 13: 0.2, 14: 0.7, 15: 0.1}, [14]),
    ],
)
def test_the_likeliest_time_of_what_is_likely_is_taken(chances: dict[int, float], found: list[int]) -> None:
    assert places(begins(logits_of(chances), 0.45)) == found


def test_how_likely_it_has_to_be_can_be_chosen() -> None:
    logits = logits_of({10: 0.9, 25: 0.3})
    assert [places(begins(logits, likely)) for likely in (0.2, 0.5, 0.95)] == [[10, 25], [10], []]


def test_each_sound_s_strokes_are_its_own() -> None:
    logits = 3 * torch.randn(5, 60, generator=torch.Generator().manual_seed(3)) - 4
    together = begins(logits)
    assert together.shape == logits.shape and together.sum() > 5 and not torch.equal(together[0], together[1])
    assert all(torch.equal(together[n : n + 1], begins(logits[n : n + 1])) for n in range(5))


@pytest.mark.parametrize("scale", [1.0, 5.0, 30.0])
def test_no_two_strokes_are_closer_than_they_may_be(scale: float) -> None:
    """The surer the network is, the more times look alike: chances of 0 and 1 are none the less of one time each."""
    logits = scale * torch.randn(200, 60, generator=torch.Generator().manual_seed(4))
    apart = [row.nonzero()[:, 0].diff() for row in begins(logits)]
    assert sum(map(len, apart)) > 200 and min(int(each.min()) for each in apart if len(each)) >= APART


def test_of_equally_likely_times_one_is_taken() -> None:
    for several in (range(15, 17), range(15, 18), range(40)):
        logits = torch.full((1, 40), -9.0)
        logits[0, list(several)] = 1.0
        found = places(begins(logits))
        assert found and set(found) <= set(several) and all(b - a >= APART for a, b in pairwise(found))


@pytest.mark.parametrize("apart", [APART + 1, APART + 2, 2 * NEAR + 1, 12])
def test_strokes_that_are_far_enough_apart_are_found_where_they_are(apart: int) -> None:
    true = torch.zeros(1, 60)
    true[0, 7:55:apart] = 1
    sure = 16 * true - 8 + 0.1 * torch.randn(1, 60, generator=torch.Generator().manual_seed(5))
    assert places(begins(sure)) == places(true)


def test_moments_become_marks_of_their_times() -> None:
    found = marks([[0.0, 0.019, 0.05, 0.399], [], [0.4, 1.7, -0.03]], 20, 0.02)
    assert found.shape == (3, 20) and places(found) == [0, 2, 19] and not found[1:].any()
    frames = by_frame(found, 4)
    assert frames.shape == (3, 5, 4) and torch.equal(frames.flatten(1), found) and frames[0, 4, 3] == 1


def test_told_strokes_take_the_place_of_the_decided_ones(flow_network, pictures) -> None:
    told = at(3, 14)
    with torch.no_grad():
        decided, given = (flow_network.condition(*pictures, strokes=strokes) for strokes in (None, told))
        again = flow_network.condition(*pictures, strokes=decided.strokes)
    assert torch.equal(decided.strokes, begins(decided.chances)) and decided.strokes.shape == (1, TIMES)
    assert torch.equal(given.strokes, told) and torch.equal(given.chances, decided.chances)
    assert torch.allclose(again.rows, decided.rows) and torch.equal(again.loudness, decided.loudness)
    assert not torch.allclose(given.rows, decided.rows, atol=1e-2) and torch.equal(given.start, decided.start)


def test_the_loudness_follows_from_the_strokes(flow_network, pictures) -> None:
    with torch.no_grad():
        nothing, early, late = (flow_network.condition(*pictures, strokes=at(*times)).loudness for times in ((), (12,), (15,)))
    changed = (early - nothing).abs()[0] > 1e-5
    assert changed[3] and not changed[0] and not torch.allclose(early, late, atol=1e-4)  # and their place in it counts


def test_tokens_change_at_and_after_a_told_stroke(flow_network, pictures) -> None:
    loudness, time = torch.full((1, FRAMES), 0.6), 12
    with torch.no_grad():
        conditions = [flow_network.condition(*pictures, loudness=loudness, strokes=at(*times)) for times in ((), (time,))]
    other = np.zeros(TIMES)
    for seed in range(20):
        without, struck = (spoken(flow_network, c, TIMES * CONFIG.token_step, seed=seed)[0][0, :TIMES] for c in conditions)
        other += (without != struck).any(1).numpy()
    first = np.flatnonzero(other)[0]
    assert time - 2 <= first <= time and (other[time:] > 0).all()  # 40 ms before they may begin to fade


@pytest.mark.parametrize("time", [11, 12, 14])  # the third video frame's last, and two in the fourth
def test_a_sound_rises_at_a_told_stroke(flow_network, pictures, time: int) -> None:
    sampler, half = Sampler(flow_network), CONFIG.token_step // 2
    loudness = torch.tensor([[0.1, 0.1, 0.1, 0.7, 0.7, 0.6]])
    with torch.no_grad():
        condition = flow_network.condition(*pictures, loudness=loudness, strokes=at(time))
    wav = sampler.write(sampler.begin(condition, seed=2), TIMES * CONFIG.token_step)
    db = 10 * np.log10(np.square(wav).reshape(-1, half).mean(1))  # of every 10 ms
    assert abs(int(np.flatnonzero(db > -28)[0]) - (2 * time + 1)) <= 1, db.round()


def test_a_network_that_does_not_say_strokes_decides_the_rest_all_the_same(pictures) -> None:
    network = lively(replace(CONFIG, strokes=False, decay=False))
    with torch.no_grad():
        condition = network.condition(*pictures)
    assert condition.chances is condition.strokes is None and condition.rows.shape == (1, TIMES, CONFIG.token_dim)
    assert condition.loudness.shape == (1, FRAMES) and network.strokes_to_nodes is None
