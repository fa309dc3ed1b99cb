"""What the crossmodal tests share: a tiny real checkpoint behind the public name, and sounds and pictures made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest


def tiny_network():
    """An untrained network of the debug configuration whose answers and pictures differ."""
    import torch

    from avdemo.crossmodal.config import CrossmodalConfig
    from avdemo.crossmodal.network import Crossmodal

    config = CrossmodalConfig.debug()
    torch.manual_seed(5)
    network = Crossmodal(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # statistics of what it is shown next
    wav = 0.3 * torch.randn(16, config.window.samples) * torch.rand(16, 1)
    frames = torch.randint(0, 256, (16, config.eye_size, config.eye_size, 3), dtype=torch.uint8)
    with torch.no_grad():
        network.train()
        feature = network.ear.feature(network.ear.spectrogram(wav))
        network.eye.feature(frames)
        network.judge(torch.rand(16, 3, config.picture_size, config.picture_size) * 2 - 1)
        for variant in config.variants:
            network.paint(feature, torch.randn(16, config.painter.noise), variant)
        network.play(feature, torch.randn(16, config.player.noise))
    return network.eval()


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory) -> Path:
    """A weights folder that holds a tiny model as ``crossmodal-compact``. Read only."""
    from avdemo.checkpoints import register, save

    network = tiny_network()
    path = save(
        tmp_path_factory.mktemp("weights") / "crossmodal-compact.safetensors", network.state_dict(), network.config.as_dict()
    )
    register(path, capability="crossmodal")
    return path.parent


@pytest.fixture
def shipped(weights_folder, use_weights):
    """Settings that point to that folder."""
    from avdemo.crossmodal import pipeline

    return use_weights(weights_folder, pipeline)


@pytest.fixture
def sure(tmp_path):
    """A function: the path of the tiny model, changed so that ear and eye always give the same answer.

    ``sure(kind, lead)``: the logit of this kind (or of "none of these") lies so far above all others.
    """
    import torch

    from avdemo.checkpoints import save
    from avdemo.crossmodal.verdict import OTHER

    def with_answer(kind: str, lead: float, second: tuple[str, float] = ("harp", 0.0)) -> str:
        network = tiny_network()
        names = [*network.config.kinds, OTHER]
        for layer in (network.ear.answer, network.eye.small.answer):
            layer.weight.data.zero_()
            layer.bias.data = torch.zeros(len(names))
            layer.bias.data[names.index(kind)] = lead
            if second[1]:
                layer.bias.data[names.index(second[0])] = second[1]
        path = tmp_path / f"sure-{kind.replace(' ', '-')}-{lead:g}.safetensors"
        return str(save(path, network.state_dict(), network.config.as_dict()))

    return with_answer


@pytest.fixture(scope="session")
def sound(make_media, tmp_path_factory) -> Path:
    """2 s of sound. Read only."""
    return make_media.make_sound(tmp_path_factory.mktemp("sound") / "Été.wav", make_media.swelling(2.0))


@pytest.fixture(scope="session")
def other_sound(make_media, tmp_path_factory) -> Path:
    """1.2 s of another sound. Read only."""
    return make_media.make_sound(tmp_path_factory.mktemp("sound") / "pluck.wav", make_media.tone(1.2, (440.0, 880.0)))


@pytest.fixture(scope="session")
def image(make_media, tmp_path_factory) -> Path:
    """An oblong picture. Read only."""
    from PIL import Image

    path = tmp_path_factory.mktemp("picture") / "guitar.png"
    Image.fromarray(make_media.numbered_picture(5, (150, 100))).save(path)
    return path


@pytest.fixture
def heard(shipped, sound):
    from avdemo.crossmodal import pipeline

    return pipeline.listen(sound)


@pytest.fixture
def seen(shipped, image):
    from avdemo.crossmodal import pipeline

    return pipeline.look(image)


@pytest.fixture
def tab(shipped, sound, image, other_sound):
    """The tab without its components, with two examples."""
    from avdemo.crossmodal import pipeline
    from avdemo.crossmodal.answers import Answers
    from avdemo.ui.shelf import Shelf

    examples = [
        {"file": str(sound), "title": "A swell", "sentence": "It should swell."},
        {"file": str(image), "title": "A guitar", "sentence": "It should ring."},
        {"file": str(other_sound), "title": "A pluck"},
    ]
    return Answers(examples, lambda name, *values, **options: getattr(pipeline, name)(*values, **options), Shelf(4))


@pytest.fixture
def ask(tab):
    """Asks the tab and keeps the state as the page does: ``ask("imagine", 0, 4, "C", given)`` gives the changes."""
    from avdemo.crossmodal import session

    class Asked:
        state: dict = {}  # noqa: RUF012 - one for each test

        def __call__(self, name, *values, **hooks):
            before = dict(self.state)
            changes, changed = getattr(tab, name)(before, *values, **hooks)
            self.state = dict(self.state)
            assert changed is None or session.merge(self.state, before, changed)
            return changes

    return Asked()
