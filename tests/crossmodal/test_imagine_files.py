"""``imagine`` and ``sonify``: the files they write, that run.json does them again to the byte, and what they say."""

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.__main__ import main
from avdemo.crossmodal import pipeline
from avdemo.crossmodal.verdict import OTHER
from avdemo.errors import AvdemoError, Cancelled
from avdemo.replay import replay
from avdemo.runs import read_run


def test_imagine_writes_pictures_that_replay_to_the_same_bytes(shipped, sound, tmp_path) -> None:
    out, told = tmp_path / "out", []
    run = pipeline.imagine(sound, count=3, seed=9, variant="N", out_dir=out, progress=lambda share, words: told.append(share))
    names = ["picture_01.png", "picture_02.png", "picture_03.png", "spectrogram.png"]
    assert {p.name for p in out.iterdir()} == {*names, "run.json"} and [entry["name"] for entry in run["outputs"]] == names
    assert json.loads((out / "run.json").read_text()) == run and told == sorted(told) and told[-1] == 1.0
    assert run["capability"] == "crossmodal" and run["command"] == "imagine" and list(run["inputs"]) == ["sound"]
    assert run["parameters"] == {"count": 3, "variant": "N", "checkpoint": "crossmodal-compact"} and run["seed"] == 9
    heard = pipeline.listen(sound)
    painted = pipeline.paint(heard, count=3, seed=9, variant="N")
    assert (np.stack([media.read_image(out / name) for name in names[:3]]) == painted).all()
    results = run["results"]
    assert results["sentence"] == heard.sentence and results["kind"] == heard.kind and results["known"] is False
    assert sum(results["probability"].values()) == pytest.approx(1, abs=1e-3)
    shares = pipeline.judged(painted)
    assert [entry["probability"] for entry in results["pictures"]] == [round(float(share.max()), 4) for share in shares]
    assert any("painted all the same" in note and heard.kind in note for note in results["notes"])
    again = replay(out / "run.json", tmp_path / "again")
    assert again.identical, again.sentence()


def test_sonify_writes_a_sound_that_replays_beside_its_input(shipped, image, tmp_path) -> None:
    out, told = tmp_path / "out", []
    run = pipeline.sonify(
        image, seed=4, seconds=1.5, out_dir=out, progress=lambda share, words: told.append(share), keep_paths=False
    )
    assert {p.name for p in out.iterdir()} == {"sound.wav", "spectrogram.png", "run.json"}
    assert run["command"] == "sonify" and run["seed"] == 4 and run["inputs"]["image"]["path"] is None
    assert (
        run["parameters"] == {"seconds": 1.5, "loudness_db": -20.0, "checkpoint": "crossmodal-compact"}
        and told == sorted(told)
        and told[-1] == 1.0
    )
    seen = pipeline.look(image)
    played = pipeline.play(seen, seed=4, seconds=1.5)
    wav = media.read_audio(out / "sound.wav", 8000)
    assert wav.shape == (1, 12_000) and np.abs(wav - played.wav).max() < 1e-4
    results = run["results"]
    assert results["sentence"] == seen.sentence and played.sentence in results["notes"] and "Griffin-Lim" in results["method"]
    assert any("made all the same" in note for note in results["notes"])
    assert results["heard"] == {name: round(share, 4) for name, share in played.heard.items()}
    (out / image.name).write_bytes(image.read_bytes())
    again = replay(out / "run.json")
    assert again.identical, again.sentence()


def test_what_is_known_needs_no_excuse(shipped, sound, image, sure, tmp_path) -> None:
    known = sure("violin", 6.0)
    assert pipeline.imagine(sound, count=1, out_dir=tmp_path / "a", checkpoint=known)["results"]["notes"] == []
    run = pipeline.sonify(image, seconds=0.5, out_dir=tmp_path / "b", checkpoint=known)
    assert run["results"]["known"] and run["results"]["notes"] == [
        "Listening to it again, the model says: This sounds like a violin (0.96)."
    ]


