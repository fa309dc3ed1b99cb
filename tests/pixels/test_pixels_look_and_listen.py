"""Both parts of the compact training, on tiny made packs: truthful items, and losses that fall."""

import dataclasses

import numpy as np
import pytest
import torch

from avdemo.corpora.scenes import GROUND, UNSURE
from avdemo.dsp.stft import stft
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.listen import QUESTIONS, SCENES, ListenRecipe, improvement_db, spectra, start_from_answer
from avdemo.pixels.look import IGNORED, LookRecipe, place_labels
from avdemo.pixels.network import SoundOfPixels
from avdemo.training.recipe import Recipe

CONFIG = PixelsConfig.debug()


def overfit(recipe, steps: int, lr: float) -> list[float]:
    """Losses of training on one batch."""
    torch.manual_seed(0)
    model = recipe.build().train()
    optimizer = torch.optim.Adam([{**group, "lr": lr} for group in recipe.parameter_groups(model)])
    batch = recipe.batches(0, 0, 1)
    losses = []
    for _ in range(steps):
        loss, parts = recipe.loss(model, batch)
        assert torch.isfinite(loss) and set(parts) >= {"loss"}
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def same(a: dict, b: dict) -> bool:
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in a)


# ---- look


@pytest.fixture(scope="module")
def look(pack):
    return LookRecipe(CONFIG, pack, batch_size=4)


def test_place_labels() -> None:
    things = np.array([[0, 1], [GROUND, UNSURE]], np.int8)
    assert place_labels(things, (7, 2)).tolist() == [[7, 2], [len(SOUNDS), IGNORED]]


def test_look_learns_one_batch(look) -> None:
    assert isinstance(look, Recipe)
    batch = look.batches(3, 0, 1)
    assert batch["frames"].shape == (4, 64, 64, 3) and batch["frames"].dtype == torch.uint8 and batch["labels"].shape == (4, 4, 4)
    assert same(look.batches(3, 0, 1), batch)
    halves = [look.batches(3, rank, 2) for rank in range(2)]
    assert same({k: torch.cat([h[k] for h in halves]) for k in batch}, batch)  # whoever shares the work, the same items
    losses = overfit(look, steps=6, lr=3e-3)
    assert losses[-1] < losses[0]


def test_look_validates_and_exports_a_backbone(look) -> None:
    model = look.build().eval()
    with torch.no_grad():
        scores = look.validate(model)
    assert set(scores) == {"score", "places_right", "ground_right"} and all(0 <= v <= 1 for v in scores.values())
    exported = look.export(model)
    features = {k for k in SoundOfPixels(CONFIG).state_dict() if k.startswith("frame.features.")}
    assert set(exported) == features | {"answer.weight", "answer.bias"}


def test_the_first_blocks_and_all_statistics_stay(look) -> None:
    model = look.build().train()
    assert not any(p.requires_grad for p in model.eyes.frame.features[:7].parameters())
    assert all(p.requires_grad for p in model.eyes.frame.features[7:].parameters())
    before = {k: v.clone() for k, v in model.state_dict().items() if "running" in k}
    look.loss(model, look.batches(0, 0, 1))
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())


# ---- listen


@pytest.fixture(scope="module")
def listen(pack, look):
    torch.manual_seed(0)
    backbone = look.export(look.build())
    recipe = ListenRecipe(CONFIG, pack, batch_size=3, backbone=backbone, scene_count=24)
    (kept,) = pack.glob("maps-*.npy")
    again = ListenRecipe(CONFIG, pack, batch_size=3, backbone=backbone, scene_count=24)  # with the maps kept
    assert torch.equal(recipe.maps, again.maps) and len(recipe.maps) == 24 and recipe.classes == again.classes
    assert list(pack.glob("maps-*.npy")) == [kept]
    return again


def test_spectra_of_sources_and_of_their_sum() -> None:
    wavs = torch.randn(3, CONFIG.samples)
    for config in (CONFIG, dataclasses.replace(CONFIG, log_frequency=False)):
        each, mix = spectra(wavs, config)
        assert each.shape == (3, config.spec_bins, config.spec_frames) and mix.shape == each.shape[1:]
    torch.testing.assert_close(mix, stft(wavs.sum(0), CONFIG.n_fft, CONFIG.hop).abs(), rtol=1e-4, atol=1e-4)


