"""The shipped examples of imagining: readable, small, what examples.json says, and what the maker makes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.corpora import make_imagine_examples as made
from avdemo.corpora.drawn import find_emoji_font
from avdemo.corpora.match_films import PEAK, SAMPLE_RATE
from avdemo.corpora.perform import find_soundfont
from avdemo.corpora.speech import find_espeak, speak
from avdemo.crossmodal.config import KINDS
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

FOLDER = PACKAGE_ROOT / "crossmodal" / "examples"
ENTRIES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
SOUNDS = [entry for entry in ENTRIES if entry["kind"] == "sound"]
PICTURES = [entry for entry in ENTRIES if entry["kind"] == "picture"]


def file_of(entry: dict) -> str:
    return entry["file"]


def need(find):
    """What ``find`` finds; skips the test where it is not installed."""
    try:
        return find()
    except InputError as error:
        pytest.skip(str(error))


def test_list_names_every_file_and_together_they_are_small():
    names = [entry["file"] for entry in ENTRIES]
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(files) == {*names, "examples.json", "README.md"} and len(set(names)) == len(names)
    assert sum(files.values()) < 1_200_000
    assert len({entry["title"] for entry in ENTRIES}) == len(ENTRIES)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in names)


def test_there_are_several_of_both_and_one_of_each_is_no_instrument():
    assert len(SOUNDS) + len(PICTURES) == len(ENTRIES)
    for entries, least in ((SOUNDS, 7), (PICTURES, 6)):
        expected = [entry["expected"] for entry in entries]
        assert len(set(expected)) == len(expected) >= least and expected.count("") == 1
        assert set(expected) - {""} <= set(KINDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=file_of)
def test_entry_says_what_it_is_and_whose(entry):
    assert entry["sentence"].endswith(".") and (entry["expected"] or "no") in entry["sentence"]
    source = "Noto Color Emoji" if entry["kind"] == "picture" else "FluidR3" if entry["expected"] else "eSpeak NG"
    assert source in entry["licence"] and "Made by this project, MIT" in entry["licence"]


@pytest.mark.parametrize("entry", SOUNDS, ids=file_of)
def test_sound_is_even_and_as_long_as_listed(entry):
    info = media.check_limits(FOLDER / entry["file"], needs_audio=True)
    wav = media.read_audio(info.path, SAMPLE_RATE)
    assert wav.shape[1] / SAMPLE_RATE == pytest.approx(entry["seconds"], abs=0.06) and 4 <= entry["seconds"] <= 6
    assert np.abs(wav).max() < 0.99
    assert -23 < 20 * np.log10(np.sqrt((wav**2).mean())) < -17  # struck bars peak before they are as loud as the rest
    seconds = wav[:, : wav.shape[1] // SAMPLE_RATE * SAMPLE_RATE].reshape(len(wav), -1, SAMPLE_RATE)
    assert 20 * np.log10(np.sqrt((seconds**2).mean((0, 2)))).min() > -30  # no second of it is silent
    assert np.abs(wav[:, :60]).max() < 0.02 and np.abs(wav[:, -60:]).max() < 0.02


@pytest.mark.parametrize("entry", PICTURES, ids=file_of)
def test_picture_is_square_and_as_large_as_listed(entry):
    picture = media.read_image(FOLDER / entry["file"])
    assert picture.shape == (entry["height_px"], entry["width_px"], 3) and entry["width_px"] == entry["height_px"]
    middle, rim = picture[64:192, 64:192].astype(int), picture[:8].astype(int)
    assert np.ptp(middle, axis=(0, 1)).max() > 120  # something is there
    assert np.abs(middle.mean((0, 1)) - rim.mean((0, 1))).max() > 12  # and it is not the background


def test_list_is_what_the_maker_writes():
    assert [example.describe() for example in made.EXAMPLES] == ENTRIES


@pytest.mark.parametrize("example", [e for e in made.EXAMPLES if isinstance(e, made.Melody | made.Voice)], ids=lambda e: e.name)
def test_same_call_gives_the_same_sound_and_it_is_the_shipped_one(example):
    if isinstance(example, made.Melody):
        pytest.importorskip("fluidsynth")
        need(find_soundfont)
    else:
        need(find_espeak)
    wav = example.sound()
    assert wav.dtype == np.float32 and np.array_equal(wav, example.sound()) and np.abs(wav).max() <= PEAK + 1e-6
    shipped = media.fit_length(media.read_audio(FOLDER / f"{example.name}.m4a", SAMPLE_RATE), wav.shape[1])
    loudness = [np.sqrt((w[:, : w.shape[1] // 2205 * 2205].reshape(2, -1, 2205) ** 2).mean((0, 2))) for w in (wav, shipped)]
    assert np.corrcoef(*loudness)[0, 1] > 0.95  # in steps of 50 ms


@pytest.mark.parametrize("example", [e for e in made.EXAMPLES if isinstance(e, made.Drawing)], ids=lambda e: e.name)
def test_same_call_gives_the_shipped_picture(example):
    need(find_emoji_font)
    assert np.array_equal(example.draw(), media.read_image(FOLDER / f"{example.name}.png"))


def test_maker_makes_one_alone_and_refuses_a_folder_it_cannot_write(tmp_path, capsys):
    need(find_emoji_font)
    assert made.main(["--out", str(tmp_path / "one"), "--only", "cat"]) == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["cat.png"]
    (tmp_path / "file").write_text("")
    assert made.main(["--out", str(tmp_path / "file"), "--only", "cat"]) == 2
    assert "file cannot be written" in capsys.readouterr().err


def test_speech_of_an_unknown_voice_is_refused():
    need(find_espeak)
    with pytest.raises(InputError, match="qqvoice"):
        speak("Hello.", 24_000, voice="qqvoice")


def test_missing_synthesiser_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="espeak-ng is not installed"):
        find_espeak()
