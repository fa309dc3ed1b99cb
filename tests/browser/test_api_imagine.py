"""The app's API: ``/imagine`` and ``/sonify`` with a file and plain numbers, as on the command line; no browser needed."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(imagine_app, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("downloads"))
    client = Client(imagine_app.url, verbose=False, download_files=folder, httpx_kwargs={"timeout": 180})
    yield client
    client.close()


@pytest.mark.parametrize(
    ("endpoint", "names"), [("/imagine", ["sound", "count", "seed", "variant"]), ("/sonify", ["image", "seed", "seconds"])]
)
def test_the_endpoints_are_described_with_plain_names(client, endpoint, names):
    parameters = client.view_api(return_format="dict")["named_endpoints"][endpoint]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == names
    assert [parameter["parameter_has_default"] for parameter in parameters] == [False, *[True] * (len(names) - 1)]


def test_pictures_of_a_sound(client, things):
    pictures, spectrogram, record = client.predict(handle_file(things / "Été.wav"), 3, 5, "N", api_name="/imagine")
    assert [Path(picture).name for picture in pictures] == ["picture_01.png", "picture_02.png", "picture_03.png"]
    assert Path(spectrogram).name == "spectrogram.png"
    run = json.loads(Path(record).read_text(encoding="utf-8"))
    assert run["seed"] == 5 and run["parameters"] == {"count": 3, "variant": "N", "checkpoint": "crossmodal-compact"}
    assert run["inputs"]["sound"]["path"] is None and sum(run["results"]["probability"].values()) == pytest.approx(1, abs=0.01)
    usual = client.predict(handle_file(things / "Été.wav"), api_name="/imagine")
    assert len(usual[0]) == 4
    again = client.predict(handle_file(things / "Mon été.mp4"), count=1, seed=5, variant="N", api_name="/imagine")
    assert len(again[0]) == 1


def test_the_sound_of_a_picture(client, things):
    sound, spectrogram, record = client.predict(handle_file(things / "guitar.png"), 3, 2.5, api_name="/sonify")
    assert [Path(path).name for path in (sound, spectrogram, record)] == ["sound.wav", "spectrogram.png", "run.json"]
    with wave.open(sound) as wav:
        assert wav.getnframes() / wav.getframerate() == pytest.approx(2.5, abs=0.01)
    again = client.predict(handle_file(things / "guitar.png"), seed=3, seconds=2.5, api_name="/sonify")
    assert Path(again[0]).read_bytes() == Path(sound).read_bytes()


@pytest.mark.parametrize(
    ("endpoint", "name", "values", "words"),
    [
        ("/imagine", "no sound.mp4", (4, 0, "C"), "no sound.mp4"),
        ("/imagine", "letter.wav", (4, 0, "C"), "letter.wav"),
        ("/imagine", "Été.wav", (0, 0, "C"), "0 pictures"),
        ("/imagine", "Été.wav", (4, -1, "C"), "seed"),
        ("/imagine", "Été.wav", (4, 0, "Z"), "no painter"),
        ("/imagine", None, (4, 0, "C"), "no sound in this request"),
        ("/sonify", "letter.png", (0, 4), "letter.png"),
        ("/sonify", "guitar.png", (0, 99), "at most"),
        ("/sonify", None, (0, 4), "no picture in this request"),
    ],
)
def test_refusals_are_sentences(client, things, endpoint, name, values, words):
    with pytest.raises(AppError) as caught:
        client.predict(name and handle_file(things / name), *values, api_name=endpoint)
    assert words in str(caught.value)
