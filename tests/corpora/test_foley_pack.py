"""The packed arrays of foley: what is written is read back, levels are the recordings' own, a broken folder is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from tiny_foley_sounds import write_foley_data

from avdemo.corpora.clips import clip_split
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.made_printers import made_printer
from avdemo.corpora.pack_foley import CLIP_SIDE, PEAKS, SAMPLE_RATE, FlatFile, FoleyPlan, pack_foley, trim, usual_gain
from avdemo.errors import InputError
from avdemo.media import read_audio
from avdemo.media.motion import flow

PLAN = FoleyPlan(made_printers=1, backgrounds=0, emoji=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """With clips of other things, one for training and one that is held out."""
    folder = write_foley_data(tmp_path_factory.mktemp("foley") / "data")
    shutil.copy(folder / "clips" / "other" / "street.mp4", folder / "clips" / "other" / "kitchen.mp4")
    with (folder / "clips" / "index.csv").open("a") as index:
        index.write("other/kitchen.mp4,other,real,made,1.0,10\n")
    assert clip_split("street.mp4") == "train" and clip_split("kitchen.mp4") == "test"
    return folder


@pytest.fixture(scope="module")
def folder(data):
    out, told = data.parent / "pack", []
    pack_foley(data, out, plan=PLAN, progress=lambda share, text: told.append(share))
    assert told == sorted(told) and told[-1] == pytest.approx(1.0)
    return out


def test_sounds_read_back(folder, data) -> None:
    pack = FoleyPack(folder)
    number = next(i for i, e in enumerate(pack.sounds) if e["group"] == "esc/21")
    file = next((data / "esc" / "esc10" / "chainsaw").glob("esc10__6.wav"))
    truth = read_audio(file, SAMPLE_RATE, mono=True)[0]
    truth = trim(truth * np.float32(usual_gain(float(np.abs(truth).max()))))
    assert pack.wav(number) == pytest.approx(truth, abs=1e-4)
    assert pack.wav(number, 500, 300) == pytest.approx(truth[500:800], abs=1e-4)
    assert len(pack.wav(number, len(truth) - 10, 300)) == 10


def test_splits_share_no_recording_and_long_ones_stay_whole(folder) -> None:
    pack = FoleyPack(folder)
    splits: dict[str, set[str]] = {}
    for e in pack.sounds:
        splits.setdefault(e["group"], set()).add(e["split"])
        assert set(e) == {"kind", "what", "split", "group", "source", "start", "length"} and e["kind"] in pack.kinds
    assert all(len(s) == 1 for s in splits.values())
    fireworks = [e for e in pack.sounds if e["source"] == "moodist" and e["kind"] == "fireworks"]
    assert [round(e["length"] / SAMPLE_RATE) for e in fireworks] == [26, 3]  # 31.5 s that sound, less the gap of 2 s


def test_one_gain_for_a_whole_recording(folder) -> None:
    """A soft snore stays softer than a loud one of the same sleeper."""
    pack = FoleyPack(folder)
    peaks = {e["group"]: float(np.abs(pack.wav(i)).max()) for i, e in enumerate(pack.sounds)}
    assert all(PEAKS[0] - 0.01 <= p <= PEAKS[1] + 0.01 for p in peaks.values())
    assert usual_gain(0.5) == 1.0 and usual_gain(0.1) == pytest.approx(3.0) and usual_gain(1.8) == pytest.approx(0.5)
    assert usual_gain(1e-5) == 10.0


def test_photos_and_clips_read_back(folder) -> None:
    pack = FoleyPack(folder)
    number = pack.photos_of("dog", "train")[0]
    assert pack.picture(number).shape == (30, 40, 4) and not pack.picture(number).flags.writeable
    assert pack.picture(number) is pack.picture(number)
    dog = next(i for i, e in enumerate(pack.clips) if e["name"] == "dog/yard.mp4")
    whole, part = pack.clip(dog), pack.clip(dog, 3, 5)
    assert whole["frames"].shape == (12, CLIP_SIDE, CLIP_SIDE, 3) and len(whole["wav"]) == 12 * 1280
    assert np.array_equal(part["frames"], whole["frames"][3:8]) and np.array_equal(part["wav"], whole["wav"][3 * 1280 : 8 * 1280])
    assert part["flow"] == pytest.approx(whole["flow"][3:8])
    assert whole["flow"] == pytest.approx(flow(whole["frames"]), abs=0.01)
    assert pack.kinds[whole["kind"]] == "dog"


def test_clips_of_other_things_are_packed_for_training_alone(folder) -> None:
    pack = FoleyPack(folder)
    strange = [number for split in ("train", "val", "test") for number in pack.clips_of(split, strange=True)]
    assert [(pack.clips[number]["name"], pack.clips[number]["split"]) for number in strange] == [("other/street.mp4", "train")]
    known = [number for split in ("train", "val", "test") for number in pack.clips_of(split)]
    assert {pack.clips[number]["name"] for number in known} == {"dog/yard.mp4", "drum/kit.mp4"} and len(pack.clips) == 3
    clip = pack.clip(strange[0])
    assert clip["kind"] == len(pack.kinds) and clip["wav"].any() and len(clip["flow"]) == len(clip["frames"]) == 12
    assert not [e for e in pack.sounds if "street" in e["group"] or not e["kind"]]  # nothing is to sound like it


def test_the_same_seed_gives_the_same_bytes(folder, data) -> None:
    again = data.parent / "again"
    pack_foley(data, again, plan=PLAN)
    for file in folder.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


def test_a_folder_without_a_complete_pack_is_refused(folder, tmp_path) -> None:
    for file in folder.iterdir():
        if file.name != "packed.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="pack_foley"):
        FoleyPack(tmp_path)


def test_a_flat_file_grows_past_its_header(tmp_path) -> None:
    file = FlatFile(tmp_path / "a.npy", np.int16)
    starts = [file.add(np.full(n, n % 1000, np.int16)) for n in (3, 70_007, 5)]
    file.close()
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert starts == [0, 3, 70_010] and array.shape == (70_015,)
    assert array[2] == 3 and array[3] == array[70_009] == 7 and array[-1] == 5


def test_silence_is_trimmed_from_the_ends_only() -> None:
    wav = np.concatenate([np.zeros(5000), np.full(100, 0.5), np.zeros(4000), np.full(100, 0.5), np.zeros(9000)]).astype(np.float32)
    assert len(trim(wav)) == pytest.approx(4200 + 2 * 320, abs=2) and len(trim(np.zeros(100, np.float32))) == 0


def test_made_printers_sound_and_pause() -> None:
    wavs = [made_printer(np.random.default_rng(seed), 6.0, SAMPLE_RATE) for seed in range(4)]
    for wav in wavs:
        assert wav.shape == (6 * SAMPLE_RATE,) and wav.dtype == np.float32 and 0.25 < np.abs(wav).max() <= 0.71
    assert np.array_equal(wavs[0], made_printer(np.random.default_rng(0), 6.0, SAMPLE_RATE))
    assert not np.array_equal(wavs[0], wavs[1])


def test_the_report_counts(folder) -> None:
    report = json.loads((folder / "packed.json").read_text())
    assert report["seconds"]["printer/train/made"] == pytest.approx(11.0, abs=0.5)
    assert report["clips"].pop("dog/train") == report["clips"].pop("drum/test") == 1
    assert sum(report["clips"].values()) == 1  # that of another thing
    assert report["cut_in_time"] == ["fireworks/moodist__fireworks"]
