"""The shipped example videos: complete, small, sounding, and where examples.json says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.corpora import make_examples as made
from avdemo.corpora.drawn import draw_background, find_emoji_font
from avdemo.corpora.perform import PEAK, find_soundfont, mix_parts
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

FOLDER = PACKAGE_ROOT / "pixels" / "examples"
ENTRIES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def font():
    try:
        return find_emoji_font()
    except InputError as error:
        pytest.skip(str(error))


def test_list_names_every_video_and_all_are_small():
    files = {path.name: path.stat().st_size for path in FOLDER.glob("*.mp4")}
    assert set(files) == {entry["file"] for entry in ENTRIES} and len(files) >= 5
    assert max(files.values()) < 900_000 and sum(files.values()) < 4_000_000


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_video_is_what_the_list_says(entry):
    info = media.probe(FOLDER / entry["file"])
    assert (info.width, info.height, info.audio_channels) == (640, 360, 2)
    assert 10 <= entry["seconds"] <= 14.1 and info.duration_s == pytest.approx(entry["seconds"], abs=1 / 30)
    assert all(0 <= place["x_px"] < 640 and 0 <= place["y_px"] < 360 for place in entry["instruments"] + entry["silent"])
    wav = media.read_audio(FOLDER / entry["file"], 44_100)
    assert 0.6 < np.abs(wav).max() < 0.9  # -3 dBFS, give or take what AAC does
    assert np.sqrt((wav**2).mean()) > 0.06
    assert not (np.abs(wav) > 0.98).any()


def test_list_is_what_the_script_writes(font):
    assert [made.describe(example) for example in made.EXAMPLES] == ENTRIES


@pytest.mark.parametrize("example", made.EXAMPLES, ids=lambda example: example.name)
def test_click_places_are_on_the_players_and_quiet_ones_are_not(font, example):
    background = draw_background(example.background, (made.WIDTH, made.HEIGHT)).astype(int)
    pictures = [made.draw_frame(example, made.cast(example), background.astype(np.uint8), t) for t in (1.0, 4.0, 7.5)]
    entry = made.describe(example)
    for place in entry["instruments"] + entry["silent"]:
        x, y = place["x_px"], place["y_px"]
        changed = [
            np.abs(picture[y - 4 : y + 5, x - 4 : x + 5].astype(int) - background[y - 4 : y + 5, x - 4 : x + 5]).max(-1) > 24
            for picture in pictures
        ]
        if place["name"] == "background":
            assert np.mean(changed) < 0.35
        else:
            assert np.mean(changed) > 0.9


def test_players_move_with_their_notes_and_the_same_time_gives_the_same_picture(font):
    example = made.EXAMPLES[0]
    player = made.cast(example)[0]
    background = draw_background(example.background, (made.WIDTH, made.HEIGHT))
    onset = float(player.onsets[4])
    first, again, after = (background.copy() for _ in range(3))
    player.draw(first, onset)
    player.draw(again, onset)
    player.draw(after, onset + 0.15)
    assert np.array_equal(first, again)
    assert (first != after).mean() > 0.02


def test_mix_is_the_sum_of_its_stems_at_minus_three_decibels():
    rng = np.random.default_rng(0)
    dry = {name: (level * rng.standard_normal(44_100)).astype(np.float32) for name, level in (("flute", 0.01), ("piano", 0.4))}
    parts = mix_parts(dry, {"flute": -0.3, "piano": 0.3}, {}, 44_100)
    mix = sum(parts.values())
    assert mix.shape == (2, 44_100) and np.abs(mix).max() == pytest.approx(PEAK, rel=1e-4)
    flute, piano = (np.sqrt((parts[name] ** 2).mean()) for name in ("flute", "piano"))
    assert 0.7 < flute / piano < 1.4  # brought to about equal loudness from 32 dB apart
    left, right = np.sqrt((parts["flute"] ** 2).mean(1))
    assert 1.15 < left / right < 1.6


def test_stems_are_exact_and_repeat(font):
    pytest.importorskip("fluidsynth")
    try:
        soundfont = find_soundfont()
    except InputError as error:
        pytest.skip(str(error))
    example = made.EXAMPLES[-1]
    parts = made.stems(example, soundfont)
    assert set(parts) == {"trumpet", "accordion"}  # the drums sleep
    length = round(made.seconds_of(made.TUNES[example.tune]) * 44_100)
    assert all(part.shape == (2, length) for part in parts.values())
    repeat = made.stems(example, soundfont)
    assert all(np.allclose(parts[name], repeat[name], atol=1e-4) for name in parts)
