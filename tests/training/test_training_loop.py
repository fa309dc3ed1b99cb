"""The loop as a recipe sees it: exact resume, best by validation, the log, stops."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
from tiny_recipe import BATCH, TinyRecipe
from torch import nn

from avdemo.checkpoints import load_file, trains_in_bf16
from avdemo.errors import AvdemoError, InputError, WeightsError
from avdemo.training import journal
from avdemo.training.loop import fit
from avdemo.training.options import TrainOptions

OPTIONS = TrainOptions(steps=60, batch_size=BATCH, warmup_steps=5, validate_every=20, save_every=20, log_every=5)


def lines(path, kind):
    return [line for line in journal.read(path) if line["kind"] == kind]


def losses(result):
    return [(line["step"], line["loss"], line["gradient_norm"], line["accuracy"]) for line in lines(result.history, "train")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd", "decay": "step", "milestones": (0.5,), "bf16": True},
        {"optimizer": "adam", "ema_every": 4, "workers": 3, "clip_norm": None},
        {"ema_decay": 0.0, "decay": "constant"},
    ],
)
def test_a_resumed_run_has_the_same_losses_scores_and_weights(tmp_path, changes):
    options = dataclasses.replace(OPTIONS, **changes)
    whole = fit(TinyRecipe(), options, tmp_path / "whole.safetensors")

    class DiesAt33(TinyRecipe):
        def batches(self, step, rank, world):
            if step == 33:
                raise RuntimeError("power cut")
            return super().batches(step, rank, world)

    with pytest.raises(RuntimeError, match="power cut"):
        fit(DiesAt33(), options, tmp_path / "parts.safetensors")
    parts = fit(TinyRecipe(), options, tmp_path / "parts.safetensors", resume=True)

    assert losses(parts) == losses(whole)
    assert len(losses(whole)) == 12
    scores = [(line["step"], line["score"]) for line in lines(whole.history, "validation")]
    assert [(line["step"], line["score"]) for line in lines(parts.history, "validation")] == scores
    assert (parts.best_score, parts.best_step) == (whole.best_score, whole.best_step)
    ours, theirs = load_file(parts.out).state, load_file(whole.out).state
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_resume_keeps_the_mean_of_a_log_line_that_was_under_way(tmp_path):
    options = dataclasses.replace(OPTIONS, save_every=7, validate_every=60, decay="constant")
    whole = fit(TinyRecipe(), options, tmp_path / "whole.safetensors")
    fit(TinyRecipe(), dataclasses.replace(options, steps=28), tmp_path / "parts.safetensors")  # 28 = 5 * 5 + 3
    parts = fit(TinyRecipe(), options, tmp_path / "parts.safetensors", resume=True)
    assert losses(parts) == losses(whole)


def test_the_seed_decides_everything(tmp_path):
    same = [fit(TinyRecipe(), OPTIONS, tmp_path / f"{i}.safetensors") for i in range(2)]
    other = fit(TinyRecipe(), dataclasses.replace(OPTIONS, seed=1), tmp_path / "other.safetensors")
    assert losses(same[0]) == losses(same[1])
    ours, theirs = (load_file(result.out).state for result in same)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert losses(other) != losses(same[0])


class Scripted(TinyRecipe):
    """Validation scores as given, one per validation."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.scores = list(scores)
        self.validated: list[dict[str, torch.Tensor]] = []

    def validate(self, model):
        self.validated.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {"score": self.scores.pop(0)}


def test_the_best_by_validation_is_shipped_not_the_last(tmp_path):
    recipe = Scripted(0.1, 0.9, 0.5)
    result = fit(recipe, OPTIONS, tmp_path / "a.safetensors")
    assert (result.best_score, result.best_step, result.steps_done, result.stopped) == (0.9, 40, 60, "done")
    loaded = load_file(result.out)
    assert loaded.config == recipe.config
    assert loaded.metadata["scores"] == {"score": 0.9}
    assert loaded.metadata["steps"] == 40 and loaded.metadata["items"] == 40 * BATCH
    assert {"recipe", "options", "seed", "minutes", "device", "versions"} <= loaded.metadata.keys()
    for name, tensor in loaded.state.items():
        torch.testing.assert_close(tensor, recipe.validated[1][name], atol=1e-3, rtol=1e-3)  # fp16
        assert not torch.allclose(tensor, recipe.validated[2][name], atol=1e-3)


def test_a_score_that_is_not_a_number_never_wins(tmp_path):
    result = fit(Scripted(math.nan, -3.0, math.nan), OPTIONS, tmp_path / "a.safetensors")
    assert (result.best_score, result.best_step) == (-3.0, 40)
    assert lines(result.history, "validation")[0]["score"] is None


def test_best_survives_a_resume(tmp_path):
    fit(Scripted(0.9), dataclasses.replace(OPTIONS, steps=20), tmp_path / "a.safetensors")
    before = (tmp_path / "a.safetensors").read_bytes()
    result = fit(Scripted(0.5, 0.6), OPTIONS, tmp_path / "a.safetensors", resume=True)
    assert (result.best_score, result.best_step) == (0.9, 20)
    assert result.out.read_bytes() == before


