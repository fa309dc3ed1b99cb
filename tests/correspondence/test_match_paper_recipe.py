"""Training after the paper: its numbers, its batches, and a few real steps on made-up videos."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from avdemo.corpora.video_folder import scan_videos
from avdemo.corpora.video_pairs import VideoPairs
from avdemo.correspondence import paper_recipe
from avdemo.correspondence.config import CorrespondenceConfig
from avdemo.correspondence.network import Correspondence
from avdemo.correspondence.paper_recipe import PaperRecipe, paper_options, train_paper
from avdemo.errors import InputError
from avdemo.training.options import lr_factor
from avdemo.training.recipe import Recipe

CONFIG = CorrespondenceConfig.debug()


@pytest.fixture(scope="module")
def video_clips():
    """``tests/corpora/video_clips.py``, which writes videos that say which they are."""
    file = Path(__file__).resolve().parents[1] / "corpora" / "video_clips.py"
    spec = importlib.util.spec_from_file_location("video_clips_for_match", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(video_clips, tmp_path_factory) -> Path:
    """A dark video with a low tone and a bright one with a high tone, for training; the like for validation. Read only."""
    root = tmp_path_factory.mktemp("videos")
    make = video_clips.make_media
    for number, (grey, hertz) in enumerate([(40, 300.0), (215, 2500.0), (60, 350.0), (190, 2300.0)]):
        path = root / ("train" if number < 2 else "val") / f"v{number}.mp4"
        path.parent.mkdir(exist_ok=True)
        pictures = [np.full((48, 64, 3), grey + frame % 3, np.uint8) for frame in range(20)]
        make.make_clip(
            path, 2.0, (64, 48), 10, tones=(hertz,), sample_rate=8000, audio_codec="flac", container="matroska", pictures=pictures
        )
    return root


@pytest.fixture(autouse=True)
def few_held(monkeypatch) -> None:
    monkeypatch.setattr(paper_recipe, "VALIDATION_PAIRS", 12)


@pytest.fixture(scope="module")
def pairs(folder) -> VideoPairs:
    return VideoPairs(
        scan_videos(folder)[0], sample_rate=CONFIG.sample_rate, samples=CONFIG.samples, frame_size=CONFIG.frame_size, seed=0
    )


# ---- items


def test_a_batch_is_half_of_each_kind(pairs) -> None:
    recipe = PaperRecipe(CONFIG, pairs, batch_size=8)
    assert isinstance(recipe, Recipe) and recipe.config == CONFIG.as_dict()
    batch = recipe.batches(0, 0, 1)
    assert batch["frames"].shape == (8, 32, 32, 3) and batch["frames"].dtype == torch.uint8
    assert batch["wavs"].shape == (8, 8000) and batch["wavs"].dtype == torch.float32
    assert batch["match"].tolist() == [1, 0] * 4 and recipe.held["match"].tolist() == [1, 0] * 6
    first = pairs.pair("train", 8)
    assert (recipe.batches(1, 0, 1)["frames"][0].numpy() == first.frame).all()


def test_batches_do_not_depend_on_who_makes_them(pairs) -> None:
    recipe = PaperRecipe(CONFIG, pairs, batch_size=8)
    for step in range(3):
        whole = recipe.batches(step, 0, 1)
        halves = [recipe.batches(step, rank, 2) for rank in range(2)]
        assert all(torch.equal(torch.cat([h[k] for h in halves]), whole[k]) for k in whole)


def test_a_tower_that_was_trained_elsewhere_is_refused(pairs) -> None:
    with pytest.raises(InputError, match="the compact configuration needs a trained one"):
        PaperRecipe(CorrespondenceConfig.compact(), pairs)


# ---- optimisation


def test_the_papers_numbers(pairs) -> None:
    options = paper_options()
    assert (options.batch_size, options.optimizer, options.weight_decay) == (256, "adam", 1e-5)
    assert options.steps * 256 >= 60_000_000 > (options.steps - 1) * 256
    assert options.clip_norm is None and options.ema_decay == 0
    assert {lr_factor(options, step, 0.0) for step in (0, 1000, options.steps - 1)} == {1.0}
    few = paper_options(batch_size=4, steps=3, minutes=2.0, seed=5)
    assert (few.steps, few.validate_every, few.max_minutes, few.seed) == (3, 1, 2.0, 5)
    recipe = PaperRecipe(CONFIG, pairs, 4)
    model = recipe.build()
    (group,) = recipe.parameter_groups(model)
    assert group["lr"] == 1e-4 and len(group["params"]) == len(list(model.parameters()))


def test_what_corresponds_can_be_learnt(pairs) -> None:
    """Dark pictures with low tones, bright ones with high tones."""
    recipe = PaperRecipe(CONFIG, pairs, batch_size=16)
    torch.manual_seed(0)
    model = recipe.build().train()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    batches = [recipe.batches(step, 0, 1) for step in range(3)]
    losses = []
    for step in range(60):
        loss, parts = recipe.loss(model, batches[step % 3])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and np.mean(losses[-6:]) < 0.6 * np.mean(losses[:6])
    assert set(parts) == {"loss", "accuracy"} and not parts["accuracy"].requires_grad


def test_validation_counts_right_answers(pairs) -> None:
    recipe = PaperRecipe(CONFIG, pairs, batch_size=4)
    model = recipe.build().eval()
    with torch.no_grad():
        model.fc2.weight.zero_()
        model.fc2.bias.copy_(torch.tensor([0.0, 1.0]))  # "match", always
    scores = recipe.validate(model)
    assert (scores["score"], scores["corresponding"], scores["not_corresponding"]) == (0.5, 1.0, 0.0)
    assert scores["loss"] == pytest.approx((np.log1p(np.exp(-1)) + np.log1p(np.exp(1))) / 2, rel=1e-5)
    assert set(recipe.export(model)) == set(Correspondence(CONFIG).state_dict())


# ---- training


def test_train_and_go_on(folder, tmp_path) -> None:
    from avdemo.checkpoints import load_file
    from avdemo.training.journal import read

    out = tmp_path / "out.safetensors"
    said: list[str] = []
    common = {"config": CONFIG, "batch_size": 4, "seed": 1, "progress": lambda share, text: said.append(text)}
    result = train_paper(folder, out, steps=2, **common)
    assert result.steps_done == 2 and 0 <= result.best_score <= 1 and result.stopped == "done"
    assert "4 videos can be used (2 train, 2 val, 0 test)." in said
    assert CorrespondenceConfig.from_dict(load_file(out).config) == CONFIG and out.with_suffix(".videos.json").is_file()
    again = train_paper(folder, out, steps=4, resume=True, **common)
    assert again.steps_done == 4
    whole = train_paper(folder, tmp_path / "whole.safetensors", steps=4, **common)
    for state in ("out", "whole"):
        assert (tmp_path / f"{state}.state").is_file()
    losses = [[e["loss"] for e in read(run.history) if e["kind"] == "train"] for run in (again, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4) and len(losses[1]) == 4


def test_too_few_videos(video_clips, tmp_path) -> None:
    for number in range(3):
        video_clips.write_clip(tmp_path / "in" / f"{number}.mp4", number)
    with pytest.raises(InputError, match="val split has 1 usable video of fewer than two"):
        train_paper(tmp_path / "in", tmp_path / "out.safetensors", steps=1, config=CONFIG, batch_size=2)


def test_importing_the_recipe_loads_no_media_library() -> None:
    code = "import sys, avdemo.correspondence.paper_recipe; print([m for m in ('av', 'librosa', 'moviepy', 'gradio') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
