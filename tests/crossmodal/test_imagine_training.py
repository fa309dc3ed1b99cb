"""Data, losses and recipes: what is drawn, what each switch does, and that every part learns on made data and assembles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_imagine_pack import RATE, pair_up, write_imagine_pack

from avdemo.checkpoints import load_file
from avdemo.corpora.mixtures import SoundPack
from avdemo.corpora.paired_set import Partners
from avdemo.crossmodal import recipe
from avdemo.crossmodal.album import disturb, load_album, square
from avdemo.crossmodal.config import KINDS, CrossmodalConfig, Switches
from avdemo.crossmodal.duel_recipe import Duel, DuelRecipe
from avdemo.crossmodal.features import kernel_distance
from avdemo.crossmodal.network import Crossmodal
from avdemo.crossmodal.objective import augment, critic_loss, generator_loss, reconstruction_loss
from avdemo.crossmodal.pools import KindPool, PairPool
from avdemo.crossmodal.windows import WindowMaker
from avdemo.errors import InputError

CONFIG = CrossmodalConfig.debug()


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    return write_imagine_pack(tmp_path_factory.mktemp("imagine"))


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch) -> None:
    monkeypatch.setenv("AVDEMO_DEVICE", "cpu")


def test_windows_come_from_their_split_and_say_their_class(packed) -> None:
    sounds = SoundPack(packed, KINDS)
    maker = WindowMaker(sounds, KINDS, "train", 4000, seed=3, sample_rate=RATE)
    items = [maker.item(i) for i in range(200)]
    kinds = [kind for _, kind in items]
    assert {len(wav) for wav, _ in items} == {4000} and set(kinds) == set(range(17))
    assert 0.1 < np.mean(np.array(kinds) == 16) < 0.35
    assert all(np.isfinite(wav).all() for wav, _ in items)
    np.testing.assert_array_equal(maker.item(7)[0], items[7][0])
    used = {n for group in maker.of_kind for numbers in group for n in numbers} | {n for g in maker.strangers for n in g}
    assert {sounds.entries[n]["split"] for n in used} == {"train"}
    with pytest.raises(ValueError, match="no recording of accordion"):
        maker.of(0, np.random.default_rng(0), "recording")


def test_a_faster_window_is_higher(packed) -> None:
    maker = WindowMaker(SoundPack(packed, KINDS), KINDS, "train", 4000, sample_rate=RATE)

    def loudest_hz(speed: float) -> float:
        wav = maker.of(4, np.random.default_rng(1), "render", speed)
        return float(np.abs(np.fft.rfft(wav)).argmax() * RATE / len(wav))

    assert loudest_hz(1.1) == pytest.approx(1.1 * loudest_hz(1.0), abs=3)


def test_an_album_holds_one_split_square_and_on_white(packed) -> None:
    album = load_album(packed, KINDS, "val", 32)
    assert album.pixels.shape == (19 * 2, 32, 32, 4) and album.on_white().shape == (38, 32, 32, 3)
    assert (album.kind == 16).sum() == 6 and len(load_album(packed, KINDS, "val", 32, others=False)) == 32
    assert len(load_album(packed, KINDS, "val", 32, sources=["web10"])) == 19
    corner = album.on_white()[:, 0, 0]
    assert (corner > 250).all()  # what was cut away is white


def test_a_cut_out_stays_whole_and_a_photo_loses_its_ends() -> None:
    from PIL import Image

    wide = Image.fromarray(np.dstack([np.full((20, 60, 3), 9, np.uint8), np.full((20, 60), 255, np.uint8)]), "RGBA")
    assert np.asarray(square(wide, 30))[..., 3].min() == 255
    cut = np.asarray(wide).copy()
    cut[:, :2, 3] = 0
    alpha = np.asarray(square(Image.fromarray(cut, "RGBA"), 30))[..., 3]
    assert alpha[:8].max() <= 1 and alpha[15].max() == 255


def test_disturbed_pictures_are_others_of_the_same_and_repeat_by_seed(packed) -> None:
    album = load_album(packed, KINDS, "train", 32)
    pixels = torch.from_numpy(album.pixels[:8])
    one, two, again = (disturb(pixels, 32, torch.Generator().manual_seed(seed)) for seed in (1, 2, 1))
    assert one.shape == (8, 3, 32, 32) and one.min() >= -1 and one.max() <= 1
    assert torch.equal(one, again) and not torch.allclose(one, two)


def test_losses_are_those_of_the_matching_aware_critic() -> None:
    sure, unsure = torch.full((4, 1, 1), 3.0), torch.zeros(4, 1, 1)
    for hinge in (True, False):
        good = critic_loss(sure, -sure, -sure, hinge=hinge)
        assert good < critic_loss(unsure, unsure, unsure, hinge=hinge)
        assert critic_loss(sure, -sure, sure, hinge=hinge) > good  # a mismatch that passes costs
        assert critic_loss(sure, -sure, None, hinge=hinge) <= good
        assert generator_loss(sure, hinge=hinge) < generator_loss(-sure, hinge=hinge)
    assert critic_loss(sure, -sure, sure, hinge=True) == pytest.approx(2.0)  # half the weight of (1 + 3)


def test_a_mismatched_picture_is_real_all_the_same_where_there_is_a_score_for_that() -> None:
    looks_real = torch.tensor([[[3.0], [-3.0]]])  # real, but not of this feature
    right, painted = torch.full((1, 2, 1), 3.0), torch.full((1, 2, 1), -3.0)
    assert critic_loss(right, painted, looks_real, hinge=True) == 0
    assert critic_loss(right, painted, torch.full((1, 2, 1), 3.0), hinge=True) == 2


def test_reconstruction_is_nothing_for_the_same_and_counts_maps_by_their_level() -> None:
    picture, loud = torch.rand(2, 3, 8, 8), 100 * torch.rand(2, 4, 2, 2)
    assert reconstruction_loss([picture, loud], [picture.clone(), loud]) == 0
    assert reconstruction_loss([picture, 2 * loud], [picture.clone(), loud]) == pytest.approx(0.5)  # as far off as it is high


def test_augmentation_is_differentiable_and_keeps_the_bands_of_a_spectrogram() -> None:
    torch.manual_seed(0)
    pictures = torch.zeros(16, 1, 32, 32)
    pictures[:, :, 20] = 0.9
    heard = augment(pictures, sound=True)
    row = heard.squeeze(1).amax(2).argmax(1)
    assert set(row[heard.amax((1, 2, 3)) > 0.8].tolist()) == {20}
    grown = torch.rand(2, 3, 32, 32, requires_grad=True)
    augment(grown).sum().backward()
    assert grown.grad.abs().sum() > 0


def test_kernel_distance_is_nothing_for_the_same_and_grows() -> None:
    generator = torch.Generator().manual_seed(0)
    one, same, other = (torch.randn(300, 16, generator=generator) + shift for shift in (0, 0, 1))
    assert abs(kernel_distance(one, same)) < 0.05 < kernel_distance(one, other)


def test_pairs_keep_their_own_sound_and_mismatch_as_asked() -> None:
    partners = Partners(["cello"] * 4 + ["oboe"] * 4, ["train"] * 8, ["a", "a", "b", "b"] * 2)
    features = np.repeat(np.arange(8.0)[:, None] * 100, 128, 1).astype(np.float32)
    pool = PairPool(features, partners, np.array([1, 3, 5]))
    rng = np.random.default_rng(0)

    def whose(feature: np.ndarray) -> int:
        return round(float(feature.mean()) / 100)

    assert [whose(pool.own(n, 0, rng)) for n in range(3)] == [1, 3, 5]
    assert {whose(pool.other(0, 0, rng, same_kind=False)) for _ in range(40)} == {4, 5, 6, 7}
    assert {whose(pool.other(0, 0, rng, same_kind=True)) for _ in range(40)} == {2, 3}


def _duel(packed: Path, switches: Switches, seed: int = 0) -> DuelRecipe:
    album = load_album(packed, KINDS, "train", 32, others=False)
    rng = np.random.default_rng(0)
    features = [np.abs(rng.standard_normal((5, 128)) + 4 * (np.arange(128) % 16 == k)).astype(np.float32) for k in range(16)]
    frames = album.on_white().transpose(0, 3, 1, 2)
    return DuelRecipe(
        CONFIG, CONFIG.painter, switches, frames, album.kind, KindPool(features), lambda g: {"score": 0.0}, 16, name="test", seed=seed
    )


def test_batches_are_decided_by_their_number_and_mismatch_another_kind(packed) -> None:
    made = _duel(packed, Switches())
    batch, again = made.batches(3, 0, 1), made.batches(3, 0, 1)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert not torch.equal(batch["real"], made.batches(4, 0, 1)["real"])

    def which(features: torch.Tensor) -> list[int]:
        return [int(np.argmax([f[k::16].mean() for k in range(16)])) for f in features.numpy()]

    assert all(a != b for a, b in zip(which(batch["feature"]), which(batch["other"]), strict=True))
    same = _duel(packed, Switches(same_mismatch=1.0)).batches(3, 0, 1)
    assert which(same["feature"]) == which(same["other"])
    assert not torch.allclose(same["feature"], same["other"])


@pytest.mark.parametrize("off", ["mismatch", "augment", "spectral_norm", "hinge", "projected", "reconstruct", "classify", "diverse", "adversarial"])
def test_each_switch_changes_the_training(packed, off) -> None:
    def first_loss(switches: Switches) -> tuple[float, set[str]]:
        made = _duel(packed, switches)
        torch.manual_seed(1)
        model = made.build()
        torch.manual_seed(2)
        loss, parts = made.loss(model, made.batches(0, 0, 1))
        loss.backward()
        assert all(p.grad is not None for p in model.generator.parameters())
        return float(loss.detach()), set(parts)

    on, without = first_loss(Switches()), first_loss(Switches(**{off: False}))
    assert on != without


def test_generator_and_critic_each_follow_their_own_loss(packed) -> None:
    """The generator's gradient does not come from the critic's loss, nor the other way round."""
    made = _duel(packed, Switches(augment=False, spectral_norm=False, projected=False, reconstruct=False))
    torch.manual_seed(0)
    duel = made.build().eval()  # statistics do not depend on the batch
    batch = made.batches(0, 0, 1)
    made.loss(duel, batch)[0].backward()
    got_generator = duel.generator.body.last.weight.grad.clone()
    got_critic = duel.critic.heads.last.weight.grad.clone()
    real = batch["real"].float() / 127.5 - 1
    heads = duel.critic.heads
    fake = duel.generator(batch["feature"], batch["z"])
    duel.zero_grad()
    generator_loss(heads.answer(heads.look([fake]), batch["feature"]), hinge=True).backward()
    torch.testing.assert_close(got_generator, duel.generator.body.last.weight.grad)
    duel.zero_grad()
    true, mismatch = (heads.answer(heads.look([real]), batch[name]) for name in ("feature", "other"))
    critic_loss(true, heads.answer(heads.look([fake.detach()]), batch["feature"]), mismatch, hinge=True).backward()
    torch.testing.assert_close(got_critic, heads.last.weight.grad)


def test_the_classifier_learns_from_real_pictures_and_steers_the_painted_ones(packed) -> None:
    made = _duel(packed, Switches(augment=False, reconstruct=False, mismatch=False, spectral_norm=False))
    torch.manual_seed(0)
    duel = made.build().eval()
    batch = made.batches(0, 0, 1)
    made.loss(duel, batch)[0].backward()
    got = duel.critic.classifier.layers[1].weight.grad.clone()
    pull = duel.generator.body.last.weight.grad.clone()
    duel.zero_grad()
    seen = duel.critic.see(batch["real"].float() / 127.5 - 1)
    torch.nn.functional.cross_entropy(duel.critic.classifier(seen), batch["kind"], label_smoothing=0.1).backward()
    torch.testing.assert_close(got, duel.critic.classifier.layers[1].weight.grad)
    duel.zero_grad()
    changed = batch | {"kind": batch["kind"].roll(1)}
    made.loss(duel, changed)[0].backward()
    assert not torch.allclose(pull, duel.generator.body.last.weight.grad)


def test_an_autoencoder_has_no_critic_and_ignores_the_noise() -> None:
    duel = Duel(CONFIG.painter, Switches(adversarial=False)).eval()
    assert duel.critic is None
    real, kind, feature = torch.zeros(2, 3, 32, 32), torch.tensor([0, 1]), torch.rand(2, 128)
    one, two = (duel(real, kind, feature, feature, torch.randn(2, CONFIG.painter.noise))[0] for _ in range(2))
    assert torch.equal(one, two)


@pytest.fixture
def few(monkeypatch) -> None:
    """Few windows, so that a recipe starts at once."""
    for name, count in (("HELD_PER_KIND", 3), ("FEATURES_PER_KIND", 6), ("SPECTROGRAMS_PER_KIND", 6)):
        monkeypatch.setattr(recipe, name, count)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory) -> Path:
    """MobileNetV2's layout with random weights."""
    from safetensors.torch import save_file
    from torchvision.models import mobilenet_v2

    path = tmp_path_factory.mktemp("init") / "init.safetensors"
    save_file({k: v for k, v in mobilenet_v2(weights=None).state_dict().items() if v.is_floating_point()}, path)
    return path


