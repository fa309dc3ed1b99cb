"""A weights folder, a Hub cache and a Hub of each test's own."""

import socket

import pytest
import torch
from huggingface_hub import close_session, constants
from loopback_hub import LoopbackHub

from avdemo.checkpoints import register, save
from avdemo.settings import get_settings


def _point(monkeypatch, url):
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The folder of ``AVDEMO_WEIGHTS``, and a Hub cache that is empty; nothing is listening at ``HF_ENDPOINT``."""
    folder = tmp_path / "weights"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    home = str(tmp_path / "hf")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name, value in (("AVDEMO_WEIGHTS", str(folder)), ("HF_ENDPOINT", nowhere), ("HF_HOME", home)):
        monkeypatch.setenv(name, value)
    for name in ("AVDEMO_DEVICE", "AVDEMO_THREADS", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    # huggingface_hub reads these once, when it is imported.
    _point(monkeypatch, nowhere)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "hf" / "harnesses.json"))
    get_settings.cache_clear()
    close_session()
    yield folder
    get_settings.cache_clear()
    close_session()


@pytest.fixture
def hub(weights, monkeypatch):
    """A running Hub to which we may write."""
    with LoopbackHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", server.token)
        _point(monkeypatch, server.url)
        yield server
        close_session()


@pytest.fixture
def make(weights):
    """``make("pixels-a", seed)`` writes a small checkpoint into the weights folder and registers it."""

    def _make(name="pixels-a", seed=0, **fields):
        gen = torch.Generator().manual_seed(seed)
        state = {"conv.weight": torch.randn(8, 3, 3, 3, generator=gen), "conv.bias": torch.randn(8, generator=gen)}
        state["steps"] = torch.tensor(7)
        path = save(weights / f"{name}.safetensors", state, {"name": "debug", "channels": 8}, {"seed": seed})
        values = {"capability": "pixels", "config": "debug", "licence": "CC-BY-4.0", "summary": "A small one.", **fields}
        return register(path, **values)

    return _make
