"""What the evaluation measures: agreement in time and level, likelihoods, retrieval, the independent ear; and its report and card."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import FRAMES, clips, lively

from avdemo.checkpoints import records, save
from avdemo.foley import agreement, listening
from avdemo.foley.card import main_scores, tables, write_foley_card
from avdemo.foley.config import FoleyConfig
from avdemo.foley.ear import Ear, heard_kinds
from avdemo.foley.family import Family
from avdemo.foley.likelihoods import cross_entropy, likelihoods, retrieval, retrieval_chance, seen_of
from avdemo.foley.report import CHANCE, OTHER, RANDOM, SAME, TOLD, TRUE, Evaluation
from avdemo.foley.testset import Pair

RATE = 16_000
CONFIG = FoleyConfig.debug()


def bursts(times_s, seconds: float = 3.0, level: float = 0.3) -> np.ndarray:
    """Decaying noise at each time over a faint hiss."""
    rng = np.random.default_rng(4)
    wav = rng.normal(0, 2e-4, int(seconds * RATE))
    for time_s in times_s:
        start = round(time_s * RATE)
        count = min(len(wav) - start, 6400)
        wav[start : start + count] += level * rng.normal(0, 1, count) * np.exp(-np.arange(count) / 800)
    return wav.clip(-1, 1).astype(np.float32)


def test_onsets_are_matched_once_each() -> None:
    assert agreement.matched([0.5, 0.52, 2.0], [0.55, 1.0, 2.05]) == 2
    assert agreement.matched([0.5], [0.45, 0.55]) == 1
    assert agreement.matched([], [1.0]) == agreement.matched([1.0], []) == 0


def test_what_comes_at_the_right_moments_scores_and_what_does_not_does_not() -> None:
    times = [0.4, 1.1, 2.2]
    right, wrong = bursts(times), bursts([0.75, 1.6, 2.7])
    assert agreement.onset_score(right, times, RATE) > 0.9 and agreement.onset_score(wrong, times, RATE) < 0.2
    assert agreement.course_score(0.2 * right, right, RATE) > 0.9 > 0.3 > agreement.course_score(wrong, right, RATE)
    assert agreement.course_score(np.zeros_like(right), right, RATE) == 0.0
    steady = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    assert math.isnan(agreement.course_score(right[: 2 * RATE], steady, RATE)) and math.isnan(agreement.onset_score(right, [1.0], RATE))


def test_levels_are_compared_in_db() -> None:
    wav = bursts([0.4])
    assert agreement.level_error(0.1 * wav, wav) == pytest.approx(20, abs=0.5)
    assert math.isnan(agreement.level_error(wav, np.zeros_like(wav)))


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    frames, flow = clips(CONFIG, 4)
    rng = np.random.default_rng(1)
    wavs = rng.normal(0, 0.1, (4, FRAMES * CONFIG.samples_per_frame)).astype(np.float32)
    return [Pair(frames[n].numpy(), flow[n].numpy(), wavs[n], n % 2, [0.1, 0.2], "drawn", str(n)) for n in range(4)]


@pytest.fixture(scope="module")
def network():
    return lively(CONFIG)


def test_cross_entropy_and_likelihoods_are_the_network_s(network, pairs) -> None:
    seen = [seen_of(network, pair) for pair in pairs]
    seconds = 2 * CONFIG.samples_per_frame / CONFIG.sample_rate
    nats = cross_entropy(network, pairs, seen, seconds)
    assert set(nats) == {"true", "decided"} and all(2 < value < 12 for value in nats.values())
    found = likelihoods(network, pairs, seen, seconds)
    assert found.shape == (4, 4) and (found < 0).all() and len(np.unique(found.round(6))) > 8
    row = retrieval(np.eye(4) + found * 0, np.array([0, 1, 0, 1]))
    assert row == dict.fromkeys(row, 100.0)
    assert retrieval_chance(np.array([0, 1, 0, 1]))["category, top 1"] == 50 and retrieval_chance(np.arange(4))["instance, top 1"] == 25


def moved(pairs: list[Pair], *times_s: float) -> list[Pair]:
    """The same pairs with strokes at other moments."""
    return [replace(pair, onsets_s=list(times_s)) for pair in pairs]


def test_a_pair_s_strokes_are_those_of_its_sound(pairs) -> None:
    strokes = pairs[0].strokes(CONFIG)
    assert strokes.shape == (1, FRAMES * CONFIG.tokens_per_frame) and strokes[0].nonzero()[:, 0].tolist() == [5, 10]
    assert pairs[0].strokes(replace(CONFIG, strokes=False, decay=False)) is None


def test_how_likely_the_strokes_are_counts_too(pairs) -> None:
    """Where nothing else follows from them, sounds differ by the likelihood of their strokes alone."""
    network = lively(CONFIG)
    with torch.no_grad():
        network.strokes_to_nodes.weight.zero_()
        network.decay.drops.zero_()
        network.says_loudness[0].weight[:, CONFIG.visual :] = 0
        seen = [seen_of(network, pair) for pair in pairs[:2]]
        chances = torch.cat([network.condition_of(visual).chances for visual in seen]).double()
    count = FRAMES * CONFIG.samples_per_frame
    seconds, moments_s = count / CONFIG.sample_rate, ((0.01,), (0.13, 0.21))
    one, other = (likelihoods(network, moved(pairs[:2], *times_s), seen, seconds) for times_s in moments_s)
    wanted = chances[:, 0] - chances[:, 6] - chances[:, 10]  # log odds
    assert np.allclose((one - other) * count, wanted[:, None].numpy(), atol=0.02) and wanted.abs().min() > 0.1
    without = lively(replace(CONFIG, strokes=False, decay=False))
    seen = [seen_of(without, pair) for pair in pairs[:2]]
    one, other = (likelihoods(without, moved(pairs[:2], time_s), seen, 0.16) for time_s in (0.01, 0.13))
    assert np.array_equal(one, other)


def test_sounds_are_generated_as_long_as_the_videos_and_follow_what_they_are_told(network, pairs) -> None:
    seen = [seen_of(network, pair) for pair in pairs]
    sounds = listening.generate(network, pairs, seen)
    assert [len(sound) for sound in sounds] == [len(pair.wav) for pair in pairs]
    assert all(np.array_equal(a, b) for a, b in zip(sounds, listening.generate(network, pairs, seen), strict=True))
    quiet = [Pair(p.frames, p.flow, 0.001 * p.wav, p.kind, p.onsets_s, p.made_of, p.name) for p in pairs]
    loud, soft = (np.mean([agreement.level_db(s) for s in listening.generate(network, p, seen, told=True)]) for p in (pairs, quiet))
    assert loud > soft + 20
    for told in (False, True):
        one, other = (listening.generate(network, moved(pairs, time_s), seen, told=told)[0] for time_s in (0.01, 0.15))
        assert np.array_equal(one, other) != told
    ear = Ear(2, CONFIG.sample_rate).eval()
    row = listening.scores(sounds, pairs, ear, CONFIG.sample_rate)
    assert set(listening.COLUMNS) == {*row, "kind seen"} and row["pairs"] == 4
    assert listening.kinds_seen(network, pairs, seen) in (0, 25, 50, 75, 100)
    assert set(listening.by_kind(sounds, pairs, ear, ("a", "b", "c"), CONFIG.sample_rate)) == {"a", "b"}


def test_the_controls_take_another_s_sound(pairs) -> None:
    same, other = (listening.shuffled(pairs, same_kind=kind) for kind in (True, False))
    assert all(pairs[a].kind == pairs[n].kind and a != n for n, a in enumerate(same))
    assert all(pairs[a].kind != pairs[n].kind for n, a in enumerate(other))


def test_a_silent_sound_is_of_no_kind() -> None:
    ear = Ear(3, RATE).eval()
    assert heard_kinds(ear, [np.zeros(RATE, np.float32), bursts([0.2])], RATE)[0] == -1
    louder, softer = (ear.picture(torch.from_numpy(gain * bursts([0.2, 1.0]))[None]) for gain in (1.0, 0.1))
    assert torch.allclose(louder, softer, atol=0.05)  # it hears no levels


@pytest.fixture
def scores() -> Evaluation:
    row = {"kind seen": 60.0, "kind heard": 50.0, "onsets": 40.0, "course": 0.5, "level, dB": 3.0, "pairs": 10.0}
    found = Evaluation({"name": "foley-tiny", "sha256": "0" * 64})
    found.nats = {name: {"train": 2.0, "test": 2.1, "test, decided": 2.2} for name in ("flow", "frame", "seq", RANDOM)}
    found.retrieval = {"flow": {"category, top 1": 30.0, "instance, top 1": 10.0}, CHANCE: {"category, top 1": 10.0}}
    found.made = {name: dict(row) for name in ("flow", SAME, OTHER, f"flow, {TOLD}", TRUE, RANDOM)} | {CHANCE: {"kind heard": 10.0}}
    found.real = {"flow": row | {"onsets": float("nan")}}
    found.photos = {"all kinds": {"named": 71.0, "claimed": 66.0, "photos": 447.0}, "none of these": {"named": 88.0, "claimed": 4.0}}
    found.kinds, found.ear = {"dog": row}, {"all": {"train": 90.0, "val": 70.0, "test": 75.0}}
    return found


def test_the_report_has_every_table_beside_the_paper_s(scores) -> None:
    text = scores.table()
    for word in ("2.6839", "60.3", "Cross-entropy", TOLD, "random weights", "Real held-out clips", "dog", "71.0", "447"):
        assert word in text
    assert TOLD == "told the true strokes and loudness"
    values = json.loads(json.dumps(scores.as_dict()))
    assert values["real"]["flow"]["onsets"] is None and values["bits"]["flow"]["test"] == pytest.approx(2.1 / math.log(2))
    assert values["paper"]["instance_retrieval"]["flow"]["top 5"] == 10.08


def test_the_card_says_what_is_weak_and_the_record_has_the_scores(scores, tmp_path) -> None:
    path = tmp_path / "foley-tiny.safetensors"
    save(path, Family(CONFIG).state_dict(), CONFIG.as_dict(), {"minutes": 1.0, "items": 3, "steps": 2})
    write_foley_card(path, scores, command="python -m avdemo train foley", metadata={"minutes": 1.0}, notes=["A note."])
    card = path.with_suffix(".md").read_text()
    bound = "told the true strokes and loudness (upper bound)"
    for word in ("## Limits", "A note.", "printers are mostly synthesised", bound, "control: should fail", "2.6839"):
        assert word in card
    assert records(tmp_path)["foley-tiny"].scores == main_scores(scores) and len(tables(scores)) == 7
    assert main_scores(scores)["course, made videos, flow"] == 0.5
