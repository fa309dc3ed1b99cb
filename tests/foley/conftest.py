"""What the foley tests share: a tiny real network of each variant, a checkpoint of all three, and clips made on the spot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_foley import FRAMES, PLAIN, clips, lively, spoken, tiny_weights
from tiny_store import write_store

CLIP = FRAMES * 640  # samples of the tiny networks' clips
WITHOUT = {"": {}, "tokens": PLAIN, "prediction": {"predicts": 0}, "strokes": {"strokes": False, "decay": False, "voices": 0, "emphasis": 0.0}}


@pytest.fixture(scope="session", params=["frame", "seq", "flow", *(f"flow without {part}" for part in WITHOUT if part)])
def network(request):
    """The tiny network of each variant, and of one without what goes beyond the paper. Read only."""
    from avdemo.foley.config import FoleyConfig

    variant, _, without = request.param.partition(" without ")
    return lively(replace(FoleyConfig.debug(variant), **WITHOUT[without]))


@pytest.fixture(scope="session")
def condition(network):
    """Of two clips of three video frames."""
    import torch

    with torch.no_grad():
        return network.condition(*clips(network.config))


@pytest.fixture(scope="session")
def nodes(network, condition):
    """What the SampleRNN is told of those clips, with the same tokens in both."""
    import torch

    tokens, _ = spoken(network, condition.pick([0]), 4 * CLIP)
    with torch.no_grad():
        return network.nodes(condition, None if tokens is None else torch.cat([tokens, tokens.flip(1)]))


@pytest.fixture(scope="session")
def flow_network():
    """The tiny network of the variant "flow". Read only."""
    from avdemo.foley.config import FoleyConfig

    return lively(FoleyConfig.debug())


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Kept pairs of three kinds. Read only."""
    from avdemo.foley.pair_store import PairStore

    return PairStore(write_store(tmp_path_factory.mktemp("pairs") / "train"))


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """Kept pairs of which the last four are of none of the kinds, and the first comes from no recording. Read only."""
    from avdemo.foley.pair_store import PairStore

    store = PairStore(write_store(tmp_path_factory.mktemp("pairs") / "mixed", strange=4))
    store.about[0] |= {"recording": ""}
    return store


@pytest.fixture(scope="session")
def sight(store, tmp_path_factory) -> Path:
    """The checkpoint of a sight that learnt from the store."""
    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.recipe import train_sight

    out = tmp_path_factory.mktemp("sight") / "sight.safetensors"
    train_sight(store, store, out, FoleyConfig.debug(), None, steps=160, batch_size=6)
    return out


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory) -> Path:
    """A weights folder that holds a tiny model of all variants as ``foley-compact``. Read only."""
    return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def shipped(weights_folder, use_weights):
    """Settings that point to that folder."""
    from avdemo.foley import pipeline

    return use_weights(weights_folder, pipeline)


@pytest.fixture(scope="session")
def video(make_media, tmp_path_factory) -> Path:
    """3.2 s of video with a sound of its own. Read only."""
    return make_media.make_clip(tmp_path_factory.mktemp("video") / "Mon été.mp4", 3.2, (96, 64), 10, wav=make_media.swelling(3.2))


@pytest.fixture(scope="session")
def silent_video(make_media, tmp_path_factory) -> Path:
    """1.5 s of video without a sound track. Read only."""
    return make_media.make_clip(tmp_path_factory.mktemp("video") / "quiet.mp4", 1.5, (64, 96), 12, tones=None)


@pytest.fixture(scope="session")
def photo(make_media, tmp_path_factory) -> Path:
    """An oblong picture. Read only."""
    from PIL import Image

    path = tmp_path_factory.mktemp("photo") / "dog.png"
    Image.fromarray(make_media.numbered_picture(5, (150, 100))).save(path)
    return path


@pytest.fixture(scope="session")
def bad(make_media, video, tmp_path_factory) -> Path:
    """Files that are no videos, or not whole ones."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "nothing.mp4").touch()
    (folder / "text.mp4").write_text("This is a letter, not a video.\n" * 40, encoding="utf-8")
    make_media.truncated(video, folder / "half.mp4", 0.5)
    make_media.make_sound(folder / "sound.wav", make_media.swelling(1.0))
    make_media.make_clip(folder / "blink.mp4", 0.05, (64, 48), 40, tones=None)
    return folder


@pytest.fixture
def seen(shipped, video):
    from avdemo.foley import pipeline

    return pipeline.prepare(video)
