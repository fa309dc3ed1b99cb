"""The app's API: ``/foley`` with a file and plain values, as on the command line; no browser needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

NAMES = ["video", "variant", "seed", "temperature", "loudness_db", "original"]


@pytest.fixture(scope="module")
def client(foley_app, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("downloads"))
    client = Client(foley_app.url, verbose=False, download_files=folder, httpx_kwargs={"timeout": 180})
    yield client
    client.close()


def test_the_endpoint_is_described_with_plain_names(client):
    parameters = client.view_api(return_format="dict")["named_endpoints"]["/foley"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == NAMES
    assert [parameter["parameter_has_default"] for parameter in parameters] == [False, *[True] * 5]


def test_a_video_gets_its_sound(client, films):
    from avdemo import media

    film, sound, record = client.predict(handle_file(films / "Mon été.mp4"), "seq", 5, 0.8, -6, "keep", api_name="/foley")
    assert [Path(path).name for path in (film, sound, record)] == ["video.mp4", "sound.wav", "run.json"]
    run = json.loads(Path(record).read_text(encoding="utf-8"))
    asked = {"variant": "seq", "temperature": 0.8, "loudness_db": -6, "keep": True}
    assert run["seed"] == 5 and asked.items() <= run["parameters"].items() and run["inputs"]["video"]["path"] is None
    assert media.probe(film).duration_s == pytest.approx(2.0, abs=0.11) and media.probe(film).has_audio
    usual = json.loads(Path(client.predict(handle_file(films / "dog.png"), api_name="/foley")[2]).read_text(encoding="utf-8"))
    assert usual["parameters"]["variant"] == "flow" and usual["parameters"]["seconds"] == 5 and usual["seed"] == 0


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("sound.mp4", ("flow", 0, 1, 0, "replace"), "a sound without pictures"),
        ("text.mp4", ("flow", 0, 1, 0, "replace"), "text.mp4"),
        ("too long.mp4", ("flow", 0, 1, 0, "replace"), "at most"),
        ("quiet.mp4", ("best", 0, 1, 0, "replace"), "no variant"),
        ("quiet.mp4", ("flow", -1, 1, 0, "replace"), "seed"),
        ("quiet.mp4", ("flow", 0, 5, 0, "replace"), "temperature"),
        ("quiet.mp4", ("flow", 0, 1, 90, "replace"), "loudness"),
        ("quiet.mp4", ("flow", 0, 1, 0, "both"), "replace or keep"),
        (None, ("flow", 0, 1, 0, "replace"), "no video in this request"),
    ],
)
def test_refusals_are_sentences(client, films, name, values, words):
    with pytest.raises(AppError) as caught:
        client.predict(name and handle_file(films / name), *values, api_name="/foley")
    assert words in str(caught.value)
