"""Sub-URMP folders: what is paired with what, splits, players, and what is refused."""

from __future__ import annotations

import shutil

import numpy as np
import paired_folders as made
import pytest
from tiny_pack import heard

from avdemo.corpora.paired_set import CHUNK_S, NO_CLASS, NO_PICTURE, NO_SOUND
from avdemo.corpora.sub_urmp import INSTRUMENTS, OVERLAPPING, OVERLAPS, natural, player_of, read_sub_urmp
from avdemo.errors import InputError


def test_published_layout_is_paired_by_name(tmp_path):
    pairs = read_sub_urmp(made.write_sub_urmp(tmp_path / "Sub-URMP"))
    assert pairs.kinds == ("cello", "saxophone") and set(pairs.kinds) < set(INSTRUMENTS)
    assert pairs.counts() == {kind: {"train": 3, "val": 0, "test": 2} for kind in pairs.kinds}
    assert all(item.picture.stem == item.sound.stem and item.begins_s == 0 for item in pairs.items)
    assert {item.player for item in pairs.items if item.split == "test"} == {"cello03", "sax04"}
    assert pairs.sentence() == "10 pairs can be used (6 train, 0 val, 4 test)."


@pytest.mark.parametrize("order", ["medium inside", "unpacked one deeper"])
def test_other_orders_of_folders_and_names_will_do(tmp_path, order):
    made.write_sub_urmp(
        tmp_path / "a", {"Double Bass01": 2, "horn02": 2, "Double Bass03": 1, "horn04": 1}, seen="Images", heard="audio"
    )
    if order == "medium inside":
        for file in [path for path in (tmp_path / "a").rglob("*") if path.is_file()]:
            medium, split, kind = file.relative_to(tmp_path / "a").parts[:3]
            target = tmp_path / "data" / split / kind / medium / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            file.rename(target)
    else:
        shutil.move(tmp_path / "a", tmp_path / "data" / "download" / "Sub-URMP")
        (tmp_path / "data" / ".hidden").mkdir()
    pairs = read_sub_urmp(tmp_path / "data")
    assert pairs.counts() == {kind: {"train": 2, "val": 0, "test": 1} for kind in ("double_bass", "french_horn")}


def test_what_has_no_partner_is_left_out_and_named(tmp_path):
    root = made.write_sub_urmp(tmp_path)
    made.write_picture(root / "img/train/cello/cello01_9000.jpg")
    made.write_picture(root / "img/train/cello/cello01_500.png")
    made.write_sound(root / "chunk/train/sax/sax02_7000.wav")
    made.write_picture(root / "img/train/loose.jpg")
    made.write_picture(root / "img/train/cello/._cello01_500.jpg")
    (root / "img/train/cello/Thumbs.db").write_text("")
    pairs = read_sub_urmp(root)
    assert len(pairs) == 10
    assert pairs.report.dropped == {
        NO_CLASS: ["loose.jpg"], NO_SOUND: ["cello01_500.png", "cello01_9000.jpg"], NO_PICTURE: ["sax02_7000.wav"],
    }  # fmt: skip
    assert "1 without a picture (sax02_7000.wav)" in pairs.sentence()


def test_test_folder_keeps_validation_apart(tmp_path):
    root = made.write_sub_urmp(tmp_path)
    for medium, suffix, write in (("img", "jpg", made.write_picture), ("chunk", "wav", made.write_sound)):
        for kind in ("cello", "sax"):
            write(root / medium / "test" / kind / f"{kind}05_500.{suffix}")
    assert read_sub_urmp(root).counts()["cello"] == {"train": 3, "val": 2, "test": 1}


def test_end_of_each_long_training_player_is_validation_and_shares_no_sound_with_training(tmp_path):
    pairs = read_sub_urmp(made.write_sub_urmp(tmp_path, {"cello01": 30, "sax02": 3, "cello03": 1, "sax04": 1}))
    times = {split: [int(i.picture.stem.split("_")[1]) for i in pairs.items if (i.player, i.split) == ("cello01", split)]
             for split in ("train", "val")}  # fmt: skip
    assert sorted(times["val"]) == [3200, 3300, 3400] and len(times["train"]) == 30 - 3 - OVERLAPPING
    assert min(times["val"]) - max(times["train"]) >= 1000 * CHUNK_S
    assert len(pairs.report.dropped[OVERLAPS]) == OVERLAPPING
    assert pairs.counts()["saxophone"] == {"train": 3, "val": 0, "test": 1}


