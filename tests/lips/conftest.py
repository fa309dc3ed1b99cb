"""What the lips tests share: a tiny pack of drawn mouths, weights for the frozen view, and a tiny real checkpoint with things to give it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_lips_input import EXAMPLES, syllables, tiny_lips


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch) -> None:
    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    """Read only."""
    from tiny_lips_pack import write_lips_pack

    return write_lips_pack(tmp_path_factory.mktemp("lips-pack"), clips=16)


@pytest.fixture(scope="session")
def view():
    """Untrained weights of MobileNetV2's features."""
    import torch

    from avdemo.backbones.mobilenet import mobilenet_features

    torch.manual_seed(0)
    return mobilenet_features(7, dilated=False).state_dict()


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory) -> Path:
    """A weights folder that holds a tiny model as ``lips-compact``. Read only."""
    from avdemo.checkpoints import register, save

    network = tiny_lips()
    path = save(tmp_path_factory.mktemp("weights") / "lips-compact.safetensors", network.state_dict(), network.config.as_dict())
    register(path, capability="lips")
    return path.parent


@pytest.fixture
def shipped(weights_folder, use_weights):
    """Settings that point to that folder."""
    from avdemo.lips import pipeline

    return use_weights(weights_folder, pipeline)


@pytest.fixture(scope="session")
def speech(tmp_path_factory) -> Path:
    """1.9 s. Read only."""
    from avdemo import media

    return media.write_wav(tmp_path_factory.mktemp("speech") / "Ça va.wav", syllables(1.9, pauses=((0.8, 1.2),)), 16_000)


@pytest.fixture(scope="session")
def plain(tmp_path_factory) -> Path:
    """A picture (120 x 90 px) in which there is no face. Read only."""
    from PIL import Image

    at = np.linspace(0, 5, 120)
    grey = 128 + 50 * np.sin(at[None] * 2 + np.cos(at[:90, None] * 3))
    path = tmp_path_factory.mktemp("plain") / "plain.png"
    Image.fromarray(np.stack([grey, grey[:, ::-1], 255 - grey], -1).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A real face; skips where the examples are not there."""
    path = EXAMPLES / "portrait.jpg"
    if not path.is_file():
        pytest.skip("this installation has no example of a face")
    return path
