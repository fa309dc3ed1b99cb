"""Behind the Isolate tab: places, files, page changes and records, with a small real network that has not learned anything."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import pickle
import wave
from pathlib import Path

import numpy as np
import pytest

from avdemo.errors import InputError
from avdemo.settings import get_settings

MAKER = Path(__file__).resolve().parents[1] / "media" / "make_media.py"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_media_for_sessions", MAKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def desk(tmp_path_factory, maker):
    """A desk with a two-second clip, 640 x 360 made from 1280 x 720, and an untrained compact network of its own."""
    import torch

    from avdemo.checkpoints import register, save
    from avdemo.pixels import pipeline
    from avdemo.pixels.config import PixelsConfig
    from avdemo.pixels.network import SoundOfPixels
    from avdemo.pixels.session import Desk

    folder = tmp_path_factory.mktemp("session")
    patch = pytest.MonkeyPatch()
    patch.setenv("AVDEMO_WEIGHTS", str(folder / "weights"))
    patch.setenv("AVDEMO_WORK", str(folder / "work"))
    patch.setenv("AVDEMO_DEVICE", "cpu")
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()
    torch.manual_seed(3)
    config = PixelsConfig.compact()
    file = save(folder / "weights" / "pixels-compact.safetensors", SoundOfPixels(config).state_dict(), dataclasses.asdict(config))
    register(file, capability="pixels", config="compact")
    clip = maker.make_clip(folder / "Été à 2.mp4", 2.0, (1280, 720), 10, tones=(262.0, 990.0), channels=2)
    yield Desk(pipeline.prepare(clip))
    patch.undo()
    get_settings.cache_clear()
    pipeline.load_model.cache_clear()


@pytest.fixture
def state(desk):
    from avdemo.pixels.session import new_state

    return new_state(str(desk.prepared.video), "token")


def read(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T.astype(int)


def listen(desk, state, *places):
    from avdemo.pixels.session import Place, with_place

    for place in places:
        state, sentence = with_place(desk, state, Place(*place))
        assert sentence == ""
    return state


def test_clicks_come_back_in_pixels_of_the_video(desk):
    assert desk.shown_size == (960, 540)
    place = desk.place(479, 269, 1.0)
    assert (place.x_px, place.y_px) == pytest.approx((639.3, 359.3), abs=0.1)
    corner = desk.place(959, 539, 0.0)
    assert corner.x_px < 1280
    assert corner.y_px < 720
    desk.isolated(corner)  # inside


def test_views_differ_and_have_the_shown_size(desk):
    from avdemo.pixels.session import VIEWS, Place

    views = [desk.view(0.5, kind, 0.4, []) for kind in VIEWS]
    assert {view.shape for view in views} == {(540, 960, 3)}
    assert len({view.tobytes() for view in views}) == 3
    marked = desk.view(0.5, VIEWS[2], 0.4, [Place(640, 360, 0.0)])
    changed = np.argwhere((marked != views[2]).any(axis=2))
    assert np.abs(changed.mean(axis=0) - (270, 480)).max() < 3  # the marker stands where the click was


def test_places_and_their_files(desk, state):
    from avdemo.pixels import session

    state = listen(desk, state, (300, 360, 0.0), (900, 360, 1.0))
    assert json.loads(json.dumps(state)) == state  # small and plain
    assert [place.x_px for place in session.places_of(state)] == [300, 900]
    names = [Path(path).name for path in state["files"].values()]
    assert names == [f"Été_à_2_{part}.wav" for part in ("source-1", "without-source-1", "source-2", "without-source-2")]
    sound, rest = read(state["files"]["sound-1"]), read(state["files"]["rest-1"])
    whole = np.rint(desk.prepared.wav * 32767)
    assert np.abs(sound + rest - whole).max() <= 2
    assert session.number_of(state) == 2
    fewer = session.without_places(state, 1)
    assert session.number_of(fewer) == session.number_of({**fewer, "shown": 2}) == 1  # the page may be a click behind
    with pytest.raises(InputError, match="no place yet"):
        session.number_of(session.without_places(state, 0))
    assert list(fewer["files"]) == ["sound-1", "rest-1"]
    assert len(fewer["places"]) == 1


def test_seventh_place(desk, state):
    from avdemo.pixels.session import Place, with_place

    state = listen(desk, state, *[(100 + 10 * n, 360, 0.0) for n in range(6)])
    with pytest.raises(InputError, match="6 places already"):
        with_place(desk, state, Place(500, 360, 0.0))


def test_silent_place_changes_nothing_and_says_so(desk, state, monkeypatch):
    from avdemo.pixels import pipeline
    from avdemo.pixels.session import Place, with_place

    monkeypatch.setattr(pipeline, "SILENT_DB", 1.0)  # nothing is louder than the mixture
    after, sentence = with_place(desk, state, Place(123, 45, 0.0))
    assert after == state
    assert "Nothing sounds" in sentence
    desk._results.clear()


def test_mix_partitions_the_input(desk, state):
    from avdemo.pixels.results import write_mix

    state = listen(desk, state, (300, 360, 0.0), (900, 360, 0.0))
    whole = np.rint(desk.prepared.wav * 32767)
    mixed = write_mix(desk, state, [1, 1, 1, 1, 1, 1], 1)
    assert Path(mixed["files"]["mix"]).name == "Été_à_2_mix.wav"
    assert np.abs(read(mixed["files"]["mix"]) - whole).max() <= 1
    assert np.abs(read(write_mix(desk, state, [0, 0, 1], 0)["files"]["mix"])).max() <= 1
    alone = [read(write_mix(desk, state, gains, rest)["files"]["mix"]) for gains, rest in (([1, 0], 0), ([0, 1], 0), ([0, 0], 1))]
    assert np.abs(sum(alone) - whole).max() <= 3
    assert all(np.abs(part).max() > 30 for part in alone)


def test_record_can_be_replayed(desk, state, tmp_path):
    from avdemo.pixels.results import write_record
    from avdemo.replay import replay

    state = listen(desk, state, (300, 360, 0.5))
    state, facts, record = write_record(desk, state, 1, [0.5], 1)
    assert facts["Model"].startswith("pixels-compact")
    assert record["results"]["mix"] == {"places": [[300, 360, 0.5]], "gains": [0.5], "rest_gain": 1}
    assert str(tmp_path.parent) not in json.dumps(record)  # no folder of this machine
    folder = tmp_path / "taken home"
    folder.mkdir()
    (folder / "run.json").write_bytes(Path(state["files"]["record"]).read_bytes())
    (folder / desk.prepared.video.name).write_bytes(desk.prepared.video.read_bytes())
    assert replay(folder / "run.json").identical


def test_pictures_and_film(desk, state):
    from PIL import Image

    from avdemo import media
    from avdemo.pixels.results import write_film, write_pictures

    state = listen(desk, state, (300, 360, 0.0))
    state = write_pictures(desk, state, 1)
    with Image.open(state["files"]["pictures-1"]) as picture:
        assert picture.size == (960, 3 * 380)
    state = write_film(desk, state, 0 * desk.prepared.wav, "source-1")
    path = Path(state["files"]["film source-1"])
    assert path.name == "Été_à_2_source-1.mp4"
    assert abs(media.probe(path).duration_s - desk.prepared.duration_s) < 0.11
    assert np.abs(media.read_audio(path, 44_100)).max() < 1e-3


def test_what_browsers_play(maker, tmp_path):
    from avdemo.pixels.results import plays_in_browsers

    assert plays_in_browsers(maker.make_clip(tmp_path / "a.mp4", 1.0))
    assert plays_in_browsers(maker.make_clip(tmp_path / "a.webm", 1.0, codec="libvpx-vp9"))
    assert not plays_in_browsers(maker.make_clip(tmp_path / "a.avi", 1.0, codec="mpeg4"))
    assert not plays_in_browsers(maker.make_clip(tmp_path / "a.mkv", 1.0))
    assert not plays_in_browsers(maker.make_clip(tmp_path / "b.mp4", 1.0, codec="mpeg4"))


def test_page_follows_the_places(desk, state):
    from avdemo.pixels import page

    none = page.places(state)
    assert none["results"] == {"visible": False}
    assert none["fader_rest"] == {"value": 1}
    two = page.places(listen(desk, state, (300, 360, 0.0), (900, 360, 0.0)))
    assert two["shown"]["choices"] == [("1 · x 300, y 360 at 0.0 s", 1), ("2 · x 900, y 360 at 0.0 s", 2)]
    assert two["shown"]["value"] == 2
    assert [two[f"fader_{n}"]["visible"] for n in range(1, 7)] == [True, True, False, False, False, False]
    assert "value" not in two["fader_1"]  # where the person left it
    assert two["fader_2"]["value"] == 1
    assert [two[f"sound_{n}"]["visible"] for n in range(1, 7)] == [False, True, False, False, False, False]
    assert page.closed()["empty"] == {"visible": True}


def test_prepared_video_can_leave_a_process_with_a_graphics_card(desk):
    from avdemo.pixels import pipeline
    from avdemo.pixels.results import on_cpu

    carried = pickle.loads(pickle.dumps(on_cpu(desk.prepared)))
    here, there = (pipeline.predict(prepared, 300, 360, 0.0) for prepared in (desk.prepared, carried))
    np.testing.assert_allclose(here.wav, there.wav, atol=1e-4)
