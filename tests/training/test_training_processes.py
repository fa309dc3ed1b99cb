"""Runs in processes of their own: stopped by a signal, shared by two processes, free of media libraries."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_recipe import BATCH, TinyRecipe

from avdemo.checkpoints import load_file
from avdemo.training import journal
from avdemo.training.loop import fit
from avdemo.training.options import TrainOptions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATIENCE_S = 120  # only a hang takes this long
OPTIONS = {"steps": 40, "batch_size": BATCH, "validate_every": 20, "save_every": 20, "log_every": 5, "decay": "constant"}


def environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "AVDEMO_DEVICE": "cpu"}


def script(out: Path, options: dict, *flags: str) -> list[str]:
    return [str(HERE / "tiny_recipe.py"), str(out), json.dumps(options), *flags]


def launcher() -> list[str]:
    """``accelerate launch`` for two processes that meet on a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    where = ["--main_process_ip", "127.0.0.1", "--main_process_port", str(port)]
    return [sys.executable, "-m", "accelerate.commands.launch", *flags.split(), *where]


def train_lines(log: Path) -> list[dict]:
    return [line for line in journal.read(log) if line["kind"] == "train"]


def losses(log: Path) -> list[tuple]:
    return [(line["step"], line["loss"]) for line in train_lines(log)]


def run_and_signal(command: list[str], number: int) -> str:
    """Start ``command``, send it the signal once it reports a training step, give what it printed."""
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if "loss" in line:
                process.send_signal(number)
                break
        rest, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    text = "".join(printed) + rest
    assert process.returncode == 0, text
    return text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_the_run_goes_on_as_if_nothing_was(tmp_path, number):
    endless = OPTIONS | {"steps": 10**7, "validate_every": 10**7, "save_every": 10**7}
    text = run_and_signal([sys.executable, *script(tmp_path / "a.safetensors", endless)], number)
    assert "stopped=signal" in text
    assert sorted(p.name for p in tmp_path.iterdir() if "rank" not in p.name) == ["a.log.jsonl", "a.state"]
    done = torch.load(tmp_path / "a.state", weights_only=True)["step"]
    assert done >= 5

    torch.set_num_threads(1)
    steps = done + 20
    options = TrainOptions(**(OPTIONS | {"steps": steps, "validate_every": steps, "save_every": steps}))
    resumed = fit(TinyRecipe(), options, tmp_path / "a.safetensors", resume=True)
    whole = fit(TinyRecipe(), options, tmp_path / "whole.safetensors")
    assert losses(resumed.history) == losses(whole.history)
    assert resumed.best_score == whole.best_score


def test_two_processes_train_as_one(tmp_path):
    out = tmp_path / "two.safetensors"
    command = [*launcher(), *script(out, OPTIONS, "--no-dropout")]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("stopped=done steps=40") == 2
    start = journal.read(tmp_path / "two.log.jsonl")[0]
    assert start["processes"] == 2

    ranks = [torch.load(f"{out}.rank{rank}of2", weights_only=True) for rank in range(2)]
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in ranks[0])

    alone = fit(TinyRecipe(dropout=0.0), TrainOptions(**OPTIONS), tmp_path / "one.safetensors")
    pairs = zip(train_lines(tmp_path / "two.log.jsonl"), train_lines(alone.history), strict=True)
    for two, one in pairs:
        for name in ("loss", "gradient_norm", "accuracy"):  # of the averaged gradient, so the averages are equal too
            assert two[name] == pytest.approx(one[name], rel=1e-4), (name, one["step"])
    ours = torch.load(tmp_path / "two.state", weights_only=True)
    theirs = torch.load(tmp_path / "one.state", weights_only=True)
    for part in ("model", "average"):
        for name, tensor in theirs[part].items():
            torch.testing.assert_close(ours[part][name], tensor, rtol=1e-4, atol=1e-5)
            if part == "model":
                assert torch.equal(ranks[0][name], ours[part][name])
    assert load_file(out).metadata["processes"] == 2

    # what two processes began, one can finish
    longer = TrainOptions(**(OPTIONS | {"steps": 60}))
    resumed = fit(TinyRecipe(dropout=0.0), longer, out, resume=True)
    whole = fit(TinyRecipe(dropout=0.0), longer, tmp_path / "whole.safetensors")
    for ours, theirs in zip(losses(resumed.history), losses(whole.history), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)


def test_sigterm_to_the_launcher_saves_too(tmp_path):
    endless = OPTIONS | {"steps": 10**7, "validate_every": 10**7, "save_every": 10**7}
    command = [*launcher(), *script(tmp_path / "a.safetensors", endless)]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if "loss" in line:
                process.terminate()
                break
        rest, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert rest.count("stopped=signal") == 2, rest
    assert torch.load(tmp_path / "a.state", weights_only=True)["step"] >= 5


def test_training_imports_no_media_library(tmp_path):
    unwanted = ["av", "librosa", "moviepy", "gradio", "soundfile", "imageio", "cv2", "torchaudio", "matplotlib"]
    code = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from tiny_recipe import main
main({str(tmp_path / "a.safetensors")!r}, {json.dumps(json.dumps(OPTIONS))})
import avdemo.training.card
print("IMPORTED", [name for name in {unwanted!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert "IMPORTED []" in done.stdout, done.stdout + done.stderr
