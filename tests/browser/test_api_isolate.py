"""The app's API: ``/isolate`` with plain numbers, as ``python -m avdemo isolate``; no browser needed."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(app, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("downloads"))
    client = Client(app.url, verbose=False, download_files=folder, httpx_kwargs={"timeout": 180})
    yield client
    client.close()


def read(path):
    """(channels, samples) of a 16-bit WAV, as integers, and its rate."""
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data.reshape(-1, file.getnchannels()).T.astype(int), file.getframerate()


def test_the_endpoint_is_described_with_the_names_of_the_command_line(client):
    described = client.view_api(return_format="dict")["named_endpoints"]
    public = {"/isolate", "/match", "/foley", "/lips", "/imagine", "/sonify"}  # the commands, as far as their tabs are there
    assert "/isolate" in described and set(described) <= public
    parameters = described["/isolate"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == ["video", "x", "y", "time_s"]
    assert [parameter["parameter_has_default"] for parameter in parameters][-1]


def test_numbers_in_files_out(client, clips):
    names = ("isolated.wav", "rest.wav", "energy.png", "run.json")
    files = client.predict(handle_file(clips / "My clip é.mp4"), x=100, y=90, time_s=1.0, api_name="/isolate")
    assert tuple(Path(file).name for file in files) == names
    (isolated, rate), (rest, _) = read(files[0]), read(files[1])
    assert rate == 44_100
    assert isolated.shape == rest.shape
    assert isolated.shape[0] == 2
    assert abs(isolated.shape[1] / rate - 3.0) < 0.05
    run = json.loads(Path(files[3]).read_text(encoding="utf-8"))
    assert run["parameters"]["at"] == [100, 90]
    assert run["parameters"]["time_s"] == 1.0
    assert run["inputs"]["video"]["path"] is None
    again = client.predict(handle_file(clips / "My clip é.mp4"), x=100, y=90, time_s=1.0, api_name="/isolate")
    assert Path(again[0]).read_bytes() == Path(files[0]).read_bytes()  # nothing is left to chance


@pytest.mark.parametrize(
    ("name", "x", "words"), [("no sound.mp4", 10, "sound"), ("text.mp4", 10, "text"), ("My clip é.mp4", 5000, "outside")]
)
def test_refusals_are_sentences(client, clips, name, x, words):
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(clips / name), x=x, y=10, time_s=0, api_name="/isolate")
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_without_a_video_or_a_number(client, clips):
    with pytest.raises(AppError, match="no video"):
        client.predict(None, x=1, y=1, time_s=0, api_name="/isolate")
    with pytest.raises(AppError, match="both x and y"):
        client.predict(handle_file(clips / "My clip é.mp4"), x=None, y=1, time_s=0, api_name="/isolate")


def test_files_of_the_server_cannot_be_asked_for(app):
    """A request that names a path instead of uploading is refused before anything of ours sees it."""
    inside = {"path": str(Path(__file__).resolve()), "meta": {"_type": "gradio.FileData"}}
    asked = httpx.post(f"{app.url}gradio_api/call/isolate", json={"data": [inside, 1, 1, 0]}, timeout=180)
    answer = httpx.get(f"{app.url}gradio_api/call/isolate/{asked.json()['event_id']}", timeout=180).text
    assert "error" in answer
    assert "holds text" not in answer  # that would be our own decoder, having read it
