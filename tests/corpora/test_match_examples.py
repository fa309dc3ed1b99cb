"""The shipped examples of matching: complete, small, clean to hear, and what examples.json says."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from avdemo import media
from avdemo.corpora import make_match_examples as made
from avdemo.corpora.drawn import draw_background, find_emoji_font
from avdemo.corpora.match_films import PEAK, SAMPLE_RATE, Film, level
from avdemo.corpora.perform import find_soundfont
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

FOLDER = PACKAGE_ROOT / "correspondence" / "examples"
ENTRIES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
MEDIA = {".mp4", ".png", ".m4a"}


def heard_file(entry: dict):
    return FOLDER / entry.get("sound", entry["file"])


def name_of(entry: dict) -> str:
    return heard_file(entry).name


@pytest.fixture(scope="module")
def font():
    try:
        return find_emoji_font()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def soundfont():
    pytest.importorskip("fluidsynth")
    try:
        return find_soundfont()
    except InputError as error:
        pytest.skip(str(error))


def test_list_names_every_file_and_together_they_are_small():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir() if path.suffix in MEDIA}
    assert set(files) == {entry["file"] for entry in ENTRIES} | {entry["sound"] for entry in ENTRIES if "sound" in entry}
    assert sum(files.values()) < 3_000_000
    assert {path.name for path in FOLDER.iterdir()} == {*files, "examples.json", "README.md"}
    assert len({entry["title"] for entry in ENTRIES}) == len(ENTRIES) >= 6


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_file_is_what_the_list_says(entry):
    assert entry["sentence"].endswith(".") and "FluidR3" in entry["licence"]
    if entry["kind"] == "video":
        info = media.probe(FOLDER / entry["file"])
        assert (info.width, info.height, info.audio_channels) == (entry["width_px"], entry["height_px"], 2)
        assert info.duration_s == pytest.approx(entry["seconds"], abs=1 / 30)
    else:
        assert entry["kind"] == "pair"
        assert media.read_image(FOLDER / entry["file"]).shape == (entry["height_px"], entry["width_px"], 3)
    length = media.read_audio(heard_file(entry), SAMPLE_RATE).shape
    assert length[0] == 2 and length[1] / SAMPLE_RATE == pytest.approx(entry["seconds"], abs=0.06)


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_expected_spans_fill_the_file(entry):
    expected = entry["expected"]
    spans = sorted(expected["matches"] + expected["mismatches"])
    assert spans[0][0] == 0 and spans[-1][1] == entry["seconds"]
    assert all(first[1] == second[0] and second[0] < second[1] for first, second in pairwise(spans))
    assert sorted(span["span_s"] for span in entry["spans"]) == spans
    for span in entry["spans"]:
        belongs = span["heard"] in span["shown"]
        assert span["span_s"] in expected["matches" if belongs else "mismatches"]
        assert ("x_px" in span) == belongs
        if belongs:
            assert 0 <= span["x_px"] < entry["width_px"] and 0 <= span["y_px"] < entry["height_px"]


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_sound_is_even_and_without_clicks_at_the_cuts(entry):
    wav = media.read_audio(heard_file(entry), SAMPLE_RATE)
    assert np.abs(wav).max() < 0.99
    assert 20 * np.log10(np.sqrt((wav**2).mean())) == pytest.approx(-18, abs=3)
    for start_s, end_s in (span["span_s"] for span in entry["spans"]):
        part = wav[:, round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
        seconds = part[:, : part.shape[1] // SAMPLE_RATE * SAMPLE_RATE].reshape(2, -1, SAMPLE_RATE)
        assert 20 * np.log10(np.sqrt((seconds**2).mean((0, 2)))).min() > -28  # no second of it is silent
        cut = round(end_s * SAMPLE_RATE)
        assert np.abs(wav[:, cut - 60 : cut + 60]).max(initial=0) < 0.02


def test_list_is_what_the_script_writes(font):
    assert [example.describe() for example in made.EXAMPLES] == ENTRIES


@pytest.mark.parametrize("example", made.EXAMPLES, ids=lambda example: example.name)
def test_same_call_gives_the_same_sound_and_it_is_the_shipped_one(soundfont, example):
    wav = example.sound(soundfont)
    assert wav.dtype == np.float32 and np.array_equal(wav, example.sound(soundfont))
    assert np.abs(wav).max() <= PEAK + 1e-6
    shipped = media.fit_length(media.read_audio(heard_file(example.describe()), SAMPLE_RATE), wav.shape[1])
    blocks = [np.sqrt((w[:, : w.shape[1] // 2205 * 2205].reshape(2, -1, 2205) ** 2).mean((0, 2))) for w in (wav, shipped)]
    assert np.corrcoef(*blocks)[0, 1] > 0.95  # loudness in steps of 50 ms


def test_who_is_not_heard_rests(font):
    duet = next(example for example in made.EXAMPLES if example.name == "duet-one-plays").scenes[0]
    first, second = duet.players
    assert max(note.start_s + note.duration_s for note in first.notes) <= 4.0 <= min(note.start_s for note in second.notes)
    for player, resting, playing in ((second, (0.5, 3.5), (4.5, 7.5)), (first, (5.5, 7.9), (0.5, 3.5))):
        assert all(player._playing(t) == 0 for t in np.arange(*resting, 0.25))
        assert np.mean([player._playing(t) for t in np.arange(*playing, 0.25)]) > 0.9


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry["kind"] == "video"], ids=name_of)
def test_what_is_heard_is_where_the_list_says(font, entry):
    """The named place is on something that is not the bare background."""
    film = next(example for example in made.EXAMPLES if example.describe() == entry)
    if not isinstance(film, Film):  # the helicopter is yellow, nothing around it is
        span = entry["spans"][0]
        picture = media.read_frame(FOLDER / entry["file"], sum(span["span_s"]) / 2).astype(int)
        place = picture[span["y_px"] - 30 : span["y_px"] + 31, span["x_px"] - 60 : span["x_px"] + 61]
        assert np.mean((place[..., 0] > 200) & (place[..., 2] < 110)) > 0.5  # cabin and tail, around the windows
        return
    begins_s = 0.0
    for scene in film.scenes:
        ground = draw_background(scene.background, (entry["width_px"], entry["height_px"])).astype(int)
        for span in scene.spans(begins_s):
            if "x_px" not in span:
                continue
            picture = media.read_frame(FOLDER / entry["file"], sum(span["span_s"]) / 2).astype(int)
            place = np.s_[span["y_px"] - 4 : span["y_px"] + 5, span["x_px"] - 4 : span["x_px"] + 5]
            assert np.mean(np.abs(picture[place] - ground[place]).max(-1) > 24) > 0.9
        begins_s += scene.seconds


def test_level_keeps_peaks_below_the_limit():
    rng = np.random.default_rng(0)
    even = level(0.01 * rng.standard_normal((2, 44_100)))
    assert 20 * np.log10(np.sqrt((even**2).mean())) == pytest.approx(-18, abs=0.1)
    clicks = np.zeros((2, 44_100))
    clicks[:, ::4410] = 0.1
    assert np.abs(level(clicks)).max() == pytest.approx(PEAK)
    assert not level(np.zeros((2, 100))).any()
