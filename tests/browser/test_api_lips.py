"""The app's API: ``/lips`` with files and plain numbers, as on the command line; no browser needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

NAMES = ["photo", "speech", "seed", "box", "turn", "face", "lively", "mark"]


@pytest.fixture(scope="module")
def client(lips_app, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("downloads"))
    client = Client(lips_app.url, verbose=False, download_files=folder, httpx_kwargs={"timeout": 180})
    yield client
    client.close()


def test_the_endpoint_is_described_with_plain_names(client):
    parameters = client.view_api(return_format="dict")["named_endpoints"]["/lips"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == NAMES
    assert [parameter["parameter_has_default"] for parameter in parameters] == [False, False, *[True] * 6]


def test_a_photo_speaks(client, mouths):
    given = handle_file(mouths / "Zoë.png"), handle_file(mouths / "Été.wav")
    face, lips, record = client.predict(*given, 3, "50,30,60,60", 5.0, 1, 1.5, False, api_name="/lips")
    assert [Path(path).name for path in (face, lips, record)] == ["face.mp4", "lips.mp4", "run.json"]
    run = json.loads(Path(record).read_text(encoding="utf-8"))
    assert run["seed"] == 3 and run["parameters"]["box"] == [50, 30, 60, 60] and run["parameters"]["mark"] is False
    assert run["parameters"]["lively"] == 1.5 and run["parameters"]["turn_deg"] == 5 and run["inputs"]["photo"]["path"] is None
    again = client.predict(*given, box="50,30,60,60", turn=5.0, lively=1.5, mark=False, api_name="/lips")
    assert Path(again[1]).read_bytes() == Path(lips).read_bytes()


@pytest.mark.parametrize(
    ("photo", "speech", "values", "words"),
    [
        ("Zoë.png", "Été.wav", {}, "draw the box"),
        ("Zoë.png", "silent.wav", {}, "silent.wav is silent"),
        ("letter.png", "Été.wav", {}, "letter.png"),
        ("Zoë.png", "letter.wav", {}, "letter.wav"),
        ("Zoë.png", "Été.wav", {"box": "1,2"}, "not four numbers"),
        ("Zoë.png", "Été.wav", {"box": "a,b,c,d"}, "not four numbers"),
        ("Zoë.png", "Été.wav", {"box": "50,30,60,60", "lively": 7}, "liveliness"),
        (None, "Été.wav", {}, "no photo in this request"),
        ("Zoë.png", None, {}, "no speech in this request"),
    ],
)
def test_refusals_are_sentences(client, mouths, photo, speech, values, words):
    with pytest.raises(AppError) as caught:
        client.predict(photo and handle_file(mouths / photo), speech and handle_file(mouths / speech), **values, api_name="/lips")
    assert words in str(caught.value)
