"""The whole way from a photo and speech to files, the command, and doing it again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_lips_input import syllables

from avdemo import media
from avdemo.__main__ import main
from avdemo.errors import Cancelled, InputError
from avdemo.lips import pipeline
from avdemo.lips.figures import phase_frames
from avdemo.replay import replay

BOX = (40, 25, 40, 40)
FILES = ["face.mp4", "lips.mp4", "phases.png", "opening.png"]


@pytest.fixture
def spoken(shipped, plain, speech, tmp_path):
    prepared = pipeline.prepare(plain)
    return pipeline.speak(prepared, pipeline.read_speech(speech), pipeline.chosen_box(prepared, BOX), tmp_path)


def test_everything_is_written_and_tells_the_truth(shipped, plain, speech, tmp_path) -> None:
    told = []
    run = pipeline.lips(plain, speech, box=BOX, out_dir=tmp_path, progress=lambda share, words: told.append(share))
    assert [entry["name"] for entry in run["outputs"]] == FILES and told == sorted(told) and told[-1] == 1
    assert not (tmp_path / "frames.raw").exists()
    for name, size in (("face.mp4", (120, 90)), ("lips.mp4", (256, 256))):
        info = media.probe(tmp_path / name)
        assert (info.width, info.height) == size and info.fps == pytest.approx(25) and info.has_audio
        assert abs(info.n_frames - 1.9 * 25) <= 1
    results = run["results"]
    assert results["box"] == [40, 25, 40, 40] and results["frames"] == 48 and results["faces"] == 0
    assert "32 x 32 pixels, enlarged to 40 x 40 in a photo of 120 x 90" in results["sentence"]
    assert run["parameters"] == {
        "box": list(BOX),
        "turn_deg": 0.0,
        "face": 1,
        "lively": 1.0,
        "mark": True,
        "checkpoint": "lips-compact",
    }
    there = replay(tmp_path / "run.json", tmp_path / "again")
    assert there.identical, there.sentence()


def test_without_a_face_a_box_is_asked_for(shipped, plain, speech, tmp_path) -> None:
    with pytest.raises(InputError, match="draw the box around the mouth"):
        pipeline.lips(plain, speech, out_dir=tmp_path)


def test_the_rest_of_the_photo_stands_still(spoken) -> None:
    from avdemo.lips.speaking import faces

    photo = spoken.prepared.picture
    pictures = np.stack(list(faces(spoken)))
    outside = np.ones(photo.shape[:2], bool)
    outside[24:66, 39:81] = False
    assert len(pictures) == 48 and (pictures[:, outside] == photo[outside]).all()
    assert np.ptp(pictures.astype(int), axis=0).max() > 20  # and the mouth moves


def test_liveliness_moves_the_mouth(shipped, plain, speech, tmp_path) -> None:
    prepared, heard = pipeline.prepare(plain), pipeline.read_speech(speech)
    box = pipeline.chosen_box(prepared, BOX)
    moved = []
    for lively in (0.0, 1.0, 2.0):
        found = pipeline.speak(prepared, heard, box, tmp_path, lively=lively)
        frames = np.stack(list(found.frames())).astype(float)
        moved.append(np.abs(np.diff(frames, axis=0)).mean())
    assert moved[0] < moved[1] and moved[0] < moved[2] and moved[1] != moved[2]
    for bad in (-0.1, 2.5, float("nan"), "much"):
        with pytest.raises(InputError, match="liveliness"):
            pipeline.speak(prepared, heard, box, tmp_path, lively=bad)


def test_the_mark_can_be_left_away(spoken, tmp_path) -> None:
    last = {}
    for mark in (True, False):
        pipeline.write_videos(spoken, tmp_path / str(mark), mark=mark)
        last[mark] = media.read_frame(tmp_path / str(mark) / "lips.mp4", 1.0)
    different = np.abs(last[True].astype(int) - last[False]).max(2) > 40
    assert different[-24:, -90:].any() and not different[:-40].any()


def test_the_mouth_is_stiller_in_silence(shipped, plain, tmp_path) -> None:
    """In a long pause every frame is the same mouth at rest, on either side of which it moves."""
    sound = media.write_wav(tmp_path / "pause.wav", syllables(4, pauses=((1.0, 3.0),)), 16_000)
    prepared = pipeline.prepare(plain)
    found = pipeline.speak(prepared, pipeline.read_speech(sound), pipeline.chosen_box(prepared, BOX), tmp_path)
    frames = np.stack(list(found.frames())).astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert steps[36:64].mean() < 0.5 * steps[:24].mean()


def test_stopping_leaves_nothing(shipped, plain, speech, tmp_path) -> None:
    asked = iter(range(10_000))
    with pytest.raises(Cancelled):
        pipeline.lips(plain, speech, box=BOX, out_dir=tmp_path / "a", cancelled=lambda: next(asked) > 6)
    assert not list((tmp_path / "a").glob("*.mp4")) and not list((tmp_path / "a").glob("*.raw"))


def test_phases_go_from_closed_to_open(spoken) -> None:
    numbers = phase_frames(spoken)
    opening = spoken.opening[numbers]
    assert len(set(numbers)) == 9 and (np.diff(opening) >= 0).all()
    assert opening[0] == spoken.opening.min() and opening[-1] == spoken.opening.max()
    assert pipeline.phases(spoken).shape[1] > 600 and pipeline.opening_plot(spoken).shape[1] == 960


def test_the_paper_s_network_speaks_too(tmp_path, use_weights, plain, speech) -> None:
    """It has no points: no plot, no liveliness, no certain mouth; but it speaks."""
    import torch

    from avdemo.checkpoints import register, save
    from avdemo.lips.config import LipsConfig
    from avdemo.lips.network import Lips

    torch.manual_seed(0)
    network = Lips(LipsConfig.debug_paper())
    register(save(tmp_path / "lips-compact.safetensors", network.state_dict(), network.config.as_dict()), capability="lips")
    use_weights(tmp_path, pipeline)
    run = pipeline.lips(plain, speech, box=BOX, out_dir=tmp_path / "out")
    assert [entry["name"] for entry in run["outputs"]] == ["face.mp4", "lips.mp4", "phases.png"]


# ---- the command


def test_the_command(shipped, plain, speech, tmp_path, capsys) -> None:
    arguments = [
        "lips",
        str(plain),
        str(speech),
        "--box",
        "40,25,40,40",
        "--turn",
        "5",
        "--lively",
        "1.5",
        "--no-mark",
        "--seed",
        "4",
    ]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "48 frames" in printed and "face.mp4" in printed and "run.json" in printed
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    expected = {"box": [40, 25, 40, 40], "turn_deg": 5.0, "face": 1, "lively": 1.5, "mark": False, "checkpoint": "lips-compact"}
    assert run["parameters"] == expected and run["seed"] == 4 and run["capability"] == run["command"] == "lips"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ((), "draw the box"),
        (("--box", "1,2,3"), "not four numbers"),
        (("--box", "a,b,c,d"), "not four numbers"),
        (("--box", "900,25,40,40"), "does not lie in"),
        (("--box", "40,25,40,40", "--lively", "9"), "liveliness"),
        (("--face", "2"), "draw the box"),
    ],
)
def test_refusals_of_the_command(shipped, plain, speech, tmp_path, capsys, extra, words) -> None:
    assert main(["lips", str(plain), str(speech), *extra, "--out", str(tmp_path / "out")]) == 2
    *progress, sentence = capsys.readouterr().err.rstrip().splitlines()
    assert words in sentence and sentence.endswith(".")
    assert all(line.lstrip()[0].isdigit() for line in progress) and not (tmp_path / "out" / "lips.mp4").exists()