def test_silence_speech_and_cats_are_said_to_be_unknown(shipped, image, sure, make_media, tmp_path) -> None:
    hush = make_media.make_sound(tmp_path / "hush.wav", np.zeros((1, 44_100), np.float32))
    run = pipeline.imagine(hush, count=2, out_dir=tmp_path / "hush")
    assert run["results"]["sentence"] == "Nothing can be heard in hush.wav: it is silent." and not run["results"]["known"]
    assert any("nothing but chance" in note for note in run["results"]["notes"])
    run = pipeline.sonify(image, seconds=0.5, out_dir=tmp_path / "cat", checkpoint=sure(OTHER, 4.0, ("flute", 1.0)))
    assert "does not look like any" in run["results"]["sentence"] and run["results"]["notes"][-1].endswith(
        "comes nearest: flute."
    )


def test_the_autoencoder_says_that_it_paints_one_picture(shipped, sound, tmp_path) -> None:
    notes = pipeline.imagine(sound, count=3, variant="A", out_dir=tmp_path)["results"]["notes"]
    assert "The painter A paints one picture of a sound, whatever the seed: all 3 are the same." in notes


def test_refusals_come_before_anything_is_written(shipped, sound, image, tmp_path) -> None:
    out = tmp_path / "out"
    for command, file, options in (
        (pipeline.imagine, sound, {"count": 0}),
        (pipeline.imagine, sound, {"count": 1000}),
        (pipeline.imagine, sound, {"seed": -1}),
        (pipeline.imagine, sound, {"variant": "Q"}),
        (pipeline.imagine, image, {}),
        (pipeline.sonify, image, {"seconds": 21}),
        (pipeline.sonify, image, {"seed": 0.5}),
        (pipeline.sonify, image, {"loudness_db": 0}),
        (pipeline.sonify, sound, {}),
    ):
        with pytest.raises(AvdemoError) as caught:
            command(file, out_dir=out, **options)
        assert str(caught.value).endswith(".")
    for command, file in ((pipeline.imagine, sound), (pipeline.sonify, image)):
        with pytest.raises(Cancelled):
            command(file, out_dir=out, cancelled=lambda: True)
    assert not out.exists()


# ---- the command line


def test_imagine_and_sonify_list_what_they_wrote(shipped, sound, image, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["imagine", str(sound), "--count", "2", "--seed", "5"]) == 0
    printed = capsys.readouterr()
    folder = tmp_path / "out" / "Été-imagined"
    lines = printed.out.splitlines()
    assert lines[0] == read_run(folder)["results"]["sentence"] and "Painting: picture 2 of 2" in printed.err
    assert [line.rpartition("/")[2] for line in lines[-4:]] == ["picture_01.png", "picture_02.png", "spectrogram.png", "run.json"]
    assert main(["sonify", str(image), "--seconds", "0.5", "--out", "there", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run == read_run(tmp_path / "there") and run["parameters"]["seconds"] == 0.5
    for place in (folder, tmp_path / "there"):
        assert main(["replay", str(place / "run.json")]) == 0
        assert "came out the same to the byte" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["imagine"], "Missing argument 'SOUND'"),
        (["imagine", "gone.wav"], "gone.wav"),
        (["imagine", "{image}"], "guitar.png is a picture, and a sound is needed"),
        (["imagine", "{sound}", "--count", "0"], "0 pictures cannot be painted"),
        (["imagine", "{sound}", "--count", "1000"], "at most 64"),
        (["imagine", "{sound}", "--variant", "X"], "--variant"),
        (["imagine", "{sound}", "--seed", "-1"], "--seed"),
        (["imagine", "{sound}", "--seed", "99999999999"], "whole number from 0"),
        (["sonify", "{sound}"], "a picture is needed"),
        (["sonify", "{image}", "--seconds", "nan"], "A sound of nan seconds"),
        (["sonify", "{image}", "--seconds", "300"], "at most 20 seconds"),
        (["sonify", "{image}", "--count", "3"], "No such option: --count"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(
    shipped, sound, image, arguments, words, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([argument.format(sound=sound, image=image) for argument in arguments]) == 2
    printed = capsys.readouterr()
    sentence = printed.err.splitlines()[-1]
    assert printed.out == "" and words in sentence and sentence.endswith(".") and "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


def test_help_names_them(capsys) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert "imagine" in printed and "sonify" in printed
