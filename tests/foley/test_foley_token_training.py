"""The token tier's recipe: what is told of which pairs, which recordings are voices, that it learns as it is used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_foley import losses, voices_for, with_tokens
from tiny_store import FRAMES

from avdemo.checkpoints import load_file
from avdemo.foley import recipe, token_recipe
from avdemo.foley.config import VARIANTS, FoleyConfig
from avdemo.foley.naming import among_kinds
from avdemo.foley.pair_store import blocks_of
from avdemo.foley.sight_recipe import SightRecipe
from avdemo.foley.sound_recipe import SoundRecipe
from avdemo.foley.token_recipe import TokenRecipe
from avdemo.foley.variations import sped, varied
from avdemo.foley.voices import voiced

CONFIG = FoleyConfig.debug()


def test_a_variation_is_another_sound_of_the_kind(store, sight) -> None:
    wav = np.sin(2 * np.pi * 400 * np.arange(8000) / 8000).astype(np.float32) * 0.3
    peaks = []
    for seed in range(8):
        got = varied(wav, np.random.default_rng(seed), 8000)
        assert got.shape == wav.shape and got.dtype == np.float32 and np.abs(got).max() <= 1
        peaks.append(int(np.abs(np.fft.rfft(got)).argmax()))
        assert 0.03 < np.sqrt(np.mean(got**2)) < 1
    assert min(peaks) > 400 * 0.79 and max(peaks) < 400 * 1.26 and len(set(peaks)) > 4
    sound = SoundRecipe(CONFIG, store, store, with_tokens(sight))
    one, other = (sound._sound("train", 0, count)[0] for count in (1, 2))
    assert not np.array_equal(one, other) and np.array_equal(one, sound._sound("train", 0, 1)[0])


@pytest.mark.parametrize("time_s", [0.0125, 0.31, 0.7, 0.96])
def test_the_moments_of_a_variation_are_where_it_sounds(time_s) -> None:
    rate, count = 8000, 8000
    wav = 0.5 * np.exp(-np.square((np.arange(count) / rate - time_s) / 0.002)).astype(np.float32)  # a click
    for seed in range(12):
        loud = np.abs(varied(wav, np.random.default_rng(seed), rate))
        found = sped([time_s], count / rate, np.random.default_rng(seed))
        assert found == sorted(found) and all(0 <= at < count / rate for at in found)
        heard = np.flatnonzero(loud > 0.3 * loud.max()) / rate
        inner = [at for at in heard if 0.005 < at < 0.99]  # a click at the very end may be heard in part
        assert len(found) in (0, 1, 2) and all(min(abs(at - moment) for moment in found) < 0.005 for at in inner), (seed, found)
        assert all(np.abs(heard - at).min() < 0.005 for at in found if at < 0.99), (seed, found)
    assert sped([time_s], 1.0, np.random.default_rng(1)) == sped([time_s], 1.0, np.random.default_rng(1))


def test_recordings_are_numbered_but_those_of_other_things_and_silence(store, mixed) -> None:
    assert store.recordings(len(CONFIG.kinds)) == {f"one/{name}": n for n, name in enumerate(("0/0", "0/1", "1/0", "1/1", "2/0"))}
    names = {entry["recording"] for entry in mixed.about[1:8]}
    found = mixed.recordings(len(CONFIG.kinds))
    assert set(found) == names and sorted(found.values()) == list(range(len(names))) and len(mixed.about) == 12


def test_a_store_says_when_its_sounds_begin(store) -> None:
    strokes = store.strokes(CONFIG)
    assert strokes.shape == (len(store), FRAMES * CONFIG.tokens_per_frame)
    for row, entry in zip(strokes, store.about, strict=True):
        assert [float(time) * 0.02 for time in row.nonzero()[:, 0]] == pytest.approx(entry["onsets_s"], abs=0.02)
    assert torch.equal(store.part(np.array([3, 1])).strokes(CONFIG), strokes[[3, 1]])


def test_only_the_sight_learns_from_other_things(store, mixed, sight, monkeypatch) -> None:
    other = len(CONFIG.kinds)
    seeing = SightRecipe(CONFIG, mixed, store, 12, blocks_of(CONFIG, None).blocks.state_dict())
    assert other in torch.cat([seeing.batches(step, 0, 1)["kind"] for step in range(4)])
    asked = set()
    made = SoundRecipe(CONFIG, mixed, store, with_tokens(sight), rows={"flow": 2, "frame": 1, "seq": 1})
    monkeypatch.setattr(made, "_sound", lambda split, pair, count, _was=made._sound: asked.add(pair) or _was(split, pair, count))
    for step in range(8 * FRAMES):
        made.batches(step, 0, 1)
    assert asked == set(range(8))
    monkeypatch.setattr(token_recipe, "VARIED", 0.0)
    config = replace(CONFIG, voices=len(mixed.recordings(other)))
    tokens = TokenRecipe(config, mixed, store, voices_for(config, with_tokens(sight)))
    told = torch.cat([tokens.batches(step, 0, 1)["tokens"] for step in range(4)])
    own = torch.from_numpy(tokens.spoken["train"].astype(np.int64))
    learnt = [bool((told == mine).all(2).all(1).any()) for mine in own]
    assert learnt == [True] * 8 + [False] * 4


def test_each_kind_s_voices_are_the_recordings_that_it_was_learnt_from(store, mixed, sight, monkeypatch) -> None:
    monkeypatch.setattr(token_recipe, "VOICED", 1.0)
    monkeypatch.setattr(token_recipe, "UNTOLD", 0.0)
    for pairs, silent in ((store, 0), (mixed, 1)):
        numbers = pairs.recordings(len(CONFIG.kinds))
        config = replace(CONFIG, voices=len(numbers))
        made = TokenRecipe(config, pairs, store, voices_for(config, with_tokens(sight)))
        shares = made.build().family.network("flow").voices.shares
        wanted = np.zeros((len(CONFIG.kinds), len(numbers)))
        for entry in pairs.about:
            if entry["kind"] < len(CONFIG.kinds) and entry["recording"]:
                wanted[entry["kind"], numbers[entry["recording"]]] += 1
        assert torch.allclose(shares, torch.from_numpy(wanted / wanted.sum(1, keepdims=True).clip(1)).float())
        told = torch.cat([made.batches(step, 0, 1)["voices"] for step in range(4)])
        assert set(told.tolist()) == {*range(len(numbers)), *[-1] * silent}
    monkeypatch.setattr(token_recipe, "UNTOLD", 1.0)
    assert set(made.batches(0, 0, 1)["voices"].tolist()) == {-1}
    without = replace(CONFIG, voices=0)
    made = TokenRecipe(without, mixed, store, voices_for(without, with_tokens(sight)))
    assert made.build().family.network("flow").voices is None and set(made.batches(0, 0, 1)["voices"].tolist()) == {-1}


def test_the_tokens_are_learnt_as_they_are_written(store, sight) -> None:
    """What the learner says of whole pairs is what the networks say of them, told the same."""
    made = TokenRecipe(CONFIG, store, store, with_tokens(sight), batch_size=6)
    learner, looked = made.build().eval(), made.looked["train"]
    pairs, voices = np.array([4, 7]), torch.tensor([3, -1, 0, 1, 2, -1])
    tokens = torch.from_numpy(made.spoken["train"][pairs].astype(np.int64))
    loudness, strokes = torch.from_numpy(looked.loudness[pairs]), store.strokes(CONFIG)[pairs]
    seen = {variant: torch.from_numpy(looked.seen[variant][pairs]) for variant in VARIANTS}
    with torch.no_grad():
        conditions = {v: learner.family.network(v).condition_of(seen[v], loudness, strokes) for v in VARIANTS}
        kinds = torch.cat([among_kinds(condition.kinds) for condition in conditions.values()])
        got = learner(
            tokens.repeat(3, 1, 1), torch.cat(list(seen.values())), kinds, loudness.repeat(3, 1),
            torch.zeros(6, dtype=torch.bool), strokes.repeat(3, 1), voices,
        )  # fmt: skip
        for number, (variant, condition) in enumerate(conditions.items()):
            network, mine = learner.family.network(variant), slice(2 * number, 2 * number + 2)
            condition = voiced(condition, network.voices, voices[mine])
            wanted = network.tier(tokens, condition.rows, condition.start)
            assert all(torch.allclose(a[mine], b, atol=1e-4) for a, b in zip(got, wanted, strict=True)), variant


def test_validation_counts_the_best_voice_in(store, sight) -> None:
    seeing = with_tokens(sight)
    with torch.no_grad():
        for parameter in seeing.family.network("flow").says_strokes.layers[-1].parameters():
            parameter.fill_(-5.0 if parameter.ndim == 1 else 0.0)  # no strokes: rounding may move them
        made = TokenRecipe(CONFIG, store, store, seeing, batch_size=6)
        model = made.build().eval()
        voices = model.family.network("flow").voices
        voices.rows.weight.zero_()
        same = made.validate(model)["nats_flow_voiced"]  # all voices are one, counted as two for some of the kinds
        voices.shares[:, :] = torch.eye(len(CONFIG.kinds), CONFIG.voices)  # one voice for each kind
        alone = made.validate(model)
        voices.shares.fill_(1 / CONFIG.voices)
        every = made.validate(model)["nats_flow_voiced"]
    assert alone["nats_flow_voiced"] == pytest.approx(alone["nats_flow_decided"], abs=1e-4)
    times = made.spoken["held"].shape[1]
    assert every - alone["nats_flow_voiced"] == pytest.approx(np.log(CONFIG.voices) / times, abs=1e-4)
    assert alone["nats_flow_voiced"] < same < every


def test_the_tokens_learn_what_follows_and_leave_the_sight_alone(store, sight, tmp_path, monkeypatch) -> None:
    out = tmp_path / "tokens.safetensors"
    recipe.train_tokens(store, store, out, CONFIG, sight, steps=150)
    found = losses(out)
    assert found[-1] < found[0] - 0.15
    before, after = load_file(sight).state, load_file(out).state
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {"shared.tokens.books", "shared.tier.phase", "own.flow.to_nodes.weight", "shared.begin.0.weight"} <= changed
    assert {"shared.voices.rows.weight", "shared.voices.shares", "shared.strokes_to_nodes.weight"} <= changed
    assert not any(".motion." in key or "says_" in key or ".eye." in key or ".rnn.top" in key for key in changed)
    made = TokenRecipe(CONFIG, store, store, recipe.open_sight(out, CONFIG), batch_size=6)
    assert all(torch.equal(a, b) for a, b in zip(made.batches(3, 0, 1).values(), made.batches(3, 0, 1).values(), strict=True))
    for name, part in (
        ("UNTOLD", "kinds"), ("UNSEEN", "unseen"), ("VARIED", "tokens"), ("VARIED", "strokes"), ("DECIDED", "loudness"),
        ("NAMED", "kinds"), ("SWAPPED", "seen"), ("STRUCK", "strokes"), ("VOICED", "voices"),
    ):  # fmt: skip
        few, many = [], []
        for share, batches in ((0.0, few), (1.0, many)):
            with monkeypatch.context() as patch:
                patch.setattr(token_recipe, name, share)
                batches.append(made.batches(1, 0, 1)[part])
        assert not torch.equal(few[0], many[0]), name
    assert token_recipe.find_codebooks(recipe.open_sight(out, CONFIG).family, store) == []  # it has some
