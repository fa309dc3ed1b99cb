"""The plain parts behind the Match tab: what a session remembers, which examples are offered, what the form holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from avdemo.errors import InputError

STATE = {
    "token": "t", "folder": "here", "stem": "clip", "shift_s": 0.0, "swap": "", "swap_name": "", "files": {"scores": "a.json"},
    "moments": [],
}  # fmt: skip


def test_answers_that_overlap_do_not_undo_each_other():
    from avdemo.correspondence.session import merge, with_change, with_file

    live = dict(STATE)
    film_began, shift_began = dict(live), dict(live)
    merge(live, shift_began, with_file(with_change(shift_began, 1.0, "", ""), "scores", Path("later.json")))
    merge(live, film_began, with_file(film_began, "film", Path("film.mp4")))  # took longer, and knows nothing of the shift
    assert live["shift_s"] == 1.0
    assert live["files"] == {"scores": "a.json", "scores_sound-1.00s-later": "later.json", "film": "film.mp4"}
    merge(live, dict(live), with_change(dict(live), 0.0, "", ""))
    assert live["files"] == {"scores": "a.json", "film": "film.mp4"}


def test_an_answer_about_another_pair_comes_too_late():
    from avdemo.correspondence.session import merge, with_file

    live, old = dict(STATE), {**STATE, "folder": "of the pair before"}
    assert not merge(live, old, with_file(old, "film", Path("stale.mp4")))
    assert live == STATE
    merge(live, dict(live), {**STATE, "folder": "of the next pair", "files": {}})
    assert live["files"] == {}


def test_an_answer_that_was_overtaken_is_dropped():
    from avdemo.correspondence.session import merge, with_change

    live = dict(STATE)
    first, second = dict(live), dict(live)
    assert merge(live, second, with_change(second, 2.0, "", ""), turn=2)
    assert not merge(live, first, with_change(first, 1.0, "", ""), turn=1)
    assert live["shift_s"] == 2.0
    third = dict(live)
    assert merge(live, third, with_change(third, 3.0, "", ""), turn=3)
    assert live["shift_s"] == 3.0


@pytest.mark.parametrize(
    ("shift_s", "swap", "name", "suffix"),
    [
        (0.0, "", "", ""),
        (1.5, "", "", "_sound-1.50s-later"),
        (-0.25, "", "", "_sound-0.25s-earlier"),
        (0.0, "example 2", "In turns: violin", "_with-In_turns_violin"),
        (1.0, "/x/a b.wav", "Yours: a b.wav", "_with-Yours_a_b_sound-1.00s-later"),
    ],
)
def test_names_of_files_say_what_was_changed(shift_s, swap, name, suffix):
    from avdemo.correspondence.session import suffix_of, with_change

    assert suffix_of(with_change(dict(STATE), shift_s, swap, name)) == suffix


def test_examples_whose_files_are_missing_are_not_offered(tmp_path):
    from avdemo.correspondence.session import offered

    (tmp_path / "a.m4a").touch()
    listed = [{"file": "x.png", "title": "a", "sound": "a.m4a"}, {"file": "x.png", "title": "b", "sound": "gone.m4a"}]
    found = offered([*listed, {"file": "c.mp4", "title": "c"}], tmp_path)
    assert [entry["title"] for entry in found] == ["a", "c"]
    assert found[0]["sound"] == str(tmp_path / "a.m4a")
    assert found[1]["sound"] is None


@pytest.mark.parametrize(
    ("wants_pair", "files", "words"),
    [
        (False, (None, "p.png", "s.wav"), "no video yet"),
        (True, ("v.mp4", None, None), "neither a picture nor a sound"),
        (True, (None, "p.png", None), r"no sound yet to go with p\.png"),
        (True, (None, None, "s.wav"), r"no picture yet to go with s\.wav"),
    ],
)
def test_what_is_missing_in_the_form_is_said(wants_pair, files, words):
    from avdemo.correspondence.session import chosen_files

    with pytest.raises(InputError, match=words):
        chosen_files(wants_pair, *files)


def test_only_the_mode_that_is_seen_counts():
    from avdemo.correspondence.session import chosen_files

    assert chosen_files(False, "v.mp4", "p.png", "s.wav") == ("v.mp4", None)
    assert chosen_files(True, "v.mp4", "p.png", "s.wav") == ("p.png", "s.wav")


def test_the_page_starts_where_the_pipeline_does():
    """Written out on the page, so that building it loads no network."""
    from avdemo.correspondence import films, page, pipeline

    assert page.STEP_S == pipeline.STEP_S
    assert page.STEP_S in page.STEPS
    assert page.OPACITY == films.OPACITY
    assert all(round(5 / step, 9) == int(5 / step + 0.5) for step in page.STEPS)  # so that the shift can be 0
    assert "violin" in page.KNOWS
    assert "baby cry" in page.KNOWS


def test_an_example_fills_the_form():
    from avdemo.correspondence import page

    film = page.filled({"file": "film.mp4", "sound": None})
    assert film["mode"]["value"] == page.VIDEO
    assert film["video"]["value"] == "film.mp4"
    assert film["of_pair"] == {"visible": False}
    assert "picture" not in film
    pair = page.filled({"file": "guitar.png", "sound": "guitar.m4a"})
    assert pair["mode"]["value"] == page.PAIR
    assert (pair["picture"]["value"], pair["sound"]["value"]) == ("guitar.png", "guitar.m4a")
