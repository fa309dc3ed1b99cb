"""The evaluation on held-out speakers: what is asked, what the scores say of clips that are known, and the table and the cards it ends in."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_lips_pack import write_lips_pack

from avdemo.checkpoints import load_file, records, save
from avdemo.corpora.lip_pack import LipPack
from avdemo.errors import InputError, WeightsError
from avdemo.lips import ablation, card, judging, recipe, report
from avdemo.lips.config import LipsConfig
from avdemo.lips.evaluation import evaluate, open_judge, random_network
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import find_points
from avdemo.lips.testset import Sizes, open_pack, read_test
from avdemo.metrics.lmd import opening
from avdemo.training.parts import note

CONFIG = LipsConfig.debug()
FEW = Sizes(clips=2, every=8)


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> LipPack:
    """A pack with two speakers held out."""
    folder = tmp_path_factory.mktemp("held")
    write_lips_pack(folder, clips=20, speakers=5, seed=3)
    entries = json.loads((folder / "clips.json").read_text())
    (folder / "clips.json").write_text(json.dumps([e | ({"split": "test"} if e["speaker"] == "s3" else {}) for e in entries]))
    return LipPack(folder)


@pytest.fixture(scope="module")
def asked(held):
    return read_test(held, CONFIG, FEW)


@pytest.fixture(scope="module")
def judge(held):
    from avdemo.lips.points_recipe import PointRecipe

    torch.manual_seed(0)
    made = PointRecipe(CONFIG, held, "judge", 16)
    model = made.build().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(40):
        loss, _ = made.loss(model, made.batches(step, 0, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def test_held_out_speakers_are_asked_with_somebody_elses_speech(held, asked) -> None:
    assert [one.clip.speaker for one in asked] == ["s3", "s3", "s4", "s4"]
    again = read_test(held, CONFIG, FEW)
    for one, other in zip(asked, again, strict=True):
        assert np.array_equal(one.photo, other.photo) and np.array_equal(one.foreign, other.foreign)
        assert any(np.array_equal(one.photo, frame) for frame in one.frames)
        assert one.speech.shape == one.foreign.shape == (640 * len(one.frames),) and not np.array_equal(one.speech, one.foreign)
    assert len(read_test(held, CONFIG, Sizes())) > len(asked)


def test_what_cannot_be_asked_is_said(held, pack, tmp_path) -> None:
    with pytest.raises(InputError, match="px wide"):
        read_test(held, LipsConfig.compact(), FEW)
    with pytest.raises(InputError, match="at least two speakers"):
        read_test(pack, CONFIG, FEW)
    with pytest.raises(InputError, match="packed completely"):
        open_pack(tmp_path, tmp_path, packed=tmp_path)
    assert open_pack(held.folder, tmp_path).folder == held.folder


def test_the_truth_scores_best_and_a_still_photo_never_moves(asked, judge) -> None:
    known = [find_points(judge, one.frames) for one in asked]
    speakers, looks = [one.clip.speaker for one in asked], [judging.look(one.frames) for one in asked]
    makers = {"true": lambda one: one.frames, "still": lambda one: np.repeat(one.photo[None], len(one.frames), 0)}
    rows = {
        name: judging.row(
            [judging.see(judge, maker(one), one, k, 6) for one, k in zip(asked, known, strict=True)], known, speakers, looks
        )
        for name, maker in makers.items()
    }
    true, still = rows["true"], rows["still"]
    assert true["lmd"] == 0 and true["opening"] == pytest.approx(1) and true["ssim"] == pytest.approx(1) and true["psnr"] == 60
    assert true["spread"] == pytest.approx(1) and true["identity"] == 100
    assert still["opening"] == 0 and still["spread"] == pytest.approx(0, abs=1e-5) and still["lmd"] > 0 and still["psnr"] < 60


def test_a_lag_of_a_speaker_is_found(asked) -> None:
    curves = [opening(one.points) for one in asked]
    late = [np.roll(c, -1) if one.clip.speaker == "s4" else c for c, one in zip(curves, asked, strict=True)]
    assert judging.speaker_lags(curves, late, [one.clip.speaker for one in asked]) == [0, 0, 1, 1]


def test_identity_counts_the_nearest_other_clip() -> None:
    looks = [np.array([0.0, 0]), np.array([0.1, 0]), np.array([5.0, 0]), np.array([5.1, 0])]
    assert judging.identity(looks, looks, ["a", "a", "b", "b"]) == 100
    assert judging.identity([looks[2], *looks[1:]], looks, ["a", "a", "b", "b"]) == 75


def test_the_painter_can_be_told_the_points(asked) -> None:
    network = random_network(CONFIG)
    made = judging.told(network, asked[0])
    assert made.shape == asked[0].frames.shape and made.dtype == np.uint8 and made.std() > 0
    state = torch.get_rng_state()
    random_network(CONFIG)
    assert torch.equal(state, torch.get_rng_state())


@pytest.fixture(scope="module")
def shipped(held, judge, tmp_path_factory):
    """A checkpoint and a judge, both hardly trained, and the evaluation of them."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    table = {
        "rows": {"pix only": {"lmd": 1.0, "opening": 0.2}},
        "minutes": 5.0,
        "clips": 4,
        "frames": 96,
        "steps": {"pix only": 7},
    }
    about = {"ablation": table, "minutes": 2.0, "parts": {"painter": {"minutes": 2.0, "steps": 7}}}
    out = save(folder / "lips-debug.safetensors", Lips(CONFIG).state_dict(), CONFIG.as_dict(), about)
    eyes = save(folder / "lips-judge.safetensors", judge.state_dict(), CONFIG.as_dict(), {"scores": {"lmd": 0.3, "opening": 0.9}})
    return out, eyes, evaluate(held.folder, checkpoint=str(out), judge=eyes, sizes=FEW)