def test_listen_items(listen) -> None:
    assert isinstance(listen, Recipe)
    batch = listen.batches(2, 0, 1)
    assert same(listen.batches(2, 0, 1), batch)
    shapes = {k: tuple(v.shape) for k, v in batch.items()}
    assert shapes == {
        "maps": (3, SCENES, 320, 4, 4), "mag": (3, 64, 64), "wanted": (3, QUESTIONS, 64, 64), "places": (3, QUESTIONS, 4, 4),
        "scene": (3, QUESTIONS), "weight": (3, QUESTIONS),
    }  # fmt: skip
    asked = batch["weight"] > 0
    assert (batch["places"].flatten(2).any(2) == asked).all()  # what is asked has a place, the rest has none
    silent = batch["wanted"].flatten(2).sum(2) == 0
    assert (batch["weight"][asked & ~silent] == 1).all() and (batch["weight"][asked & silent] < 1).all()
    assert (asked & ~silent).any() and (asked & silent).any()


def test_listen_learns_one_batch(listen) -> None:
    losses = overfit(listen, steps=25, lr=5e-3)
    assert losses[-1] < 0.8 * losses[0]


def test_only_what_is_asked_about_is_seen(listen) -> None:
    """The answer depends on the places of the question and on no other."""
    model = listen.build().eval()
    batch = listen.batches(0, 0, 1)
    with torch.no_grad():
        before = model(batch["maps"], batch["mag"], batch["places"], batch["scene"])
        hidden = batch["maps"].clone()
        first = int(batch["scene"][0, 0])
        vision = torch.zeros_like(batch["places"][:, :1])
        model.pixels.frame.fc.weight[..., [0, 0, 0, 2, 2, 2, 1, 1], [0, 1, 2, 0, 1, 2, 0, 2]] = 0  # each place by itself
        before = model(batch["maps"], batch["mag"], batch["places"], batch["scene"])
        outside = ~batch["places"][0, 0]
        hidden[0, first][:, outside] += 5.0
        after = model(hidden, batch["mag"], batch["places"], batch["scene"])
        nowhere = model(batch["maps"], batch["mag"], vision.expand_as(batch["places"]), batch["scene"])
    torch.testing.assert_close(after[0, 0], before[0, 0])
    torch.testing.assert_close(nowhere, torch.full_like(nowhere, -2.0))  # seeing nothing is the bias alone


def test_listen_validates_and_keeps_the_backbone(listen, look) -> None:
    model = listen.build().eval()
    with torch.no_grad():
        scores = listen.validate(model)
    assert set(scores) == {"score", "swapped"} and all(np.isfinite(v) for v in scores.values())
    exported = listen.export(model)
    assert set(exported) == set(SoundOfPixels(CONFIG).state_dict())
    trained = {id(p) for group in listen.parameter_groups(model) for p in group["params"]}
    assert not any(id(p) in trained or p.requires_grad for p in model.pixels.frame.features.parameters())
    assert all(torch.equal(exported[k], v) for k, v in listen.backbone.items() if not k.startswith("answer."))


def test_channels_start_from_what_the_backbone_can_tell() -> None:
    """Where the linear answer is sure of an instrument, its channel stands out; nothing is lost when there are fewer channels."""
    answer = {"weight": torch.zeros(len(SOUNDS) + 1, 6, 1, 1), "bias": torch.zeros(len(SOUNDS) + 1)}
    answer["weight"][:5, :5, 0, 0] = 10 * torch.eye(5)  # feature i speaks for instrument i
    for channels in (4, 16):
        fc = torch.nn.Conv2d(6, channels, 3, padding=1)
        start_from_answer(fc, answer)
        with torch.no_grad():
            fc.weight[:, :, [0, 0, 0, 2, 2, 2, 1, 1], [0, 1, 2, 0, 1, 2, 0, 2]] = 0
            seen = fc(torch.eye(6)[3].view(1, 6, 1, 1).expand(1, 6, 3, 3))[0, :, 1, 1]
        assert seen[: len(SOUNDS)].argmax() == 3 and seen[3] > 0 > seen[:3].max()


def test_improvement() -> None:
    mags = torch.zeros(1, 2, 4, 4)
    mags[0, 0, :2], mags[0, 1, 2:] = 1.0, 2.0
    mix = mags.sum(1)
    perfect, nothing = improvement_db((mags > 0).float(), mags, mix), improvement_db(torch.ones(1, 2, 4, 4), mags, mix)
    assert (perfect == 30).all() and nothing.abs().max() < 1e-4
    assert (improvement_db((mags == 0).float(), mags, mix) < 0.1).all()  # the other's mask is no better than none
