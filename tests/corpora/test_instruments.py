"""The index files of the instrument folder: pitches from names, and splits that keep whole sources for the test."""

import pytest

from avdemo.corpora.instruments import TEST_SOURCES, photo_files, pitch_from_name, sound_files
from avdemo.errors import InputError


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("philharmonia_banjo_A4_long.ogg", 69), ("tonejs_trumpet_As3_1.ogg", 58), ("x_C4_.ogg", 60), ("x_Cs-1_.ogg", None),
        ("021_Accordion_00_130.8Hz.ogg", 48), ("drum_440Hz.wav", 69), ("kick.ogg", None), ("GMA4.ogg", None),
    ],
)  # fmt: skip
def test_pitch_from_name(name, pitch) -> None:
    assert pitch_from_name(name) == pitch


def write_index(folder, rows) -> None:
    text = "file,cls,source,split\n" + "".join(",".join(row) + "\n" for row in rows)
    (folder / "sounds.csv").write_text(text)


def test_whole_sources_are_kept_for_the_test(tmp_path) -> None:
    prefix = TEST_SOURCES["trumpet"]
    rows = [(f"{prefix}_A4_{i}.ogg", "trumpet", prefix, "train") for i in range(5)]
    rows += [(f"good_A4_{i}.ogg", "trumpet", "good", "train") for i in range(200)]
    rows += [("held_A4_.ogg", "trumpet", "good", "val"), ("p1.ogg", "trumpet", "freesound", "val"), ("p2.ogg", "flute", "freesound", "test")]
    write_index(tmp_path, rows)
    files = {f.path.name: f for f in sound_files(tmp_path)}
    assert len(files) == len(rows) and files["good_A4_0.ogg"].path == tmp_path / "good_A4_0.ogg"
    assert {f.split for f in files.values() if f.source == prefix} == {"test"}
    assert files["held_A4_.ogg"].split == "test"  # notes of the index's validation are tested on
    assert (files["p1.ogg"].split, files["p2.ogg"].split) == ("val", "test")  # phrases keep their split
    assert files["p1.ogg"].is_phrase and files["p1.ogg"].pitch is None
    assert not files["good_A4_0.ogg"].is_phrase and files["good_A4_0.ogg"].pitch == 69
    validated = [f.split for n, f in files.items() if n.startswith("good")].count("val")
    assert 8 <= validated <= 35  # about a tenth of the training notes
    assert sound_files(tmp_path) == sound_files(tmp_path)


def test_photos_and_missing_index(tmp_path) -> None:
    (tmp_path / "photos.csv").write_text("file,cls,source,split\nphotos/a.jpg,flute,web30_train,train\n", encoding="utf-8")
    (photo,) = photo_files(tmp_path)
    assert (photo.path, photo.instrument, photo.source, photo.split) == (tmp_path / "photos/a.jpg", "flute", "web30_train", "train")
    with pytest.raises(InputError, match=r"no sounds\.csv"):
        sound_files(tmp_path)
