"""What every ``bench`` command needs: figures with goals, clips to measure with, seconds, memory, and the arithmetic's floor."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

FPS = 25
SAMPLE_RATE = 44_100  # Hz
MATRIX = 1024  # rows and columns of the product that the floor is measured with


@dataclass
class Bench:
    """Measured figures, each named with its unit, and the goals of some of them."""

    goals: Mapping[str, float]
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"figures": self.figures, "goals": dict(self.goals), "notes": self.notes}

    def table(self) -> str:
        lines = [f"{'':<52}{'here':>10}{'goal':>10}"]
        for name, value in self.figures.items():
            goal = f"{self.goals[name]:>10.0f}" if name in self.goals else ""
            lines.append(f"{name:<52}{value:>10.2f}{goal}")
        return "\n".join([*lines, *self.notes])


def example(capability: str) -> Path:
    """A shipped example video: one of this capability's, else any.

    Raises:
        InputError: none is there.
    """
    here = sorted((PACKAGE_ROOT / capability / "examples").glob("*.mp4"))
    there = sorted(PACKAGE_ROOT.glob("*/examples/*.mp4"))
    if not here + there:
        raise InputError("The examples are missing, so there is no clip to measure with; get a complete copy of the repository.")
    return (here + there)[0]


def make_clip(source: Path, path: Path, seconds: float) -> Path:
    """Write a clip of the wanted length made from ``source``, repeated as needed (its frames one at a time)."""
    info = media.probe(source)
    wav = media.read_audio(source, SAMPLE_RATE)
    wanted = round(seconds * SAMPLE_RATE)
    wav = np.tile(wav, (1, wanted // wav.shape[1] + 1))[:, :wanted]
    times = np.arange(round(min(seconds, info.duration_s - 0.1) * FPS)) / FPS
    total = round(seconds * FPS)

    def frames():
        for first in range(0, total, len(times)):
            yield from media.iter_frames(source, times[: total - first])

    return media.write_video(path, frames(), FPS, wav, SAMPLE_RATE)


def seconds_of(work: Callable[[], Any], repeats: int) -> float:
    """Median of a few runs, in seconds."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def memory_mb() -> float:
    """Largest resident size of this process so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


def floor_of(work: Callable[[], Any], device: Any, repeats: int) -> tuple[float, float]:
    """What ``work`` (a pass of a torch network) costs at least.

    Returns:
        its multiply-adds in millions, and the seconds that this machine takes for a large matrix product of as many.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    flops = counter.get_total_flops()
    a, b = torch.rand(2, MATRIX, MATRIX, device=device)

    def product() -> float:
        return float((a @ b)[0, 0])  # read back, so that a graphics card has finished

    product()
    return flops / 2e6, flops / (2 * MATRIX**3) * seconds_of(product, repeats)
