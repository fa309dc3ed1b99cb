"""The app's API: ``/match`` with files and a number, as ``python -m avdemo match``; no browser needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(match_app, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("downloads"))
    client = Client(match_app.url, verbose=False, download_files=folder, httpx_kwargs={"timeout": 180})
    yield client
    client.close()


def test_the_endpoint_is_described_with_plain_names(client):
    parameters = client.view_api(return_format="dict")["named_endpoints"]["/match"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == ["picture_or_video", "sound", "shift_s"]
    assert [parameter["parameter_has_default"] for parameter in parameters] == [False, True, True]


def test_a_video_alone(client, pairs):
    files = client.predict(handle_file(pairs / "Été à deux.mp4"), api_name="/match")
    assert [Path(file).name for file in files] == ["scores.json", "where.mp4", "spectrogram.png", "embeddings.npz", "run.json"]
    scores = json.loads(Path(files[0]).read_text(encoding="utf-8"))
    assert len(scores["time_s"]) == len(scores["probability"]) == 13
    with np.load(files[3]) as vectors:
        np.testing.assert_allclose(vectors["probability"], scores["probability"], atol=1e-4)
    run = json.loads(Path(files[4]).read_text(encoding="utf-8"))
    assert run["inputs"]["picture"]["path"] is None
    again = client.predict(handle_file(pairs / "Été à deux.mp4"), api_name="/match")
    assert Path(again[0]).read_bytes() == Path(files[0]).read_bytes()  # nothing is left to chance


def test_a_shift_and_another_sound(client, pairs):
    video = handle_file(pairs / "Été à deux.mp4")
    shifted = client.predict(video, shift_s=1.0, api_name="/match")
    assert len(json.loads(Path(shifted[0]).read_text(encoding="utf-8"))["time_s"]) == 9
    assert json.loads(Path(shifted[4]).read_text(encoding="utf-8"))["parameters"]["shift_s"] == 1.0
    swapped = client.predict(video, handle_file(pairs / "pluck.wav"), 0, api_name="/match")
    assert set(json.loads(Path(swapped[4]).read_text(encoding="utf-8"))["inputs"]) == {"picture", "sound"}


def test_a_picture_and_a_sound(client, pairs):
    files = client.predict(handle_file(pairs / "guitar.png"), handle_file(pairs / "pluck.wav"), 0, api_name="/match")
    assert Path(files[1]).name == "where.png"


@pytest.mark.parametrize(
    ("name", "sound", "words"),
    [
        ("no sound.mp4", None, "no sound.mp4"),
        ("letter.mp4", None, "text"),
        ("guitar.png", None, "give a sound with it"),
        ("guitar.png", "letter.wav", "letter.wav"),
        ("pluck.wav", None, "without pictures"),
    ],
)
def test_refusals_are_sentences(client, pairs, name, sound, words):
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(pairs / name), sound and handle_file(pairs / sound), 0, api_name="/match")
    assert words in str(caught.value)


def test_without_a_file(client):
    with pytest.raises(AppError, match="no picture and no video"):
        client.predict(None, None, 0, api_name="/match")
