"""The log of a run: one JSON object per line, and means of loss parts between lines."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


class Journal:
    """Appends lines to ``path``; on resume, lines after ``resume_at`` (written by a run that then died) are dropped."""

    def __init__(self, path: Path, *, resume_at: int | None = None) -> None:
        self.path = path
        kept: list[str] = []
        if resume_at is not None and path.exists():
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= resume_at]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def write(self, **fields: Any) -> None:
        """Add one line; numbers that are not finite become null, because JSON has no word for them."""
        safe = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(safe, allow_nan=False) + "\n")


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return math.inf  # a line cut short by a crash is dropped


def read(path: Path) -> list[dict[str, Any]]:
    """Every line of a log as a dict: ``{"kind": "start" | "train" | "validation" | "end", "step": ..., ...}``."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


class Meter:
    """Sums of named numbers; tensors are added on their device, without waiting for it.

    ``device`` is where several processes exchange their sums; None keeps to this process.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device
        self.sums: dict[str, float | Tensor] = {}
        self.count = 0

    def add(self, **values: float | Tensor) -> None:
        for name, value in values.items():
            value = value.detach().double() if isinstance(value, Tensor) else value
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def totals(self) -> dict[str, float]:
        """The sums as plain numbers; waits for the device."""
        return {name: float(value) for name, value in self.sums.items()}

    def restore(self, totals: dict[str, float], count: int) -> None:
        self.sums, self.count = dict(totals), count

    def means(self) -> dict[str, float]:
        """Means since the last call, over all processes; starts anew."""
        names = sorted(self.sums)
        means = {name: total / max(1, self.count) for name, total in self.totals().items()}
        self.sums, self.count = {}, 0
        if self.device is not None:
            packed = torch.tensor([means[name] for name in names], dtype=torch.float64, device=self.device)
            torch.distributed.all_reduce(packed)
            packed /= torch.distributed.get_world_size()
            means = dict(zip(names, packed.tolist(), strict=True))
        return means
