"""The command line, on the tiny capability of ``conftest``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import avdemo
from avdemo import cli
from avdemo.__main__ import main
from avdemo.errors import InputError
from avdemo.runs import read_run
from avdemo.settings import get_settings

ROOT = Path(__file__).resolve().parent.parent


def test_help_names_the_commands_and_exits_with_0(capsys) -> None:
    for arguments in ([], ["--help"]):
        assert main(arguments) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        for command in ("isolate", "evaluate", "bench", "train", "weights", "replay"):
            assert command in printed.out
    assert main(["weights"]) == 0
    printed = capsys.readouterr()
    assert "verify" in printed.out and printed.err == ""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"avdemo {avdemo.__version__}\n"


def test_isolate_writes_and_lists_its_files(stamp, video, capsys) -> None:
    assert main(["isolate", str(video), "--at", "3,4.5", "--time", "1.25", "--out", "there"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["Stamped.", *(str(Path("there") / n) for n in ("stamped.bin", "plain.bin", "run.json"))]
    assert printed.err == " 50% stamping\n"
    assert read_run("there")["parameters"] == {"at": [3.0, 4.5], "time_s": 1.25}


def test_isolate_has_a_folder_of_its_own_by_default_and_prints_json(stamp, video, capsys) -> None:
    assert main(["isolate", str(video), "--at", "3,4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_run(Path("out") / "Été à deux-isolated")


def test_evaluate_and_bench_print_text_or_json(stamp, tmp_path, capsys) -> None:
    (tmp_path / "data").mkdir()
    assert main(["evaluate", "stamp", "--data", "data"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("score of data: 1\n", "100% measured\n")
    assert main(["evaluate", "stamp", "--data", "data", "--json", "--quick"]) == 0
    assert json.loads(capsys.readouterr().out) == {"score": 1, "quick": True}
    assert main(["bench", "stamp"]) == 0
    assert capsys.readouterr().out == "fast\n"
    assert main(["bench", "stamp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"seconds": 0.5}


def test_train_passes_its_options_on(stamp, tmp_path, refused) -> None:
    (tmp_path / "data").mkdir()
    assert main(["train", "stamp", "--data", "data", "--out", "a.safetensors"]) == 0
    assert (tmp_path / "a.safetensors").read_text() == repr(("data", "compact", False, None, None, 0))
    options = ["--config", "compact", "--resume", "--minutes", "2.5", "--steps", "7", "--seed", "3"]
    assert main(["train", "stamp", "--data", "data", "--out", "b.safetensors", *options]) == 0
    assert (tmp_path / "b.safetensors").read_text() == repr(("data", "compact", True, 2.5, 7, 3))
    options = ["--data", "data", "--out", "c.safetensors", "--config", "paper"]
    assert "needs the package accelerate_that_nobody_has" in refused("train", "stamp", *options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["isolate"], "Missing argument 'VIDEO'"),
        (["isolate", "a.mp4"], "Missing option '--at'"),
        (["isolate", "gone.mp4", "--at", "1,2"], "There is no file gone.mp4"),
        (["isolate", "a.mp4", "--at", "12"], "not two numbers"),
        (["isolate", "a.mp4", "--at", "1,2,3"], "not two numbers"),
        (["isolate", "a.mp4", "--at", "nan,2"], "not two numbers"),
        (["isolate", "a.mp4", "--at", "1,2", "--time", "-1"], "not a moment of a video"),
        (["isolate", "a.mp4", "--at", "1,2", "--time", "soon"], "--time"),
        (["isolate", "a.mp4", "--at", "1,2", "--loud"], "No such option: --loud"),
        (["isolate", "a.mp4", "b.mp4", "--at", "1,2"], "b.mp4"),
        (["sing"], "No such command 'sing'"),
        (["evaluate", "stamp"], "Missing option '--data'"),
        (["evaluate", "stamp", "--data", "nowhere"], "no folder nowhere"),
        (["evaluate", "smell", "--data", "."], "no capability named 'smell'"),
        (["train", "foley", "--data", ".", "--out", "x.safetensors", "--variant", "loud"], "no variant 'loud'"),
        (["train", "stamp", "--data", ".", "--out", "x.safetensors", "--variant", "flow"], "takes no --variant"),
        (["train", "stamp", "--data", ".", "--out", "x.pth"], "must end in .safetensors"),
        (["train", "stamp", "--data", ".", "--out", "x.safetensors", "--minutes", "0"], "more than nothing"),
        (["train", "stamp", "--data", ".", "--out", "x.safetensors", "--steps", "0"], "--steps"),
        (["train", "stamp", "--data", ".", "--out", "x.safetensors", "--config", "huge"], "'compact', 'scratch', 'paper'"),
        (["replay", "gone.json"], "no file gone.json"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(stamp, arguments, words, refused) -> None:
    assert words in refused(*arguments)


def test_a_part_that_is_not_there_yet_is_a_sentence(stamp) -> None:
    with pytest.raises(InputError, match="The poetry of stamp is not there yet; this version has none for any capability"):
        cli.part_of("stamp", "poetry")


def test_our_own_fault_is_logged_under_an_id(stamp, video, capsys, tmp_path, monkeypatch, refused) -> None:
    sentence = refused("isolate", str(video), "--at", "13,1", code=1)
    short_id = sentence.partition("report ")[2][:8]
    log = (tmp_path / "work" / "errors.log").read_text(encoding="utf-8")
    assert log.startswith(f"error {short_id}\nTraceback") and "ZeroDivisionError: thirteen" in log
    monkeypatch.setenv("AVDEMO_DEBUG", "1")
    assert main(["isolate", str(video), "--at", "13,1"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_and_a_full_disk_are_sentences(stamp, video, monkeypatch, refused) -> None:
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stamp, "isolate", interrupted)
    assert "Stopped" in refused("isolate", str(video), "--at", "1,1", code=130)
    monkeypatch.setattr(stamp, "isolate", full)
    assert "no room left" in refused("isolate", str(video), "--at", "1,1")


def test_a_bad_environment_variable_is_a_sentence(stamp, monkeypatch, refused) -> None:
    monkeypatch.setenv("AVDEMO_MAX_SECONDS", "long")
    get_settings.cache_clear()
    assert "AVDEMO_MAX_SECONDS" in refused("weights", "list")


def test_python_m_avdemo_answers_at_once() -> None:
    code = "import resource, sys; from avdemo.__main__ import main; code = main(['--help']);"
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_utime, file=sys.stderr); sys.exit(code)"
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0 and "isolate" in done.stdout
    assert float(done.stderr) < 1.0  # seconds of computing: waiting for a busy machine does not count
