"""``foley``: the files it writes, that run.json does it again to the byte, what it says, and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from avdemo import media
from avdemo.__main__ import main
from avdemo.errors import AvdemoError, Cancelled
from avdemo.foley import pipeline, results
from avdemo.replay import replay
from avdemo.runs import read_run


def length(path) -> float:
    return media.probe(path).duration_s


def test_a_video_gets_a_sound_that_replays_to_the_same_bytes(shipped, video, tmp_path) -> None:
    out, told = tmp_path / "out", []
    run = pipeline.foley(video, seed=9, temperature=0.8, out_dir=out, progress=lambda share, words: told.append(share))
    assert {p.name for p in out.iterdir()} == {"video.mp4", "sound.wav", "run.json"}
    assert json.loads((out / "run.json").read_text()) == run and told == sorted(told) and told[-1] == 1.0
    assert run["capability"] == "foley" and run["command"] == "foley" and list(run["inputs"]) == ["video"] and run["seed"] == 9
    assert (
        run["parameters"]["variant"] == "flow"
        and run["parameters"]["temperature"] == 0.8
        and run["parameters"]["until_s"] is None
    )
    info = media.probe(out / "video.mp4")
    assert info.has_audio and abs(info.duration_s - length(video)) < 1 / media.probe(video).fps
    assert length(out / "sound.wav") == pytest.approx(length(video), abs=1e-4)
    seen = pipeline.prepare(video)
    assert run["results"]["sentence"] == seen.verdict.sentence and run["results"]["written_s"] == pytest.approx(3.2)
    assert run["results"]["strokes_s"] == seen.strokes_s
    written, _ = pipeline.finish(seen, pipeline.compose(seen, seed=9, temperature=0.8).wavs[0])
    read = media.read_audio(out / "sound.wav", pipeline.SOUND_RATE)
    assert read.shape == written.shape and np.abs(read - written).max() < 1e-4
    again = replay(out / "run.json", tmp_path / "again")
    assert again.identical, again.sentence()


@pytest.mark.parametrize(
    "knobs",
    [
        {"variant": "seq"},
        {"take": 2},
        {"seed": 1},
        {"temperature": 0.3},
        {"loudness_db": -12.0},
        {"follow": 1.0},
        {"until_s": 1.0},
        {"keep": True},
    ],
    ids=lambda knobs: next(iter(knobs)),
)
def test_every_knob_is_heard_and_replays(shipped, video, tmp_path, knobs) -> None:
    pipeline.foley(video, out_dir=tmp_path / "plain", keep_paths=False)
    run = pipeline.foley(video, out_dir=tmp_path / "turned", keep_paths=False, **knobs)
    name = "video.mp4" if "keep" in knobs else "sound.wav"
    assert (tmp_path / "plain" / name).read_bytes() != (tmp_path / "turned" / name).read_bytes()
    assert run["inputs"]["video"]["path"] is None
    (tmp_path / "turned" / video.name).write_bytes(video.read_bytes())
    assert replay(tmp_path / "turned").identical


def test_a_photo_becomes_a_video_of_the_wanted_length(shipped, photo, tmp_path) -> None:
    run = pipeline.foley(photo, seconds=1.2, out_dir=tmp_path)
    assert run["parameters"]["seconds"] == 1.2 and length(tmp_path / "video.mp4") == pytest.approx(1.2, abs=0.041)
    assert length(tmp_path / "sound.wav") == pytest.approx(1.2, abs=1e-4)
    assert media.read_frame(tmp_path / "video.mp4").shape == (100, 150, 3)
    assert replay(tmp_path).identical


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rotated", {"rotation": 90}), ("uneven", {"times_s": [0, 0.1, 0.5, 0.55, 0.9, 1.4]}), ("odd", {"size": (65, 47), "pixel_format": "yuv444p"}),
        ("old", {"codec": "mpeg4"}), ("late", {"video_start_s": 0.4}), ("short sound", {}),
    ],
)  # fmt: skip
def test_videos_of_every_kind_keep_their_length(shipped, make_media, tmp_path, kind, options) -> None:
    if kind == "short sound":
        options = {"wav": make_media.tone(0.6)}
    options = {"tones": None, "size": (64, 48), **options}
    path = make_media.make_clip(tmp_path / ("clip.avi" if kind == "old" else "clip.mp4"), 1.6, fps=10, **options)
    pipeline.foley(path, out_dir=tmp_path / "out")
    info, made = media.probe(path), media.probe(tmp_path / "out" / "video.mp4")
    assert abs(made.duration_s - info.duration_s) < max(1.01 / info.fps, 0.05)
    assert (made.width - made.width % 2, made.height - made.height % 2) == (
        info.width + info.width % 2,
        info.height + info.height % 2,
    )
    assert length(tmp_path / "out" / "sound.wav") == pytest.approx(info.duration_s, abs=1e-3)


def test_a_silent_video_says_so_when_its_sound_should_be_kept(shipped, silent_video, tmp_path) -> None:
    run = pipeline.foley(silent_video, keep=True, out_dir=tmp_path)
    assert any("quiet.mp4 has no sound of its own" in note for note in run["results"]["notes"])


def test_refusals_come_before_anything_is_written(shipped, video, bad, tmp_path) -> None:
    out = tmp_path / "out"
    for file, knobs in (
        (video, {"seed": -1}), (video, {"temperature": 9}), (video, {"take": -1}), (video, {"variant": "x"}), (video, {"loudness_db": 99}),
        (video, {"follow": 2}), (video, {"until_s": -1}), (video, {"seconds": 99}), (bad / "sound.wav", {}), (bad / "text.mp4", {}),
    ):  # fmt: skip
        with pytest.raises(AvdemoError) as caught:
            pipeline.foley(file, out_dir=out, **knobs)
        assert str(caught.value).endswith(".")
    with pytest.raises(Cancelled):
        pipeline.foley(video, out_dir=out, cancelled=lambda: True)
    assert not out.exists()


def test_a_job_that_is_stopped_while_it_writes_keeps_that_and_replays(shipped, video, tmp_path) -> None:
    told = []
    stop = lambda: sum("Writing" in words for words in told) >= 4  # noqa: E731
    run = pipeline.foley(video, out_dir=tmp_path / "out", progress=lambda share, words: told.append(words), cancelled=stop)
    assert 0.5 < run["parameters"]["until_s"] < 1.2 and "the rest is silent" in " ".join(run["results"]["notes"])
    assert length(tmp_path / "out" / "video.mp4") == pytest.approx(length(video), abs=0.1)
    assert replay(tmp_path / "out").identical


def test_takes_are_ranked_by_the_other_room_s_judge(seen, tmp_path, monkeypatch) -> None:
    from types import SimpleNamespace

    from avdemo.correspondence import pipeline as judge
    from avdemo.errors import NoAudioError

    def prepare(picture, sound, *, step_s, **hooks):
        wav = media.read_audio(sound, 8000)
        if media.is_silent(wav):
            raise NoAudioError("It is silent.")
        assert picture == seen.video and step_s == 0.5
        return SimpleNamespace(mean=float(np.abs(wav).max()))

    monkeypatch.setattr(judge, "prepare", prepare)
    monkeypatch.setattr(judge, "scores", lambda clip: clip)
    level = lambda peak: np.full((1, 48_000), peak, np.float32)  # noqa: E731
    assert pipeline.rank(seen, [level(0.2), level(0.0), level(0.5)]) == pytest.approx([0.2, 0.0, 0.5], abs=1e-3)
    assert not pipeline.can_rank()  # the tiny weights hold no judge


# ---- the command line and the API's function


def test_the_command_lists_what_it_wrote(shipped, video, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["foley", str(video), "--seed", "5", "--variant", "seq", "--temperature", "0.7"]) == 0
    printed = capsys.readouterr()
    folder = tmp_path / "out" / "Mon été-with-sound"
    run = read_run(folder)
    assert printed.out.splitlines()[0] == run["results"]["sentence"] and "Writing the sound" in printed.err
    assert [line.rpartition("/")[2] for line in printed.out.splitlines()[-3:]] == ["video.mp4", "sound.wav", "run.json"]
    assert run["seed"] == 5 and run["parameters"]["variant"] == "seq" and run["parameters"]["temperature"] == 0.7
    assert main(["foley", str(video), "--keep", "--loudness", "-6", "--out", "there", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run == read_run(tmp_path / "there") and run["parameters"]["keep"] and run["parameters"]["loudness_db"] == -6
    assert main(["replay", str(folder / "run.json")]) == 0
    assert "came out the same to the byte" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["foley"], "Missing argument 'VIDEO'"),
        (["foley", "gone.mp4"], "gone.mp4"),
        (["foley", "{bad}/sound.wav"], "a sound without pictures"),
        (["foley", "{bad}/text.mp4"], "text.mp4"),
        (["foley", "{video}", "--variant", "best"], "--variant"),
        (["foley", "{video}", "--temperature", "7"], "temperature of 7"),
        (["foley", "{video}", "--seed", "99999999999"], "whole number from 0"),
        (["foley", "{video}", "--loudness", "50"], "loudness of 50"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(shipped, video, bad, arguments, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([argument.format(video=video, bad=bad) for argument in arguments]) == 2
    printed = capsys.readouterr()
    sentence = printed.err.splitlines()[-1]
    assert printed.out == "" and words in sentence and sentence.endswith(".") and "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


def test_the_api_s_function_gives_the_files(shipped, video) -> None:
    film, sound, run = results.foley(str(video), "frame", 3, 0.9, -3.0, "keep")
    parameters = read_run(run)["parameters"]
    assert (
        parameters["variant"] == "frame" and parameters["keep"] and parameters["loudness_db"] == -3 and read_run(run)["seed"] == 3
    )
    assert media.probe(film).has_audio and length(sound) == pytest.approx(length(video), abs=1e-3)
    for values, words in (
        (("",), "no video in this request"),
        ((str(video), "flow", 0, 1.0, 0.0, "both"), "say replace or keep"),
    ):
        with pytest.raises(AvdemoError, match=words):
            results.foley(*values)


def test_a_missing_checkpoint_is_a_sentence(tmp_path, use_weights, video) -> None:
    from avdemo.errors import WeightsError

    use_weights(tmp_path, pipeline)
    with pytest.raises(WeightsError, match="There is no checkpoint named 'foley-compact'"):
        pipeline.foley(video, out_dir=tmp_path)