def test_the_log_is_json_lines_with_every_figure(tmp_path):
    told = []
    result = fit(TinyRecipe(), OPTIONS, tmp_path / "a.safetensors", progress=lambda share, text: told.append((share, text)))
    assert result.history == tmp_path / "a.log.jsonl"
    start, *rest = [json.loads(line) for line in result.history.read_text().splitlines()]
    assert start["kind"] == "start" and start["parameters"] == 116 and start["processes"] == 1
    assert start["options"]["steps"] == 60
    train = [line for line in rest if line["kind"] == "train"]
    assert [line["step"] for line in train] == list(range(5, 61, 5))
    for line in train:
        assert {"loss", "accuracy", "gradient_norm", "lr", "items_per_s", "minutes", "skipped"} <= line.keys()
        assert line["items_per_s"] > 0
    assert train[0]["lr"] == pytest.approx(0.02)  # the end of warm-up, the largest group's rate
    assert train[-1]["lr"] < 0.001
    assert train[-1]["loss"] < 0.5 * train[0]["loss"]  # it learns
    assert rest[-1]["kind"] == "end" and rest[-1]["stopped"] == "done"
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert "loss" in told[0][1] and "min left" in told[0][1]


def test_time_is_up_validates_saves_and_can_go_on(tmp_path, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("avdemo.training.loop.time.monotonic", lambda: 0.5 * next(clock))
    options = dataclasses.replace(OPTIONS, steps=10**5, max_minutes=0.5, schedule_by="time", decay="cosine", log_every=1)
    first = fit(TinyRecipe(), options, tmp_path / "a.safetensors")
    assert first.stopped == "time" and 0 < first.steps_done < 100
    assert first.out.exists() and first.best_step <= first.steps_done
    rates = [line["lr"] for line in lines(first.history, "train")]
    assert rates[-1] < 0.002 < max(rates)  # the schedule followed the clock to its end
    again = fit(TinyRecipe(), options, tmp_path / "a.safetensors", resume=True)
    assert again.stopped == "time" and again.steps_done == first.steps_done  # elapsed time was kept
    longer = fit(TinyRecipe(), dataclasses.replace(options, max_minutes=1.0), tmp_path / "a.safetensors", resume=True)
    assert longer.steps_done > first.steps_done and longer.minutes >= 1.0


def test_a_gradient_that_is_not_finite_is_skipped(tmp_path):
    class SpikeAt10(TinyRecipe):
        def batches(self, step, rank, world):
            return super().batches(step, rank, world) | {"scale": torch.tensor(math.inf if step == 10 else 1.0)}

        def loss(self, model, batch):
            loss, parts = super().loss(model, batch)
            return loss * batch["scale"], parts

    result = fit(SpikeAt10(), OPTIONS, tmp_path / "a.safetensors")
    train = lines(result.history, "train")
    assert [line["skipped"] for line in train][:4] == [0, 0, 1, 1]
    assert all(math.isfinite(line["loss"]) for line in train)


def test_gradients_that_stay_infinite_end_the_run_with_a_sentence(tmp_path):
    class Broken(TinyRecipe):
        def loss(self, model, batch):
            loss, parts = super().loss(model, batch)
            return loss * math.nan, parts

    with pytest.raises(AvdemoError, match=r"not finite.*lower the learning rate"):
        fit(Broken(), OPTIONS, tmp_path / "a.safetensors")


def test_a_state_of_another_run_is_refused(tmp_path):
    fit(TinyRecipe(), dataclasses.replace(OPTIONS, steps=5), tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"a\.state comes from a run with another config"):
        fit(TinyRecipe(dropout=0.5), OPTIONS, tmp_path / "a.safetensors", resume=True)
    with pytest.raises(InputError, match="another seed"):
        fit(TinyRecipe(), dataclasses.replace(OPTIONS, seed=3), tmp_path / "a.safetensors", resume=True)
    (tmp_path / "a.state").write_bytes((tmp_path / "a.state").read_bytes()[:500])
    with pytest.raises(WeightsError, match=r"a\.state is damaged"):
        fit(TinyRecipe(), OPTIONS, tmp_path / "a.safetensors", resume=True)


def test_channels_last_reaches_the_network(tmp_path):
    seen = []

    class Pictures(TinyRecipe):
        def build(self):
            return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 4))

        def parameter_groups(self, model):
            return [{"params": list(model.parameters()), "lr": 0.01}]

        def batches(self, step, rank, world):
            x = torch.randn(BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(step))
            return {"points": x, "labels": torch.zeros(BATCH, dtype=torch.long)}

        def loss(self, model, batch):
            seen.append((batch["points"].is_contiguous(memory_format=torch.channels_last), torch.is_autocast_enabled("cpu")))
            return super().loss(model, batch)

    options = dataclasses.replace(OPTIONS, steps=3, validate_every=10, channels_last=True, bf16=True)
    fit(Pictures(), options, tmp_path / "a.safetensors")
    assert seen[:3] == [(True, trains_in_bf16(torch.device("cpu")))] * 3
