"""The whole evaluation on a tiny pack, with a network that was taught it."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from avdemo.correspondence import evaluation, judge
from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.errors import WeightsError

_spec = importlib.util.spec_from_file_location("tiny_match_pairs", Path(__file__).with_name("tiny_match_pack.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return tiny.write_pack(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tiny.write_esc(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def taught(pack, tmp_path_factory) -> Path:
    """A checkpoint that knows the three kinds."""
    from avdemo.checkpoints import save

    network = tiny.toy_network(pack)
    return save(tmp_path_factory.mktemp("run") / "correspondence-toy.safetensors", network.state_dict(), network.config.as_dict())


@pytest.fixture(scope="module")
def found(data, pack, taught, tmp_path_factory):
    from avdemo.correspondence.towers import load_model
    from avdemo.settings import get_settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVDEMO_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("AVDEMO_DEVICE", "cpu")
        get_settings.cache_clear()
        load_model.cache_clear()
        yield evaluation.evaluate(data, checkpoint=str(taught), packed=pack, quick=False, beside={"the same again": taught})
    get_settings.cache_clear()
    load_model.cache_clear()


# ---- the whole -----------------------------------------------------------------------------------------------------------


def test_random_weights_are_the_same_each_time_and_their_signal_does_not_fade() -> None:
    config = CorrespondenceConfig.debug()
    rng = np.random.default_rng(0)
    frames, wavs = rng.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8), (0.1 * rng.standard_normal((6, 8000))).astype(np.float32)
    before = torch.get_rng_state()
    one, two = (judge.Judge(judge.untrained(config, frames, wavs)) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(one.pictures(frames), two.pictures(frames))
    assert one.pictures(frames).mean() > 0.1 and not one.network.audio.bn1_1.training


def test_it_finds_what_the_network_was_taught(found) -> None:
    ours, blank = found.real["ours"], found.real["random weights"]
    assert ours["accuracy"] > 75 and ours["low"] <= ours["accuracy"] <= ours["high"]  # clips of one kind are alike here
    assert ours["accuracy"] > blank["accuracy"] + 10
    assert all(rows["ours"]["accuracy"] > 85 for rows in found.made.values())
    assert found.pointing["ours"]["pointing"] > found.pointing["a place at random"]["pointing"] + 10
    assert found.pointing["ours"]["wrong sound"] < found.pointing["ours"]["pointing"]
    for title, rows in found.retrieval.items():
        assert rows["ours"]["R@1"] > rows["chance"]["R@1"], title
    assert found.real["the same again"] == ours


def test_controls_fall(found) -> None:
    for controls in found.controls.values():
        assert controls["right pair"] > 0.5 + controls["wrong pair"] / 2
        assert {"silent sound", "white noise", "grey picture"} <= controls.keys()
    assert {"sound 0 s later", "sound 4 s later"} <= found.controls["real clips"].keys()


def test_esc_rows_stand_beside_their_floors(found) -> None:
    assert list(found.esc) == ["ESC-10", "ESC-50, fold 4 only"]
    for rows in found.esc.values():
        assert {"ours", "random weights", "MFCC, nothing learnt before", "the same again"} == rows.keys()
        assert all(row["accuracy"] > 60 for row in rows.values())  # steady tones are easy


def test_the_dictionary_is_json_and_the_table_names_the_paper(found) -> None:
    values = json.loads(json.dumps(found.as_dict()))
    assert values["paper_avc"]["L3-Net"] == {"Flickr-SoundNet": 78, "Kinetics-Sounds": 74}
    assert values["accuracy_by_kind"]["real phrases, web30 photos"].keys() == {"banjo", "flute"}
    assert values["real_clips"]["clips"] == 5
    table = found.table()
    for words in ("random weights", "chance", "another benchmark", "SVM-MFCC", "R@10", "silent windows"):
        assert words in table
    assert max(map(len, table.splitlines())) < 160


def test_a_pack_alone_leaves_esc_out_and_says_so(pack, taught) -> None:
    found = evaluation.evaluate(pack, checkpoint=str(taught), quick=True, beside={})
    assert not found.esc and any("esc/index.csv" in note for note in found.notes)
    assert found.table()


def test_a_checkpoint_that_is_not_there_is_refused(pack, tmp_path) -> None:
    with pytest.raises(WeightsError):
        evaluation.evaluate(pack, checkpoint=str(tmp_path / "nothing.safetensors"))


# ---- the card ------------------------------------------------------------------------------------------------------------


def test_the_card_has_floors_controls_and_the_papers_rows(found, taught, tmp_path) -> None:
    from avdemo.checkpoints import record
    from avdemo.correspondence.card import write_match_card

    out = Path(shutil.copy(taught, tmp_path / "correspondence-toy.safetensors"))
    metadata = {"device": "CPU (2 threads)", "minutes": 12.5, "steps": 150, "seed": 0}
    write_match_card(out, found, command="python -m avdemo train correspondence ...", metadata=metadata, notes=("A toy.",))
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    for words in (
        "Research use only", "CPU (2 threads)", "12 minutes", "random weights (floor", "L3-Net, Kinetics-Sounds (as the paper reports",
        "SVM-MFCC, all of ESC-50", "white noise (control", "not the published five-fold number", "the same again", "A toy.",
        "No ESC sound", "Both towers start from random weights",
    ):  # fmt: skip
        assert words in text, words
    entry = record("correspondence-toy", tmp_path)
    assert entry.config == "debug" and entry.preprocessing["sample_rate"] == 8000
    assert entry.scores["accuracy (%), real clips"] == round(found.real["ours"]["accuracy"], 1)
    assert "ESC-10 (%), random weights" in entry.scores
