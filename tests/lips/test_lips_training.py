"""Data, losses and recipes: what is drawn, what each switch does, and that every part learns on made data and assembles."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_lips_pack import write_lips_pack

from avdemo.checkpoints import load_file
from avdemo.errors import InputError
from avdemo.lips import lags, objective, recipe
from avdemo.lips.batches import as_frames, as_pictures, as_video, window_batch
from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.critics import SyncExpert
from avdemo.lips.generator_recipe import PAINTED, GeneratorRecipe
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import PointRecipe, find_points
from avdemo.lips.seeing import PointFinder
from avdemo.lips.speech_recipe import SpeechRecipe, fit_shapes
from avdemo.lips.studio import Studio
from avdemo.lips.sync_recipe import SyncRecipe
from avdemo.lips.windows import Window, Windows

CONFIG, PAPER = LipsConfig.debug(), LipsConfig.debug_paper()
OFF = dict.fromkeys(("adversarial", "sync", "landmarks", "teacher"), False)
PIXELS = Switches(perceptual="", correlation="", **OFF)


# ---- the generator's training


def generator(pack, switches: Switches, config: LipsConfig = CONFIG, part: str = "generator", **more) -> GeneratorRecipe:
    torch.manual_seed(7)
    more = {"expert": SyncExpert(config)} | more if switches.sync else more
    return GeneratorRecipe(config, switches, pack, part, 2, finder=PointFinder(config), seed=1, **more)


def stepped(made: GeneratorRecipe) -> tuple[Studio, dict[str, torch.Tensor]]:
    """A studio after one backward pass, and the parts of its loss."""
    torch.manual_seed(3)
    studio = made.build().train()
    loss, parts = made.loss(studio, made.batches(0, 0, 1))
    loss.backward()
    assert torch.isfinite(loss) and float(loss.detach()) == pytest.approx(float(sum(parts.values())), rel=1e-4)
    return studio, parts


EXPECTED = {
    "pixel": {"pixel"}, "perceptual": {"perceptual"}, "adversarial": {"critic", "generator"}, "correlation": {"correlator", "correlation"},
    "sync": {"sync"}, "landmarks": {"landmarks", "motion"},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_each_switch_takes_its_losses_away(pack, view, name) -> None:
    whole = set().union(*EXPECTED.values())
    off = "" if name in ("perceptual", "correlation") else False
    _, parts = stepped(generator(pack, replace(Switches(), **{name: off}), view=view))
    assert set(parts) == whole - EXPECTED[name]


@pytest.mark.parametrize(
    "change",
    [{"streams": "two"}, {"streams": "differences"}, {"correlation": "plain"}, {"perceptual": "critic"}, {"hinge": False},
     {"spectral_norm": False}, {"teacher": False}],
    ids=str,
)  # fmt: skip
def test_each_kind_changes_the_training(pack, view, change) -> None:
    base = Switches(sync=False)
    _, before = stepped(generator(pack, base, view=view))
    _, after = stepped(generator(pack, replace(base, **change), view=view))
    assert any(float(after[name]) != float(before[name]) for name in set(before) & set(after))


def test_everyone_learns_from_their_own_loss_and_the_frozen_from_none(pack, view) -> None:
    made = generator(pack, Switches(), view=view)
    studio, _ = stepped(made)
    for name, parameter in studio.named_parameters():
        learns = parameter.grad is not None and parameter.grad.abs().sum() > 0
        if name.startswith(("expert.", "view.", "network.finder.")):
            assert parameter.grad is None, name
        elif parameter.dim() > 1:  # the two halves of a hinge may cancel in a bias
            assert learns, name
    torch.manual_seed(3)
    alone = generator(pack, Switches(), view=view, weights=objective.Weights(0, 0, 0, 0, 0, 0, 0)).build().train()
    loss, _ = made.loss(alone, made.batches(0, 0, 1))
    loss.backward()
    taught = {name.split(".")[0] for name, p in alone.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert taught == {"critic", "correlator"}  # nothing of the generator's loss reaches them, nothing of theirs the generator


def test_a_painter_learns_from_a_few_frames_of_each_window(pack, view) -> None:
    made = generator(pack, Switches(adversarial=False, correlation="", sync=False), part="painter", view=view)
    batch = made.batches(0, 0, 1)
    assert batch["frames"].shape[1] == batch["points"].shape[1] == batch["chosen"].shape[1] == PAINTED < CONFIG.frames
    assert (batch["chosen"].diff(dim=1) > 0).all()
    network = made.build().network.eval()
    photo = as_pictures(batch["photo"])
    with torch.no_grad():
        whole, heard, shift = network(photo, batch["speech"])
        some, fewer, moved = network(photo, batch["speech"], chosen=batch["chosen"])
    for row, numbers in enumerate(batch["chosen"]):
        torch.testing.assert_close(some[row], whole[row][:, numbers], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(fewer[row], heard[row][:, numbers])
        torch.testing.assert_close(moved[row], shift[row][:, numbers])


def test_a_painter_leaves_the_imagination_alone(pack, view) -> None:
    switches = Switches(adversarial=False, correlation="", sync=False)
    studio, parts = stepped(generator(pack, switches, part="painter", view=view))
    assert studio.taught == 1.0 and {"pixel", "perceptual", "landmarks"} < set(parts)
    assert all(p.grad is None for p in studio.network.imagination.parameters())


def test_rates_are_those_of_the_players(pack, view) -> None:
    made = generator(pack, Switches(), view=view)
    studio = made.build()
    groups = made.parameter_groups(studio)
    assert len(groups) == 3 and len({group["lr"] for group in groups}) == 3
    assert sum(len(group["params"]) for group in groups) == sum(p.requires_grad for p in studio.parameters())


def test_the_paper_trains_with_its_own_losses(pack) -> None:
    _, parts = stepped(generator(pack, Switches.paper(), PAPER))
    assert set(parts) == {"pixel", "perceptual", "critic", "generator", "correlator", "correlation"}
    with pytest.raises(ValueError, match="knows no mouth points"):
        generator(pack, Switches(sync=False, perceptual="critic"), PAPER).build()


def test_what_a_switch_needs_must_be_given(pack) -> None:
    with pytest.raises(ValueError, match="expert"):
        Studio(CONFIG, Switches(perceptual=""), objective.Weights(), 0.5)
    with pytest.raises(ValueError, match="MobileNetV2"):
        generator(pack, Switches(sync=False)).build()
    with pytest.raises(ValueError, match="lack"):
        generator(pack, PIXELS, start={"painter.move.bias": torch.zeros(2)}).build()


def test_clips_without_points_are_trained_with_found_ones(tmp_path) -> None:
    blind = write_lips_pack(tmp_path, clips=8, points=False)
    made = generator(blind, replace(PIXELS, landmarks=True, teacher=True))
    _, parts = stepped(made)
    assert all(torch.isfinite(value) for value in parts.values())
    assert np.isfinite(made.validate(made.build().eval())["pixel"])
    with pytest.raises(InputError, match="no mouth points"):
        fit_shapes(blind, CONFIG)
    with pytest.raises(InputError, match="no mouth points"):
        PointRecipe(CONFIG, blind, "points", 4)


# ---- the parts


def learnt(made, steps: int, rate: float) -> tuple[torch.nn.Module, dict[str, float], dict[str, float]]:
    """A recipe's model after some steps, and its validation before and after."""
    torch.manual_seed(0)
    model = made.build()
    before = made.validate(model.eval())
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
    for step in range(steps):
        loss, _ = made.loss(model.train(), made.batches(step, 0, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), before, made.validate(model.eval())


def test_points_are_found_after_some_learning(pack) -> None:
    model, before, after = learnt(PointRecipe(CONFIG, pack, "points", 16), 60, 5e-3)
    assert after["pixels"] < 0.8 * before["pixels"] and after["opening"] > 0.5
    frames = np.asarray(pack.frames[:5])
    np.testing.assert_allclose(find_points(model, frames, batch=2), find_points(model, frames), atol=1e-4)


def test_speech_tells_how_far_the_mouth_is_open(pack) -> None:
    _, before, after = learnt(SpeechRecipe(CONFIG, pack, 8), 60, 5e-3)
    assert after["opening"] > 0.5 > abs(before["opening"]) or after["opening"] > before["opening"] + 0.3
    assert after["opening"] > after["swapped"] + 0.3


def test_silence_closes_the_mouth_in_the_training_data(pack, monkeypatch) -> None:
    from avdemo.lips import speech_recipe

    monkeypatch.setattr(speech_recipe, "FALLING_SILENT", 1.0)
    monkeypatch.setattr(speech_recipe, "CLOSED_PX", 60.0)
    made = SpeechRecipe(CONFIG, pack, 16)
    batch = made.batches(0, 0, 1)
    quiet = batch["speech"][:, 1:].mean(1) < -1.5
    assert quiet.any(1).all() and (batch["asked"] == 0).any()


def test_late_mouths_are_noticed(tmp_path) -> None:
    late = write_lips_pack(tmp_path, clips=24, speakers=3, late=2)
    assert {lags.is_doubtful(clip) for clip in late.clips} == {True, False}
    made = SpeechRecipe(CONFIG, late, 8)
    assert not made.batches(0, 0, 1)["doubted"].any() and made.batches(10**4, 0, 1)["doubted"].any()
    made.batches, draw = (lambda step, rank, world: draw(step + 10**4 * (step > 30), rank, world)), made.batches
    student, _, after = learnt(made, 90, 5e-3)
    assert after["own lag"] > after["opening"]
    found = lags.heard_lags(student, late, CONFIG)
    assert set(found) == {clip.name for clip in late.clips if clip.number % 2 and clip.split in ("train", "val")}
    assert np.mean([lag == 2 for lag in found.values()]) > 0.6
    lags.write_lags(tmp_path / "lags.json", found)
    assert lags.read_lags(tmp_path / "lags.json") == found
    with pytest.raises(InputError, match="cannot be read"):
        lags.read_lags(tmp_path / "nothing.json")


def test_the_expert_learns_which_sound_belongs_to_which_frames(pack) -> None:
    model, before, after = learnt(SyncRecipe(CONFIG, pack, 8), 40, 3e-3)
    assert after["score"] > before["score"]
    windows = Windows(pack, CONFIG, "val")
    doubted = [replace(clip, lag=0) for clip in windows.clips]
    found = lags.seen_lags(model.expert, windows, doubted)
    assert set(found) == {clip.name for clip in doubted} and all(abs(lag) <= lags.LAGS for lag in found.values())
    assert set(lags.seen_lags(model.expert, windows, windows.clips).values()) == {0}  # nobody doubts these


def test_a_generator_can_learn_one_clip(pack) -> None:
    made = generator(pack, replace(PIXELS, landmarks=False, teacher=True))
    window = Window(made.windows.clips[0], 4, 0)
    batch = window_batch(made.windows, [window, window], np.random.default_rng(0), changed=False)
    batch["other"] = batch["speech"]
    torch.manual_seed(0)
    studio = made.build().train()
    studio.taught = 1.0
    optimizer = torch.optim.Adam([p for p in studio.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for _ in range(60):
        loss, _ = made.loss(studio, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.6 * losses[0]


@pytest.fixture
def few(monkeypatch) -> None:
    """Batches and validations as small as can be."""
    from avdemo.lips import generator_recipe, sync_recipe

    monkeypatch.setattr(recipe, "BATCHES", dict.fromkeys(recipe.BATCHES, 2))
    monkeypatch.setattr(recipe, "PAPER_BATCH", 2)
    monkeypatch.setattr(sync_recipe, "HELD", 4)
    monkeypatch.setattr(generator_recipe, "HELD", 4)


def test_all_parts_train_assemble_and_go_on(pack, view, few, tmp_path) -> None:
    length = {"minutes": None, "steps": 2, "seed": 0}
    parts = recipe.train_parts(pack, tmp_path, CONFIG, view, **length)
    assert list(parts) == list(recipe.SHARES) and sum(recipe.SHARES.values()) == pytest.approx(1)
    out = recipe.assemble(parts, CONFIG, tmp_path / "lips.safetensors")
    loaded = load_file(out)
    network = Lips(LipsConfig.from_dict(loaded.config))
    network.load_state_dict(loaded.state)
    assert set(loaded.metadata["parts"]) == set(parts) and loaded.metadata["parts"]["generator"]["switches"]["adversarial"]
    speech = load_file(parts["speech"]).state
    torch.testing.assert_close(network.shapes.basis, speech["shapes.basis"], rtol=1e-2, atol=1e-5)
    finder = recipe.open_finder(parts["points"], CONFIG)
    torch.testing.assert_close(network.finder.middle, finder.middle)
    again = recipe.train_parts(pack, tmp_path, CONFIG, view, **(length | {"steps": 3}), resume=True)
    last = json.loads(again["generator"].with_suffix(".log.jsonl").read_text().splitlines()[-1])
    assert last["kind"] == "end" and last["step"] == 3


def test_what_is_stopped_by_a_signal_ends_the_training(pack, view, few, tmp_path, monkeypatch) -> None:
    def stop_in_sync(made, *arguments, **more):
        result = fit(made, *arguments, **more)
        return replace(result, stopped="signal") if isinstance(made, SyncRecipe) else result

    fit = recipe.fit
    monkeypatch.setattr(recipe, "fit", stop_in_sync)
    parts = recipe.train_parts(pack, tmp_path, CONFIG, view, minutes=None, steps=1, seed=0)
    assert list(parts) == ["points", "judge", "speech"] and not (tmp_path / "painter.safetensors").exists()


def test_the_papers_parts_train(pack, few, tmp_path) -> None:
    parts = recipe.train_parts(pack, tmp_path, PAPER, None, minutes=None, steps=1, seed=0)
    assert list(parts) == list(recipe.PAPER_SHARES)
    assert load_file(recipe.assemble(parts, PAPER, tmp_path / "lips.safetensors")).config["name"] == "debug_paper"


def test_the_same_seed_gives_the_same_painter(pack, view, few, tmp_path) -> None:
    points = tmp_path / "points.safetensors"
    recipe.train_points(pack, points, CONFIG, "points", steps=1)
    states = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.safetensors"
        recipe.train_generator(pack, out, CONFIG, "painter", {"points": points}, view=view, steps=2, seed=4)
        states.append(load_file(out).state)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_refusals(pack, tmp_path) -> None:
    with pytest.raises(InputError, match="no configuration 'huge'"):
        recipe.train(tmp_path, tmp_path / "x.safetensors", config="huge")
    with pytest.raises(InputError, match="no init"):
        recipe.imagenet(tmp_path, LipsConfig.compact())
    assert recipe.imagenet(tmp_path, PAPER) is None
    assert recipe.packed_arrays(pack.folder, tmp_path / "pack", CONFIG) == pack.folder


def test_batches_are_decided_by_their_number(pack) -> None:
    made = generator(pack, PIXELS)
    one, again, next_one = made.batches(5, 0, 1), made.batches(5, 0, 1), made.batches(6, 0, 1)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["frames"], next_one["frames"])
    assert one["frames"].shape == (2, 8, 32, 32, 3) and one["speech"].shape == (2, CONFIG.speech.rows, CONFIG.columns)
    assert not torch.equal(one["speech"], one["other"])
    assert as_video(one["frames"]).shape == (2, 3, 8, 32, 32)
    assert np.array_equal(as_frames(as_video(one["frames"])), one["frames"].numpy())
    assert as_pictures(one["photo"]).abs().max() <= 1
