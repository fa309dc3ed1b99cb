"""The parts of the evaluation against counts by hand: what is asked, accuracy, pointing, and the protocol of ESC."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from avdemo.correspondence import agreement, esc, pointing, testset
from avdemo.correspondence.config import KINDS
from avdemo.errors import InputError
from avdemo.metrics.localisation import Box

_spec = importlib.util.spec_from_file_location("tiny_match_pairs", Path(__file__).with_name("tiny_match_pack.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return tiny.write_pack(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def packs(pack) -> testset.Packs:
    return testset.open_packs(pack, pack)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tiny.write_esc(tmp_path_factory.mktemp("data"))


# ---- what is asked -------------------------------------------------------------------------------------------------------


def test_real_windows_overlap_their_frame_and_are_not_silent(packs) -> None:
    windows = testset.real_windows(packs)
    assert set(windows.clip.tolist()) == {0, 1, 2, 3, 4}  # the sixth clip is for training
    for (clip, number), wav, second in zip(windows.frames, windows.wavs, windows.second, strict=True):
        entry = packs.clips.entries[clip]
        whole = packs.clips.wav(clip, 0, entry["sound_length"])
        beginnings = np.lib.stride_tricks.sliding_window_view(whole, 64)
        start_s = int(np.flatnonzero((beginnings == wav[:64]).all(1))[0]) / tiny.RATE
        time_s = entry["frames"][number]["time_s"]
        assert start_s <= time_s <= start_s + 1.001
        assert testset.level_db(wav) > testset.SILENT_DB
        assert second == int(time_s)
    assert windows.silent >= 2  # the fifth clip falls silent
    again = testset.real_windows(packs)
    assert again.frames == windows.frames and np.array_equal(again.wavs, windows.wavs)


def test_at_most_so_many_windows_of_a_clip(packs) -> None:
    assert np.bincount(testset.real_windows(packs, 2).clip).max() == 2


def test_clips_of_one_recording_are_no_mismatches() -> None:
    windows = testset.RealWindows(
        [], np.zeros((4, 1)), np.array([0, 1, 2, 2]), np.zeros(4, int), {0: 0, 1: 0, 2: 2}, dict.fromkeys(range(3), "dog"), 0
    )
    matches, mismatches, other_class = agreement.real_pairs(windows)
    assert np.array_equal(matches, np.eye(4, dtype=bool))
    assert mismatches.sum() == 8 and not mismatches[0, 1] and not mismatches[2, 3] and mismatches[0, 2]
    assert not other_class.any()


def test_made_sets_hold_only_what_is_held_out(packs) -> None:
    shelf = testset.Shelf(packs)
    sets = testset.made_sets(shelf)
    assert [s.title for s in sets] == [
        f"{words}, {group} photos"
        for words in ("real phrases", "recorded notes", "another soundfont")
        for group in ("web30", "web10")
    ]
    assert {packs.photos.entries[i]["split"] for i in shelf.photos} == {"test"}
    assert {packs.sounds.entries[n]["split"] for n, _ in shelf.windows} == {"test"}
    for made in sets:
        for row, kind in zip(made.photos, made.photo_kinds, strict=True):
            assert packs.photos.entries[shelf.photos[row]]["instrument"] == KINDS[kind]
        for row, kind in zip(made.sounds, made.sound_kinds, strict=True):
            assert packs.sounds.entries[shelf.windows[row][0]]["instrument"] == KINDS[kind]


def test_the_gallery_has_a_picture_for_each_sound(packs) -> None:
    shelf = testset.Shelf(packs)
    shown = testset.gallery(shelf)
    assert len(set(shown.photos.tolist())) == len(set(shown.sounds.tolist())) == len(shown.kinds) == 12
    for photo, sound, kind in zip(shown.photos, shown.sounds, shown.kinds, strict=True):
        assert packs.photos.entries[shelf.photos[photo]]["instrument"] == KINDS[kind]
        assert packs.sounds.entries[shelf.windows[sound][0]]["instrument"] == KINDS[kind]


def test_a_folder_without_packed_arrays_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"packed\.json"):
        testset.open_packs(tmp_path, tmp_path, packed=tmp_path)


# ---- accuracy ------------------------------------------------------------------------------------------------------------


def test_balanced_accuracy_by_hand() -> None:
    odds = np.array([[1.0, -1.0, 2.0], [3.0, -2.0, -1.0], [-1.0, -1.0, 5.0]])
    eye = np.eye(3, dtype=bool)
    assert agreement.balanced_accuracy(odds, eye, ~eye) == pytest.approx(50 * (2 / 3 + 4 / 6))
    assert agreement.balanced_accuracy(np.ones((3, 3)), eye, ~eye) == 50.0
    assert np.isnan(agreement.balanced_accuracy(odds, eye, np.zeros((3, 3))))


def test_auc_counts_couples_and_halves_ties() -> None:
    odds, matches = np.array([[3.0, 1.0, 1.0, 0.0]]), np.array([[True, False, True, False]])
    assert agreement.auc(odds, matches, ~matches) == pytest.approx(100 * 3.5 / 4)


def _windows(clip: list[int]) -> testset.RealWindows:
    clips = np.array(clip)
    second = np.array([list(clip[:i]).count(c) for i, c in enumerate(clip)])
    names = {c: c for c in set(clip)}
    return testset.RealWindows([], np.zeros((len(clip), 1)), clips, second, names, dict.fromkeys(names, "other"), 0)


def test_the_interval_knows_that_windows_of_a_clip_are_alike() -> None:
    rng = np.random.default_rng(0)
    few, many = _windows([0] * 20 + [1] * 20 + [2] * 20), _windows(list(range(60)))
    of_clip = np.array([4.0, -1.0, 4.0])[few.clip]  # one clip is judged wrongly throughout
    few_odds = np.where(few.clip[:, None] == few.clip[None], of_clip[:, None], -3.0)
    low, high = agreement.interval(few_odds, few, 300)
    accuracy = agreement.balanced_accuracy(few_odds, *agreement.real_pairs(few)[:2])
    assert low < accuracy < high and high - low > 20
    many_odds = np.where(np.eye(60, dtype=bool), np.where(rng.random(60) < 2 / 3, 4.0, -1.0)[:, None], -3.0)
    assert np.ptp(agreement.interval(many_odds, many, 300)) < 18


def test_shifts_read_later_windows_of_the_same_clip() -> None:
    windows = _windows([0] * 6 + [1] * 3)
    odds = np.full((9, 9), -9.0)
    for i in range(6):
        odds[i, i] = 9.0
        if i + 1 < 6:
            odds[i, i + 1] = 0.0
    found = agreement.shifts(odds, windows)
    assert found["windows"] == 2  # only windows 0 and 1 of the first clip have one 4 s later
    assert found["sound 0 s later"] == pytest.approx(1, abs=1e-3)
    assert found["sound 1 s later"] == pytest.approx(0.5)
    assert found["sound 4 s later"] == pytest.approx(0, abs=1e-3)


def test_kinds_weigh_the_same_however_many_there_are() -> None:
    made = testset.MadeSet("", np.arange(5), np.array([0, 0, 0, 0, 1]), np.arange(3), np.array([0, 1, 1]))
    odds = np.full((5, 3), -1.0)
    odds[:4, 0] = 1.0  # right about every photo of kind 0, never a match for kind 1
    assert agreement.made_scores(odds, made)["accuracy"] == pytest.approx(75.0)
    assert agreement.kind_accuracies(odds, made) == {0: pytest.approx(100.0), 1: pytest.approx(50.0)}


# ---- where ---------------------------------------------------------------------------------------------------------------


def test_composed_pictures_say_where_their_things_are(packs) -> None:
    shelf = testset.Shelf(packs)
    pictures = pointing.compose(shelf, 12)
    assert {len(p.boxes) for p in pictures} == {2, 3}
    for picture in pictures:
        assert picture.frame.shape == (224, 448, 3) and len(set(picture.kinds)) == len(picture.kinds)
        for box, kind, row in zip(picture.boxes, picture.kinds, picture.sounds, strict=True):
            inside = picture.frame[
                int(box.y_px) + 3 : int(box.y_px + box.h_px) - 3, int(box.x_px) + 3 : int(box.x_px + box.w_px) - 3
            ]
            assert np.abs(inside.mean((0, 1)) - tiny.KINDS[KINDS[kind]][0]).max() < 25
            assert packs.sounds.entries[shelf.windows[row][0]]["instrument"] == KINDS[kind]
    again = pointing.compose(testset.Shelf(packs), 12)
    assert all(np.array_equal(a.frame, b.frame) and a.boxes == b.boxes for a, b in zip(pictures, again, strict=True))


def test_pointing_scores_of_maps_that_are_known() -> None:
    boxes = (Box(0, 0, 224, 224), Box(224, 0, 224, 224))
    picture = pointing.Composed(np.zeros((224, 448, 3), np.uint8), boxes, (0, 1), (0, 1))
    left, right = np.array([[1.0, 0.1]]), np.array([[0.1, 1.0]])
    known = {"pointing": 100, "other": 0, "follows": 100, "IoU": 100}
    assert pointing.score_maps([[left, right]], [picture]) == pytest.approx(known)
    known = {"pointing": 50, "other": 50, "follows": 0, "IoU": 50}
    assert pointing.score_maps([[left, left]], [picture]) == pytest.approx(known)
    chance = pointing.of_chance([picture])["a place at random"]
    assert chance == pytest.approx({"pointing": 50, "other": 50, "follows": 25, "IoU": 50, "wrong sound": 50})


# ---- ESC -----------------------------------------------------------------------------------------------------------------


def test_folds_are_the_official_ones_or_by_recording(data) -> None:
    ten, fifty = esc.read_sets(data)
    assert np.bincount(ten.folds).tolist() == [6] * 5
    names = [path.name for path in fifty.files]
    groups = np.array([f"{path.parent.name}{n % 10 // 2}" for n, path in enumerate(fifty.files)])
    assert len(names) == 30 and all(len(set(fifty.folds[groups == g].tolist())) == 1 for g in set(groups))
    assert set(fifty.folds.tolist()) == set(range(5))


def test_windows_overlap_and_silence_is_not_computed_twice(data) -> None:
    ten = esc.read_sets(data)[0]
    asked = []

    def features(windows: np.ndarray, rate: int) -> np.ndarray:
        asked.append(len(windows))
        return windows[:, :: rate // 4]

    found = esc.embed(ten, tiny.RATE, features)
    assert found.shape == (30, 9, 4)
    assert sum(asked) == 1 + 30 * 8  # the last window of each is digital silence
    assert not found[:, -1].any() and found[:, :8].any()


def test_cross_validation_tells_clear_classes_and_guesses_noise() -> None:
    rng = np.random.default_rng(0)
    labels, folds = np.arange(60) % 3, np.arange(60) // 12
    noise = rng.standard_normal((60, 4, 10)).astype(np.float32)
    clear = noise + 4 * np.eye(3, 10, dtype=np.float32)[labels][:, None]
    good = esc.cross_validate(clear, labels, folds)
    assert good["accuracy"] == 100 and good["clips"] == 60 and good["C"] in esc.STRENGTHS
    assert esc.cross_validate(noise, labels, folds)["accuracy"] < 60


def test_a_class_that_training_lacks_is_told_wrong() -> None:
    features = np.repeat(np.eye(3, dtype=np.float32)[np.array([0, 1, 0, 1, 2])][:, None], 2, 1)
    scores = esc.cross_validate(features, np.array([0, 1, 0, 1, 2]), np.array([0, 0, 1, 1, 1]))
    assert scores["accuracy"] == pytest.approx(80.0)
