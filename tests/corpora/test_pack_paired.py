"""Packed pairs: read back as training reads them, with partners of both kinds."""

from __future__ import annotations

import json

import numpy as np
import paired_folders as made
import pytest
from tiny_pack import heard as heard_hertz

from avdemo.corpora.inis import UNREADABLE, read_inis
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pack_paired import SILENT, main, pack, read_paired
from avdemo.corpora.paired_set import Partners, packed_partners
from avdemo.corpora.scenes import PhotoPack
from avdemo.corpora.sub_urmp import read_sub_urmp
from avdemo.errors import InputError, StorageError

RATE = 8000
ITEMS = [  # kind, split, player
    ("cello", "train", "a"), ("cello", "train", "a"), ("cello", "train", "b"), ("oboe", "train", "c"), ("oboe", "train", "c"),
    ("tuba", "train", ""), ("cello", "test", "d"), ("oboe", "test", "e"), ("oboe", "test", "e"),
]  # fmt: skip


def partners() -> Partners:
    return Partners(*zip(*ITEMS, strict=True))


def drawn(draw, number: int) -> set[int]:
    return {draw(number, np.random.default_rng(seed)) for seed in range(60)}


def test_another_instrument_is_of_the_same_split():
    assert drawn(partners().other_instrument, 0) == {3, 4, 5}
    assert drawn(partners().other_instrument, 6) == {7, 8}


def test_each_instrument_is_as_likely_however_much_there_is_of_it():
    many = Partners(["cello", *["oboe"] * 90, "tuba"], ["train"] * 92, [""] * 92)
    rng = np.random.default_rng(0)
    assert 0.4 < np.mean([many.other_instrument(0, rng) == 91 for _ in range(400)]) < 0.6


def test_same_instrument_is_by_another_player_or_else_at_another_time():
    assert drawn(partners().same_instrument, 0) == {2}
    assert drawn(partners().same_instrument, 2) == {0, 1}
    assert drawn(partners().same_instrument, 3) == {4}


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [("same_instrument", "only one picture and sound of tuba"), ("other_instrument", "no instrument besides tuba")],
)
def test_a_mismatch_that_there_is_not_is_refused(draw, sentence):
    alone = Partners(["tuba"], ["train"], ["a"])
    with pytest.raises(InputError, match=sentence):
        getattr(alone, draw)(0, np.random.default_rng(0))


@pytest.mark.parametrize("what", ["sub-urmp", "inis"])
def test_packs_are_read_as_training_reads_them(tmp_path, what):
    write, read = {"sub-urmp": (made.write_sub_urmp, read_sub_urmp), "inis": (made.write_inis, read_inis)}[what]
    pairs = read(write(tmp_path / "data"))
    told = []
    report = pack(pairs, tmp_path / "pack", 16, RATE, progress=lambda share, text: told.append((share, text)))
    about = json.loads((tmp_path / "pack" / "packed.json").read_text())
    assert (about["source"], tuple(about["kinds"]), about["sample_rate"], about["size_px"]) == (what, pairs.kinds, RATE, 16)
    assert sum(report.kept.values()) == len(pairs) and told[0][0] == 0 and not report.dropped
    photos, sounds = PhotoPack(tmp_path / "pack", pairs.kinds), SoundPack(tmp_path / "pack", pairs.kinds)
    assert len(photos.entries) == len(sounds.entries) == len(pairs)
    for number, item in enumerate(pairs.items):
        seen, heard = photos.entries[number], sounds.entries[number]
        for key, value in {"instrument": item.kind, "split": item.split, "player": item.player, "pair": number}.items():
            assert seen[key] == heard[key] == value
        picture = np.asarray(photos.picture(number))
        assert picture.shape == (16, 16, 4) and picture[..., 3].min() == 255
        assert np.array_equal(picture[..., :3], pairs.picture(number, 16))
        wav = sounds.wav(number, 0, heard["length"])
        assert heard["length"] == RATE // 2 and np.sqrt(np.mean(wav**2)) == pytest.approx(0.1, rel=0.1)
        original = pairs.wav(number, RATE)
        assert np.corrcoef(wav, original)[0, 1] > 0.999
    assert photos.where("train", pairs.kinds[0]) == [
        n for n, i in enumerate(pairs.items) if (i.split, i.kind) == ("train", pairs.kinds[0])
    ]
    assert sounds.numbers(pairs.kinds[0], "recording", "test")
    rng = np.random.default_rng(0)
    ours = packed_partners(tmp_path / "pack")
    assert [ours.other_instrument(n, np.random.default_rng(n)) for n in range(len(pairs))] == [
        pairs.partners.other_instrument(n, np.random.default_rng(n)) for n in range(len(pairs))
    ]
    assert pairs.items[ours.same_instrument(0, rng)].kind == pairs.items[0].kind


