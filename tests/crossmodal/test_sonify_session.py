"""Behind the Imagine tab, from picture to sound: answers, files, page changes, records, with a tiny network that learned nothing."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from avdemo import media
from avdemo.errors import Cancelled, InputError, LimitError
from avdemo.replay import replay


@pytest.fixture
def opened(ask, tab):
    """The example's picture, played for 2 s with seed 0."""
    return ask("sonify", 0, 2.0, -20.0, tab.example("picture", 0)[0])


def level_db(path):
    return 20 * np.log10(np.sqrt(np.mean(np.square(media.read_audio(path, 8000)))))


def test_a_picture_fills_the_page_and_the_state_stays_small(ask, opened, tab):
    assert media.read_audio(opened["made"]["value"], 8000).shape[1] == pytest.approx(16_000, abs=10)
    assert media.read_image(opened["drawn"]["value"]).shape == (480, 960, 3)
    assert "It should ring." in opened["sight"]["value"] and "Griffin-Lim" in opened["method"]["value"]
    assert "Listening to it again" in opened["hears"]["value"]
    assert all(opened[name]["value"].count("display: grid") == 6 for name in ("seen_bars", "made_bars"))
    assert opened["seen_picture"]["visible"] and not opened["empty_picture"]["visible"] and not opened["trip_picture"]["visible"]
    names = [Path(path).name for path in opened["files_picture"]["value"]]
    assert names == ["guitar_sound.wav", "guitar_spectrogram.png", "guitar_run.json"]
    assert ask.state["token"] in tab.shelf and len(json.dumps(ask.state)) < 9000


def test_every_knob_changes_the_sound(ask, opened):
    first = Path(opened["made"]["value"]).read_bytes()
    other = ask("replay", 3, 2.0, -20.0)
    assert Path(other["made"]["value"]).read_bytes() != first and other["tune_seed"]["value"] == 3
    assert ask("replay", 3, 2.0, -20.0) == {}  # nothing changed
    assert ask("replay", None, 2.0, -20.0) == {}  # the field is empty while another seed is being typed
    assert ask("next_tune", 3, 2.0, -20.0)["tune_seed"]["value"] == 4
    longer = ask("replay", 4, 5.0, -20.0)["made"]["value"]
    assert media.read_audio(longer, 8000).shape[1] == pytest.approx(40_000, abs=10)
    assert level_db(longer) == pytest.approx(-20, abs=0.5)
    assert level_db(ask("replay", 4, 5.0, -32.0)["made"]["value"]) == pytest.approx(-32, abs=0.5)
    assert Path(ask("replay", 0, 2.0, -20.0)["made"]["value"]).read_bytes() == first


@pytest.mark.parametrize("loudness_db", [-20.0, -30.0])
def test_the_record_replays(ask, tab, image, tmp_path, loudness_db):
    ask("sonify", 7, 2.5, loudness_db, {"file": str(image)})
    ask("playing_details", made := [])
    facts, record = made
    assert facts["Seed"] == "7" and record["seed"] == 7 and record["inputs"]["image"]["path"] is None
    (tmp_path / "run.json").write_bytes(Path(ask.state["files"]["record"]).read_bytes())
    (tmp_path / image.name).write_bytes(image.read_bytes())
    again = replay(tmp_path / "run.json")
    assert again.identical, again.sentence()
    assert ask("playing_details", made) == {} and len(made) == 2  # told once


def test_a_round_trip_ends_with_a_picture(ask, opened):
    changes = ask("round_picture")
    assert changes["hop_picture_1"]["value"] == ask.state["files"]["sound"]
    assert all(media.read_image(changes[f"hop_picture_{n}"]["value"]).ndim == 3 for n in (0, 2))
    assert "guitar_round-trip.png" in changes["files_picture"]["value"][-1] and changes["trip_picture"]["visible"]


