"""From a data folder through kept pairs to an evaluation and its card, all tiny: that every part fits the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_foley_sounds import write_foley_data

from avdemo.corpora.pack_foley import FoleyPlan, pack_foley
from avdemo.foley.config import VARIANTS, FoleyConfig

CONFIG = replace(
    FoleyConfig.compact(), eye="tiny", picture_size=32, dim=16, waist=8, embed=4, visual=12, seq_hidden=8, motion=6, codes=32,
    bands=24, token_dim=16, voices=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("foley")
    pack_foley(write_foley_data(home / "data"), home / "pack", plan=FoleyPlan(made_printers=2, backgrounds=0, emoji=False))
    return home / "pack"


def test_pairs_are_kept_as_they_are_made(packed, tmp_path) -> None:
    from avdemo.corpora.puppets import PairMaker
    from avdemo.foley.pair_store import OTHERS, make_pairs

    told = []
    kept = make_pairs(packed, tmp_path / "train", CONFIG, "train", 3, progress=lambda share, text: told.append(share))
    maker = PairMaker(packed, "train", picture_size=32)
    for number in range(3):
        pair = maker.item(number)
        assert np.abs(kept.sound(number) - pair["wav"]).max() < 1e-3
        assert kept.about[number]["kind"] == pair["kind"] == kept.kind[number]
        assert np.abs(kept.flow[number] - pair["flow"]).max() < 0.05
        assert kept.about[number]["recording"] == pair["recording"] and kept.about[number]["onsets_s"] == pair["onsets_s"]
    assert kept.maps.shape == (3, 50, 96, 4, 4) and 0 < len(kept.others) <= OTHERS
    again = make_pairs(packed, tmp_path / "train", CONFIG, "train", 3)
    assert np.array_equal(again.wav, kept.wav)
    part = kept.part(np.array([2, 0]))
    assert len(part) == 2 and np.array_equal(part.wav[0], kept.wav[2]) and part.about[1] == kept.about[0]


def test_clips_of_other_things_are_kept_for_training_and_never_asked_in_a_test(packed, tmp_path, monkeypatch) -> None:
    from avdemo.corpora.foley_pack import FoleyPack
    from avdemo.foley import pair_store, testset

    monkeypatch.setattr(pair_store, "FRAMES", 8)  # the clips are short
    monkeypatch.setattr(pair_store, "STRANGE", 1.0)
    stores = {split: pair_store.make_pairs(packed, tmp_path / split, CONFIG, split, 2, real=0.0) for split in ("train", "test")}
    assert stores["train"].kind.tolist() == [CONFIG.other] * 2 and (stores["test"].kind < CONFIG.other).all()
    assert stores["train"].recordings(len(CONFIG.kinds)) == {} != stores["test"].recordings(len(CONFIG.kinds))
    assert stores["train"].strokes(CONFIG).shape == (2, 8 * CONFIG.tokens_per_frame)
    monkeypatch.setattr(testset, "SHORTEST", 5)
    real = testset.real_pairs(FoleyPack(packed), CONFIG, "train", 2)
    assert real and all(pair.kind < CONFIG.other and pair.name.startswith("dog/yard.mp4") for pair in real)
    assert real[0].strokes(CONFIG).shape == (1, len(real[0].frames) * CONFIG.tokens_per_frame)


@pytest.fixture(scope="module")
def judge(packed) -> Path:
    """A judge that was taught for two steps."""
    from avdemo.foley.judge import train_judge

    out = packed.parent / "foley-judge.safetensors"
    train_judge(packed, out, steps=2, lessons=2, asked=1)
    return out


def test_a_judge_is_the_same_wherever_it_is_opened(packed, judge, tmp_path) -> None:
    from avdemo.checkpoints import records
    from avdemo.corpora.foley_pack import FoleyPack
    from avdemo.errors import WeightsError
    from avdemo.foley.card import write_judge_card
    from avdemo.foley.ear import ear_scores, heard_kinds
    from avdemo.foley.evaluation import _judging_ear
    from avdemo.foley.judge import open_judge
    from avdemo.foley.report import Evaluation
    from avdemo.foley.testset import Sizes

    pack = FoleyPack(packed)
    wavs = [pack.wav(number) for number in pack.sounds_of("dog", "train")]
    one, other = (open_judge(judge, CONFIG.kinds, CONFIG.sample_rate) for _ in range(2))
    assert np.array_equal(heard_kinds(one, wavs, 16_000), heard_kinds(other, wavs, 16_000))
    with pytest.raises(WeightsError, match="other kinds of sound"):
        open_judge(judge, ("dog", "cat"), CONFIG.sample_rate)
    for named, words in ((None, []), (tmp_path / "none.safetensors", ["none.safetensors"])):
        found = Evaluation({})
        _judging_ear(named, pack, CONFIG, Sizes(lessons=2, taught=1), found)
        assert "taught for this evaluation" in found.notes[-1] and all(word in found.notes[0] for word in words)
    heard = ear_scores(one, pack, 1)
    copied = tmp_path / "foley-judge.safetensors"
    copied.write_bytes(judge.read_bytes())
    write_judge_card(copied, heard, command="python -m avdemo.foley.judge --data PACK --out FILE")
    assert records(tmp_path)["foley-judge"].scores and "chance" in copied.with_suffix(".md").read_text(encoding="utf-8")


def test_evaluation_and_card(packed, judge, tmp_path) -> None:
    import torch

    from avdemo.checkpoints import records, save
    from avdemo.foley.card import write_foley_card
    from avdemo.foley.evaluation import evaluate
    from avdemo.foley.family import Family
    from avdemo.foley.report import CHANCE, RANDOM, TRUE
    from avdemo.foley.testset import Sizes

    torch.manual_seed(0)
    family = Family(CONFIG)
    family.network("flow").tokens.books.uniform_(-2, -1)  # spectra about as loud as levelled sound's
    path = save(tmp_path / "foley-tiny.safetensors", family.state_dict(), CONFIG.as_dict(), {"minutes": 0.1})
    told: list[float] = []
    found = evaluate(
        packed, packed=packed, checkpoint=str(path), sizes=Sizes(1, 1, 4, 0.16, 1, 3, 2), judge=judge,
        progress=lambda share, text: told.append(share),
    )  # fmt: skip
    assert not any("was taught for this evaluation" in note for note in found.notes)
    assert told == sorted(told) and told[-1] == 1.0
    assert {*VARIANTS, RANDOM} == set(found.nats) and all(2 < row["test"] < 12 for row in found.nats.values())
    assert {*VARIANTS, RANDOM, TRUE, CHANCE} <= set(found.made) and found.made[TRUE]["course"] == pytest.approx(1)
    assert set(found.retrieval) >= {*VARIANTS, CHANCE} and "random weights" in found.table()
    write_foley_card(path, found, command="python -m avdemo train foley", metadata={"minutes": 0.1})
    assert "foley-tiny" in records(tmp_path) and "## Limits" in path.with_suffix(".md").read_text()