def test_names_that_do_not_say_who_plays_are_noted(tmp_path):
    for n in range(3):
        for kind in ("viola", "oboe"):
            made.write_picture(tmp_path / "img/train" / kind / f"{n:04d}.jpg")
            made.write_sound(tmp_path / "chunk/train" / kind / f"{n:04d}.wav")
    pairs = read_sub_urmp(tmp_path)
    assert len(pairs) == 6 and {item.player for item in pairs.items} == {""}
    assert "6 names such as 0000.jpg do not say who plays" in pairs.sentence() and "nothing is held out" in pairs.sentence()


@pytest.mark.parametrize(
    ("stem", "player"),
    [
        ("cello01_500", "cello01"), ("Double_Bass_03_0100_x", "double_bass_03"), ("sax12-7", "sax12"), ("0001", ""), ("violin", ""),
        ("violin12", ""), ("violin_500", ""), ("12_500", ""), ("", ""),
    ],
)  # fmt: skip
def test_player_is_read_from_the_name(stem, player):
    assert player_of(stem) == player


def test_names_sort_by_their_numbers():
    names = ["cello01_1000", "cello01_900", "0010", "9", "cello", "cello02_5"]
    assert sorted(names, key=natural) == ["9", "0010", "cello", "cello01_900", "cello01_1000", "cello02_5"]


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("missing", "There is no folder named Sub-URMP; give the folder of Sub-URMP."),
        ("empty", "There are no pictures of instruments in Sub-URMP; give the folder of Sub-URMP, with one folder for each."),
        ("no sounds", "There are no sounds of instruments in Sub-URMP; give the folder of Sub-URMP, with one folder for each."),
        ("silent class", "The instrument saxophone in Sub-URMP has pictures but no sounds; add them, or take its folder away."),
        ("unseen class", "The instrument cello in Sub-URMP has sounds but no pictures; add them, or take its folder away."),
        (
            "other names",
            "No picture in Sub-URMP has the name of a sound of the same instrument and split (0.jpg and cello01_500.wav are",
        ),
    ],
)
def test_folders_that_cannot_be_used_are_refused_with_a_sentence(tmp_path, trouble, sentence):
    root = tmp_path / "Sub-URMP"
    if trouble == "empty":
        root.mkdir()
    elif trouble != "missing":
        made.write_sub_urmp(root)
    for folder in {"no sounds": ["chunk"], "silent class": ["chunk/train/sax", "chunk/validation/sax"],
                   "unseen class": ["img/train/cello", "img/validation/cello"]}.get(trouble, []):  # fmt: skip
        shutil.rmtree(root / folder)
    if trouble == "other names":
        for n, path in enumerate(sorted(root.rglob("*.jpg"))):
            path.rename(path.with_stem(str(n)))
    with pytest.raises(InputError) as error:
        read_sub_urmp(root)
    assert str(error.value).startswith(sentence) and str(tmp_path) not in str(error.value)


def test_picture_is_squeezed_and_sound_is_cut_or_filled_up_to_half_a_second(tmp_path):
    root = made.write_sub_urmp(tmp_path)
    made.write_sound(root / "chunk/train/cello/cello01_500.wav", 4, 0.2)
    made.write_sound(root / "chunk/train/cello/cello01_600.wav", 5, 0.9)
    pairs = read_sub_urmp(root)
    numbers = {item.picture.stem: n for n, item in enumerate(pairs.items)}
    for stem, pitch, sounding in (("cello01_500", 4, 1600), ("cello01_600", 5, 4000), ("cello01_700", 2, 4000)):
        wav = pairs.wav(numbers[stem], 8000)
        assert wav.shape == (4000,) and wav.dtype == np.float32
        assert heard(wav[:sounding], 8000) == pytest.approx(made.hertz(pitch), abs=4)
        assert np.abs(wav[sounding + 100 :]).max(initial=0) < 1e-3
    picture = pairs.picture(numbers["cello01_700"], 16)
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8
    assert picture[:, 0].min() > 200 and abs(int(picture[8, 12, 0]) - made.grey(2)) < 4  # the left end is still there
