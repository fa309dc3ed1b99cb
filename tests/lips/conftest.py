"""What the lips tests share: a tiny pack of drawn mouths, and weights for the frozen view."""

from __future__ import annotations

import pytest


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
