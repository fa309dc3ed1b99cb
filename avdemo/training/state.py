"""Everything a run needs to go on after a stop, in one file written in one piece."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from avdemo.errors import InputError, StorageError, WeightsError


@dataclass
class RunState:
    """Where a run stands. Random numbers need no saving: every step seeds them from (seed, step, rank)."""

    identity: dict[str, Any]
    """Recipe name, its config, seed and batch size: a state resumes only the run that wrote it."""
    step: int = 0
    minutes: float = 0.0
    best_score: float | None = None
    best_step: int = 0
    validated_at: int = -1
    skipped: int = 0
    meter: dict[str, float] = field(default_factory=dict)
    meter_count: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    average: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)


def save_state(path: Path, state: RunState) -> None:
    """Write ``state`` beside ``path`` and rename, so that a stop in the middle leaves the earlier state whole.

    Raises:
        StorageError: the disk is full or may not be written to.
    """
    partial = path.with_name(path.name + ".partial")
    fields = {name: getattr(state, name) for name in RunState.__dataclass_fields__}  # asdict would copy every tensor
    try:
        torch.save(fields, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"The training state {path.name} could not be written ({error}); free some disk space.") from error


def load_state(path: Path, identity: dict[str, Any]) -> RunState:
    """Read what :func:`save_state` wrote; tensors on the CPU.

    Raises:
        WeightsError: the file is damaged. InputError: another recipe, configuration, seed or batch size wrote it.
    """
    try:
        state = RunState(**torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, EOFError, TypeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"The training state {path.name} is damaged ({error}); delete it and start anew.") from error
    differing = sorted(key for key in identity if state.identity.get(key) != identity[key])
    if differing:
        raise InputError(
            f"The training state {path.name} comes from a run with another {' and '.join(differing)}; "
            "resume with the same, or train to another file."
        )
    return state


