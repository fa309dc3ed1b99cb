"""Training after the paper: its numbers, its items, and a few real steps on made-up videos."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from avdemo.corpora.music_index import Solo
from avdemo.errors import InputError, WeightsError
from avdemo.pixels import paper_recipe
from avdemo.pixels.config import SOUNDS, PixelsConfig
from avdemo.pixels.network import SoundOfPixels
from avdemo.pixels.paper_recipe import PaperRecipe, find_init, paper_options, read_backbone, train_paper
from avdemo.pixels.solos import InstrumentSolos, crop_frames, open_solos
from avdemo.training.options import lr_factor
from avdemo.training.recipe import Recipe

CONFIG = PixelsConfig.debug(frames=3, backbone="resnet18", normalisation="imagenet")


@pytest.fixture(autouse=True)
def few_held(monkeypatch):
    monkeypatch.setattr(paper_recipe, "VALIDATION_ITEMS", 8)


class Tones:
    """Videos whose sound and grey level say which they are."""

    def keys(self, split):
        return list(range(5)) if split == "train" else [5, 6]

    def draw(self, key, split, rng):
        wav = np.full(CONFIG.samples, 0.1 * (key + 1), np.float32)
        return Solo(wav, np.full((3, 80, 90, 3), 10 * (key + 1), np.uint8))


# ---- items


@pytest.mark.parametrize("count", [2, 3, 4])
def test_mixture_is_the_mean_of_distinct_jittered_sources(count) -> None:
    recipe = PaperRecipe(CONFIG, Tones(), batch_size=6, sources=(count,))
    assert isinstance(recipe, Recipe)
    batch = recipe.batches(0, 0, 1)
    assert batch["frames"].shape == (6, count, 3, 64, 64, 3) and batch["wavs"].shape == (6, count, CONFIG.samples)
    for frames, wavs in zip(batch["frames"], batch["wavs"], strict=True):
        keys = [int(f.flatten()[0]) // 10 - 1 for f in frames]
        assert len(set(keys)) == count and max(keys) < 5
        volume = wavs[:, 0] * count / (0.1 * (torch.tensor(keys) + 1))
        assert (volume >= 0.499).all() and (volume <= 1.501).all() and volume.std() > 0
    held = recipe.held["wavs"]
    assert held.shape[:2] == (8, 2) and {round(v, 3) for v in held[..., 0].flatten().tolist()} == {0.3, 0.35}  # as they are


def test_items_do_not_depend_on_who_makes_them() -> None:
    recipe = PaperRecipe(CONFIG, Tones(), batch_size=4, sources=(2, 3, 4))
    counts = set()
    for step in range(12):
        whole = recipe.batches(step, 0, 1)
        halves = [recipe.batches(step, rank, 2) for rank in range(2)]
        assert all(torch.equal(torch.cat([h[k] for h in halves]), whole[k]) for k in whole)
        counts.add(whole["wavs"].shape[1])
    assert counts == {2, 3, 4}


@pytest.mark.parametrize(("sources", "words"), [((1,), "2 to 4 sources, not 1"), ((5,), "not 5"), ((), "none"), ((2, 6), "not 2, 6")])
def test_sources_are_two_to_four(sources, words) -> None:
    with pytest.raises(InputError, match=words):
        PaperRecipe(CONFIG, Tones(), batch_size=2, sources=sources)


def test_too_few_players() -> None:
    class Two(Tones):
        def keys(self, split):
            return [0, 1]

    with pytest.raises(InputError, match="train split has 2 different players and 3 are needed"):
        PaperRecipe(CONFIG, Two(), batch_size=2, sources=(2, 3))


def test_frames_of_a_video_are_cut_alike() -> None:
    x, y = np.meshgrid(np.arange(90), np.arange(80))
    frames = np.stack([np.stack([x * 2, y * 2, np.full_like(x, 50 * n)], -1) for n in range(3)]).astype(np.uint8)
    centre = crop_frames(frames, 64, None)
    assert centre.shape == (3, 64, 64, 3) and abs(float(centre[0, :, :, 0].mean()) - 89) < 2
    cuts = [crop_frames(frames, 64, np.random.default_rng(seed)) for seed in range(12)]
    assert all(c.shape == (3, 64, 64, 3) and (c[0, ..., :2] == c[2, ..., :2]).all() and c[2, 0, 0, 2] == 100 for c in cuts)
    flipped = [bool(c[0, 0, 0, 0] > c[0, 0, -1, 0]) for c in cuts]
    assert 0 < sum(flipped) < 12 and len({int(c[0, 0, :, 1].mean()) for c in cuts}) > 2
    tiny = crop_frames(frames[:, ::4, ::4], 64, np.random.default_rng(0))
    assert tiny.shape == (3, 64, 64, 3)  # smaller pictures are enlarged


def test_instrument_solos(pack) -> None:
    solos = InstrumentSolos(pack, CONFIG.samples, 3)
    assert solos.keys("train") == solos.keys("val") == list(SOUNDS)
    a, b = (solos.draw("guitar", "train", np.random.default_rng(4)) for _ in range(2))
    assert (a.wav == b.wav).all() and (a.frames == b.frames).all()
    assert a.wav.shape == (CONFIG.samples,) and np.abs(a.wav).max() > 0.05 and a.frames.shape[0] == 3 and a.frames.dtype == np.uint8
    frequency = np.abs(np.fft.rfft(a.wav)).argmax() * CONFIG.sample_rate / CONFIG.samples
    assert frequency == pytest.approx(200 + 100 * SOUNDS.index("guitar"), abs=5)


# ---- optimisation


def test_the_papers_numbers() -> None:
    options = paper_options(800, batch_size=80)
    assert (options.steps, options.optimizer, options.momentum, options.weight_decay) == (1000, "sgd", 0.9, 1e-4)
    assert options.clip_norm is None and options.ema_decay == 0 and options.validate_every == 10
    factors = [lr_factor(options, step, 0.0) for step in (0, 399, 400, 799, 800, 999)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    by_clock = paper_options(800, minutes=10)
    assert [lr_factor(by_clock, 0, m) for m in (3.9, 4.1, 8.1)] == pytest.approx([1, 0.1, 0.01])
    few = paper_options(800, steps=3)
    assert few.steps == 3 and few.validate_every == 1
    assert PaperRecipe(PixelsConfig.debug(), Tones(), 2).config == PixelsConfig.debug().as_dict()


def test_rates(tmp_path) -> None:
    scratch = PaperRecipe(CONFIG, Tones(), batch_size=2)
    model = scratch.build()
    assert [g["lr"] for g in scratch.parameter_groups(model)] == [1e-3, 1e-3]
    scratch.backbone = dict(model.frame.features.state_dict())
    fresh, old = scratch.parameter_groups(model)
    assert (fresh["lr"], old["lr"]) == (1e-3, 1e-4)
    assert {id(p) for p in old["params"]} == {id(p) for p in model.frame.features.parameters()}
    assert len(fresh["params"]) + len(old["params"]) == len(list(model.parameters()))


def test_backbone_from_torchvision(tmp_path) -> None:
    torch.manual_seed(0)
    whole = resnet18(weights=None)
    torch.save(whole.state_dict(), tmp_path / "resnet18-f37072fd.pth")
    assert find_init(tmp_path, CONFIG) is None
    (tmp_path / "init").mkdir()
    path = (tmp_path / "resnet18-f37072fd.pth").rename(tmp_path / "init" / "resnet18-f37072fd.pth")
    assert find_init(tmp_path, CONFIG) == find_init(tmp_path / "music.csv", CONFIG) == path
    assert find_init(tmp_path, PixelsConfig.compact()) is None
    model = PaperRecipe(CONFIG, Tones(), 2, backbone=read_backbone(path, CONFIG)).build()
    assert torch.equal(model.frame.features[0].weight, whole.conv1.weight)
    assert torch.equal(model.frame.features[7][1].bn2.running_var, whole.layer4[1].bn2.running_var)
    with pytest.raises(WeightsError, match="not those of torchvision's mobilenet_v2"):
        read_backbone(path, PixelsConfig.debug())
    (tmp_path / "resnet18.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"resnet18\.safetensors cannot be read"):
        read_backbone(tmp_path / "resnet18.safetensors", CONFIG)


# ---- training


@pytest.mark.parametrize("mask", ["binary", "ratio"])
def test_one_batch_can_be_learnt(pack, mask) -> None:
    config = PixelsConfig.debug(frames=3, mask=mask)
    recipe = PaperRecipe(config, InstrumentSolos(pack, config.samples, 3), batch_size=3)
    torch.manual_seed(0)
    model = recipe.build().train()
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    batch = recipe.batches(0, 0, 1)
    losses = []
    for _ in range(12):
        loss, _ = recipe.loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and losses[-1] < 0.85 * losses[0]
    scores = recipe.validate(model.eval())
    assert set(scores) == {"score", "swapped"} and all(np.isfinite(v) for v in scores.values())
    assert set(recipe.export(model)) == set(SoundOfPixels(config).state_dict())


def test_train_on_an_index_and_go_on(music_folder, tmp_path) -> None:
    from avdemo.checkpoints import load_file

    root = tmp_path / "music"
    rows = [music_folder.write_video(root, f"v{i}") for i in range(5)]
    index = music_folder.write_index(root, rows)
    out, packed = tmp_path / "out.safetensors", tmp_path / "pack"
    said: list[str] = []
    config = PixelsConfig.debug(frames=3)
    common = {"config": config, "batch_size": 2, "progress": lambda share, text: said.append(text)}
    result = train_paper(index, packed, out, steps=2, **common)
    assert result.steps_done == 2 and np.isfinite(result.best_score)
    assert any("Packing v3.wav" in s for s in said) and "The mobilenet_v2 is trained from scratch, since there is none in init/" in said
    assert PixelsConfig.from_dict(load_file(out).config) == config
    said.clear()
    again = train_paper(root, packed, out, steps=3, resume=True, **common)  # the folder holds one index
    assert again.steps_done == 3 and not any("Packing" in s for s in said)
    write = music_folder.write_index(root, rows[:4])  # another index is packed anew
    solos, items = open_solos(write, packed, config)
    assert len(solos.videos) == 4 and items == 100 * len(solos.keys("train"))


def test_data_that_is_neither(tmp_path) -> None:
    for data in (tmp_path, tmp_path / "lost.csv"):
        with pytest.raises(InputError, match="neither a folder with instruments"):
            open_solos(data, tmp_path / "pack", CONFIG)


def test_training_loads_no_media_library() -> None:
    code = "import sys, avdemo.pixels.paper_recipe; print([m for m in ('av', 'librosa', 'moviepy', 'gradio') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
