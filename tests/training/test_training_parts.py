"""The parts of the loop, one by one: average, clipping, schedule, prefetching, state."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from accelerate import Accelerator
from tiny_recipe import TinyRecipe
from torch import nn

from avdemo.errors import InputError, StorageError
from avdemo.training.average import Average, decay_at
from avdemo.training.journal import Journal, Meter, read
from avdemo.training.options import TrainOptions, lr_factor
from avdemo.training.prefetch import Prefetcher
from avdemo.training.recipe import Recipe
from avdemo.training.state import RunState, load_state, save_state
from avdemo.training.trainee import Trainee


def test_the_tiny_recipe_is_a_recipe():
    assert isinstance(TinyRecipe(), Recipe)


# ---- average


def test_the_average_is_the_textbook_recursion():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model[0].bias.requires_grad_(False)
    average = Average(model, 0.9)
    expected = copy.deepcopy(model.state_dict())
    for step in range(30):
        with torch.no_grad():
            for tensor in (model[0].weight, model[1].weight, model[1].running_mean):
                tensor.add_(torch.randn_like(tensor))
        model[1].num_batches_tracked += 1
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * tensor
            else:
                expected[name] = tensor.clone()
    for name, tensor in average.sync().state_dict().items():
        torch.testing.assert_close(tensor, expected[name])
    assert not average.model.training and model.training


def test_warm_up_of_the_average():
    assert decay_at(0, 0.999) == pytest.approx(0.1)
    assert decay_at(90, 0.999) == pytest.approx(0.91)
    assert decay_at(10**6, 0.999) == 0.999


def test_updating_every_fourth_step_uses_the_decay_to_the_fourth():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = Average(model, 0.5, every=4)
    nn.init.ones_(model.weight)
    for step in range(100, 103):
        average.update(step)
    assert average.model.weight.item() == 0.0
    average.update(103)
    assert average.model.weight.item() == pytest.approx(1 - 0.5**4)


def test_no_average_shows_the_weights_themselves():
    model = nn.Linear(2, 2)
    average = Average(model, 0.0)
    nn.init.ones_(model.weight)
    average.update(0)
    assert torch.equal(average.sync().weight, model.weight)
    assert average.model.weight is not model.weight


# ---- one step


@pytest.mark.parametrize(("clip", "expected"), [(None, 4.0), (0.5, 0.5), (10.0, 4.0)])
def test_the_gradient_is_clipped_to_its_norm(clip, expected):
    class Slope(TinyRecipe):
        def build(self):
            return nn.Linear(4, 1, bias=False)

        def parameter_groups(self, model):
            nn.init.zeros_(model.weight)
            return [{"params": list(model.parameters()), "lr": 1.0}]

        def loss(self, model, batch):
            return model(batch["x"]).mean(), {}

    options = TrainOptions(steps=1, optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=clip)
    trainee = Trainee(Slope(), options, Accelerator(cpu=True), None)
    meter = Meter()
    assert trainee.step(0, {"x": torch.full((3, 4), 2.0)}, 1.0, meter)  # the gradient is (2, 2, 2, 2), its norm 4
    moved = trainee.model.weight.detach().norm().item()
    assert moved == pytest.approx(expected, rel=1e-5)
    assert meter.means()["gradient_norm"] == pytest.approx(4.0)  # the norm before clipping


def test_every_group_keeps_its_own_rate():
    trainee = Trainee(TinyRecipe(lr=0.02), TrainOptions(steps=1), Accelerator(cpu=True), None)
    trainee.step(0, TinyRecipe().batches(0, 0, 1), 0.5, Meter())
    assert [group["lr"] for group in trainee.optimizer.param_groups] == pytest.approx([0.001, 0.01])


# ---- schedule and options


@pytest.mark.parametrize(
    ("changes", "step", "minutes", "factor"),
    [
        ({"warmup_steps": 10}, 0, 0, 0.1),
        ({"warmup_steps": 10}, 9, 0, 1.0),
        ({"warmup_steps": 10}, 55, 0, 0.5),
        ({}, 0, 0, 1.0),
        ({}, 50, 0, 0.5),
        ({"final_factor": 0.2}, 100, 0, 0.2),
        ({"decay": "constant"}, 99, 0, 1.0),
        ({"decay": "step", "milestones": (0.4, 0.8)}, 39, 0, 1.0),
        ({"decay": "step", "milestones": (0.4, 0.8)}, 40, 0, 0.1),
        ({"decay": "step", "milestones": (40, 80)}, 80, 0, 0.01),
        ({"schedule_by": "time", "max_minutes": 20.0}, 3, 10.0, 0.5),
        ({"schedule_by": "time", "max_minutes": 20.0, "decay": "step", "milestones": (0.5,)}, 3, 10.0, 0.1),
        ({"schedule_by": "time", "max_minutes": 20.0}, 3, 30.0, 0.0),
        ({"schedule_by": "time", "max_minutes": 20.0, "warmup_steps": 4}, 0, 19.0, 0.25),
    ],
)
def test_the_schedule(changes, step, minutes, factor):
    assert lr_factor(TrainOptions(steps=100, **changes), step, minutes) == pytest.approx(factor)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"decay": "linear"},
        {"optimizer": "lion"},
        {"ema_decay": 1.0},
        {"max_minutes": 0.0},
        {"schedule_by": "time"},
        {"workers": 0},
    ],
)
def test_impossible_options_are_refused_with_a_sentence(changes):
    with pytest.raises(InputError, match=r"\.$"):
        TrainOptions(**({"steps": 1} | changes))


# ---- prefetching


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_come_in_order_whichever_is_ready_first(workers):
    first_may_go = threading.Event()

    def make(step: int) -> dict[str, torch.Tensor]:
        if step == 5 and workers > 1:
            assert first_may_go.wait(10)  # only a later batch, made beside it, lets this one go
        if step == 6:
            first_may_go.set()
        return {"x": torch.tensor([step])}

    with Prefetcher(make, 5, 30, workers) as batches:
        assert [int(batches.get()["x"]) for _ in range(25)] == list(range(5, 30))


def test_background_threads_use_one_core_and_leave_the_callers_alone():
    torch.set_num_threads(2)
    with Prefetcher(lambda step: {"threads": torch.tensor(torch.get_num_threads())}, 0, 4) as batches:
        assert int(batches.get()["threads"]) == 1
        assert torch.get_num_threads() == 2


def test_an_error_in_a_batch_reaches_the_loop():
    def make(step: int) -> dict[str, torch.Tensor]:
        raise KeyError("no such recording")

    with Prefetcher(make, 0, 10) as batches, pytest.raises(KeyError, match="no such recording"):
        batches.get()


# ---- log and state


def test_a_resumed_log_forgets_what_came_after_the_state(tmp_path):
    path = tmp_path / "log.jsonl"
    first = Journal(path)
    for step in (5, 10, 15):
        first.write(kind="train", step=step, loss=float("nan") if step == 5 else 1.0)
    with path.open("a") as file:
        file.write('{"kind": "train", "st')  # cut by a crash
    Journal(path, resume_at=10).write(kind="train", step=15, loss=2.0)
    assert [(line["step"], line["loss"]) for line in read(path)] == [(5, None), (10, 1.0), (15, 2.0)]
    Journal(path)
    assert read(path) == []


def test_meter_means_and_starts_anew():
    meter = Meter()
    meter.add(loss=torch.tensor(1.0), other=3)
    meter.add(loss=torch.tensor(2.0), other=5)
    assert meter.means() == {"loss": 1.5, "other": 4.0}
    assert meter.means() == {}


def test_a_state_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.state"
    save_state(path, RunState({"recipe": "tiny"}, step=7, model={"w": torch.ones(2)}))
    real = torch.save

    def full_disk(value, target):
        real(value, target)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(StorageError, match=r"a\.state could not be written"):
        save_state(path, RunState({"recipe": "tiny"}, step=8))
    assert [p.name for p in tmp_path.iterdir()] == ["a.state"]
    state = load_state(path, {"recipe": "tiny"})
    assert state.step == 7 and torch.equal(state.model["w"], torch.ones(2))
