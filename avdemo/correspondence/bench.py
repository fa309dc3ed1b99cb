"""``python -m avdemo bench correspondence``: how long things take here, how much memory, and how far that is from what the
arithmetic needs.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.settings import PACKAGE_ROOT

SCORED = "10 s of video scored, s"  # decoding included, on a warm disk, with the model loaded
GOALS = {SCORED: 3.0, "memory, MB": 1600.0}
CLIP_SECONDS = 10.0
LONG_SECONDS = 70.0
FPS = 25
REPEATS = 5
MATRIX = 1024  # rows and columns of the product that the floor is measured with


@dataclass
class Bench:
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"figures": self.figures, "goals": GOALS, "notes": self.notes}

    def table(self) -> str:
        lines = [f"{'':<52}{'here':>10}{'goal':>10}"]
        for name, value in self.figures.items():
            goal = f"{GOALS[name]:>10.0f}" if name in GOALS else ""
            lines.append(f"{name:<52}{value:>10.2f}{goal}")
        return "\n".join([*lines, *self.notes])


def example() -> Path:
    """A shipped example: one of this capability's, else any."""
    here = sorted((Path(__file__).parent / "examples").glob("*.mp4"))
    there = sorted(PACKAGE_ROOT.glob("*/examples/*.mp4"))
    if not here + there:
        raise InputError("The examples are missing, so there is no clip to measure with; get a complete copy of the repository.")
    return (here + there)[0]


def make_clip(source: Path, path: Path, seconds: float) -> Path:
    """Write a clip of the wanted length made from ``source``, repeated as needed (its frames one at a time)."""
    info = media.probe(source)
    wav = media.read_audio(source, 44_100)
    wanted = round(seconds * 44_100)
    wav = np.tile(wav, (1, wanted // wav.shape[1] + 1))[:, :wanted]
    times = np.arange(round(min(seconds, info.duration_s - 0.1) * FPS)) / FPS
    total = round(seconds * FPS)

    def frames():
        for first in range(0, total, len(times)):
            yield from media.iter_frames(source, times[: total - first])

    return media.write_video(path, frames(), FPS, wav, 44_100)


def _seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median of a few runs."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _memory_mb() -> float:
    """Largest resident size of this process so far; the page, which it does not run, would come on top."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


def floor_of(network, size: tuple[int, int], repeats: int) -> tuple[float, float]:
    """What one window (a frame of ``size`` = (width, height) and a second of sound) costs at least.

    Returns:
        its multiply-adds in millions, and the seconds that this machine takes for a large matrix product of as many.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    device = network.fc1.weight.device
    frame = torch.zeros(1, size[1], size[0], 3, dtype=torch.uint8, device=device)
    wav = torch.zeros(1, network.config.samples, device=device)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(frame, wav)
    flops = counter.get_total_flops()
    a, b = torch.rand(2, MATRIX, MATRIX, device=device)

    def product() -> float:
        return float((a @ b)[0, 0])  # read back, so that a graphics card has finished

    product()
    return flops / 2e6, flops / (2 * MATRIX**3) * _seconds(product, 2 * repeats + 1)


def bench(progress: Callable[[float, str], None] | None = None, *, source: Path | None = None, repeats: int = REPEATS) -> Bench:
    """Measure scoring, its film, a further minute, one more question, and memory; each the median of ``repeats`` runs.

    Args:
        source: a video to make the clips from; None: a shipped example.

    Raises:
        InputError: there is no example to make a clip from.
        WeightsError: no usable checkpoint.
    """
    tell = progress or (lambda share, text: None)
    result = Bench()
    figures = result.figures
    tell(0.02, "Making clips")
    source = source or example()
    from avdemo.correspondence import pipeline

    with tempfile.TemporaryDirectory() as folder:
        short = make_clip(source, Path(folder) / "short.mp4", CLIP_SECONDS)
        long = make_clip(source, Path(folder) / "long.mp4", LONG_SECONDS)
        begun = time.perf_counter()
        model = pipeline.load_model(pipeline.CHECKPOINT)
        figures["load the model (once), s"] = time.perf_counter() - begun
        tell(0.2, "Scoring 10 seconds")
        clip = pipeline.prepare(short)  # the first run also warms the libraries up
        figures[SCORED] = _seconds(lambda: pipeline.score(short), repeats)
        tell(0.5, "Scoring and drawing the film")
        film = Path(folder) / "where.mp4"
        figures["the film of where it sounds (where.mp4), s"] = _seconds(lambda: pipeline.film(clip, film), repeats)
        figures["10 s of video scored and filmed, s"] = figures[SCORED] + figures["the film of where it sounds (where.mp4), s"]
        tell(0.75, "Asking again")
        figures["the sound shifted by another second, ms"] = 1000 * _seconds(lambda: pipeline.scores(clip, shift_s=1.0), repeats)
        figures["where it sounds at another moment, ms"] = 1000 * _seconds(lambda: pipeline.where(clip, 1.3), repeats)
        figures["memory, MB"] = _memory_mb()
        runs = [pipeline.prepare(short).timings for _ in range(repeats)]
        window_s = statistics.median(run["look_s"] + run["listen_s"] for run in runs) / len(clip.time_s)
        figures["windows per second (decoded, seen and heard)"] = 1 / window_s
        tell(0.85, "A minute more")
        further = _seconds(lambda: pipeline.score(long), 1) - figures[SCORED]
        figures["each further minute of video, s"] = further * 60 / (LONG_SECONDS - CLIP_SECONDS)
        figures["memory after a further minute, MB"] = _memory_mb()
        size = pipeline.frame_size(model.network.config, clip.info.width, clip.info.height)
    multiplies, floor_s = floor_of(model.network, size, repeats)
    figures["arithmetic's floor, windows per second"] = 1 / floor_s
    result.notes.append(_words(model, size, multiplies, window_s / floor_s))
    tell(1.0, "Done")
    return result


def _words(model, size: tuple[int, int], multiplies: float, ratio: float) -> str:
    import torch

    return (
        f"One window (a frame of {size[0]} x {size[1]} and a second of sound) is {multiplies:.0f} million multiply-adds; with decoding it "
        f"takes {ratio:.1f} times what a large matrix product of as many takes ({torch.get_num_threads()} threads, {model.device})."
    )
