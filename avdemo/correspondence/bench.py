"""``python -m avdemo bench correspondence``: how long things take here, how much memory, and how far that is from what the
arithmetic needs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from avdemo.benches import Bench, example, floor_of, make_clip, memory_mb, seconds_of

SCORED = "10 s of video scored, s"  # decoding included, on a warm disk, with the model loaded
GOALS = {SCORED: 3.0, "memory, MB": 1600.0}
CLIP_SECONDS = 10.0
LONG_SECONDS = 70.0
REPEATS = 5


def floor_of_window(network, size: tuple[int, int], repeats: int) -> tuple[float, float]:
    """Multiply-adds in millions and least seconds of one window: a frame of ``size`` = (width, height) and a second of sound."""
    import torch

    device = network.fc1.weight.device
    frame = torch.zeros(1, size[1], size[0], 3, dtype=torch.uint8, device=device)
    wav = torch.zeros(1, network.config.samples, device=device)
    return floor_of(lambda: network(frame, wav), device, 2 * repeats + 1)


def bench(progress: Callable[[float, str], None] | None = None, *, source: Path | None = None, repeats: int = REPEATS) -> Bench:
    """Measure scoring, its film, a further minute, one more question, and memory; each the median of ``repeats`` runs.

    Args:
        source: a video to make the clips from; None: a shipped example.

    Raises:
        InputError: there is no example to make a clip from.
        WeightsError: no usable checkpoint.
    """
    tell = progress or (lambda share, text: None)
    result = Bench(GOALS)
    figures = result.figures
    tell(0.02, "Making clips")
    source = source or example("correspondence")
    from avdemo.correspondence import pipeline

    with tempfile.TemporaryDirectory() as folder:
        short = make_clip(source, Path(folder) / "short.mp4", CLIP_SECONDS)
        long = make_clip(source, Path(folder) / "long.mp4", LONG_SECONDS)
        begun = time.perf_counter()
        model = pipeline.load_model(pipeline.CHECKPOINT)
        figures["load the model (once), s"] = time.perf_counter() - begun
        tell(0.2, "Scoring 10 seconds")
        clip = pipeline.prepare(short)  # the first run also warms the libraries up
        figures[SCORED] = seconds_of(lambda: pipeline.score(short), repeats)
        tell(0.5, "Scoring and drawing the film")
        film = Path(folder) / "where.mp4"
        figures["the film of where it sounds (where.mp4), s"] = seconds_of(lambda: pipeline.film(clip, film), repeats)
        figures["10 s of video scored and filmed, s"] = figures[SCORED] + figures["the film of where it sounds (where.mp4), s"]
        tell(0.75, "Asking again")
        figures["the sound shifted by another second, ms"] = 1000 * seconds_of(
            lambda: pipeline.scores(clip, shift_s=1.0), repeats
        )
        figures["where it sounds at another moment, ms"] = 1000 * seconds_of(lambda: pipeline.where(clip, 1.3), repeats)
        figures["memory, MB"] = memory_mb()
        runs = [pipeline.prepare(short).timings for _ in range(repeats)]
        window_s = statistics.median(run["look_s"] + run["listen_s"] for run in runs) / len(clip.time_s)
        figures["windows per second (decoded, seen and heard)"] = 1 / window_s
        tell(0.85, "A minute more")
        further = seconds_of(lambda: pipeline.score(long), 1) - figures[SCORED]
        figures["each further minute of video, s"] = further * 60 / (LONG_SECONDS - CLIP_SECONDS)
        figures["memory after a further minute, MB"] = memory_mb()
        size = pipeline.frame_size(model.network.config, clip.info.width, clip.info.height)
    multiplies, floor_s = floor_of_window(model.network, size, repeats)
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
