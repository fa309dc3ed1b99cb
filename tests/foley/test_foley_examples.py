"""The shipped examples of adding sound: readable, silent, small, what examples.json says, and what the maker makes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.corpora import make_foley_examples as made
from avdemo.corpora.drawn import find_emoji_font
from avdemo.errors import InputError
from avdemo.foley.config import KINDS
from avdemo.settings import PACKAGE_ROOT

FOLDER = PACKAGE_ROOT / "foley" / "examples"
ENTRIES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))


def film_of(entry: dict) -> made.Film:
    """What the maker makes it from; skips the test where that needs a font that is not installed."""
    film = next(film for film in made.EXAMPLES if f"{film.name}.mp4" == entry["file"])
    if film.uses_font:
        try:
            find_emoji_font()
        except InputError as error:
            pytest.skip(str(error))
    return film


def test_list_names_every_file_and_together_they_are_small():
    names = [entry["file"] for entry in ENTRIES]
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(files) == {*names, "examples.json", "README.md"} and sum(files.values()) < 700_000
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in names)
    assert [film.describe() for film in made.EXAMPLES] == ENTRIES
    kinds = [entry["expected"] for entry in ENTRIES]
    assert len(set(kinds)) == len(kinds) and kinds.count("") == 1 and set(kinds) - {""} <= set(KINDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_video_is_silent_and_as_long_as_listed(entry):
    info = media.check_limits(FOLDER / entry["file"], needs_video=True)
    assert not info.has_audio and (info.width, info.height) == (made.SIDE, made.SIDE)
    assert info.duration_s == pytest.approx(entry["seconds"], abs=0.05) and info.fps == pytest.approx(made.FPS, abs=0.01)
    assert all(hit < entry["seconds"] for hit in entry["hits_s"]) and entry["sentence"].endswith(".")
    assert ("Noto Color Emoji" in entry["licence"]) == film_of(entry).uses_font


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_maker_draws_what_ships(entry):
    film = film_of(entry)
    frames = film.frames()
    numbers = np.arange(0, len(frames), 10)
    shipped = media.read_frames(FOLDER / entry["file"], numbers / made.FPS)
    drawn = np.stack([frames[number] for number in numbers])
    assert np.abs(shipped.astype(int) - drawn.astype(int)).mean() < 4
    assert shipped[0].std() > 8  # the first picture stands for it in the row


def test_drums_and_dog_move_when_they_are_heard():
    from avdemo.media.motion import flow, motion_energy

    for name in ("drums.mp4", "dog.mp4"):
        entry = next(entry for entry in ENTRIES if entry["file"] == name)
        count = int(entry["seconds"] * made.FPS)
        moved = motion_energy(flow(media.read_frames(FOLDER / name, np.arange(count) / made.FPS, short_side=112)))
        at = np.zeros(count, bool)
        for hit in entry["hits_s"]:
            at[max(0, int(hit * made.FPS) - 1) : int(hit * made.FPS) + 3] = True
        if (~at).sum() > 5:
            assert moved[at].mean() > 2 * moved[~at].mean(), name
