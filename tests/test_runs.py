"""run.json and doing it again, on the tiny capability of ``conftest``."""

from __future__ import annotations

import hashlib
import json

import pytest

from avdemo.__main__ import main
from avdemo.errors import InputError, StorageError
from avdemo.replay import replay
from avdemo.runs import FIELDS, SCHEMA, read_run, write_run


def test_run_json_has_exactly_the_fields_of_its_schema(stamp, video, tmp_path) -> None:
    run = stamp.isolate(video, at=(1.0, 2.0), out_dir=tmp_path / "a", seed=5)
    assert run["schema"] == SCHEMA == 1
    assert list(run) == list(FIELDS)
    assert json.loads((tmp_path / "a" / "run.json").read_text("utf-8")) == json.loads(json.dumps(run)) == read_run(tmp_path / "a")
    assert run["inputs"]["video"] == {
        "name": "Été à deux.mp4",
        "path": str(video),
        "sha256": hashlib.sha256(b"not really a video").hexdigest(),
        "bytes": 18,
    }
    assert [entry["name"] for entry in run["outputs"]] == ["stamped.bin", "plain.bin"]
    assert all(len(entry["sha256"]) == 64 for entry in [*run["outputs"], *run["inputs"].values()])
    assert {"avdemo", "python", "numpy", "torch", "av"} <= set(run["versions"])


def test_a_server_keeps_paths_to_itself(video, tmp_path) -> None:
    run = write_run(
        tmp_path, capability="pixels", command="isolate", inputs={"video": video}, parameters={}, checkpoint={"m": "0" * 64},
        timings={}, outputs=[], keep_paths=False,
    )  # fmt: skip
    assert run["inputs"]["video"]["path"] is None and str(tmp_path) not in (tmp_path / "run.json").read_text("utf-8")
    assert run["checkpoints"] == [{"name": "m", "sha256": "0" * 64}]


def test_what_cannot_be_recorded_is_refused(video, tmp_path) -> None:
    about = {"capability": "pixels", "command": "isolate", "parameters": {}, "checkpoint": {}, "timings": {}}
    with pytest.raises(StorageError, match=r"gone\.wav is no longer"):
        write_run(tmp_path, inputs={"video": video}, outputs=["gone.wav"], **about)
    with pytest.raises(InputError, match=r"gone\.mp4 cannot be read"):
        write_run(tmp_path, inputs={"video": tmp_path / "gone.mp4"}, outputs=[], **about)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"run\.json could not be written"):
        write_run(tmp_path / "file", inputs={}, outputs=[], **about)
    assert not list(tmp_path.glob(".run-*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: "{", "is not JSON"),
        (lambda run: "[1]", "not a run.json"),
        (lambda run: json.dumps({**run, "schema": 99}), "schema 99"),
        (lambda run: json.dumps({key: value for key, value in run.items() if key != "outputs"}), "damaged: outputs"),
        (lambda run: json.dumps({**run, "inputs": {"video": {"name": "../a", "sha256": "0" * 64}}}), "damaged: inputs"),
        (lambda run: json.dumps({**run, "command": "helper"}), "does not have"),
        (lambda run: json.dumps({**run, "command": "__name__"}), "does not have"),
        (lambda run: json.dumps({**run, "capability": "os"}), "does not have"),
        (lambda run: json.dumps({**run, "capability": "lips"}), "does not have"),
        (lambda run: json.dumps({**run, "parameters": {"colour": 3}}), "the parameter colour"),
    ],
)
def test_what_is_not_a_replayable_run_is_refused(stamp, video, tmp_path, change, words) -> None:
    run = stamp.isolate(video, out_dir=tmp_path / "a")
    (tmp_path / "a" / "run.json").write_text(change(run), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        replay(tmp_path / "a" / "run.json")


def test_replay_gives_the_same_bytes_and_says_so(stamp, video, tmp_path, capsys, refused) -> None:
    stamp.isolate(video, at=(1.5, 2.0), time_s=0.5, out_dir=tmp_path / "a", seed=5)
    assert main(["replay", "a/run.json", "--out", "b"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "Replayed isolate: stamped.bin and plain.bin came out the same to the byte.\n"
    assert printed.err == " 50% stamping\n"
    assert (tmp_path / "a/stamped.bin").read_bytes() == (tmp_path / "b/stamped.bin").read_bytes()
    assert main(["replay", "a"]) == 0  # the folder will do, and nothing is kept without --out
    capsys.readouterr()
    assert "overwritten" in refused("replay", "a", "--out", "a")


def test_replay_says_what_came_out_different(stamp, video, tmp_path, capsys) -> None:
    run = stamp.isolate(video, out_dir=tmp_path / "a")
    run["outputs"][0]["sha256"] = "0" * 64
    run["outputs"].append({"name": "more.bin", "sha256": "0" * 64, "bytes": 1})
    run["versions"]["numpy"] = "0.1"
    run["device"] = "cuda:0"
    (tmp_path / "a" / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert main(["replay", "a"]) == 2
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith("Replayed isolate, and stamped.bin came out different and more.bin did not come out (")
    assert "numpy 0.1 then, " in sentence and "device cuda:0 then, cpu now" in sentence


def test_replay_wants_the_same_input(stamp, video, tmp_path, capsys, refused) -> None:
    stamp.isolate(video, out_dir=tmp_path / "a")
    beside = tmp_path / "a" / video.name
    video.rename(beside)
    assert main(["replay", "a"]) == 0
    capsys.readouterr()
    beside.write_bytes(b"something else")
    assert f"{video.name} is not the file of that run" in refused("replay", "a")
    beside.unlink()
    assert "neither where it was nor beside run.json" in refused("replay", "a")


def test_replay_wants_the_same_checkpoint(stamp, video, tmp_path, capsys, refused) -> None:
    from avdemo.checkpoints import register

    weights = tmp_path / "weights" / "stamp-tiny.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    record = register(weights, capability="stamp")
    stamp.CHECKPOINT["stamp-tiny"] = record.sha256
    stamp.isolate(video, out_dir=tmp_path / "a")
    assert main(["replay", "a"]) == 0
    capsys.readouterr()
    weights.write_bytes(b"other weights")
    register(weights)
    assert "checkpoint stamp-tiny here is not the one of that run" in refused("replay", "a")
    weights.unlink()
    assert "stamp-tiny" in refused("replay", "a")