def test_silent_and_damaged_pairs_are_left_out_and_the_rest_keeps_its_place(tmp_path):
    root = made.write_sub_urmp(tmp_path / "data")
    made.write_sound(root / "chunk/train/cello/cello01_500.wav", level=0.0)
    (root / "img/train/sax/sax02_600.jpg").write_bytes(b"torn")
    (root / "chunk/validation/sax/sax04_500.wav").write_bytes(b"torn")
    pairs = read_sub_urmp(root)
    report = pack(pairs, tmp_path / "pack", 16, RATE)
    assert report.dropped == {SILENT: ["cello01_500.wav"], UNREADABLE: ["sax02_600.jpg", "sax04_500.jpg"]}
    assert report.kept == {"train": 4, "test": 3} and "7 pairs can be used" in report.sentence()
    photos, sounds = PhotoPack(tmp_path / "pack", pairs.kinds), SoundPack(tmp_path / "pack", pairs.kinds)
    for seen, heard in zip(photos.entries, sounds.entries, strict=True):
        item = pairs.items[seen["pair"]]
        number = (
            10 * ["cello01", "sax02", "cello03", "sax04"].index(item.player) + int(item.picture.stem.split("_")[1]) // 100 - 5
        )
        at = photos.entries.index(seen)
        assert abs(int(np.asarray(photos.picture(at))[8, 12, 0]) - made.grey(number)) < 4
        assert heard_hertz(sounds.wav(at, 0, heard["length"]), RATE) == pytest.approx(made.hertz(number), abs=4)


def test_nothing_readable_is_refused_and_no_pack_is_left(tmp_path):
    root = made.write_sub_urmp(tmp_path / "data")
    pack(read_sub_urmp(root), tmp_path / "pack", 8, RATE)
    for path in root.rglob("*.jpg"):
        path.write_bytes(b"torn")
    with pytest.raises(InputError, match="None of the 10 pairs can be used"):
        pack(read_sub_urmp(root), tmp_path / "pack", 8, RATE)
    assert not (tmp_path / "pack" / "packed.json").exists()


def test_folder_that_cannot_be_written_is_refused(tmp_path):
    pairs = read_sub_urmp(made.write_sub_urmp(tmp_path / "data"))
    (tmp_path / "pack").write_text("a file")
    with pytest.raises(StorageError, match=r"photos\.npy could not be written"):
        pack(pairs, tmp_path / "pack", 8, RATE)


def test_folders_are_recognised(tmp_path):
    assert read_paired(made.write_sub_urmp(tmp_path / "a")).source == "sub-urmp"
    assert read_paired(made.write_inis(tmp_path / "b")).source == "inis"
    with pytest.raises(InputError, match="There is no folder named c"):
        read_paired(tmp_path / "c")
    with pytest.raises(InputError, match="holds no packed pairs"):
        packed_partners(tmp_path / "a")


def test_command_packs_and_refuses(tmp_path, capsys):
    data = made.write_sub_urmp(tmp_path / "data")
    assert main([str(data), str(tmp_path / "pack"), "--size", "8", "--rate", "8000"]) == 0
    assert "10 pairs can be used (6 train, 0 val, 4 test)." in capsys.readouterr().err
    assert (tmp_path / "pack" / "packed.json").is_file()
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "pack")]) == 2
    assert capsys.readouterr().err.strip() == "There is no folder named nowhere; give the folder of Sub-URMP or INIS."
