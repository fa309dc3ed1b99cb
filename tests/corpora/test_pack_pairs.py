"""The packed pairs: kinds, splits that share nothing, what is read back, and the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from tiny_pack import heard as heard_at_11025
from tiny_pairs import CLIPS, RATE, write_data

from avdemo.corpora import clips, drawn, pair_photos, pair_sounds
from avdemo.corpora.everyday import everyday_photos, hash_split, recording_of, recordings
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.pack_pairs import PairPlan, pack_pairs
from avdemo.corpora.pack_sounds import TEST_FONT, TRAIN_FONTS, find_font
from avdemo.corpora.scenes import PhotoPack
from avdemo.corpora.score import HAND_PERCUSSION, HELD_SOUNDS, RANGES, Outline, improvise
from avdemo.errors import InputError

PLAN = PairPlan(
    renders=0, test_renders=0, val_renders=0, effects=0, note_phrases=2, held_phrases=1, stranger_phrases=1, phrase_variants=2,
    density=1.0, least=2, short_pieces=2, clip_variants=2, backgrounds=0, players=0,
)  # fmt: skip
ARRAYS = (
    "photos.npy",
    "photos.json",
    "sounds.npy",
    "sounds.json",
    "clip_frames.npy",
    "clip_sounds.npy",
    "clips.json",
    "packed.json",
)
#: Digests of the parts that instruments played before hand percussion and others were added: they shape shipped checkpoints.
PARTS = {
    "accordion": "c18de304429e", "banjo": "2a4dcdf393f8", "clarinet": "bb35d21a3890", "flute": "e3617deb7f87", "guitar": "00245139dd4f",
    "piano": "b7e852707b25", "saxophone": "7928c22b7cdc", "trombone": "5de6f1d0098c", "trumpet": "cf20e95821e6", "tuba": "f2992623b823",
    "violin": "a740072a8a41", "xylophone": "0f8ef64b60c4", "drums": "cbc43be9cc77",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    try:
        drawn.find_emoji_font()
    except InputError as error:
        pytest.skip(str(error))
    return write_data(tmp_path_factory.mktemp("pairs") / "data")


@pytest.fixture(scope="module")
def pack(data):
    out = data.parent / "pack"
    told = []
    report = pack_pairs(data, out, sample_rate=RATE, plan=PLAN, workers=1, progress=lambda share, text: told.append(share))
    assert told == sorted(told) and told[-1] == 1.0
    return out, report


def test_sounds_have_kinds_and_splits(pack) -> None:
    out, report = pack
    made = report["sounds"]
    assert made["banjo/notes/train"] == 2 and made["banjo/notes/test"] == 1  # the folder's "val" notes are the test
    assert made["accordion/notes/train"] == 2 and not any("concertina" in key for key in made)  # merged
    assert made["castanets/notes/train"] == 2 and made["none/stranger/train"] == 1
    assert made["drums/phrase/train"] == 2 and made["drums/phrase/test"] == 1
    assert made["rain/recording/train"] == 2 and made["rain/recording/test"] == 2  # 14 s: two cuts without overlap
    assert made["train/recording/train"] == 4
    assert {key.split("/")[2] for key in made if key.startswith("snoring")} == {"train", "val", "test"}
    entries = json.loads((out / "sounds.json").read_text())
    assert all(
        e["length"] <= 6 * RATE and e["start"] + e["length"] <= len(np.load(out / "sounds.npy", mmap_mode="r")) for e in entries
    )


def test_sounds_read_back(pack) -> None:
    sounds = SoundPack(pack[0], pair_sounds.INSTRUMENTS)
    held = sounds.numbers("rain", "recording", "test")
    wav = sounds.wav(held[0], 0, 4096)
    assert heard_at_11025(wav) * RATE / 11_025 == pytest.approx(250, abs=3)  # the tone of the held-out file
    assert 0.05 < np.sqrt((wav**2).mean()) < 0.2


def test_photos_have_kinds_and_splits(pack, data) -> None:
    out, _ = pack
    photos = PhotoPack(out, ("banjo", "maracas", "drums", "dog"))
    web = [e for e in photos.entries if e["source"] == "web30"]
    assert [(e["instrument"], e["split"]) for e in web] == [
        ("banjo", "train"), ("banjo", "val"), ("banjo", "test"), ("maracas", "train"), ("", "train"), ("", "test"),
    ]  # fmt: skip
    everyday = [e for e in photos.entries if e["source"] == "made"]
    assert [e["instrument"] for e in everyday] == ["dog", "dog", "drums", ""]
    shown = {e["instrument"] for e in photos.entries if e["source"] == "emoji"}
    assert shown == set(drawn.DRAWN_INSTRUMENTS) | set(pair_photos.EMOJI)
    assert all(e["split"] == "train" for e in photos.entries if e["source"] == "emoji")
    assert np.asarray(photos.picture(1)).reshape(-1, 4).mean(0).tolist() == [45, 45, 45, 255]


def test_clips_read_back(pack) -> None:
    out, _ = pack
    entries = json.loads((out / "clips.json").read_text())
    frames, sounds = np.load(out / "clip_frames.npy"), np.load(out / "clip_sounds.npy")
    assert [e["clip"] for e in entries] == list(CLIPS)
    for number, entry in enumerate(entries):
        assert [f["time_s"] for f in entry["frames"]] == [0.0, 0.25, 0.5, 0.75]
        f = entry["frames"][2]
        picture = frames[f["start"] : f["start"] + f["height"] * f["width"] * 3].reshape(f["height"], f["width"], 3)
        assert min(picture.shape[:2]) == 224 and abs(float(np.median(picture)) - 50 * number) < 12
        assert entry["has_sound"] == CLIPS[entry["clip"]][1]
        assert entry["sound_length"] == (RATE if entry["has_sound"] else 0)
    last = [e for e in entries if e["has_sound"]][-1]
    wav = sounds[last["sound_start"] : last["sound_start"] + last["sound_length"]] / 32768
    assert heard_at_11025(wav) * RATE / 11_025 == pytest.approx(500, abs=5)
    assert entries[-1]["split"] == "train"  # pictures without their sound


def test_the_same_seed_gives_the_same_bytes(pack, data) -> None:
    out, again, other = pack[0], data.parent / "again", data.parent / "other"
    pack_pairs(data, again, sample_rate=RATE, plan=PLAN, workers=2)
    assert all((out / name).read_bytes() == (again / name).read_bytes() for name in ARRAYS)
    pack_pairs(data, other, sample_rate=RATE, plan=PLAN, workers=2, seed=1)
    assert (out / "sounds.npy").read_bytes() != (other / "sounds.npy").read_bytes()


def test_no_recording_is_in_two_splits(data) -> None:
    found = recordings(data)
    splits: dict[str, set[str]] = {}
    for r in found:
        splits.setdefault(r.recording, set()).add(r.split)
    assert all(len(s) == 1 for s in splits.values())
    names = {(r.kind, r.path.name) for r in found}
    assert ("train", "moodist__inside-a-train.wav") in names and ("rain", "moodist__train.wav") not in names
    assert not any("abc1" in name for _, name in names)  # a hit that the instruments' folder has in its test
    assert {r.split for r in found if r.kind == "drums"} == {"train", "test"}


def test_recordings_are_named_by_what_was_recorded() -> None:
    one, two = (
        recording_of(f"baby_cry/donateacry__0c8f14a9-6999-485b-97a2-913c1cbf099c-{n}-1.7-m-26-hu.ogg") for n in (1430, 1431)
    )
    assert one == two
    # cuts 53 and 144 apart repeat each other, and no split may part them
    assert all(recording_of(f"snoring/khan__1_{n}.ogg").startswith("snoring/train") for n in (139, 171, 220, 258, 285, 368))
    assert recording_of("snoring/khan__1_10.ogg").startswith("snoring/test")
    counts = [hash_split(f"text {n}") for n in range(2000)]
    assert 0.72 < counts.count("train") / 2000 < 0.78 and 0.08 < counts.count("val") / 2000 < 0.12


def test_validation_photos_come_from_training_only(data) -> None:
    assert [p.split for p in everyday_photos(data) if p.path.name == "1.png"] == ["test"]
    assert {p.kind for p in everyday_photos(data)} == {"dog", "drums", ""}


def test_clip_splits_depend_on_the_name_alone() -> None:
    for group in clips.SAME_RECORDING:
        assert len({clips.clip_split(name) for name in group}) == 1
    many = [clips.clip_split(f"clip_{n}.mp4") for n in range(2000)]
    assert 0.42 < many.count("train") / 2000 < 0.48 and 0.10 < many.count("val") / 2000 < 0.16


@pytest.mark.parametrize("instrument", sorted(PARTS))
def test_old_instruments_play_as_before(instrument) -> None:
    rows = []
    for seed in range(12):
        rng = np.random.default_rng([seed, 7])
        part = improvise(Outline.draw(rng, 6.0), instrument, rng)
        rows += [(round(float(n.start_s), 6), round(float(n.duration_s), 6), int(n.pitch), int(n.velocity)) for n in part]
        rows.append(float(rng.random()))
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:12] == PARTS[instrument]


@pytest.mark.parametrize("instrument", [*sorted(set(RANGES) - set(PARTS)), *HAND_PERCUSSION, *HELD_SOUNDS])
def test_new_instruments_are_playable(instrument) -> None:
    keys = HAND_PERCUSSION.get(instrument)
    low, high = RANGES.get(instrument) or HELD_SOUNDS.get(instrument) or (min(keys), max(keys))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        part = improvise(Outline.draw(rng, 6.0), instrument, rng)
        assert part and all(low <= n.pitch <= high and 1 <= n.velocity <= 127 and n.duration_s > 0 for n in part)
        assert keys is None or {n.pitch for n in part} <= set(keys)


def test_training_fonts_are_shared_out_and_the_validation_font_is_spared() -> None:
    counts = pair_sounds.font_counts(("banjo", "ocarina"), 100, ("ocarina",))
    assert set(counts) == set(TRAIN_FONTS)
    assert sum(c["banjo"] for c in counts.values()) == 100 and sum(c.get("ocarina", 0) for c in counts.values()) == 100
    assert "ocarina" not in counts[pair_sounds.VAL_FONT]


def test_a_soundfont_renders_hand_percussion() -> None:
    pytest.importorskip("fluidsynth", reason="pyfluidsynth is not installed", exc_type=ImportError)
    try:
        find_font(TEST_FONT)
    except InputError as error:
        pytest.skip(str(error))
    counts = {"bongo": 1, "water": 1}
    first = pair_sounds.rendered(TEST_FONT, counts, "test", RATE, 0, kinds={"water": "recording"})
    again = pair_sounds.rendered(TEST_FONT, counts, "test", RATE, 0, kinds={"water": "recording"})
    assert [(p.instrument, p.kind, len(p.samples)) for p in first] == [
        ("bongo", "render", 6 * RATE),
        ("water", "recording", 6 * RATE),
    ]
    assert all(np.abs(p.samples).max() > 500 and np.array_equal(p.samples, q.samples) for p, q in zip(first, again, strict=True))


def test_drawn_players_fill_pictures(data) -> None:
    pictures = pair_photos.players(0, ("banjo", "violin"), 3, seed=0)
    assert [p.instrument for p in pictures] == ["banjo", "violin", "banjo"]
    assert all(p.rgba.dtype == np.uint8 and max(p.rgba.shape[:2]) <= 256 and p.rgba[..., 3].min() == 255 for p in pictures)
    assert all(p.split == "train" and p.rgba[..., :3].std() > 15 for p in pictures)
    repeated = pair_photos.players(0, ("banjo", "violin"), 3, seed=0)
    assert all(np.array_equal(p.rgba, q.rgba) for p, q in zip(pictures, repeated, strict=True))


def test_missing_folders_are_said(tmp_path) -> None:
    with pytest.raises(InputError, match=r"clips/index\.csv"):
        pack_pairs(tmp_path, tmp_path / "out", plan=PLAN)
    with pytest.raises(InputError, match=r"sounds/photos\.csv"):
        everyday_photos(tmp_path)