def test_an_evaluation_has_every_row_and_says_it_all(shipped) -> None:
    _, _, found = shipped
    assert list(found.rows) == [report.OURS, report.SWAPPED, report.STILL, report.RANDOM, report.TOLD, report.TRUE]
    assert set(report.LIKENESS + report.SYNCHRONY) <= set(found.rows[report.OURS])
    assert set(found.speakers) == {"s3", "s4"} and set(report.SPEAKER) <= set(found.speakers["s3"])
    values = json.loads(json.dumps(found.as_dict()))
    assert (
        values["paper"]["the paper's full model, GRID"]["lmd"] == 1.18
        and values["ablation"]["rows"]["pix only"]["opening"] == 0.2
    )
    text = found.table()
    assert all(word in text for word in (report.SWAPPED, "PSNR".lower(), "silence", "Ablation", "gen + pix + perc", "synchrony"))


def test_the_cards_say_what_was_measured_and_register_it(shipped) -> None:
    out, eyes, found = shipped
    card.write_lips_card(out, found, command="train it", metadata=load_file(out).metadata, notes=["Weak: teeth."])
    card.write_judge_card(eyes, found, command="train it")
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    for word in (
        "## Scores",
        report.SWAPPED,
        "PSNR as of 2018",
        "Weak: teeth.",
        "painter 2 min (7 steps)",
        "Research use",
        "1.18",
    ):
        assert word in text, word
    assert "held-out speakers" in eyes.with_suffix(".md").read_text(encoding="utf-8")
    entries = records(out.parent)
    assert {entry.capability for entry in entries.values()} == {"lips"} and len(entries) == 2
    assert f"LMD (px), {report.STILL}" in entries["lips-debug"].scores


def test_a_missing_judge_is_said(held, shipped) -> None:
    with pytest.raises(WeightsError, match=r"nobody\.safetensors"):
        open_judge("nobody.safetensors")


def test_an_ablation_teaches_and_judges_each_row(held, view, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(recipe, "BATCHES", dict.fromkeys(recipe.BATCHES, 2))
    for part in ("points", "judge"):
        recipe.train_points(held, tmp_path / f"{part}.safetensors", CONFIG, part, steps=1)
    points = {"points": tmp_path / "points.safetensors"}
    recipe.train_generator(held, tmp_path / "painter.safetensors", CONFIG, "painter", points, view=view, steps=1)
    rows = ("pix only", "full")
    found = ablation.compare(
        held.folder, tmp_path, rows=rows, minutes=None, steps=1, view=view, config=CONFIG, sizes=replace(FEW, clips=1)
    )
    assert list(found["rows"]) == [ablation.PAINTER, *rows] and found["steps"] == {ablation.PAINTER: 0, "pix only": 1, "full": 1}
    assert found["clips"] == 2 and np.isfinite(found["rows"]["full"]["lmd"])
    about = load_file(tmp_path / "ablation" / "full.safetensors").config["switches"]
    assert about["correlation"] == "derivative" and not about["sync"]
    note(tmp_path / "painter.safetensors", "ablation", found)
    assert load_file(tmp_path / "painter.safetensors").metadata["ablation"]["rows"].keys() == found["rows"].keys()
