"""A written sound beside the one that the video had: what is measured, what is said of it, and that it is only looked at."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bursts import bursts

from avdemo.foley import page, pipeline
from avdemo.foley.beside import Beside, beside, own_sound

TIMES = (0.4, 1.1, 1.9, 2.6)
RATE = pipeline.SOUND_RATE


def at_rate(wav: np.ndarray) -> np.ndarray:
    """(samples,) at 16 kHz -> (1, samples) as a finished sound is."""
    return np.repeat(wav, RATE // 16_000)[None]


@pytest.fixture
def struck(shipped, make_media, tmp_path):
    """A video with four strokes in its sound."""
    wav = np.interp(np.arange(round(3.2 * 44_100)) / 44_100, np.arange(round(3.2 * 16_000)) / 16_000, bursts(TIMES, 3.2))
    return pipeline.prepare(make_media.make_clip(tmp_path / "struck.mp4", 3.2, (96, 64), 10, wav=wav[None].astype(np.float32)))


def test_the_same_strokes_are_met_and_others_are_not(struck) -> None:
    same = beside(struck, at_rate(bursts(TIMES, 3.2, seed=5)))
    assert (same.strokes, same.met, same.written) == (4, 4, 4) and same.course > 0.8 and same.chance < 2
    later = beside(struck, at_rate(bursts([time_s + 0.3 for time_s in TIMES], 3.2)))
    assert (later.strokes, later.met, later.written) == (4, 0, 4) and later.course < 0.3
    assert beside(struck, np.zeros((1, round(3.2 * RATE)), np.float32)) == Beside(0.0, 4, 0, 0.0, 0)


def test_it_is_said_in_words(struck) -> None:
    said = beside(struck, at_rate(bursts(TIMES, 3.2))).sentence
    assert said.startswith("Beside the sound that the video had: ") and "it meets 4 of that one's 4 onsets within 0.1 s (chance: " in said
    assert Beside(None, 5, 2, 1.2, 3).sentence.count("correlation") == 0
    assert Beside(None, 1, 1, 0.2, 3).sentence == ""  # a steady sound that does not begin anew: nothing can be said


def test_without_a_sound_of_its_own_there_is_nothing_to_compare_with(shipped, silent_video, photo, make_media, tmp_path) -> None:
    hushed = make_media.make_clip(tmp_path / "hushed.mp4", 1.0, (64, 48), 10, wav=np.zeros((1, 44_100), np.float32))
    for path in (silent_video, photo, hushed):
        prepared = pipeline.prepare(path)
        assert own_sound(prepared) is None
        assert beside(prepared, np.zeros((1, round(prepared.duration_s * RATE)), np.float32)) is None


def test_the_record_and_the_page_tell_it(struck, shipped, silent_video, tmp_path) -> None:
    composition = pipeline.compose(struck)
    composition.wavs[0][:] = bursts(TIMES, 3.2)[:: 16_000 // composition.sample_rate][: composition.written]
    rest = {"take": 0, "until_s": None, "loudness_db": 0.0, "follow": 0.0, "keep": False}
    record = pipeline.write_files(tmp_path / "own", struck, composition, 0, **rest)
    told = json.loads((tmp_path / "own" / "run.json").read_text(encoding="utf-8"))["results"]["beside_own"]
    assert told == record["results"]["beside_own"] and told["met"] == 4
    assert Beside(**told).sentence in page._together(record["results"])
    assert "whether that is right is another matter" in page._together(record["results"])
    without = pipeline.foley(silent_video, out_dir=tmp_path / "none")
    assert without["results"]["beside_own"] is None and "Beside" not in page._together(without["results"])


def test_the_picture_shows_the_video_s_own_loudness(struck, silent_video) -> None:
    from avdemo.foley.figures import OWN
    from avdemo.viz.palette import rgb

    shown = [
        (pipeline.follow_picture(prepared, np.zeros((1, round(prepared.duration_s * RATE)), np.float32)) == rgb(OWN)).all(-1).any()
        for prepared in (struck, pipeline.prepare(silent_video))
    ]
    assert shown == [True, False]
