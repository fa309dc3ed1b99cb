"""Behind the Imagine tab, from sound to picture: answers, files, page changes, records, with a tiny network that learned nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from avdemo import media
from avdemo.errors import InputError, NoAudioError
from avdemo.replay import replay


@pytest.fixture
def opened(ask, tab):
    """The first example's sound, painted four times with seed 0."""
    return ask("imagine", 0, 4, "C", tab.example("sound", 0)[0])


def words_of(changes, name):
    return changes[name]["value"]


def test_examples_go_to_the_direction_that_they_begin(tab):
    given, filled = tab.example("sound", 1)
    assert given["title"] == "A pluck" and filled == {"sound": {"value": given["file"]}}
    given, filled = tab.example("picture", 0)
    assert given["title"] == "A guitar" and filled == {"picture": {"value": given["file"]}}


def test_a_sound_fills_the_page_and_the_state_stays_small(ask, opened, tab, sound):
    assert len(words_of(opened, "gallery")) == 4 and opened["gallery"]["selected_index"] == ask.state["chosen"]
    assert all(Path(path).is_file() and words for path, words in words_of(opened, "gallery"))
    assert "It should swell." in words_of(opened, "verdict")
    assert words_of(opened, "heard_bars").count("display: grid") == 6 and "none of these" in words_of(opened, "heard_bars")
    assert media.read_image(words_of(opened, "spectrogram")).shape == (480, 960, 3)
    assert opened["seen_sound"]["visible"] and not opened["empty_sound"]["visible"] and not opened["trip_sound"]["visible"]
    assert ask.state["given"] == str(sound) and len(json.dumps(ask.state)) < 4000
    assert ask.state["token"] in tab.shelf
    tab.forget(ask.state)
    assert ask.state["token"] not in tab.shelf


def surest(state):
    """Number of the picture that the judge is surest of to show what was heard."""
    from avdemo.crossmodal import pipeline
    from avdemo.crossmodal.config import KINDS

    pictures = np.stack([media.read_image(picture["path"]) for picture in state["pictures"]])
    return pipeline.judged(pictures)[:, KINDS.index(state["kind"])].argmax()


def test_the_judge_has_an_opinion_about_each_picture(ask, opened):
    from avdemo.crossmodal import pipeline

    pictures = np.stack([media.read_image(picture["path"]) for picture in ask.state["pictures"]])
    shares = pipeline.judged(pictures)
    for picture, share in zip(ask.state["pictures"], shares, strict=True):
        assert f"{share[:-1].max():.2f}" in picture["words"]
    assert "of 4" in words_of(opened, "judgement") and ask.state["chosen"] == surest(ask.state)


def test_every_knob_changes_the_pictures(ask, opened):
    first = [Path(picture["path"]).read_bytes() for picture in ask.state["pictures"]]
    more = ask("repaint", 0, 6, "C")
    assert len(words_of(more, "gallery")) == 6
    assert [Path(path).read_bytes() for path, _ in words_of(more, "gallery")[:4]] == first  # more of the same
    other = ask("repaint", 5, 6, "C")
    assert Path(words_of(other, "gallery")[0][0]).read_bytes() != first[0] and words_of(other, "seed") == 5
    assert ask("repaint", 5, 6, "C") == {}  # nothing changed
    assert ask("repaint", None, 6, "C") == {}  # the field is empty while another seed is being typed
    next_one = ask("again", 5, 6, "C")
    assert words_of(next_one, "seed") == 6 and ask.state["seed"] == 6
    plain = ask("repaint", 6, 6, "N")
    assert Path(words_of(plain, "gallery")[0][0]).read_bytes() != Path(words_of(next_one, "gallery")[0][0]).read_bytes()


def test_an_autoencoder_paints_one_picture_whatever_the_seed_and_that_is_said(ask, opened, tmp_path):
    changes = ask("repaint", 0, 5, "A")
    assert len(words_of(changes, "gallery")) == 1 and "instead of 5" in words_of(changes, "judgement")
    before = Path(words_of(changes, "gallery")[0][0]).read_bytes()
    assert Path(words_of(ask("again", 0, 5, "A"), "gallery")[0][0]).read_bytes() == before
    ask("painting_details", made := [])
    assert [output["name"] for output in made[1]["outputs"]] == [
        *(f"picture_{n:02d}.png" for n in range(1, 6)),
        "spectrogram.png",
    ]


def test_files_and_a_record_that_replays(ask, opened, sound, tmp_path):
    changes = ask("painting_details", made := [])
    facts, record = made
    names = [Path(path).name for path in words_of(changes, "files_sound")]
    assert names == ["Été_spectrogram.png", "Été_grid.png", "Été_pictures.zip", "Été_run.json"]
    sheet = media.read_image(ask.state["files"]["grid"])
    side = media.read_image(ask.state["pictures"][0]["path"]).shape[0]
    assert sheet.shape == (2 * side + 12, 2 * side + 12, 3)
    assert (sheet[4 : 4 + side, 8 + side : 8 + 2 * side] == media.read_image(ask.state["pictures"][1]["path"])).all()
    with zipfile.ZipFile(ask.state["files"]["pictures"]) as archive:
        assert archive.namelist() == [f"picture_{number:02d}.png" for number in range(1, 5)]
        assert archive.read("picture_03.png") == Path(ask.state["pictures"][2]["path"]).read_bytes()
    assert facts["Given"] == "Été.wav" and record["inputs"]["sound"]["path"] is None
    out = tmp_path / "replayed"
    out.mkdir()
    (out / "run.json").write_bytes(Path(ask.state["files"]["record"]).read_bytes())
    (out / sound.name).write_bytes(sound.read_bytes())
    again = replay(out / "run.json")
    assert again.identical, again.sentence()
    assert ask("painting_details", made) == {} and len(made) == 2  # told once


