"""Files: precisions, configuration, strict keys, damaged files; devices."""

import hashlib
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from avdemo.checkpoints import choose_device, inference_dtype, load, load_file, load_into, resolve, save, sha256_of, store
from avdemo.checkpoints.integrity import fault
from avdemo.errors import InputError, StorageError, WeightsError
from avdemo.settings import get_settings


def small_state():
    return {
        "conv.weight": torch.linspace(-3, 3, 24).reshape(2, 3, 2, 2),
        "bn.running_var": torch.tensor([1e-9, 1e6]),
        "huge": torch.full((2, 2), 1e6),
        "steps": torch.tensor(123_456_789),
        "empty": torch.zeros(0, 3),
        "flags": torch.tensor([True, False]),
        "shared": torch.arange(6.0).reshape(2, 3).T,
    }


def test_save_and_load_keep_values_config_and_kinds(tmp_path):
    path = save(tmp_path / "sub" / "a.safetensors", small_state(), {"k": 3, "name": "debug"}, {"steps": 10})
    found = load_file(path)
    assert found.config == {"k": 3, "name": "debug"} and found.metadata == {"steps": 10} and found.record is None
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for key, value in small_state().items():
        assert found.state[key].dtype == (torch.float32 if value.is_floating_point() else value.dtype)
        exact = value.half().float() if key in ("conv.weight", "shared") else value
        assert torch.equal(found.state[key], exact), key


def test_large_tensors_are_halves_and_small_ones_are_not(tmp_path):
    from safetensors import safe_open

    path = save(tmp_path / "a.safetensors", small_state(), {})
    with safe_open(path, "pt") as file:
        kinds = {key: file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118
    assert kinds["conv.weight"] == torch.float16
    assert kinds["bn.running_var"] == torch.float32
    assert kinds["huge"] == torch.float32  # beyond fp16
    assert kinds["steps"] == torch.int64 and kinds["flags"] == torch.bool


def test_the_same_weights_are_the_same_bytes_in_every_process(tmp_path):
    code = (
        "import sys, torch; from avdemo.checkpoints import save;"
        "save(sys.argv[1], {'b': torch.ones(2), 'a': torch.ones(3, 3)}, {'x': 1, 'y': 2}, {'z': 3, 'u': 4})"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "one.safetensors")], check=True)
    save(tmp_path / "two.safetensors", {"a": torch.ones(3, 3), "b": torch.ones(2)}, {"y": 2, "x": 1}, {"u": 4, "z": 3})
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_not_written(tmp_path, odd):
    with pytest.raises(WeightsError, match=r"tensor fc\.weight holds values that are not finite"):
        save(tmp_path / "a.safetensors", {"fc.weight": torch.tensor([[1.0, odd, -1.0]])}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"a\.safetensors could not be written"):
        save(tmp_path / "file" / "a.safetensors", {}, {})


def test_load_by_name(make):
    entry = make(seed=3)
    found = load("pixels-a")
    assert found.record == entry and found.config["channels"] == 8 and found.state["steps"].item() == 7
    assert found.state["conv.weight"].dtype == torch.float32


def test_keys_and_shapes_are_strict():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    state = {key: value + 1 for key, value in module.state_dict().items()}
    load_into(module, state)
    assert torch.equal(module.state_dict()["0.weight"], state["0.weight"])

    odd = {**state, "extra": torch.zeros(1)}
    del odd["0.bias"], odd["1.running_mean"]
    odd["0.weight"] = torch.zeros(4, 3)
    before = module[0].weight.clone()
    with pytest.raises(WeightsError) as caught:
        load_into(module, odd, name="pixels-a")
    sentence = str(caught.value)
    assert sentence.startswith("The checkpoint pixels-a does not fit Sequential: missing 0.bias, 1.running_mean; unexpected")
    assert "another shape in 0.weight (4x3 instead of 2x3)." in sentence
    assert torch.equal(module[0].weight, before)


def test_many_missing_keys_are_counted():
    with pytest.raises(WeightsError, match=r"missing .* and 4 more"):
        load_into(nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)), {})


def test_damaged_files_are_told_apart(make, weights):
    entry = make()
    path = weights / entry.file
    good = path.read_bytes()
    assert resolve("pixels-a") == path

    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(WeightsError, match=r"a\.safetensors in the weights folder is truncated: \d+ of [\d,]+ bytes; restore"):
        resolve("pixels-a")
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(WeightsError, match="is not the recorded one: its sha256 begins"):
        load("pixels-a")
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(WeightsError, match="only a Git LFS pointer"):
        resolve("pixels-a")
    path.unlink()
    with pytest.raises(WeightsError, match="has not been published; put it there, or train it with `python -m") as caught:
        resolve("pixels-a")
    assert str(weights) not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not safetensors", b"\xff" * 64])
def test_what_is_not_safetensors_is_a_sentence(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.safetensors is damaged or not a safetensors file"):
        load_file(path)


def test_a_file_of_another_program_is_a_sentence(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="carries no configuration"):
        load_file(tmp_path / "a.safetensors")


def test_hashing_is_cached_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    first = sha256_of(path)
    calls = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *args: calls.append(1) or digest(*args))
    assert sha256_of(path) == first and not calls
    assert sha256_of(path, fresh=True) == first and len(calls) == 1
    path.write_bytes(b"three")
    assert sha256_of(path) == hashlib.sha256(b"three").hexdigest()
    assert fault(path, first, 3) is not None


def test_verify_hashes_again(make, weights):
    make()
    assert store.verify("pixels-a")[0] == "ok"
    path = weights / "pixels-a.safetensors"
    stat = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # a change that hides behind the same time and size
    assert store.verify("pixels-a")[0] == "bad"


def test_devices(monkeypatch, weights):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == torch.device("cpu") == choose_device("cpu")
    assert inference_dtype(torch.device("cpu")) == torch.float32
    with pytest.raises(InputError, match="torch finds no CUDA GPU; set AVDEMO_DEVICE"):
        choose_device("cuda")
    for odd in ("gpu", "meta", "cuda:x"):
        with pytest.raises(InputError, match="is not known here"):
            choose_device(odd)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device() == torch.device("cuda") and choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="cuda:0 to cuda:1"):
        choose_device("cuda:2")


def test_device_and_threads_come_from_the_settings(monkeypatch, weights):
    before = torch.get_num_threads()
    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")
    monkeypatch.setenv("AVDEMO_THREADS", "1")
    get_settings.cache_clear()
    try:
        assert choose_device() == torch.device("cpu") and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu(make):
    make()
    device = choose_device("auto")
    assert device.type == "cuda" and load("pixels-a", device=device).state["conv.weight"].is_cuda
    expected = torch.bfloat16 if torch.cuda.get_device_capability() >= (8, 0) else torch.float16
    assert inference_dtype(device) == expected
