"""``python -m avdemo match`` and ``replay``, on the tiny model."""

import json

import pytest

from avdemo.__main__ import main
from avdemo.runs import read_run


def test_match_lists_its_verdict_and_files(shipped, video, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["match", str(video)]) == 0
    printed = capsys.readouterr()
    folder = tmp_path / "out" / "Été à deux-match"
    lines = printed.out.splitlines()
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert lines[0] == scores["verdict"] and len(scores["time_s"]) == len(scores["probability"]) == 9
    names = ["scores.json", "where.mp4", "spectrogram.png", "embeddings.npz", "run.json"]
    assert [line.rpartition("/")[2] for line in lines[1:]] == names and all((folder / name).is_file() for name in names)
    assert "Looking" in printed.err and "Traceback" not in printed.err
    assert main(["replay", str(folder / "run.json")]) == 0
    assert "came out the same to the byte" in capsys.readouterr().out


def test_match_of_an_image_and_a_sound_as_json(shipped, image, sound, tmp_path, capsys) -> None:
    assert main(["match", str(image), str(sound), "--shift", "0.5", "--out", str(tmp_path / "there"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == read_run(tmp_path / "there") and printed["parameters"]["shift_s"] == 0.5
    assert [entry["name"] for entry in printed["outputs"]][1] == "where.png"


def test_what_was_left_out_is_said(shipped, video, tmp_path, capsys) -> None:
    assert main(["match", str(video), "--shift", "-0.6", "--out", str(tmp_path / "there")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "the nearest whole step" in lines[1] and "Scored from" in lines[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'PICTURE'"),
        (["gone.mp4"], "gone.mp4"),
        (["{image}"], "guitar.png is a picture without sound"),
        (["{sound}"], "pluck.wav is a sound without pictures"),
        (["{video}", "--shift", "nan"], "not a number"),
        (["{video}", "--shift", "soon"], "--shift"),
        (["{video}", "--shift", "20"], "shift it by less"),
        (["{video}", "--time", "1"], "No such option: --time"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(shipped, video, image, sound, arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {"video": video, "image": image, "sound": sound}
    assert main(["match", *(argument.format(**files) for argument in arguments)]) == 2
    printed = capsys.readouterr()
    sentence = printed.err.splitlines()[-1]
    assert printed.out == "" and words in sentence and sentence.endswith(".") and "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


def test_help_names_it(capsys) -> None:
    assert main(["--help"]) == 0
    assert "match" in capsys.readouterr().out
