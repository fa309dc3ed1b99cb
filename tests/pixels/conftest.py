"""What the pixels tests share: tiny packs, a tiny real checkpoint behind the public name, and clips made on the spot."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from avdemo.pixels.config import SOUNDS, PixelsConfig

TESTS = Path(__file__).resolve().parent.parent


def _module(path: str) -> ModuleType:
    """A helper of another folder of tests, by path: those folders are not on the import path."""
    file = TESTS / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def music_folder() -> ModuleType:
    return _module("corpora/music_folder.py")


@pytest.fixture(scope="session")
def pack(tmp_path_factory) -> Path:
    """Photos and sounds of the thirteen instruments, each a colour and a tone. Read only."""
    return _module("corpora/tiny_pack.py").write_pack(tmp_path_factory.mktemp("pack"), SOUNDS)


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory) -> Path:
    """A weights folder that holds an untrained tiny model as ``pixels-compact``. Read only."""
    from avdemo.checkpoints import register, save
    from avdemo.pixels.network import SoundOfPixels

    config = PixelsConfig.debug()
    torch.manual_seed(1)
    network = SoundOfPixels(config)
    # an untrained backbone sees nothing at all; with the statistics of some picture it sees places that differ
    for module in network.frame.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train().see(torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8))
        network.synthesizer.scale.mul_(6.0)
    folder = tmp_path_factory.mktemp("weights")
    register(save(folder / "pixels-compact.safetensors", network.state_dict(), config.as_dict()), capability="pixels")
    return folder


@pytest.fixture
def shipped(weights_folder, use_weights):
    """Settings that point to that folder."""
    from avdemo.pixels import pipeline

    return use_weights(weights_folder, pipeline)
