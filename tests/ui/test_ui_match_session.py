"""Behind the Match tab: comparisons, knobs, files, page changes and records, with a tiny real network that has not learned."""

from __future__ import annotations

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from avdemo.errors import InputError, NoAudioError
from avdemo.settings import get_settings

TESTS = Path(__file__).resolve().parents[1]
VIDEO = "A video"
PAIR = "A picture and a sound"


def _module(path: str):
    spec = importlib.util.spec_from_file_location(f"{Path(path).stem}_for_match", TESTS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    driver = _module("browser/match_driver.py")
    return driver.write_pairs(tmp_path_factory.mktemp("pairs"), _module("media/make_media.py"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory, pairs):
    """The tab without its components, with two examples and a tiny untrained network of its own."""
    from avdemo.correspondence import pipeline
    from avdemo.correspondence.answers import Answers
    from avdemo.ui.shelf import Shelf

    folder = tmp_path_factory.mktemp("session")
    patch = pytest.MonkeyPatch()
    patch.setenv("AVDEMO_WEIGHTS", str(_module("browser/match_driver.py").write_weights(folder)))
    patch.setenv("AVDEMO_WORK", str(folder / "work"))
    patch.setenv("AVDEMO_DEVICE", "cpu")
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    examples = [
        {"file": str(pairs / "odd.avi"), "sound": None, "title": "An old film", "sentence": "Look at this."},
        {"file": str(pairs / "guitar.png"), "sound": str(pairs / "pluck.wav"), "title": "A picture"},
    ]

    def prepare(picture, sound=None, step_s=0.25, **hooks):
        return pipeline.prepare(picture, sound, step_s=step_s, **hooks)

    yield Answers(examples, prepare, Shelf(3))
    patch.undo()
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()


@pytest.fixture(scope="module")
def opened(answers, pairs):
    """A video that was just compared: (changes, state)."""
    return answers.match({}, 0.25, 0.7, VIDEO, str(pairs / "Été à deux.mp4"), None, None)


@pytest.fixture
def state(opened):
    return dict(opened[1])


def turn(answers, state, knob, value, time_s=1.0):
    """Turn a knob, as the tab does."""
    state = dict(state)
    answers.want(state, knob, value)
    return answers.change(state, time_s, 0.7)


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_a_comparison_fills_the_page_and_the_state_stays_small(answers, opened):
    changes, state = opened
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 4000
    assert changes["seen"] == changes["results"] == changes["what_if"] == {"visible": True}
    assert changes["shift"]["maximum"] == 3.0  # 4 s of video: windows of a second lie at most 3 s apart
    assert changes["shift"]["interactive"]
    assert "on average" in changes["verdict"]["value"]
    scored = read(state["files"]["scores"])
    assert len(scored["time_s"]) == 13
    assert Path(state["files"]["scores"]).name == "Été_à_deux_scores.json"
    best = scored["time_s"][int(np.argmax(scored["probability"]))]
    assert changes["time"]["value"] == pytest.approx(best, abs=0.01)  # the first moment to look at
    assert changes["frame"]["value"].dtype == np.uint8
    assert changes["strongest"]["choices"][0][1] == changes["unit"]["value"]


def test_shift_changes_score_words_plot_and_moment_and_goes_back(answers, opened, state):
    time_s = opened[0]["time"]["value"]
    plot = Path(state["files"]["plot"]).read_bytes()
    changes, later = turn(answers, state, "shift_s", 1.0, time_s)
    assert Path(later["files"]["scores_sound-1.00s-later"]).name == "Été_à_deux_scores_sound-1.00s-later.json"
    own, changed = read(later["files"]["scores"]), read(later["files"]["scores_sound-1.00s-later"])
    assert len(changed["time_s"]) == len(own["time_s"]) - 4
    assert changed["mean"] != own["mean"]
    assert "1.00 s later" in changes["verdict"]["value"]
    assert changes["verdict"]["value"].count("<i ") == 2  # a meter each
    assert Path(later["files"]["plot"]).read_bytes() != plot
    assert (changes["second"]["value"] != opened[0]["second"]["value"]).any()
    _, earlier = turn(answers, later, "shift_s", -0.5, time_s)
    assert "scores_sound-0.50s-earlier" in earlier["files"]
    assert "scores_sound-1.00s-later" not in earlier["files"]
    changes, back = turn(answers, earlier, "shift_s", 0.0, time_s)
    assert "earlier" not in changes["verdict"]["value"]
    assert back["files"].keys() == opened[1]["files"].keys()
    assert Path(back["files"]["plot"]).read_bytes() == plot


def test_other_sounds_of_an_example_and_of_ones_own(answers, state, pairs):
    changes, swapped = turn(answers, state, "swap", "example 1")
    assert "With the sound of “A picture”" in changes["verdict"]["value"]
    assert Path(swapped["files"]["scores_with-A_picture"]).is_file()
    mine = str(pairs / "pluck.wav")
    changes, own = turn(answers, swapped, "mine", mine)
    assert changes["swap"]["value"] == mine
    assert ("Yours: pluck.wav", mine) in changes["swap"]["choices"]
    first, second = read(swapped["files"]["scores_with-A_picture"]), read(own["files"]["scores_with-Yours_pluck"])
    assert first["mean"] == pytest.approx(second["mean"], abs=1e-3)  # the same sound by two ways
    changes, both = turn(answers, own, "shift_s", -0.5)
    assert "“Yours: pluck.wav”, 0.50 s earlier" in changes["verdict"]["value"]  # one knob does not forget the other
    changes, away = turn(answers, both, "swap", "")
    assert ("Yours: pluck.wav", mine) in changes["swap"]["choices"]  # to come back to
    changes, back = turn(answers, turn(answers, away, "swap", mine)[1], "mine", None)
    assert changes["swap"]["value"] == ""
    assert mine not in [value for _, value in changes["swap"]["choices"]]
    assert back["swap"] == ""
    assert back["shift_s"] == -0.5


def test_a_silent_sound_to_swap_in_is_refused_in_words(answers, state, pairs):
    answers.want(state, "mine", str(pairs / "silent.wav"))
    with pytest.raises(NoAudioError, match=r"silent\.wav"):
        answers.change(state, 1.0, 0.7)
    answers.give_up(state)
    assert state["want"]["swap"] == ""


def test_a_still_has_no_time_to_shift(answers, pairs):
    changes, state = answers.match({}, 0.25, 0.7, PAIR, None, str(pairs / "guitar.png"), str(pairs / "pluck.wav"))
    assert not changes["shift"]["interactive"]
    assert "still picture" in changes["shift"]["info"]
    changes, state = answers.film(state, 0.5)
    names = [Path(path).name for path in state["files"].values()]
    assert "guitar_with_pluck_where.mp4" in names
    assert "guitar_with_pluck_where.png" in names
    shown, _ = answers.show(state, "As it was given", 0.5)
    from avdemo import media

    info = media.probe(shown["film"]["value"])
    assert info.has_audio
    assert abs(info.duration_s - 3.0) < 0.3


def test_given_the_wrong_way_round_they_are_put_right(answers, pairs):
    _, state = answers.match({}, 1.0, 0.7, PAIR, None, str(pairs / "pluck.wav"), str(pairs / "guitar.png"))
    assert Path(state["picture"]).name == "guitar.png"
    assert state["stem"] == "guitar_with_pluck"


def test_opacity_and_moment_change_the_frame(answers, opened, state):
    looks = [answers.look(state, time_s, opacity, "picture", 0)[0] for time_s, opacity in ((1.0, 0.7), (1.0, 0.0), (3.0, 0.7))]
    frames = [look["frame"]["value"] for look in looks]
    assert len({frame.tobytes() for frame in frames}) == 3
    assert (looks[0]["second"]["value"] != looks[2]["second"]["value"]).any()
    assert looks[0]["strongest"]["choices"] != looks[2]["strongest"]["choices"]
    assert "time" not in looks[0]  # somebody may be moving it
    outside, _ = answers.jump(state, 99.0, 0.7, "sound", 1)
    assert outside["time"]["value"] == pytest.approx(4.0, abs=0.15)
    assert outside["unit"]["value"] == 1  # where the person left it


def test_step_between_windows(answers, opened, state):
    _, finer = answers.step(state, 0.1, 0.7)
    assert len(read(finer["files"]["scores"])["time_s"]) == 31
    assert finer["token"] == state["token"]
    assert answers.step({}, 0.1, 0.7) == ({}, None)  # nothing yet: it will hold for the first comparison
    answers.step(finer, 0.25, 0.7)


def test_film_with_heat_and_as_it_was_given(answers, state):
    from avdemo import media

    changes, filmed = answers.film(state, 0.6)
    assert Path(changes["film"]["value"]).name == "Été_à_deux_where.mp4"
    assert abs(media.probe(changes["film"]["value"]).duration_s - 4.0) < 0.3
    given, _ = answers.show(filmed, "As it was given", 0.6)
    assert Path(given["film"]["value"]).name == "Été_à_deux.mp4"
    again, unchanged = answers.show(filmed, "Where the sound comes from", 0.6)
    assert again["film"]["value"] == changes["film"]["value"]
    assert unchanged is None
    _, later = turn(answers, filmed, "shift_s", 1.0)
    drawn, later = answers.show(later, "Where the sound comes from", 0.6)  # not drawn yet for this sound
    assert Path(drawn["film"]["value"]).name == "Été_à_deux_where_sound-1.00s-later.mp4"
    assert "1.00 s later" in drawn["film"]["label"]


def test_units_show_moments_of_all_clips(answers, state):
    seen = answers.unit(state, "picture", 1.0, 2)
    heard = answers.side(state, "sound", 1.0)
    for (changes, after), what in ((seen, "frames"), (heard, "seconds of sound")):
        gallery = changes["gallery"]["value"]
        assert gallery
        assert what in changes["gallery"]["label"]
        assert all(Path(picture).is_file() for picture, _ in gallery)
        assert len(after["moments"]) == len(gallery)
        sounds = [Path(moment["sound"]) for moment in after["moments"]]
        assert all(sound.is_file() for sound in sounds)
    captions = " ".join(caption for changes, _ in (seen, heard) for _, caption in changes["gallery"]["value"])
    assert "Été à deux.mp4" in captions
    assert "An old film" in captions or "A picture" in captions  # the examples are looked through as well
    picked, _ = answers.pick(heard[1], len(heard[1]["moments"]) - 1)
    assert picked["moment_sound"]["value"] == heard[1]["moments"][-1]["sound"]
    assert picked["moment_sound"]["autoplay"]
    with pytest.raises(InputError, match="no unit 999"):
        answers.unit(state, "picture", 1.0, 999)
    with pytest.raises(InputError, match="no unit -1"):
        answers.unit(state, "picture", 1.0, -1)


def test_earlier_clips_of_a_session_stay_for_its_units(answers, pairs):
    _, one = answers.match({}, 0.5, 0.7, VIDEO, str(pairs / "Été à deux.mp4"), None, None)
    _, two = answers.match(one, 0.5, 0.7, PAIR, None, str(pairs / "guitar.png"), str(pairs / "pluck.wav"))
    desk = answers.desk(two)
    assert [clip.picture.name for clip in desk.clips] == ["guitar.png", "Été à deux.mp4"]
    other = answers.match({}, 0.5, 0.7, VIDEO, str(pairs / "odd.avi"), None, None)[1]
    assert [clip.picture.name for clip in answers.desk(other).clips] == ["odd.avi"]  # nobody else's


def test_details_and_a_record_that_replays(answers, state, tmp_path):
    from avdemo.replay import replay

    _, state = turn(answers, state, "shift_s", 0.5)
    made = []
    changes, state = answers.details(state, made)
    facts, record = made
    names = [Path(path).name for path in changes["files"]["value"]]
    assert {"Été_à_deux_embeddings.npz", "Été_à_deux_run.json", "Été_à_deux_spectrogram_sound-0.50s-later.png"} <= set(names)
    with np.load(state["files"]["embeddings"]) as vectors:
        assert vectors["vision"].shape[0] == vectors["audio"].shape[0] == len(vectors["time_s"]) == 13
    assert facts["Model"].startswith("correspondence-compact")
    assert record["parameters"]["shift_s"] == 0.5
    assert str(tmp_path.parent) not in json.dumps(record)  # no folder of this machine
    home = tmp_path / "taken home"
    home.mkdir()
    (home / "run.json").write_bytes(Path(state["files"]["record"]).read_bytes())
    (home / "Été à deux.mp4").write_bytes(Path(state["picture"]).read_bytes())
    assert replay(home / "run.json").identical


def test_a_failed_or_stopped_comparison_draws_nothing_after_it(answers, state):
    stale = {**state, "fresh": False}
    assert answers.first_film(stale, 0.7) == ({}, None)
    assert answers.first_unit(stale, "picture", 1.0, 0) == ({}, None)
    assert answers.first_film({}, 0.7) == ({}, None)
    assert answers.first_unit(state, "picture", 1.0, 0) == ({}, None)  # fresh, but its film was stopped
    assert answers.details({}, []) == ({}, None)
    with pytest.raises(InputError, match="Nothing has been compared yet"):
        answers.want({}, "shift_s", 1.0)


@pytest.mark.parametrize(
    ("mode", "video", "picture", "sound", "words"),
    [
        (VIDEO, "no sound.mp4", None, None, "no sound.mp4 is a video without a sound track"),
        (VIDEO, "silent.mp4", None, None, "silent.mp4 is silent"),
        (VIDEO, "nothing.mp4", None, None, "nothing.mp4"),
        (VIDEO, "too long.mp4", None, None, "too long.mp4"),
        (VIDEO, "guitar.png", None, None, "guitar.png is a picture without sound"),
        (VIDEO, "pluck.wav", None, None, "pluck.wav is a sound without pictures"),
        (PAIR, None, "letter.png", "letter.wav", "letter.png"),
        (PAIR, None, "guitar.png", "letter.wav", "letter.wav"),
        (PAIR, None, "guitar.png", "silent.wav", "silent.wav is silent"),
        (PAIR, None, "guitar.png", "no sound.mp4", "no sound.mp4"),
        (PAIR, None, "pluck.wav", "silent.wav", "pluck.wav is a sound"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(answers, pairs, monkeypatch, mode, video, picture, sound, words):
    monkeypatch.setenv("AVDEMO_MAX_SECONDS", "100")
    get_settings.cache_clear()
    given = [str(pairs / name) if name else None for name in (video, picture, sound)]
    with pytest.raises(InputError, match=words) as caught:
        answers.match({}, 0.25, 0.7, mode, *given)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert str(pairs) not in sentence
    monkeypatch.undo()
    get_settings.cache_clear()


def test_an_example_says_what_to_look_for(answers):
    changes, state = answers.example({}, 0.25, 0.7, 0)
    assert state["title"] == "An old film"
    assert "What to look for: Look at this." in changes["verdict"]["value"]


def test_prepared_pair_can_leave_a_process_with_a_graphics_card(answers, state):
    from avdemo.correspondence import pipeline
    from avdemo.correspondence.results import on_cpu

    prepared = answers.desk(state).prepared
    carried = pickle.loads(pickle.dumps(on_cpu(prepared)))
    np.testing.assert_allclose(pipeline.scores(carried).probability, pipeline.scores(prepared).probability, atol=1e-5)
