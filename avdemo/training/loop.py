"""One training loop for all recipes, on Hugging Face Accelerate.

The same call trains on one CPU, one GPU, or many of either. Three files come out of it::

    OUT              the weights to ship: best by validation, averaged (safetensors)
    OUT.state        (suffix replaced) everything needed to go on; kept after the end, so that a run can be lengthened
    OUT.log.jsonl    (suffix replaced) one JSON object per line; avdemo.training.journal.read reads it

Many processes: ``accelerate launch --multi_gpu --num_processes N ...`` or ``torchrun --nproc_per_node N ...``, with
``AVDEMO_DEVICE=cpu`` in front for CPU processes (``accelerate launch --cpu`` alone starts a single one without MPI).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from torch import Tensor

from avdemo.checkpoints import save as save_checkpoint
from avdemo.errors import AvdemoError, InputError
from avdemo.training.journal import Journal, Meter
from avdemo.training.machine import device_name, make_accelerator, seed_everything, stop_signals, versions
from avdemo.training.options import TrainOptions, lr_factor
from avdemo.training.prefetch import Prefetcher
from avdemo.training.recipe import Recipe
from avdemo.training.state import RunState, load_state, save_state
from avdemo.training.trainee import Trainee

__all__ = ["FitResult", "Progress", "TrainOptions", "fit"]

Progress = Callable[[float, str], None]
"""Called with the share done, in [0, 1], and a sentence."""

MAX_SKIPPED_IN_A_ROW = 20  # steps with a gradient that is not finite, before the run is given up


@dataclass(frozen=True)
class FitResult:
    """How a run ended. ``stopped``: ``"done"`` all steps, ``"time"`` max_minutes reached, ``"signal"`` Ctrl-C or SIGTERM."""

    best_score: float | None
    best_step: int
    steps_done: int
    minutes: float
    history: Path
    out: Path
    stopped: str


def fit(
    recipe: Recipe, options: TrainOptions, out: Path, *, resume: bool = False, progress: Progress | None = None
) -> FitResult:
    """Train ``recipe`` and write the best averaged weights to ``out``.

    Ctrl-C and SIGTERM save the state and return (a second one interrupts at once); ``max_minutes`` also validates and
    ships first. With ``resume`` the run goes on from its state if there is one, with the same losses as if it had never
    stopped; ``steps``, ``max_minutes`` and the schedule may be changed in between.

    Raises:
        InputError: the state belongs to another run. WeightsError: the state is damaged. StorageError: disk full.
        AvdemoError: the gradient stayed infinite or not a number.
    """
    return _Run(recipe, options, Path(out), resume, progress).run()


class _Run:
    def __init__(self, recipe: Recipe, options: TrainOptions, out: Path, resume: bool, progress: Progress | None) -> None:
        self.recipe, self.options, self.out, self.progress = recipe, options, out, progress
        self.state_path, self.log_path = out.with_suffix(".state"), out.with_suffix(".log.jsonl")
        self.accelerator = make_accelerator(find_unused_parameters=options.find_unused_parameters)
        self.device = self.accelerator.device
        self.rank, self.world = self.accelerator.process_index, self.accelerator.num_processes
        self.is_main = self.accelerator.is_main_process
        if options.batch_size % self.world:
            raise InputError(f"A batch of {options.batch_size} cannot be shared evenly by {self.world} processes.")
        state = self.state = self._load_or_begin(resume)
        saved = {"model": state.model, "average": state.average, "optimizer": state.optimizer} if state.model else None
        self.trainee = Trainee(recipe, options, self.accelerator, saved)
        state.model, state.average, state.optimizer = {}, {}, {}  # loaded: do not hold them twice
        self.journal = Journal(self.log_path, resume_at=state.step or None) if self.is_main else None
        self.meter = Meter(self.device if self.world > 1 else None)
        self.meter.restore(state.meter, state.meter_count)

    def _load_or_begin(self, resume: bool) -> RunState:
        facts = {"recipe": self.recipe.name, "config": self.recipe.config}
        facts |= {"seed": self.options.seed, "batch_size": self.options.batch_size}
        identity = json.loads(json.dumps(facts))
        box: list[RunState | AvdemoError | None] = [None]
        if self.is_main and resume and self.state_path.exists():
            try:
                box[0] = load_state(self.state_path, identity)
            except AvdemoError as error:
                box[0] = error  # every process must hear of it, or the others would wait for ever
        broadcast_object_list(box)  # machines need not share a disk
        if isinstance(box[0], AvdemoError):
            raise box[0]
        state = box[0] or RunState(identity=identity)
        if self.is_main and not self.out.exists():
            state.best_score = None  # the best weights are gone: the next validation ships again
        return state

    def run(self) -> FitResult:
        options, state = self.options, self.state
        self._log_start()
        started = time.monotonic() - 60 * state.minutes
        self.mark_time, self.mark_step = time.monotonic(), state.step
        skipped_in_a_row = 0
        stopped = "done"

        def make(step: int) -> dict[str, Tensor]:
            return self.recipe.batches(step, self.rank, self.world)

        pin = self.device.type == "cuda"
        with stop_signals() as asked, Prefetcher(make, state.step, options.steps, options.workers, pin=pin) as batches:
            while state.step < options.steps:
                state.minutes = (time.monotonic() - started) / 60
                reason = self._reason_to_stop(asked.is_set())
                if reason:
                    stopped = reason
                    break
                factor = lr_factor(options, state.step, state.minutes)
                finite = self.trainee.step(state.step, batches.get(), factor, self.meter)
                state.step += 1
                state.skipped += not finite
                skipped_in_a_row = 0 if finite else skipped_in_a_row + 1
                if skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
                    raise AvdemoError(
                        f"Training {self.recipe.name} gave {skipped_in_a_row} gradients in a row that are not finite, up to "
                        f"step {state.step}; lower the learning rate and resume from the last saved state."
                    )
                if state.step % options.log_every == 0:
                    self._log_step(factor)
                if state.step % options.validate_every == 0:
                    self._validate()
                if state.step % options.save_every == 0:
                    self._save()
        state.minutes = (time.monotonic() - started) / 60
        if stopped != "signal" and state.validated_at != state.step:
            self._validate()
        self._save()
        self._log_end(stopped)
        self.accelerator.wait_for_everyone()
        return FitResult(
            state.best_score, state.best_step, state.step, state.minutes, history=self.log_path, out=self.out, stopped=stopped
        )

    def _reason_to_stop(self, asked: bool) -> str:
        """Why to stop now, the same answer in every process: ``""`` to go on."""
        if self.world > 1:
            shared = torch.tensor([float(asked), self.state.minutes], dtype=torch.float64, device=self.device)
            torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
            flag, self.state.minutes = shared.tolist()
            asked = flag > 0
        if asked:
            return "signal"
        limit = self.options.max_minutes
        return "time" if limit is not None and self.state.minutes >= limit else ""

    def _validate(self) -> None:
        state = self.state
        begun = time.monotonic()
        if self.trainee.average is not None:
            model = self.trainee.average.sync()
            seed_everything(self.options.seed)
            with torch.no_grad():
                scores = {name: float(value) for name, value in self.recipe.validate(model).items()}
            score = scores["score"]
            better = math.isfinite(score) and (state.best_score is None or score > state.best_score)
            if better:
                state.best_score, state.best_step = score, state.step
                save_checkpoint(self.out, self.recipe.export(model), self.recipe.config, self._metadata(scores))
            self._log_validation(scores, better, time.monotonic() - begun)
        box = [state.best_score, state.best_step]
        broadcast_object_list(box)
        state.best_score, state.best_step = box
        state.validated_at = state.step
        self.mark_time += time.monotonic() - begun  # items/s counts training only

    def _save(self) -> None:
        if not self.is_main:
            return
        fields: dict[str, Any] = {name: getattr(self.state, name) for name in RunState.__dataclass_fields__}
        fields |= {"meter": self.meter.totals(), "meter_count": self.meter.count} | self.trainee.state_dicts()
        save_state(self.state_path, RunState(**fields))

    def _metadata(self, scores: dict[str, float]) -> dict[str, Any]:
        """What the checkpoint says about where it comes from."""
        return {
            "recipe": self.recipe.name,
            "options": asdict(self.options),
            "seed": self.options.seed,
            "steps": self.state.step,
            "items": self.state.step * self.options.batch_size,
            "minutes": round(self.state.minutes, 2),
            "device": device_name(self.device),
            "processes": self.world,
            "versions": versions(),
            "scores": {name: value if math.isfinite(value) else None for name, value in scores.items()},
        }

    # ---- what is said along the way

    def _log_start(self) -> None:
        if self.journal is None:
            return
        self.journal.write(
            kind="start",
            step=self.state.step,
            recipe=self.recipe.name,
            options=asdict(self.options),
            parameters=sum(p.numel() for p in self.trainee.parameters),
            processes=self.world,
            device=device_name(self.device),
            versions=versions(),
        )

    def _log_step(self, factor: float) -> None:
        means = self.meter.means()  # every process takes part
        seconds = max(1e-9, time.monotonic() - self.mark_time)
        rate = (self.state.step - self.mark_step) * self.options.batch_size / seconds
        self.mark_time, self.mark_step = time.monotonic(), self.state.step
        if self.journal is None:
            return
        self.journal.write(
            kind="train",
            step=self.state.step,
            **means,
            lr=max(self.trainee.base_rates, default=0.0) * factor,
            items_per_s=round(rate, 2),
            minutes=round(self.state.minutes, 4),
            skipped=self.state.skipped,
        )
        self._report(f"Step {self.state.step}: loss {means.get('loss', math.nan):.4f}, {rate:.1f} items/s")

    def _log_validation(self, scores: dict[str, float], better: bool, seconds: float) -> None:
        if self.journal is None:
            return
        times = {"seconds": round(seconds, 2), "minutes": round(self.state.minutes, 4)}
        self.journal.write(kind="validation", step=self.state.step, **scores, best=better, **times)
        self._report(f"Step {self.state.step}: validation {scores['score']:.4f}{', the best so far' if better else ''}")

    def _log_end(self, stopped: str) -> None:
        if self.journal is None:
            return
        self.journal.write(kind="end", step=self.state.step, stopped=stopped, minutes=round(self.state.minutes, 4))
        why = {"done": "all steps done", "time": "time is up", "signal": "stopped, and can be resumed"}[stopped]
        self._report(f"Step {self.state.step}: {why}")

    def _report(self, sentence: str) -> None:
        """Pass on ``sentence`` with the share done and the time left (by the run's speed so far)."""
        if self.progress is None:
            return
        share = self.state.step / self.options.steps
        if self.options.max_minutes is not None:
            share = max(share, self.state.minutes / self.options.max_minutes)
        share = min(1.0, share)
        left = self.state.minutes * (1 - share) / share if share else math.nan
        self.progress(share, f"{sentence}; {left:.1f} min left." if share < 1 else f"{sentence}.")
