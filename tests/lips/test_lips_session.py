"""What the Make lips speak tab answers to each event, without a browser: every control changes what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avdemo import media, sessions
from avdemo.errors import InputError
from avdemo.lips import pipeline
from avdemo.lips.answers import Answers
from avdemo.ui.shelf import Shelf

LEFT_TOP_SIDE = (40, 25, 40, 0.0)


@pytest.fixture
def tab(shipped, plain, speech, tmp_path):
    """The tab without its components, with one example."""
    (tmp_path / "words.wav").write_bytes(speech.read_bytes())
    (tmp_path / "face.png").write_bytes(plain.read_bytes())
    examples = [
        {
            "file": str(tmp_path / "face.png"),
            "speech": "words.wav",
            "title": "A face",
            "sentence": "It moves.",
            "box": [30, 20, 50, 5],
        }
    ]
    return Answers(examples, lambda name, *values, **options: getattr(pipeline, name)(*values, **options), Shelf(6))


@pytest.fixture
def spoken(tab, plain, speech):
    """The sight and the state after one video, and what changed on the page."""
    _, sight = tab.look({}, str(plain))
    changes, state, fresh = tab.speak(sight, {}, str(speech), str(plain), 1.0, True, {}, *LEFT_TOP_SIDE)
    assert fresh is None
    return sight, state, changes


def test_a_photo_is_looked_at(tab, plain) -> None:
    changes, sight = tab.look({}, str(plain))
    assert changes["look"]["visible"] and not changes["face"]["visible"] and "No face" in changes["found"]["value"]
    assert changes["preview"]["value"].shape == (570, 760, 3)
    assert [changes[name]["value"] for name in ("box_left", "box_top", "box_side", "box_turn")] == list(sight["auto"])
    assert tab.look(sight, None) == ({"look": {"visible": False}}, {})


def test_each_number_moves_the_square(tab, plain) -> None:
    _, sight = tab.look({}, str(plain))
    pictures = []
    for numbers in (LEFT_TOP_SIDE, (50, 25, 40, 0.0), (40, 35, 40, 0.0), (40, 25, 30, 0.0), (40, 25, 40, 10.0)):
        changes, changed = tab.move(sight, *numbers)
        assert changed == {"pending": None} and "drawn by hand" in changes["found"]["value"]
        pictures.append(changes["preview"]["value"])
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert tab.move(sight, None, 25, 40, 0.0) == ({}, None) and tab.move({}, *LEFT_TOP_SIDE) == ({}, None)


def test_two_clicks_draw_a_square(tab, plain) -> None:
    _, sight = tab.look({}, str(plain))
    changes, changed = tab.click(sight, 190, 95)  # shown 760 px wide, the photo has 120
    assert "click the opposite one" in changes["found"]["value"]
    changes, changed = tab.click({**sight, **changed}, 380, 285)
    assert [changes[name]["value"] for name in ("box_left", "box_top", "box_side", "box_turn")] == [30, 15, 30, 0.0]
    assert changed == {"pending": None}


def test_faces_can_be_chosen(tab, plain) -> None:
    import dataclasses

    from avdemo.lips.framing import Mouth
    from avdemo.media.mouths import MouthBox

    _, sight = tab.look({}, str(plain))
    mouths = (Mouth(MouthBox(0.7, 0.5, 0.5), 0.9), Mouth(MouthBox(0.3, 0.5, 0.4), 0.8))
    tab.shelf.put(dataclasses.replace(tab.photo_of(sight), mouths=mouths), sight["token"])
    first = tab.choose(sight, 1)
    second = tab.choose(sight, 2)
    assert first[1]["auto"] == (62, 22, 45, 0.0) and second[1]["auto"] == (18, 27, 36, 0.0)
    assert (first[0]["preview"]["value"] != second[0]["preview"]["value"]).any()


def test_lips_speak(spoken) -> None:
    _, state, changes = spoken
    names = [Path(path).name for path in state["files"].values()]
    assert names == [f"plain_{name}" for name in ("face.mp4", "lips.mp4", "phases.png", "opening.png", "run.json")]
    assert changes["film"]["value"] == state["files"]["face"] and changes["close"]["visible"]
    assert "32 x 32 pixels" in changes["verdict"]["value"] and changes["result"]["visible"]
    record = json.loads(Path(state["files"]["run"]).read_text(encoding="utf-8"))
    assert record["inputs"]["photo"]["path"] is None and record["parameters"]["box"] == [40, 25, 40, 40]


def test_liveliness_and_mark_change_the_videos(tab, spoken) -> None:
    _, state, _ = spoken
    film = Path(state["files"]["lips"])
    first = media.read_frames(film, [0.6, 1.5]).astype(int)
    assert tab.relive(state, 1.0) == ({}, None) and tab.remark(state, True) == ({}, None)
    changes, changed = tab.relive(state, 0.0)
    assert sessions.merge(state, dict(state), changed) and changes["film"]["value"]
    second = media.read_frames(film, [0.6, 1.5]).astype(int)
    assert np.abs(second - first)[:, :200].max() > 8
    _, changed = tab.remark(state, False)
    assert sessions.merge(state, dict(state), changed) and not state["mark"]
    third = media.read_frames(film, [0.6, 1.5]).astype(int)
    assert np.abs(third - second)[:, -24:, -90:].max() > 60
    made = []
    changes, _ = tab.details(state, made)
    assert made[1]["parameters"]["lively"] == 0.0 and made[1]["parameters"]["mark"] is False
    assert len(changes["files"]["value"]) == 5 and made[0]["Liveliness"] == "0"


def test_what_had_to_leave_the_shelf_is_made_again(tab, spoken) -> None:
    _, state, _ = spoken
    tab.shelf.drop(state["token"])
    changes, _ = tab.remark(state, False)
    assert changes["film"]["value"]


def test_an_example_fills_the_form_and_brings_its_square(tab) -> None:
    given, form = tab.example(0)
    assert Path(form["speech"]["value"]).name == "words.wav" and form["photo"]["value"] == given["file"]
    changes, state, sight = tab.speak({}, {}, None, None, 1.0, True, given, *[None] * 4)
    assert "What to look for: It moves." in changes["verdict"]["value"] and sight["photo"] == given["file"]
    assert changes["box_left"]["value"] == 30 and changes["box_turn"]["value"] == 5
    assert state["square"] == {"box": (30.0, 20.0, 50.0, 50.0), "turn_deg": 5.0, "face": 1}


def test_refusals(tab, plain, speech) -> None:
    _, sight = tab.look({}, str(plain))
    form = (1.0, True, {})
    with pytest.raises(InputError, match="no photo yet"):
        tab.speak({}, {}, str(speech), None, *form, *LEFT_TOP_SIDE)
    with pytest.raises(InputError, match="no speech yet"):
        tab.speak(sight, {}, None, str(plain), *form, *LEFT_TOP_SIDE)
    with pytest.raises(InputError, match="draw the box"):  # nobody has drawn a square yet
        tab.speak(sight, {}, str(speech), str(plain), *form, *sight["auto"])
    with pytest.raises(InputError, match="number of the box is empty"):
        tab.speak(sight, {}, str(speech), str(plain), *form, None, 25, 40, 0.0)
