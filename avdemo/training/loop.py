"""One training loop for all recipes, on Hugging Face Accelerate.

The same call trains on one CPU, one GPU, or under ``accelerate launch`` on many. Three files come out of it::

    OUT              the weights to ship: best by validation, averaged (safetensors)
    OUT.state        (suffix replaced) everything needed to go on; kept after the end, so that a run can be lengthened
    OUT.log.jsonl    (suffix replaced) one JSON object per line; avdemo.training.journal.read reads it
"""

from __future__ import annotations

import json
import platform
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn

from avdemo.errors import AvdemoError, InputError
from avdemo.settings import get_settings
from avdemo.training.average import Average
from avdemo.training.journal import Journal, Meter
from avdemo.training.options import TrainOptions, lr_factor
from avdemo.training.prefetch import Prefetcher
from avdemo.training.recipe import Recipe
from avdemo.training.state import RunState, load_state, save_state

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
        self.state_path = out.with_suffix(".state")
        handlers = [DistributedDataParallelKwargs(find_unused_parameters=options.find_unused_parameters)]
        # autocast is entered around the loss here, so Accelerate is told "no": it would wrap the forward a second time
        self.accelerator = Accelerator(cpu=_wants_cpu(), mixed_precision="no", kwargs_handlers=handlers)
        self.device = self.accelerator.device
        self.rank, self.world = self.accelerator.process_index, self.accelerator.num_processes
        self.is_main = self.accelerator.is_main_process
        if options.batch_size % self.world:
            raise InputError(f"A batch of {options.batch_size} cannot be shared evenly by {self.world} processes.")
        self.state = self._load_or_begin(resume)
        self._build()
        out.parent.mkdir(parents=True, exist_ok=True)
        resume_at = self.state.step if self.state.step else None
        self.journal = Journal(out.with_suffix(".log.jsonl"), resume_at=resume_at) if self.is_main else None
        self.meter = Meter(self.device if self.world > 1 else None)
        self.meter.restore(self.state.meter, self.state.meter_count)

    # ---- set-up

    def _load_or_begin(self, resume: bool) -> RunState:
        identity = json.loads(
            json.dumps(
                {
                    "recipe": self.recipe.name,
                    "config": self.recipe.config,
                    "seed": self.options.seed,
                    "batch_size": self.options.batch_size,
                }
            )
        )
        box: list[RunState | AvdemoError | None] = [None]
        if self.is_main and resume and self.state_path.exists():
            try:
                box[0] = load_state(self.state_path, identity)
            except AvdemoError as error:
                box[0] = error  # every process must hear of it, or the others would wait for ever
        broadcast_object_list(box)
        if isinstance(box[0], AvdemoError):
            raise box[0]
        state = box[0] or RunState(identity=identity)
        if self.is_main and not self.out.exists():
            state.best_score = None  # the best weights are gone: the next validation ships again
        return state

    def _build(self) -> None:
        options, state = self.options, self.state
        _seed_everything(options.seed)
        model = self.recipe.build().to(self.device)
        if options.channels_last:
            model = model.to(memory_format=torch.channels_last)
        self.average = Average(model, options.ema_decay, options.ema_every) if self.is_main else None
        if self.world > 1 and self.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        if state.model:
            model.load_state_dict(state.model)
            if self.average is not None:
                self.average.model.load_state_dict(state.average)
        if self.average is not None:
            self.average.follow(model)
        model.train()
        self.model = self.accelerator.prepare_model(model)
        groups = self.recipe.parameter_groups(model)
        self.base_rates = [group["lr"] for group in groups]
        self.parameters = [p for group in groups for p in group["params"]]
        self.optimizer = _make_optimizer(groups, options)
        if state.optimizer:
            self.optimizer.load_state_dict(state.optimizer)
        state.model, state.average, state.optimizer = {}, {}, {}  # loaded: do not hold them twice

    # ---- the loop

    def run(self) -> FitResult:
        options, state = self.options, self.state
        self._log_start()
        started = time.monotonic() - 60 * state.minutes
        self.mark_time, self.mark_step = time.monotonic(), state.step
        in_a_row = 0
        stopped = "done"

        def make(step: int) -> dict[str, Tensor]:
            return self.recipe.batches(step, self.rank, self.world)

        pin = self.device.type == "cuda"
        with _signals() as asked, Prefetcher(make, state.step, options.steps, options.workers, pin=pin) as batches:
            while state.step < options.steps:
                state.minutes = (time.monotonic() - started) / 60
                stop = self._agree_to_stop(asked.is_set())
                if stop:
                    stopped = stop
                    break
                factor = lr_factor(options, state.step, state.minutes)
                finite = self._step(self._to_device(batches.get()), factor)
                in_a_row = 0 if finite else in_a_row + 1
                if in_a_row >= MAX_SKIPPED_IN_A_ROW:
                    raise AvdemoError(
                        f"Training {self.recipe.name} gave {in_a_row} gradients in a row that are not finite, up to step "
                        f"{state.step}; lower the learning rate and resume from the last saved state."
                    )
                state.step += 1
                if state.step % options.log_every == 0:
                    self._log_step(factor)
                if state.step % options.validate_every == 0:
                    self._validate()
                if state.step % options.save_every == 0:
                    self._save()
        if stopped != "signal" and state.validated_at != state.step:
            self._validate()
        state.minutes = (time.monotonic() - started) / 60
        self._save()
        if self.journal is not None:
            self.journal.write(kind="end", step=state.step, stopped=stopped, minutes=round(state.minutes, 4))
        self._report(f"Training {self.recipe.name} stopped at step {state.step} ({stopped}).")
        self.accelerator.wait_for_everyone()
        return FitResult(
            best_score=state.best_score,
            best_step=state.best_step,
            steps_done=state.step,
            minutes=state.minutes,
            history=self.out.with_suffix(".log.jsonl"),
            out=self.out,
            stopped=stopped,
        )

    def _agree_to_stop(self, asked: bool) -> str:
        """Why to stop now, the same answer in every process: ``""`` to go on."""
        limit = self.options.max_minutes
        if self.world > 1:
            shared = torch.tensor([float(asked), self.state.minutes], dtype=torch.float64, device=self.device)
            torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
            flag, self.state.minutes = shared.tolist()
            asked = flag > 0
        if asked:
            return "signal"
        return "time" if limit is not None and self.state.minutes >= limit else ""

    def _step(self, batch: dict[str, Tensor], factor: float) -> bool:
        """One optimizer step; False when it was skipped because the gradient was not finite."""
        options = self.options
        _seed_everything(options.seed, self.state.step, self.rank)
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor
        autocast = torch.autocast(self.device.type, dtype=torch.bfloat16) if options.bf16 else nullcontext()
        with autocast:
            loss, parts = self.recipe.loss(self.model, batch)
        self.accelerator.backward(loss)
        limit = options.clip_norm if options.clip_norm is not None else float("inf")
        norm = self.accelerator.clip_grad_norm_(self.parameters, limit)
        finite = bool(torch.isfinite(norm))
        if finite:
            self.optimizer.step()
            if self.average is not None:
                self.average.update(self.state.step)
            self.meter.add(**{"loss": loss, "gradient_norm": norm, **parts})
        else:
            self.state.skipped += 1
        self.optimizer.zero_grad(set_to_none=True)
        return finite

    def _to_device(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        moved = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        if self.options.channels_last:
            moved = {
                name: tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
                for name, tensor in moved.items()
            }
        return moved

    # ---- what happens now and then

    def _log_start(self) -> None:
        if self.journal is None:
            return
        count = sum(p.numel() for p in self.parameters)
        self.journal.write(
            kind="start",
            step=self.state.step,
            recipe=self.recipe.name,
            options=asdict(self.options),
            parameters=count,
            world=self.world,
            device=device_name(self.device),
            versions=versions(),
        )

    def _log_step(self, factor: float) -> None:
        means = self.meter.means()
        seconds = max(1e-9, time.monotonic() - self.mark_time)
        rate = (self.state.step - self.mark_step) * self.options.batch_size / seconds
        self.mark_time, self.mark_step = time.monotonic(), self.state.step
        if self.journal is None:
            return
        self.journal.write(
            kind="train",
            step=self.state.step,
            **means,
            lr=max(self.base_rates, default=0.0) * factor,
            items_per_s=round(rate, 2),
            minutes=round(self.state.minutes, 4),
            skipped=self.state.skipped,
        )
        loss = means.get("loss", float("nan"))
        self._report(f"Step {self.state.step} of {self.options.steps}: loss {loss:.4f}, {rate:.1f} items/s.")

    def _validate(self) -> None:
        state = self.state
        state.validated_at = state.step
        begun = time.monotonic()
        if self.average is not None and self.journal is not None:
            model = self.average.sync()
            _seed_everything(self.options.seed)
            with torch.no_grad():
                scores = {name: float(value) for name, value in self.recipe.validate(model).items()}
            score = scores["score"]
            better = np.isfinite(score) and (state.best_score is None or score > state.best_score)
            if better:
                state.best_score, state.best_step = score, state.step
                _ship(self.out, self.recipe.export(model), self.recipe.config, self._metadata(scores))
            self.journal.write(
                kind="validation",
                step=state.step,
                **scores,
                best=bool(better),
                seconds=round(time.monotonic() - begun, 2),
                minutes=round(state.minutes, 4),
            )
            self._report(f"Step {state.step}: validation score {score:.4f}{', the best so far' if better else ''}.")
        self.accelerator.wait_for_everyone()
        self.mark_time += time.monotonic() - begun  # items/s counts training only

    def _save(self) -> None:
        if self.average is None:
            return
        plain = self.accelerator.unwrap_model(self.model)
        fields: dict[str, Any] = {name: getattr(self.state, name) for name in RunState.__dataclass_fields__}
        fields |= {
            "meter": self.meter.totals(),
            "meter_count": self.meter.count,
            "model": plain.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.state_path, RunState(**fields))

    def _report(self, sentence: str) -> None:
        if self.progress is None or not self.is_main:
            return
        done = self.state.step / self.options.steps
        if self.options.max_minutes is not None:
            done = max(done, self.state.minutes / self.options.max_minutes)
        self.progress(min(1.0, done), sentence)

    def _metadata(self, scores: dict[str, float]) -> dict[str, Any]:
        return {
            "recipe": self.recipe.name,
            "options": asdict(self.options),
            "seed": self.options.seed,
            "step": self.state.step,
            "items": self.state.step * self.options.batch_size,
            "minutes": round(self.state.minutes, 2),
            "device": device_name(self.device),
            "processes": self.world,
            "versions": versions(),
            "scores": scores,
        }


# ---- small parts


def _wants_cpu() -> bool:
    """``AVDEMO_DEVICE`` decides, as it does for the app; a numbered GPU becomes the current one."""
    name = get_settings().device
    if name.startswith("cuda:") and torch.cuda.is_available():
        torch.cuda.set_device(name)
    return name == "cpu"


def _seed_everything(seed: int, step: int = -1, rank: int = 0) -> None:
    """Seed Python, numpy and torch from all three numbers: dropout after a resume is dropout as if never stopped."""
    words = np.random.SeedSequence([seed, step + 1, rank]).generate_state(2)
    random.seed(int(words[0]))
    np.random.seed(int(words[0]))
    torch.manual_seed(int(words[1]))


def _make_optimizer(groups: list[dict[str, Any]], options: TrainOptions) -> torch.optim.Optimizer:
    # fused: one pass over memory instead of one per operation, on CPU and GPU
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=options.momentum, weight_decay=options.weight_decay, fused=True)
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, betas=options.betas, weight_decay=options.weight_decay, fused=True)


def device_name(device: torch.device) -> str:
    """What the numbers of a run depend on, for its card: the GPU's name, or the processor and its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    from importlib.metadata import version

    return {"python": platform.python_version()} | {name: version(name) for name in ("torch", "accelerate", "numpy")}


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second one acts as it did before. Only the main thread can listen."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def heard(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, heard)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ship(out: Path, state: dict[str, Tensor], config: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Write the weights to ship, in the form every checkpoint of the app has."""
    try:
        from avdemo.checkpoints import save
    except ImportError:
        from safetensors.torch import save_file

        half = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}
        save_file(half, out, {"config": json.dumps(config), "metadata": json.dumps(metadata)})
        return
    save(out, state, config, metadata)
