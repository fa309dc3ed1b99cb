"""Which recordings are of which kind and split, on a made-up folder and, where it is, on the real one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from tiny_foley_sounds import write_foley_data

from avdemo.corpora.foley_sounds import CUT_IN_TIME, GAP_S, KINDS, esc_sounds, foley_sounds
from avdemo.errors import InputError

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"  # the training data, where it lies beside the project


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return foley_sounds(write_foley_data(tmp_path_factory.mktemp("foley") / "data"))


def _splits_by_group(sounds) -> dict[str, set[str]]:
    splits = defaultdict(set)
    for sound in sounds:
        splits[sound.group].add(sound.split)
    return splits


def test_every_kind_is_there_and_no_recording_is_in_two_splits(found) -> None:
    assert {s.kind for s in found} == set(KINDS)
    assert all(len(splits) == 1 for splits in _splits_by_group(found).values())
    assert len({(s.path, s.begin_s) for s in found}) == len(found)


def test_esc_10_keeps_its_folds(found) -> None:
    saws = sorted((int(s.group.removeprefix("esc/")) // 10, s.split) for s in found if s.kind == "chainsaw")
    assert saws == [(1, "train"), (2, "train"), (3, "train"), (4, "val"), (5, "test")]


def test_of_fold_4_of_esc_50_only_what_is_new_and_of_no_test_is_used(found) -> None:
    new = {(s.kind, s.what, s.group.removeprefix("esc/"), s.split) for s in found if s.source == "esc50f4"}
    assert {(kind, group) for kind, _, group, _ in new} == {
        ("fireworks", "119647"), ("fireworks", "119648"), ("rail", "165791"), ("rail", "165606"), ("snoring", "180337"), ("water", "901"),
    }  # fmt: skip
    assert ("fireworks", "bursts", "119648", "test") in new and ("rail", "train", "165606", "train") in new


def test_one_long_recording_is_cut_in_time_with_a_gap(found) -> None:
    begin, end = (s for s in found if s.source == "moodist" and s.kind == "fireworks")
    assert begin.path == end.path and (begin.split, end.split) == ("train", "val")
    assert end.begin_s - begin.end_s == GAP_S and begin.group.rpartition(":")[0] in CUT_IN_TIME


def test_names_say_what_it_is(found) -> None:
    what = {s.path.stem: (s.kind, s.what) for s in found}
    assert what["moodist__inside-a-train"] == ("rail", "inside")  # "train" has "rain" in it
    assert what["moodist__heavy-rain"] == ("water", "rain") and what["moodist__waves"] == ("water", "waves")
    assert what["moodist__subway-station"] == ("rail", "train")


def test_without_the_esc_index_a_sentence_says_so(tmp_path) -> None:
    with pytest.raises(InputError, match=r"esc/index\.csv"):
        esc_sounds(tmp_path)


@pytest.mark.data
@pytest.mark.skipif(not (REAL / "esc").is_dir(), reason="the training data is not here")
def test_the_real_folder() -> None:
    sounds = foley_sounds(REAL)
    assert all(len(splits) == 1 for splits in _splits_by_group(sounds).values())
    assert {(s.kind, s.split) for s in sounds} == {(kind, split) for kind in KINDS for split in ("train", "val", "test")}
    assert all(s.path.is_file() for s in sounds)