def test_what_came_out_goes_on_into_the_other_direction(ask, opened, tab):
    given, form = tab.carry_back(ask.state)
    assert given["file"] == form["sound"]["value"] == ask.state["files"]["sound"]
    assert form["mode"]["value"] == "sound" and form["half_sound"]["visible"] and not form["half_picture"]["visible"]
    ask.state = {}
    ask("imagine", 0, 3, "C", given)
    ask("choose", 2)
    given, form = tab.carry(ask.state)
    assert given["file"] == form["picture"]["value"] == ask.state["pictures"][2]["path"] and form["half_picture"]["visible"]
    ask.state = {}
    changes = ask("sonify", 0, 2.0, -20.0, given)
    assert Path(changes["made"]["value"]).name == "guitar_sound_picture-3_sound.wav"


def test_refusals_lose_nothing(ask, opened, sound):
    before = copy.deepcopy(ask.state)
    cases = [
        (("sonify", 0, 2.0, -20.0, {"file": str(sound)}), InputError, "Été.wav"),
        (("sonify", 0, 2.0, -20.0, {}), InputError, "no picture yet"),
        (("next_tune", None, 2.0, -20.0), InputError, "seed is empty"),
        (("replay", 0, 99.0, -20.0), LimitError, "at most 20 seconds"),
        (("replay", 0, 2.0, 3.0), InputError, "loudness"),
    ]
    for asked, kind, words in cases:
        with pytest.raises(kind, match=words):
            ask(*asked)
        assert ask.state == before
    with pytest.raises(Cancelled):
        ask("replay", 9, 2.0, -20.0, progress=None, cancelled=lambda: True)
    assert ask.state == before


def test_before_anything_was_seen(ask):
    assert ask("replay", 0, 2.0, -20.0) == {} and ask("playing_details", []) == {}
    for asked in (("next_tune", 0, 2.0, -20.0), ("round_picture",)):
        with pytest.raises(InputError, match="Nothing has been seen yet"):
            ask(*asked)


# ---- plain parts of both directions


def test_answers_about_something_that_was_replaced_come_too_late():
    from avdemo.crossmodal.session import merge

    live = {"token": "b", "files": {"grid": "new.png"}, "chosen": 0}
    old = {"token": "a", "files": {}, "chosen": 0}
    assert not merge(live, old, {"chosen": 3}) and live["chosen"] == 0
    assert merge(live, dict(live), {"chosen": 2, "files": {"blend": "x.mp4"}})
    assert live == {"token": "b", "files": {"grid": "new.png", "blend": "x.mp4"}, "chosen": 2}
    assert merge(live, dict(live), {"files": {"blend": None}}) and live["files"] == {"grid": "new.png"}
    assert merge(live, dict(live), {"token": "c", "files": {}}) and live == {"token": "c", "files": {}}
    assert not merge({}, {}, {"chosen": 1})


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (("violin", "violin", "violin"), "stays a violin"),
        (("violin", "", "violin"), "comes back as a violin"),
        (("accordion", "accordion", "drums"), "begins as an accordion and at hop 3 becomes drums"),
        (("harp", "", "tuba"), "at hop 2 becomes nothing that the model is sure of"),
        (("", "harp", "harp"), "no instrument to follow"),
    ],
)
def test_the_fate_of_an_instrument_in_words(kinds, words):
    from avdemo.crossmodal.page import fate

    assert words in fate([{"opinion": {"kind": kind}} for kind in kinds])


def test_the_next_seed():
    from avdemo.crossmodal.session import after

    assert after(0) == 1 and after(2**32 - 1) == 0


def test_results_can_leave_a_process_with_a_graphics_card(shipped, sound):
    from avdemo.crossmodal import pipeline
    from avdemo.crossmodal.results import on_cpu

    heard = pickle.loads(pickle.dumps(on_cpu(pipeline.listen(sound))))
    assert pipeline.paint(heard, count=1).shape[0] == 1
    assert on_cpu(np.zeros(3)).shape == (3,)
