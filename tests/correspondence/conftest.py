"""What the correspondence tests share: a tiny real checkpoint behind the public name, and clips made on the spot."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

SECONDS, SIZE, FPS = 3.0, (96, 64), 10


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory) -> Path:
    """A weights folder that holds an untrained tiny model as ``correspondence-compact``. Read only."""
    import torch

    from avdemo.checkpoints import register, save
    from avdemo.correspondence.config import CorrespondenceConfig
    from avdemo.correspondence.network import Correspondence

    config = CorrespondenceConfig.debug()
    torch.manual_seed(3)
    network = Correspondence(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # statistics of what it is shown next: units that are excited here and there
    with torch.no_grad():
        network.train()(torch.randint(0, 256, (8, 32, 48, 3), dtype=torch.uint8), 0.3 * torch.randn(8, config.samples))
        network.fc2.weight.mul_(12.0)  # answers that differ
    folder = tmp_path_factory.mktemp("weights")
    path = save(folder / "correspondence-compact.safetensors", network.state_dict(), config.as_dict())
    register(path, capability="correspondence")
    return folder


@pytest.fixture
def shipped(weights_folder, use_weights):
    """Settings that point to that folder."""
    from avdemo.correspondence import pipeline

    return use_weights(weights_folder, pipeline)


@pytest.fixture(scope="session")
def video(make_media, tmp_path_factory) -> Path:
    """3 s of numbered frames with a sound that changes all the time. Read only."""
    folder = tmp_path_factory.mktemp("clip")
    return make_media.make_clip(folder / "Été à deux.mp4", SECONDS, SIZE, FPS, wav=make_media.swelling(SECONDS))


@pytest.fixture(scope="session")
def image(make_media, tmp_path_factory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("picture") / "guitar.png"
    Image.fromarray(make_media.numbered_picture(5, (150, 100))).save(path)
    return path


@pytest.fixture(scope="session")
def sound(make_media, tmp_path_factory) -> Path:
    """2 s of another sound. Read only."""
    return make_media.make_sound(tmp_path_factory.mktemp("sound") / "pluck.wav", make_media.swelling(2.0, seed=1))


@pytest.fixture
def clip(shipped, video):
    from avdemo.correspondence import pipeline

    return pipeline.prepare(video)


@pytest.fixture
def still(shipped, image, sound):
    from avdemo.correspondence import pipeline

    return pipeline.prepare(image, sound)


@pytest.fixture
def sure():
    """A function: the same clip with a model that always gives this answer (logit of "match")."""
    import torch

    def with_answer(clip, answer: float):
        network = clip.model.network
        biased = type(network)(network.config).eval()
        biased.load_state_dict(network.state_dict())
        biased.fc2.weight.data.zero_()
        biased.fc2.bias.data = torch.tensor([0.0, answer])
        return dataclasses.replace(clip, model=dataclasses.replace(clip.model, network=biased))

    return with_answer