def test_clicking_a_picture_chooses_it(ask, opened):
    changes = ask("choose", 2)
    assert changes["chosen"]["value"] == ask.state["pictures"][2]["path"] and "picture 3" in words_of(changes, "carry")
    assert ask.state["chosen"] == 2
    ask("repaint", 1, 4, "C")
    assert ask.state["chosen"] == surest(ask.state)


def test_the_sound_of_a_video_is_taken_and_can_be_played(ask, tab, make_media, tmp_path):
    video = make_media.make_clip(tmp_path / "Mon été.mp4", 2.0, (64, 48), 10, wav=make_media.swelling(2.0))
    changes = ask("imagine", 0, 2, "C", {"file": str(video), "is_video": True})
    assert Path(words_of(changes, "sound")).name == "Mon_été_sound.wav"
    assert media.read_audio(words_of(changes, "sound"), 8000).shape[1] == pytest.approx(16_000, abs=400)
    ask("painting_details", made := [])
    assert made[1]["inputs"]["sound"]["name"] == "Mon été.mp4"


def test_a_blend_is_a_film_with_both_sounds(ask, opened, tab, other_sound):
    told = []
    changes = ask("blend", str(other_sound), 2.0, progress=lambda share, words: told.append(share), cancelled=lambda: False)
    clip = words_of(changes, "clip")
    info = media.probe(clip)
    assert info.has_audio and info.duration_s == pytest.approx(2.0, abs=0.1) and changes["clip"]["visible"]
    assert "Été.wav" in changes["clip"]["label"] and "pluck.wav" in changes["clip"]["label"]
    assert clip in words_of(changes, "files_sound") and Path(clip).name == "Été_to_pluck.mp4"
    assert told == sorted(told)
    with pytest.raises(InputError, match="no second sound"):
        ask("blend", None, 2.0)


def test_a_round_trip_goes_through_the_chosen_picture(ask, opened):
    ask("choose", 1)
    changes = ask("round_sound")
    assert words_of(changes, "hop_sound_1") == ask.state["pictures"][1]["path"]
    assert "Picture 2" in words_of(changes, "hop_words_sound_1")
    start, end = (media.read_audio(words_of(changes, f"hop_sound_{n}"), 8000) for n in (0, 2))
    assert start.shape[1] == pytest.approx(16_000, abs=10) and end.shape[1] == pytest.approx(32_000, abs=10)
    assert changes["trip_sound"]["visible"] and "<strong" in words_of(changes, "trip_words_sound")
    assert Path(words_of(changes, "files_sound")[-1]).name == "Été_round-trip.wav"


def test_what_left_the_shelf_is_heard_again(ask, opened, tab):
    tab.shelf.drop(ask.state["token"])
    assert ask("repaint", 3, 2, "C")["gallery"]["value"]
    assert ask.state["token"] in tab.shelf


def test_another_sound_takes_the_place_of_the_first(ask, opened, tab):
    first = ask.state["token"]
    ask("imagine", 0, 2, "C", tab.example("sound", 1)[0])
    assert first not in tab.shelf and ask.state["stem"] == "pluck" and "blend" not in ask.state["files"]


def test_refusals_lose_nothing(ask, opened, make_media, tmp_path):
    before = dict(ask.state)
    clip = make_media.make_clip(tmp_path / "mute.mp4", 1.0, (64, 48), 10, tones=None)
    cases = [
        (("imagine", 0, 4, "C", {"file": str(clip)}), NoAudioError, "mute.mp4"),
        (("imagine", 0, 4, "C", {"file": None}), InputError, "no sound yet"),
        (("again", None, 4, "C"), InputError, "seed is empty"),
        (("repaint", -3, 4, "C"), InputError, "seed"),
        (("repaint", 1, 4, "X"), InputError, "no painter"),
    ]
    for asked, kind, words in cases:
        with pytest.raises(kind, match=words):
            ask(*asked)
        assert ask.state == before


def test_before_anything_was_heard(ask):
    assert ask("repaint", 0, 4, "C") == {} and ask("painting_details", []) == {}
    for asked in (("again", 0, 4, "C"), ("blend", "x.wav", 4.0), ("round_sound",)):
        with pytest.raises(InputError, match="Nothing has been heard yet"):
            ask(*asked)


def test_silence_is_said_and_painted_all_the_same(ask, make_media, tmp_path):
    silent = make_media.make_plain_wav(tmp_path / "silent.wav", np.zeros((1, 44_100), np.float32), 44_100)
    changes = ask("imagine", 0, 2, "C", {"file": str(silent)})
    assert "it is silent" in words_of(changes, "verdict") and len(words_of(changes, "gallery")) == 2
    assert not ask.state["known"] and "not known" in words_of(changes, "judgement")
