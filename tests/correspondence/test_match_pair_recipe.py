"""The compact training: which pictures meet which sounds, what disturbs them, and that it learns, stops, goes on and calibrates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_match_pack import write_pack

from avdemo.checkpoints import load_file
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pairs import MADE, REAL, ClipPack, PairMaker
from avdemo.correspondence import calibrate, pictures, recipe
from avdemo.correspondence.config import KINDS, CorrespondenceConfig
from avdemo.correspondence.network import Correspondence
from avdemo.correspondence.pair_recipe import PairRecipe, held_scores, judge_held
from avdemo.training import disturb

CONFIG = CorrespondenceConfig.debug()


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """The tiny pack with a validation split in photos, sounds and clips."""
    folder = write_pack(tmp_path_factory.mktemp("pairs"))
    for name in ("photos", "sounds"):
        entries = json.loads((folder / f"{name}.json").read_text())
        seen: dict[str, int] = {}
        for entry in entries:
            if entry["split"] == "train" and entry["instrument"]:
                seen[entry["instrument"]] = seen.get(entry["instrument"], 0) + 1
                if seen[entry["instrument"]] == 2:
                    entry["split"] = "val"
        (folder / f"{name}.json").write_text(json.dumps(entries))
    clips = json.loads((folder / "clips.json").read_text())
    for clip, split in zip(clips, ("train", "train", "val", "val", "test", "train"), strict=True):
        clip["split"] = split
    (folder / "clips.json").write_text(json.dumps(clips))
    return folder


@pytest.fixture(scope="module")
def drawn(packed) -> tuple[Path, Path]:
    return tuple(pictures.draw_pictures(packed, split, 24, size=64, workers=1) for split in ("train", "val"))


def _maker(packed: Path, path: Path, split: str = "train", **changes) -> PairMaker:
    table, _ = pictures.picture_table(path)
    common = {"split": split, "sample_rate": CONFIG.sample_rate, "samples": CONFIG.samples}
    return PairMaker(SoundPack(packed, KINDS), ClipPack(packed), table, **{**common, **changes})


def _recipe(packed: Path, drawn: tuple[Path, Path], **changes) -> PairRecipe:
    small = tuple(pictures.smaller(path, CONFIG.frame_size) for path in drawn)
    pairs = [(path, little) for path, little in zip(drawn, small, strict=True)]
    return PairRecipe(CONFIG, packed, pairs[0], pairs[1], 16, **changes)


def test_pictures_are_scenes_then_frames_of_the_split_s_clips(packed, drawn) -> None:
    table, whole = pictures.picture_table(drawn[0])
    frames = np.load(drawn[0])
    clips = ClipPack(packed)
    assert frames.shape[1:] == (64, 64, 3) and len(frames) == len(table.kinds) == len(whole)
    assert table.clip[:24] == [-1] * 24 and all(table.kinds[i] for i in range(24))
    assert {clips.entries[c]["split"] for c in table.clip[24:]} == {"train"}
    assert pictures.draw_pictures(packed, "train", 24, size=64, workers=1) == drawn[0]  # drawn once


def test_smaller_pictures_average_the_larger(drawn) -> None:
    large, small = np.load(drawn[0]).astype(float), np.load(pictures.smaller(drawn[0], 32)).astype(float)
    assert small.shape[1:] == (32, 32, 3)
    np.testing.assert_allclose(small[3, 5, 7], large[3, 10:12, 14:16].mean((0, 1)), atol=0.51)


def test_items_are_a_function_of_seed_and_index(packed, drawn) -> None:
    one, two = _maker(packed, drawn[0]), _maker(packed, drawn[0])
    for index in (0, 5, 9):
        first, second = one.item(index), two.item(index)
        assert (first.picture, first.video, first.domain) == (second.picture, second.video, second.domain)
        np.testing.assert_array_equal(first.wav, second.wav)
    other = _maker(packed, drawn[0], seed=1)
    assert any(one.item(i).picture != other.item(i).picture for i in range(8))


def test_made_pairs_sound_what_they_show_and_real_ones_overlap(packed, drawn) -> None:
    maker = _maker(packed, drawn[0], real_share=0.5)
    clips = ClipPack(packed)
    domains = set()
    for index in range(30):
        item = maker.item(index)
        domains.add(item.domain)
        assert item.wav.shape == (CONFIG.samples,) and item.wav.dtype == np.float32
        if item.domain == MADE and item.has_pair:
            assert set(item.heard) <= set(maker.table.kinds[item.picture]) and item.heard
        if item.domain == REAL:
            clip, time_s = maker.table.clip[item.picture], maker.table.time_s[item.picture]
            starts = range(max(0, int((time_s - 1) * 8000) - 8), int(time_s * 8000) + 8)
            whole = clips.wav(clip, 0, clips.entries[clip]["sound_length"])
            scale = np.abs(item.wav).max() / np.abs(whole).max()
            found = [s for s in starts if np.allclose(whole[s : s + 50] * scale, item.wav[:50], atol=0.02)]
            assert clip == -1 - item.video and (found or time_s < 0.1 or time_s > 6.9)
    assert domains == {MADE, REAL}


def test_disturbances_change_what_they_should_and_keep_the_shape() -> None:
    torch.manual_seed(0)
    spec = torch.randn(64, 1, 32, 98)
    coloured, masked = disturb.colour(spec, 20.0), disturb.mask(spec)
    change = coloured - spec
    assert torch.allclose(change.std(3), torch.zeros(()), atol=1e-5)  # the same at all moments
    assert 0.15 < change.std() < 0.5
    hidden = masked != spec
    assert masked.shape == spec.shape and 0.05 < hidden.float().mean() < 0.35
    assert (hidden.flatten(1).sum(1) == 0).any()  # some are left whole


def test_it_learns_and_goes_on_from_where_it_was(packed, drawn, tmp_path, monkeypatch) -> None:
    from avdemo.training.loop import fit
    from avdemo.training.options import TrainOptions

    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")
    made = _recipe(packed, drawn, rate=1e-2)
    common = {"batch_size": 16, "warmup_steps": 2, "ema_decay": 0.9, "validate_every": 50, "save_every": 50, "log_every": 10}
    out = tmp_path / "pairs.safetensors"
    fit(made, TrainOptions(steps=150, **common), out)
    log = [json.loads(line) for line in out.with_suffix(".log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in log if entry["kind"] == "train"]
    assert losses[-1] < 0.8 * losses[0]
    assert max(e["made"] for e in log if e["kind"] == "validation") > 0.6
    again = _recipe(packed, drawn, start=load_file(out).state, disturbed=True)
    assert torch.equal(again.build().network.fc1.weight, load_file(out).state["fc1.weight"])
    before, table = judge_held(network_of(out), made.held)
    facts = calibrate.calibrate(out, made.held)
    after, _ = judge_held(network_of(out), made.held)
    assert facts["after"] <= facts["before"] + 1e-9 and load_file(out).metadata["calibration"] == facts
    torch.testing.assert_close(after, before * facts["scale"], atol=0.02, rtol=0.02)
    assert held_scores(after, table, made.held["domain"])["made"] == pytest.approx(
        held_scores(before, table, made.held["domain"])["made"], abs=0.01
    )


def network_of(path: Path) -> Correspondence:
    loaded = load_file(path)
    network = Correspondence(CorrespondenceConfig.from_dict(loaded.config)).eval()
    network.load_state_dict(loaded.state)
    return network


def test_parts_hide_places_of_whole_pictures_only(packed, drawn) -> None:
    made = _recipe(packed, drawn)
    for step in range(6):
        batch = made.batches(step, 0, 1)
        items = [made.maker.item(i) for i in range(step * 16, step * 16 + 16)]
        for item, part in zip(items, batch["parts"], strict=True):
            assert set(part.unique().tolist()) <= {0.0, 1.0} and part.sum() > 0
            if not made.whole[item.picture]:
                assert part.all()


def test_the_scale_that_calibrates_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    true = 2 * torch.randn(4000, generator=generator)
    wanted = (torch.rand(4000, generator=generator) < true.sigmoid()).float()
    assert calibrate.fit_scale(true / 0.4, wanted, torch.ones(4000)) == pytest.approx(0.4, rel=0.08)


def test_unknown_configurations_and_missing_folders_are_refused(tmp_path) -> None:
    from avdemo.errors import InputError

    with pytest.raises(InputError, match="huge"):
        recipe.train(tmp_path, tmp_path / "a.safetensors", config="huge")
    with pytest.raises(InputError, match="nowhere"):
        recipe.train(tmp_path / "nowhere", tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="ImageNet"):
        recipe.train_pairs(tmp_path, tmp_path / "a.safetensors", CorrespondenceConfig.compact(), init=tmp_path / "no.safetensors")
