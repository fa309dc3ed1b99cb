"""Photos and sounds to packed arrays: cut-outs, splits, and that what is read back is what went in."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_pack import RATE, heard

from avdemo.corpora import drawn
from avdemo.corpora import pack_sounds as packing
from avdemo.corpora.instruments import SoundFile
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pack_photos import SIDE, cut_out_white, pack_photos
from avdemo.corpora.scenes import PhotoPack
from avdemo.errors import InputError


def shot() -> np.ndarray:
    """A dark ring on white: the white inside the ring belongs to the thing."""
    picture = np.full((80, 80, 3), 250, np.uint8)
    y, x = np.mgrid[:80, :80] - 40
    radius = np.hypot(x, y)
    picture[(radius < 30) & (radius > 12)] = (120, 60, 20)
    return picture


def test_white_around_a_thing_is_cut_but_not_white_inside() -> None:
    alpha = cut_out_white(shot())
    assert alpha.dtype == np.uint8 and alpha.shape == (80, 80)
    assert alpha[0, 0] == 0 and alpha[40, 60] == 255  # around, and on the ring
    assert alpha[40, 40] == 255  # inside the ring


def test_photos_without_a_white_ground_stay_whole() -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    assert cut_out_white(noisy) is None
    assert cut_out_white(np.full((60, 60, 3), 255, np.uint8)) is None  # nothing on it
    speck = np.full((60, 60, 3), 20, np.uint8)
    speck[:2] = speck[-2:] = 255
    speck[:, :2] = speck[:, -2:] = 255  # a thin white frame around a photo is not a ground
    assert cut_out_white(speck) is None


def test_pack_photos(tmp_path, monkeypatch) -> None:
    # the drawn grounds have tests of their own, and 40 of them take a minute
    monkeypatch.setattr(drawn, "draw_background", lambda rng, size: np.zeros((size[1], size[0], 3), np.uint8))
    data = tmp_path / "data"
    (data / "instruments" / "photos").mkdir(parents=True)
    rows = ["file,cls,source,split"]
    for number, (cls, split) in enumerate([("tuba", "train"), ("tuba", "val"), ("harp", "train"), ("harp", "test"), ("tuba", "test")]):
        name = f"photos/{number}.png"
        picture = shot() if number == 0 else np.full((400, 300, 3), 40 + 30 * number, np.uint8)
        Image.fromarray(picture).save(data / "instruments" / name)
        rows.append(f"{name},{cls},web30_{split},{split}")
    (data / "instruments" / "photos.csv").write_text("\n".join(rows) + "\n")
    (data / "sounds" / "photos" / "dog").mkdir(parents=True)
    Image.new("RGB", (64, 50), (9, 90, 9)).save(data / "sounds" / "photos" / "dog" / "a.jpg")
    Image.new("RGB", (64, 64)).save(data / "sounds" / "photos" / "dog" / "tiny64_a.jpg")
    count = pack_photos(data, tmp_path / "pack", ("tuba",))
    pack = PhotoPack(tmp_path / "pack", ("tuba",))
    assert len(pack.entries) == count
    first, second = pack.where("train", "tuba")[0], pack.where("val", "tuba")[0]
    assert pack.entries[first]["cut"] and np.asarray(pack.picture(first))[..., 3].min() == 0
    assert pack.picture(second).size == (SIDE * 300 // 400, SIDE) and not pack.entries[second]["cut"]
    assert np.asarray(pack.picture(second)).reshape(-1, 4).mean(0).tolist() == [70, 70, 70, 255]
    assert len(pack.where("train", "", ("web30_train",))) == 1  # a stranger: an instrument that is not asked for
    assert not [e for e in pack.entries if e["split"] == "test" and e["instrument"] != "tuba"]
    assert len(pack.where("train", "", ("everyday",))) == 1 and len(pack.where("train", "", ("drawn",))) == 40


def tone(seconds: float, frequency: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_recorded_notes_become_phrases_that_keep_their_split(tmp_path, monkeypatch) -> None:
    takes = {"n1": tone(1.0, 440), "n2": tone(1.0, 466.2), "held": tone(1.0, 440), "phrase": tone(2.0, 523), "silent": np.zeros(RATE, np.float32)}
    monkeypatch.setattr(packing, "_read", lambda path, rate, seconds=12.0: takes[path.name])
    files = [
        SoundFile(tmp_path / "n1", "flute", "s", "train", 69, False), SoundFile(tmp_path / "n2", "flute", "s", "train", 70, False),
        SoundFile(tmp_path / "held", "flute", "s", "test", 69, False), SoundFile(tmp_path / "silent", "flute", "s", "val", 69, False),
        SoundFile(tmp_path / "phrase", "flute", "freesound", "train", None, True),
    ]  # fmt: skip
    plan = packing.Plan(note_phrases=3, held_phrases=2, phrase_variants=2)
    pieces = packing._recorded(files, "flute", plan, RATE, seed=0)
    made = [(p.kind, p.split) for p in pieces]
    assert made == [("notes", "train")] * 3 + [("phrase", "train")] * 2 + [("notes", "test")] * 2  # and none from silence
    assert all(len(p.wav) == int(packing.PIECE_SECONDS * RATE) and np.isfinite(p.wav).all() for p in pieces)
    again = packing._recorded(files, "flute", plan, RATE, seed=0)
    assert all((a.wav == b.wav).all() for a, b in zip(pieces, again, strict=True))


def test_written_pieces_come_back(tmp_path) -> None:
    pieces = [packing.Piece("flute", "notes", "train", 0, tone(1.0, 440)), packing.Piece("flute", "notes", "train", 1, np.zeros(500, np.float32)),
              packing.Piece("flute", "notes", "val", 0, 3 * tone(0.5, 600))]  # fmt: skip
    assert packing._write(tmp_path, pieces) == 2  # silence is left out
    pack = SoundPack(tmp_path, ("flute",))
    (train,), (val,) = pack.numbers("flute", "notes", "train"), pack.numbers("flute", "notes", "val")
    assert np.abs(pack.wav(train, 0, RATE) - pieces[0].wav).max() < 1e-4
    loud = pack.wav(val, 0, RATE // 2)
    assert heard(loud) == pytest.approx(600, abs=3) and np.abs(loud).max() <= 1.0  # clipped, not wrapped around
    assert json.loads((tmp_path / "sounds.json").read_text())[1]["start"] == RATE


def test_missing_soundfonts_and_folders_are_said(tmp_path) -> None:
    with pytest.raises(InputError, match=r"nobody\.sf2 is not installed"):
        packing.find_font("nobody.sf2")
    with pytest.raises(InputError, match=r"photos\.csv"):
        pack_photos(tmp_path, tmp_path / "out", ("tuba",))
