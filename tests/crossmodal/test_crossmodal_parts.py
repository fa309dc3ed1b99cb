"""The parts of the evaluation against counts by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_imagine_pack import write_imagine_pack

from avdemo.crossmodal import controls, diversity, judging, representations, testset, transforms
from avdemo.crossmodal.album import Album
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.rejection import rejection
from avdemo.crossmodal.sounding import opinions

CONFIG = dataclasses.replace(CrossmodalConfig.debug(), kinds=("piano", "harp", "violin"))


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return write_imagine_pack(tmp_path_factory.mktemp("imagine"))


def shares(*answers: int, sure: float = 0.9) -> np.ndarray:
    """Probabilities (N, 4) whose largest is the given class."""
    table = np.full((len(answers), 4), (1 - sure) / 3)
    table[np.arange(len(answers)), answers] = sure
    return table


def painted(judge: np.ndarray, eye: np.ndarray, kinds: list[int], heard: list[bool]) -> judging.Painted:
    frames = np.zeros((len(kinds), 4, 4, 3), np.uint8)
    return judging.Painted(frames, np.array(kinds), np.array(heard), np.array(["notes"] * len(kinds)), judge, eye)


# ---- judging -------------------------------------------------------------------------------------------------------------


def test_a_row_of_the_table() -> None:
    test = painted(shares(0, 3, 2, 1), shares(0, 1, 2, 2), [0, 1, 2, 2], [True, False, True, False])
    row = judging.painter_scores(painted(shares(0), shares(3), [0], [True]), test, CONFIG)
    assert (row["judge, train"], row["eye, train"]) == (100, 0)
    assert (row["judge"], row["eye"]) == (50, 100)
    assert (row["judge, heard"], row["pictures"]) == (100, 4)
    # harp is not of INIS; the second violin was answered with harp, which then may not be answered
    assert row["INIS"] == pytest.approx(100 * 3 / 3) or row["INIS"] == pytest.approx(100 * 2 / 3)


def test_among_a_few_only_those_are_answered_and_asked() -> None:
    answers = np.array([[0.1, 0.8, 0.05, 0.05], [0.3, 0.6, 0.05, 0.05], [0.2, 0.1, 0.6, 0.1]])
    assert judging.among(answers, np.array([0, 1, 2]), [0, 2]) == 100
    assert np.isnan(judging.among(answers[1:2], np.array([1]), [0, 2]))


def test_another_kinds_input_is_counted_over_all_other_kinds() -> None:
    test = painted(shares(0, 1, 2), shares(1, 2, 0), [0, 1, 2], [True] * 3)
    row = judging.swapped(test, CONFIG)
    assert row == {"judge": 0, "eye": 50}  # the eye answers with the next kind, one of the two others


def test_both_ears_have_their_columns() -> None:
    row = opinions({"ear": shares(0, 1), "second ear": shares(0, 0)}, np.array([0, 1]), CONFIG)
    assert (row["ear"], row["second ear"], row["INIS"]) == (100, 50, 100)


# ---- diversity -----------------------------------------------------------------------------------------------------------


def flat(*levels: int) -> np.ndarray:
    return np.stack([np.full((64, 64, 3), level, np.uint8) for level in levels])


def test_distances_and_twins() -> None:
    frames, features = flat(0, 255, 255), np.array([[1.0, 0], [0, 1], [0, 2]])
    found = diversity.spread(frames, features, np.zeros(3, int), most=10)
    assert found["pixels"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["features"] == pytest.approx(2 / 3)
    assert found["twins"] == pytest.approx(200 / 3)
    assert np.isnan(diversity.spread(frames[:1], features[:1], np.zeros(1, int), most=10)["pixels"])


def test_the_nearest_photo_is_of_the_kind_and_may_be_mirrored() -> None:
    half = np.zeros((1, 64, 64, 3), np.uint8)
    half[:, :, :32] = 255
    photos = (np.concatenate([half[:, :, ::-1], flat(200)]), np.array([[1.0, 0], [1, 1]]), np.array([0, 1]))
    pixels, seen = diversity.nearest(half, np.array([[2.0, 0]]), np.array([0]), photos)
    assert pixels[0] == pytest.approx(0, abs=1e-3) and seen[0] == pytest.approx(0)
    pixels, _ = diversity.nearest(half, np.array([[2.0, 0]]), np.array([2]), photos)
    assert np.isnan(pixels[0])


def test_copies_are_near_to_what_was_copied() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (5, 4, 4, 4), dtype=np.uint8)
    pixels = coarse.repeat(16, 1).repeat(16, 2)
    pixels[..., 3] = 255
    album = Album(pixels, np.zeros(5, np.int64), ("",) * 5, np.arange(5))
    frames, kinds = diversity.copies(album, most=3)
    features = np.ones((5, 2))
    near, _ = diversity.nearest(frames, features[:3], kinds, (album.on_white(), features, album.kind))
    small = diversity.thumbnails(album.on_white())
    between = diversity.pixel_distances(small, small)[~np.eye(5, dtype=bool)]
    assert len(frames) == 3 and near.max() < 0.7 * between.min()


# ---- controls and rejection ----------------------------------------------------------------------------------------------


def test_pairs_and_agreement_stay_within_their_group() -> None:
    groups = np.array([0, 0, 1, 1])
    assert controls._pairs(flat(0, 0, 255, 255), groups) == pytest.approx(0, abs=1e-3)
    assert controls._pairs(flat(0, 255, 0, 255), groups) == pytest.approx(1, abs=1e-3)
    assert controls._agreement(shares(0, 0, 1, 2), groups) == 75


def test_refusals_are_counted_by_the_apps_rule() -> None:
    known = np.concatenate([shares(0, 1), shares(2, sure=0.38)])
    strange = {"noise": shares(3, 3), "silence": shares(0)}
    rows = rejection(
        known, np.array([0, 2, 2]), strange, CONFIG, "hear", lambda group: np.full(1 + (group == "noise"), group == "silence")
    )
    assert rows["instruments that it knows"] == pytest.approx({"refused": 100 / 3, "right": 50, "items": 3})
    assert rows["noise"]["refused"] == rows["silence"]["refused"] == 100  # silence is refused before the ear is asked
    assert rows["silence"]["AUC"] == rows["all of these"]["AUC"] == 100
    assert rows["all of these"]["items"] == 3


# ---- the test set --------------------------------------------------------------------------------------------------------


def test_the_test_is_held_out_and_always_the_same(pack) -> None:
    sizes = testset.Sizes(3, 4, 2, 1, 0, 2, 3, 2)
    one, two = (testset.read_test(pack, CONFIG, sizes) for _ in range(2))
    assert np.bincount(one.sounds.kinds).tolist() == [4] * 3 and np.bincount(one.train_sounds.kinds).tolist() == [3] * 3
    np.testing.assert_array_equal(one.sounds.wavs, two.sounds.wavs)
    assert set(one.strange_sounds) == {"other instruments", "everyday recordings", "noise, hum, clicks", "silence"}
    assert all(wavs.shape[1] == CONFIG.window.samples for wavs in one.strange_sounds.values())
    assert len(one.photos["web10"].pictures) == 3 and len(one.squares["train"]) == 9
    assert one.photos["web10"].pictures[0].shape[2] == 3
    assert testset.recorded_speech(pack, CONFIG, 2) is None


def test_recorded_speech_is_taken_from_held_out_clips(make_media, tmp_path) -> None:
    folder = tmp_path / "lips"
    folder.mkdir()
    wav = np.sin(np.linspace(0, 900, 16_000))[None].astype(np.float32)
    for name in ("one", "two"):
        make_media.make_sound(folder / f"{name}.wav", wav)
    (folder / "index.csv").write_text("file,split\none.wav,heldout\ntwo.wav,train\n")
    found = testset.recorded_speech(tmp_path, CONFIG, 5)
    assert found.shape == (1, CONFIG.window.samples) and found.std() > 0.1


# ---- representations -----------------------------------------------------------------------------------------------------


def test_five_pictures_of_a_tone() -> None:
    window = CONFIG.window
    time_s = torch.arange(window.samples) / window.sample_rate
    wav = torch.stack([0.2 * torch.sin(2 * torch.pi * hz * time_s) for hz in (250.0, 1000.0)])
    found = transforms.pictures(wav, window)
    assert tuple(found) == transforms.TRANSFORMS
    for name, pictures in found.items():
        assert pictures.shape == (2, transforms.rows(name, window), window.frames) and np.isfinite(pictures).all()
        if name != "MFCC":  # a higher tone is further up
            low, high = pictures[:, :, 8:-8].mean(2).argmax(1)
            assert high > low, name
    again = transforms.pictures(0.01 * wav, window)  # levels are evened out
    assert all(np.allclose(found[name], again[name], atol=0.02) for name in found)


def test_scores_tell_the_kinds_from_the_origins() -> None:
    windows = representations.Windows({}, np.array([0, 1, 2, 3]), ["notes", "notes", "phrase", "other"])
    answers = np.array([[3.0, 0, 0, 0], [0, 2, 0, 3], [3, 0, 0, 0], [0, 0, 0, 1]])
    found = representations.scores(answers, windows, 3)
    assert found["accuracy"] == pytest.approx(100 / 3) and found["of the kinds"] == pytest.approx(200 / 3)
    assert (found["notes"], found["phrase"], found["other"]) == (50, 0, 100)


def test_arrays_are_kept_and_the_table_has_ten_entries(pack, tmp_path) -> None:
    said: list[str] = []
    sizes = {"train": 20, "test_per_kind": 2}
    first, held = representations.kept_windows(pack, tmp_path, CONFIG, **sizes, progress=lambda s, t: said.append(t))
    assert said and len(first.kinds) == 20 and len(held.kinds) == 3 * 2 + 8
    told = len(said)
    representations.kept_windows(pack, tmp_path, CONFIG, **sizes, progress=lambda s, t: said.append(t))
    assert len(said) == told
    found = representations.compare(pack, tmp_path / "table.json", config=CONFIG, steps=2, **sizes)
    assert found["steps"] == 2 and {tuple(row) for row in found["rows"].values()} == {("3", "4")}
    assert found["chance"] == 25 and found["test_windows"] == 6 and (tmp_path / "table.json").is_file()
