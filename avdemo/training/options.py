"""How long, how fast and how carefully to train; and the learning-rate schedule that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from avdemo.errors import InputError


@dataclass(frozen=True)
class TrainOptions:
    """Everything about a run that is not the recipe. Counts are in optimizer steps, times in minutes."""

    steps: int
    batch_size: int = 32
    """Items per step over all processes; each process gets ``batch_size / world``."""
    warmup_steps: int = 0
    """The rate rises linearly over this many steps, whatever ``schedule_by`` says."""
    decay: Literal["cosine", "step", "constant"] = "cosine"
    milestones: tuple[float, ...] = ()
    """For ``decay="step"``: each multiplies the rate by ``gamma``. Up to 1: a share of the run; above 1: a step number."""
    gamma: float = 0.1
    final_factor: float = 0.0
    """Share of the base rate at which the cosine ends."""
    schedule_by: Literal["steps", "time"] = "steps"
    """``"time"``: the decay follows elapsed / ``max_minutes`` instead of step / ``steps``."""
    max_minutes: float | None = None
    """Stop cleanly after this much training time, summed over resumed runs, validations included."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: float = 0.9
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float | None = 1.0
    """Largest norm of the whole gradient; None leaves it as it is."""
    ema_decay: float = 0.999
    """Decay of the averaged weights per step, min(ema_decay, (1 + t) / (10 + t)); 0 validates and ships the raw weights."""
    ema_every: int = 1
    """Update the average every so many steps with the decay to that power: saves memory traffic for large networks."""
    bf16: bool = False
    """Mixed precision in bfloat16, on machines that compute in it; float32 on the others."""
    channels_last: bool = False
    seed: int = 0
    workers: int = 1
    """Background threads that prepare batches, each using one core."""
    validate_every: int = 1000
    save_every: int = 1000
    log_every: int = 50
    find_unused_parameters: bool = False
    """For several processes: set it when a step does not use every parameter."""

    def __post_init__(self) -> None:
        positive = ("steps", "batch_size", "ema_every", "workers", "validate_every", "save_every", "log_every")
        for name in positive:
            if getattr(self, name) < 1:
                raise InputError(f"The training option {name} is {getattr(self, name)}; it must be at least 1.")
        for name, allowed in (
            ("decay", ("cosine", "step", "constant")),
            ("optimizer", ("adamw", "adam", "sgd")),
            ("schedule_by", ("steps", "time")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(f"The training option {name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}.")
        if self.max_minutes is not None and self.max_minutes <= 0:
            raise InputError(f"The training option max_minutes is {self.max_minutes:g}; it must be above 0.")
        if self.schedule_by == "time" and self.max_minutes is None:
            raise InputError("A schedule by time needs an end: set max_minutes, or use schedule_by='steps'.")
        if not 0 <= self.ema_decay < 1:
            raise InputError(f"The training option ema_decay is {self.ema_decay:g}; it must lie in [0, 1).")


def lr_factor(options: TrainOptions, step: int, minutes: float) -> float:
    """What the base rates are multiplied by in step number ``step`` (from 0), ``minutes`` into the run; in [0, 1]."""
    if step < options.warmup_steps:
        return (step + 1) / options.warmup_steps
    if options.decay == "constant":
        return 1.0
    by_time = options.schedule_by == "time" and options.max_minutes is not None
    if options.decay == "step":
        share = minutes / options.max_minutes if by_time else step / options.steps
        passed = sum(share >= mark if mark <= 1 else step >= mark for mark in options.milestones)
        return options.gamma**passed
    if by_time:
        share = minutes / options.max_minutes
    else:
        share = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return options.final_factor + (1 - options.final_factor) * cosine
