"""Behind the Add sound tab: answers, files, page changes, records, with a tiny network that learned nothing."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import numpy as np
import pytest

from avdemo import media, sessions
from avdemo.errors import Cancelled, InputError
from avdemo.foley import pipeline
from avdemo.foley.answers import Answers
from avdemo.replay import replay
from avdemo.ui.progress import time_left
from avdemo.ui.shelf import Shelf

KNOBS = {
    "variant": "flow",
    "temperature": 1.0,
    "seed": 3,
    "takes": 1,
    "seconds": 1.0,
    "loudness": 0.0,
    "follow": 0.5,
    "own": "replace",
}


@pytest.fixture
def tab(shipped, video, silent_video, monkeypatch):
    """The tab without its components, with two examples; it looks at every chunk."""
    monkeypatch.setattr("avdemo.foley.answers.LOOK_EVERY_S", 0.0)
    examples = [
        {"file": str(video), "title": "A swell", "sentence": "It should swell."},
        {"file": str(silent_video), "title": "Quiet"},
    ]
    return Answers(examples, lambda name, *values, **options: getattr(pipeline, name)(*values, **options), Shelf(4), time_left)


class Asked:
    """Asks the tab and keeps the state as the page does; all that was shown on the way is in ``shown``."""

    def __init__(self, tab):
        self.tab, self.state, self.shown = tab, {}, []

    def __call__(self, name, *values, **hooks):
        answer = getattr(self.tab, name)(dict(self.state), *values, **hooks)
        self.shown = []
        for changes, changed in answer if inspect.isgenerator(answer) else [answer]:
            self.shown.append(changes)
            before, self.state = self.state, dict(self.state)
            assert changed is None or sessions.merge(self.state, dict(before), changed)
        return self.shown[-1]

    def compose(self, given, name="compose", hooks=None, **turned):
        return self(name, *({**KNOBS, **turned}).values(), given, **(hooks or {}))

    def details(self):
        made = []
        return self("details", made), made


@pytest.fixture
def ask(tab):
    return Asked(tab)


@pytest.fixture
def opened(ask):
    """The first example, one take with seed 3."""
    return ask.compose(ask.tab.example(0)[0])


def sound_bytes(state) -> bytes:
    return Path(state["files"][f"sound-{state['take'] + 1}"]).read_bytes()


def test_an_example_fills_the_form_and_a_photo_turns_it(tab):
    given, filled = tab.example(1)
    assert given["title"] == "Quiet" and filled["video"] == {"value": given["file"]} and filled["half_video"]["visible"]
    assert tab.given("photo", "a.mp4", "b.png") == {"file": "b.png", "mode": "photo"}
    assert tab.given("video", "a.mp4", "b.png")["file"] == "a.mp4"


def test_the_sound_grows_before_the_video_comes(ask, opened, video):
    grown = [changes for changes in ask.shown if "growing" in changes]
    assert len(grown) == 16 and all(changes["growing"]["value"].shape == (210, 960, 3) for changes in grown)
    words = [changes["grown"]["value"] for changes in grown]
    assert "0.2 of 3.2 s written" in words[0] and "Stop keeps what is there" in words[0] and "3.2 of 3.2 s" in words[-1]
    assert opened["seen"]["visible"] and "It should swell." in opened["verdict"]["value"]
    assert "none of these" in opened["bars"]["value"] and not opened["take"]["visible"] and not opened["waves"]["visible"]
    film = media.probe(opened["film"]["value"])
    assert film.has_audio and film.path.name == "Mon_été_with-sound.mp4"
    assert ask.state["given"] == str(video) and len(json.dumps(ask.state)) < 6000 and ask.state["token"] in ask.tab.shelf
    ask.tab.forget(ask.state)
    assert ask.state["token"] not in ask.tab.shelf


def test_the_second_half_brings_pictures_files_and_a_record_that_replays(ask, opened, video):
    changes, (facts, record) = ask.details()
    names = [Path(path).name for path in changes["files"]["value"]]
    assert names == [f"Mon_été_{kind}" for kind in ("with-sound.mp4", "sound.wav", "run.json", "loudness.png", "spectrogram.png")]
    assert media.read_image(changes["course"]["value"]).shape == (460, 960, 3)
    assert media.read_image(changes["spectrogram"]["value"]).shape == (800, 960, 3)  # with the video's own under it
    assert not changes["writing"]["visible"] and not changes["empty"]["visible"] and changes["below"]["visible"]
    assert record["inputs"]["video"]["path"] is None and facts["Seed"] == "3, take 1, temperature 1" and "flow" in facts["Model"]
    folder = Path(ask.state["files"]["record-1"]).parent
    (folder / video.name).write_bytes(video.read_bytes())
    assert replay(ask.state["files"]["record-1"]).identical
    assert ask.details()[1] == []  # once


def test_a_silent_video_has_one_spectrogram(ask):
    ask.compose({"file": ask.tab.examples[1]["file"]})
    assert media.read_image(ask.details()[0]["spectrogram"]["value"]).shape == (400, 960, 3)


def test_every_knob_of_the_writing_counts_the_next_time(ask, opened):
    given, first = {"file": ask.state["given"]}, sound_bytes(ask.state)
    ask.compose(given)
    assert sound_bytes(ask.state) == first
    for turned in ({"variant": "seq"}, {"temperature": 0.4}, {"seed": 4}):
        ask.compose(given, **turned)
        assert sound_bytes(ask.state) != first, turned
    changes = ask.compose({}, name="again", seed=4)  # the field stands at what is shown: the next one
    assert ask.state["seed"] == 5 == changes["seed"]["value"]
    ask.compose({}, name="again", seed=9)  # somebody typed another
    assert ask.state["seed"] == 9


def test_what_was_seen_is_not_looked_at_again(ask, opened, monkeypatch):
    def refuse(*values, **options):
        raise AssertionError("it was looked at again")

    monkeypatch.setattr(pipeline, "prepare", refuse)
    ask.compose({}, name="again")
    with pytest.raises(AssertionError):
        ask.compose({"file": ask.state["given"]}, variant="frame")


def test_loudness_following_and_keeping_are_heard_at_once(ask, opened):
    files = {"sound": sound_bytes(ask.state), "film": Path(opened["film"]["value"]).read_bytes()}
    for values, name in (((-12.0, 0.5, "replace"), "sound"), ((-12.0, 1.0, "replace"), "sound"), ((-12.0, 1.0, "keep"), "film")):
        changes = ask("mix", *values)
        after = {"sound": sound_bytes(ask.state), "film": Path(changes["film"]["value"]).read_bytes()}
        assert after[name] != files[name], values
        files = after
    assert ask("mix", -12.0, 1.0, "keep") == {}
    assert ask.details()[1][1]["parameters"]["keep"] is True


def test_three_takes_to_pick_from(ask, monkeypatch):
    monkeypatch.setattr(pipeline, "can_rank", lambda: True)
    monkeypatch.setattr(pipeline, "rank", lambda prepared, sounds, cancelled: [0.2, 0.7, 0.4])
    changes = ask.compose(ask.tab.example(0)[0], takes=3)
    assert any("compared with the pictures" in shown["grown"]["value"] for shown in ask.shown if "grown" in shown)
    assert (
        changes["take"]["value"] == 1
        and "fits best" in changes["take"]["choices"][1][0]
        and "0.40" in changes["take"]["choices"][2][0]
    )
    assert (
        changes["waves"]["visible"]
        and changes["waves"]["value"].shape == (452, 960, 3)
        and "Match tab" in changes["take"]["info"]
    )
    assert Path(changes["film"]["value"]).name == "Mon_été_take-2_with-sound.mp4" and "take 2" in changes["film"]["label"]
    second = sound_bytes(ask.state)
    ask.details()
    changes = ask("pick", 2)
    assert ask.state["take"] == 2 and sound_bytes(ask.state) != second and "take 3" in changes["film"]["label"]
    assert len(ask.details()[0]["files"]["value"]) == 10 and ask("pick", 2) == {} == ask("pick", None)
    record = json.loads(Path(ask.state["files"]["record-3"]).read_text())
    assert record["parameters"]["take"] == 2 and record["results"]["belongs"] == 0.4


def test_without_the_judge_the_takes_have_no_rank(ask):
    changes = ask.compose(ask.tab.example(0)[0], takes=2)
    assert [words for words, _ in changes["take"]["choices"]] == ["Take 1", "Take 2"] and ask.state["scores"] == []


def test_stop_keeps_what_is_there(ask, video):
    asked: list = []

    def stop() -> bool:
        return sum("growing" in changes for changes in asked) >= 4

    changed = None
    for changes, changed in ask.tab.compose({}, *KNOBS.values(), {"file": str(video)}, cancelled=stop):  # noqa: B007
        asked.append(changes)
    assert changed["until_s"] == pytest.approx(0.8, abs=0.21) and "the rest is silent" in asked[-1]["verdict"]["value"]
    assert media.probe(asked[-1]["film"]["value"]).duration_s == pytest.approx(3.2, abs=0.11)
    ask.state = dict(changed)
    assert "of 3.2 s" in asked[-1]["verdict"]["value"] and ask.details()[0]["below"]["visible"]


def test_stopping_while_it_looks_gives_the_empty_page_back(ask, video):
    with pytest.raises(Cancelled):
        ask.compose({"file": str(video)}, hooks={"cancelled": lambda: True})
    changes, made = ask.details()
    assert changes["empty"]["visible"] and not changes["writing"]["visible"] and made == []


def test_takes_that_left_the_shelf_are_written_again(ask, opened):
    ask.details()
    before = sound_bytes(ask.state)
    ask.tab.shelf.drop(ask.state["token"])
    ask("mix", -6.0, 0.5, "replace")
    ask("mix", 0.0, 0.5, "replace")
    assert sound_bytes(ask.state) == before


def test_a_photo_is_heard(ask, photo):
    changes = ask.compose(ask.tab.given("photo", None, str(photo)), seconds=1.5)
    assert (
        media.probe(changes["film"]["value"]).duration_s == pytest.approx(1.5, abs=0.041) and "photo" in changes["film"]["label"]
    )
    changes, _ = ask.details()
    assert Path(changes["files"]["value"][0]).name == "dog_with-sound.mp4"


def test_refusals(ask, bad):
    for given, words in (({"file": None, "mode": "video"}, "no video yet"), ({"file": None, "mode": "photo"}, "no photo yet")):
        with pytest.raises(InputError, match=words):
            ask.compose(given)
    with pytest.raises(InputError, match="seed is empty"):
        ask.compose({"file": str(bad / "text.mp4")}, seed=None)
    with pytest.raises(InputError, match="Nothing has been written yet"):
        ask.compose({}, name="again")
    assert ask("mix", 0.0, 0.5, "keep") == {} == ask("pick", 1)
    for name in ("text.mp4", "nothing.mp4", "half.mp4", "sound.wav"):
        with pytest.raises(InputError, match=name):
            ask.compose({"file": str(bad / name)})
    assert ask.state == {}


def test_pictures_of_the_course_know_what_moves(seen):
    wav = np.zeros((1, round(3.2 * pipeline.SOUND_RATE)), np.float32)
    still = dataclasses.replace(seen, motion=0 * seen.motion)
    assert not np.array_equal(pipeline.follow_picture(seen, wav), pipeline.follow_picture(still, wav))
    assert pipeline.agreement(seen, wav) is None


def test_the_tab_knows_the_pipeline_s_numbers_without_loading_it():
    from avdemo.foley import tab

    assert (tab.CHECKPOINT, tab.VARIANT, tab.FOLLOW) == (pipeline.CHECKPOINT, pipeline.VARIANT, pipeline.FOLLOW)
    assert (tab.STILL_SECONDS, tab.LONGEST_STILL, tab.MOST_TAKES) == (
        pipeline.STILL_SECONDS,
        pipeline.MAX_STILL,
        pipeline.MOST_TAKES,
    )
    assert tab.HOTTEST <= pipeline.HOTTEST


def test_warming_up_compiles_what_the_first_sound_needs(shipped):
    from avdemo.foley.bench import _network

    pipeline.warm_up()
    network, whence = _network()
    assert whence == "the checkpoint foley-compact, variant flow" and network.config.variant == "flow"
