"""INIS folders: photos and recordings of one class, split apart, and what is refused."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import paired_folders as made
import pytest

from avdemo.corpora.inis import SHORT, UNREADABLE, read_inis
from avdemo.errors import InputError


def kind_number(kind: str) -> int:
    return ("guitar", "piano").index(kind)


def test_every_photo_gets_a_chunk_of_its_class_and_no_recording_is_in_two_splits(tmp_path):
    pairs = read_inis(made.write_inis(tmp_path))
    assert pairs.kinds == ("guitar", "piano") and len({item.picture for item in pairs.items}) == len(pairs) == 20
    assert pairs.counts() == {kind: {"train": 6, "val": 1, "test": 3} for kind in pairs.kinds}
    splits = defaultdict(set)
    for item in pairs.items:
        assert item.picture.parent.name == item.sound.parent.name == item.kind and item.player == item.sound.stem
        splits[item.sound].add(item.split)
    assert all(len(of_one) == 1 for of_one in splits.values())
    assert {item.begins_s for item in pairs.items} <= {0.0, 0.5, 1.0, 1.5}
    in_train = [(i.sound, i.begins_s) for i in pairs.items if i.split == "train"]
    assert len(set(in_train)) == len(in_train)  # no chunk twice while there are others
    assert pairs.sentence() == "20 pairs can be used (12 train, 2 val, 6 test)."


def test_seed_decides_the_chunk_and_nothing_else(tmp_path):
    root = made.write_inis(tmp_path)
    first, again, other = read_inis(root), read_inis(root), read_inis(root, seed=1)
    assert first.items == again.items != other.items
    assert {(i.picture, i.split) for i in first.items} == {(i.picture, i.split) for i in other.items}


def test_wordnet_numbers_split_folders_and_drum_are_understood(tmp_path):
    for split, count in (("train", 4), ("test", 2)):
        for synset, name in (("n03249569", "Drum"), ("n04536866", "violins solo")):
            for n in range(count):
                made.write_picture(tmp_path / split / synset / f"{split}{n}.JPEG")
                made.write_sound(tmp_path / "recordings" / split / synset / f"{name} {split}{n}.flac.wav", n, 1.0)
    pairs = read_inis(tmp_path)
    assert pairs.counts() == {kind: {"train": 3, "val": 1, "test": 2} for kind in ("drums", "violin")}
    assert all(item.split in item.sound.stem or item.split == "val" for item in pairs.items)
    assert all("train" in item.sound.stem for item in pairs.items if item.split == "val")


def test_chunks_of_one_recording_stay_together(tmp_path):
    for n in range(6):
        made.write_picture(tmp_path / "img/guitar" / f"{n}.jpg")
    for take in "abcd":
        for n in range(5):
            made.write_sound(tmp_path / "sound/guitar" / f"{take}_{n:03d}.wav", n)
    pairs = read_inis(tmp_path)
    splits = defaultdict(set)
    for item in pairs.items:
        splits[item.player].add(item.split)
    assert set(splits) <= set("abcd") and all(len(of_one) == 1 for of_one in splits.values())
    assert {split for of_one in splits.values() for split in of_one} == {"train", "val", "test"}


def test_two_recordings_give_no_validation_part_and_that_is_said(tmp_path):
    pairs = read_inis(made.write_inis(tmp_path, recordings=2))
    assert pairs.counts() == {kind: {"train": 7, "val": 0, "test": 3} for kind in pairs.kinds}
    assert "There are too few recordings of guitar for a validation part." in pairs.sentence()


def test_short_and_damaged_sounds_are_left_out(tmp_path):
    root = made.write_inis(tmp_path)
    made.write_sound(root / "sounds/guitar/click.wav", seconds=0.1)
    (root / "sounds/piano/broken.mp3").write_bytes(b"no music at all" * 20)
    assert read_inis(root).report.dropped == {SHORT: ["click.wav"], UNREADABLE: ["broken.mp3"]}


@pytest.mark.parametrize(
    ("recordings", "photos", "sentence"),
    [
        (1, 4, "The class guitar in INIS has too few recordings that can be read (1): training and test must not share one"),
        (0, 4, "There are no sounds of instruments in INIS; give the folder of INIS"),
        (3, 0, "There are no pictures of instruments in INIS; give the folder of INIS"),
    ],
)
def test_folders_that_cannot_be_used_are_refused_with_a_sentence(tmp_path, recordings, photos, sentence):
    (tmp_path / "INIS").mkdir()
    with pytest.raises(InputError) as error:
        read_inis(made.write_inis(tmp_path / "INIS", photos=photos, recordings=recordings))
    assert str(error.value).startswith(sentence)


def test_sound_is_the_chunk_that_the_item_names_and_the_picture_keeps_its_middle(tmp_path):
    root = made.write_inis(tmp_path)
    steps = np.repeat([1, 2, 3, 4], made.RATE // 2)  # one level for each half second
    for path in (root / "sounds").rglob("*.wav"):
        made.write_wav(path, (0.1 * steps)[None].astype(np.float32), made.RATE)
    pairs = read_inis(root)
    for number, item in enumerate(pairs.items):
        wav = pairs.wav(number, 8000)
        assert wav.shape == (4000,) and wav[200:-200] == pytest.approx(0.1 + 0.2 * item.begins_s, abs=2e-3)
    picture = pairs.picture(0, 16)
    assert picture.shape == (16, 16, 3) and picture.max() < 250  # the white left end of a wide photo is cut off


def test_longer_sounds_can_be_asked_for(tmp_path):
    pairs = read_inis(made.write_inis(tmp_path), seconds=1.0)
    assert {item.begins_s for item in pairs.items} == {0.0, 1.0} and pairs.wav(0, 8000).shape == (8000,)
