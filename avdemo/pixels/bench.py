"""``python -m avdemo bench pixels``: how long things take here, how much memory, and how far that is from what the arithmetic
needs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError
from avdemo.settings import REPOSITORY_ROOT

GOALS = {"prepare 6 s of video, s": 3.0, "click to sound, ms": 150.0, "memory, MB": 1600.0, "page up, s": 8.0}
CLIP_SECONDS = 6.0
REPEATS = 7
PAGE_TIMEOUT_S = 90.0


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


def _clip(folder: Path, seconds: float) -> Path:
    """A clip of the wanted length made from the first shipped example, repeated as needed."""
    examples = sorted((Path(__file__).parent / "examples").glob("*.mp4"))
    if not examples:
        raise InputError("The examples are missing, so there is no clip to measure with; get a complete copy of the repository.")
    info = media.probe(examples[0])
    wav = media.read_audio(examples[0], 44_100)
    wanted = int(seconds * 44_100)
    wav = np.tile(wav, (1, wanted // wav.shape[1] + 1))[:, :wanted]
    frames = list(media.iter_frames(examples[0], [n / 25 for n in range(int(min(seconds, info.duration_s - 0.1) * 25))]))
    path = folder / f"clip-{seconds:.0f}s.mp4"
    media.write_video(path, (frames[n % len(frames)] for n in range(int(seconds * 25))), 25, wav, 44_100)
    return path


def _milliseconds(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def _memory_mb() -> float:
    """Largest resident size of this process so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024**2)


def _page_up_s() -> float:
    """From starting ``python app.py`` to its page answering."""
    import socket
    from urllib.error import URLError
    from urllib.request import urlopen

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "AVDEMO_HOST": "127.0.0.1", "AVDEMO_PORT": str(port)}
    begun = time.perf_counter()
    app = subprocess.Popen(
        [sys.executable, str(REPOSITORY_ROOT / "app.py")], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - begun < PAGE_TIMEOUT_S and app.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    if page.status == 200:
                        return time.perf_counter() - begun
            except (URLError, OSError):
                with suppress(subprocess.TimeoutExpired):
                    app.wait(0.05)
    finally:
        app.terminate()
        app.wait(20)
    return float("nan")


def _floor_ms(network, maps: int) -> tuple[float, float]:
    """Multiply-adds of one window (in millions), and its milliseconds at the speed that this machine multiplies matrices."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    config = network.config
    mag = torch.rand(1, config.spec_bins, config.spec_frames)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.hear(mag)
    flops = counter.get_total_flops()
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    speed = 2 * 1024**3 / (_milliseconds(lambda: a @ b) / 1000)
    return flops / 2e6 * maps, 1000 * flops * maps / speed


def bench(progress: Callable[[float, str], None] | None = None) -> Bench:
    """Measure: prepare, click, further minute, memory, page; each the median of a few runs on a warm disk."""
    tell = progress or (lambda share, text: None)
    result = Bench()
    figures = result.figures
    tell(0.05, "Starting the app")
    figures["page up, s"] = _page_up_s()
    import torch

    from avdemo.pixels import pipeline

    with tempfile.TemporaryDirectory() as folder:
        tell(0.3, "Making clips")
        short, long = (_clip(Path(folder), s) for s in (CLIP_SECONDS, CLIP_SECONDS + 60))
        begun = time.perf_counter()
        model = pipeline.load_model(pipeline.CHECKPOINT)
        figures["load the model (once), s"] = time.perf_counter() - begun
        tell(0.5, "Preparing")
        figures["prepare 6 s of video, s"] = _milliseconds(lambda: pipeline.prepare(short)) / 1000
        clip = pipeline.prepare(short)
        x, y = clip.info.width * 0.3, clip.info.height * 0.6
        pipeline.predict(clip, x, y, 1.0)
        figures["click to sound, ms"] = _milliseconds(lambda: pipeline.predict(clip, x, y, 1.0))
        times = iter(np.linspace(0, 5, REPEATS))
        figures["click on a new frame to sound, ms"] = _milliseconds(
            lambda: pipeline.predict(clip, x, y, float(next(times)) + 0.013)
        )
        figures["energy map, ms"] = _milliseconds(lambda: pipeline.energy_map(clip, 1.0))
        figures["pixels coloured by their sound, ms"] = _milliseconds(lambda: pipeline.colour_map(clip, 1.0))
        figures["mix of three places, ms"] = _milliseconds(
            lambda: pipeline.mix(clip, [(x, y, 0.0), (2 * x, y, 0.0), (x, y / 2, 0.0)], [1, 0.5, 0])
        )
        window = torch.rand(1, model.network.config.spec_bins, model.network.config.spec_frames, device=model.device)
        with torch.inference_mode():
            figures["sound network, one window, ms"] = _milliseconds(lambda: model.network.hear(window))
        tell(0.75, "A minute more")
        begun = time.perf_counter()
        minute = pipeline.prepare(long)
        figures["each further minute of video: prepare, s"] = time.perf_counter() - begun - figures["prepare 6 s of video, s"]
        pipeline.predict(minute, x, y, 1.0)
        figures["each further minute of video: click, ms"] = (
            _milliseconds(lambda: pipeline.predict(minute, x, y, 1.0)) - figures["click to sound, ms"]
        )
        figures["memory, MB"] = _memory_mb()
    multiplies, floor = _floor_ms(model.network, 1)
    figures["arithmetic's floor of one window, ms"] = floor
    ratio = figures["sound network, one window, ms"] / floor
    result.notes.append(
        f"One window is {multiplies:.0f} million multiply-adds; the network takes {ratio:.1f} times what a large matrix product of as many takes "
        f"({torch.get_num_threads()} threads, {model.device})."
    )
    tell(1.0, "Done")
    return result