def test_pairs_train_with_their_own_partners(packed, imagenet, few, tmp_path) -> None:
    paired = pair_up(write_imagine_pack(tmp_path / "pairs"))
    config = CrossmodalConfig.debug()
    parts = recipe.train_parts(paired, tmp_path, config, imagenet, minutes=None, steps=2, seed=0)
    assert all(load_file(path).metadata["steps"] for path in parts.values())
    both = Switches(same_mismatch=0.5)
    found = recipe.train_painter(paired, tmp_path / "both.safetensors", config, "C", parts, switches=both, steps=2)
    assert found.steps_done == 2


def test_all_parts_train_assemble_and_go_on(packed, imagenet, few, tmp_path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    parts = recipe.train_parts(packed, folder, CONFIG, imagenet, minutes=None, steps=3, seed=0)
    assert set(parts) == set(recipe.SHARES)
    out = recipe.assemble(parts, CONFIG, tmp_path / "all.safetensors")
    loaded = load_file(out)
    network = Crossmodal(CrossmodalConfig.from_dict(loaded.config))
    network.load_state_dict(loaded.state)
    assert set(loaded.metadata["parts"]) == set(parts) and loaded.metadata["parts"]["C"]["steps"] == 3
    recipe.train_parts(packed, folder, CONFIG, imagenet, minutes=None, steps=5, seed=0, resume=True)
    log = [json.loads(line) for line in (folder / "C.log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log if entry["kind"] in ("start", "end")] == [0, 3, 3, 5]


def test_the_ear_learns_the_made_kinds(packed, tmp_path) -> None:
    out = tmp_path / "ear.safetensors"
    found = recipe.train_ear(packed, out, CONFIG, steps=300, seed=0)
    log = [json.loads(line) for line in found.history.read_text().splitlines()]
    losses = [entry["loss"] for entry in log if entry["kind"] == "train"]
    assert losses[-1] < 0.9 * losses[0]
    ear = recipe.open_part(out, CONFIG, "ear")
    wavs, kinds = recipe.draw_windows(packed, CONFIG, "val", 4)
    with torch.no_grad():
        answer = ear(ear.spectrogram(torch.from_numpy(wavs))).argmax(1).numpy()
    assert (answer == kinds).mean() > 0.3  # chance: 0.06


def test_refusals(tmp_path) -> None:
    with pytest.raises(InputError, match="no configuration"):
        recipe.train(tmp_path, tmp_path / "x.safetensors", config="huge")
    with pytest.raises(InputError, match="no pictures of instruments"):
        recipe.train(tmp_path, tmp_path / "x.safetensors", config="compact", steps=1)
    with pytest.raises(InputError, match="ImageNet"):
        recipe.train_parts(tmp_path, tmp_path, CONFIG, None, minutes=None, steps=1, seed=0)
