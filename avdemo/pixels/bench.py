"""``python -m avdemo bench pixels``: how long things take here, how much memory, and how far that is from what the arithmetic
needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from avdemo.benches import Bench, example, floor_of, make_clip, memory_mb, seconds_of
from avdemo.settings import REPOSITORY_ROOT

GOALS = {"prepare 6 s of video, s": 3.0, "click to sound, ms": 150.0, "memory, MB": 1600.0, "page up, s": 8.0}
CLIP_SECONDS = 6.0
REPEATS = 7
PAGE_TIMEOUT_S = 90.0


def _milliseconds(work: Callable[[], Any]) -> float:
    return 1000 * seconds_of(work, REPEATS)


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


def bench(progress: Callable[[float, str], None] | None = None) -> Bench:
    """Measure: prepare, click, further minute, memory, page; each the median of a few runs on a warm disk."""
    tell = progress or (lambda share, text: None)
    result = Bench(GOALS)
    figures = result.figures
    tell(0.05, "Starting the app")
    figures["page up, s"] = _page_up_s()
    import torch

    from avdemo.pixels import pipeline

    with tempfile.TemporaryDirectory() as folder:
        tell(0.3, "Making clips")
        source = example("pixels")
        short, long = (make_clip(source, Path(folder) / f"{s:.0f}.mp4", s) for s in (CLIP_SECONDS, CLIP_SECONDS + 60))
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
        figures["memory, MB"] = memory_mb()
    multiplies, floor_s = floor_of(lambda: model.network.hear(window), model.device, REPEATS)
    floor = figures["arithmetic's floor of one window, ms"] = 1000 * floor_s
    ratio = figures["sound network, one window, ms"] / floor
    result.notes.append(
        f"One window is {multiplies:.0f} million multiply-adds; the network takes {ratio:.1f} times what a large matrix product of as many takes "
        f"({torch.get_num_threads()} threads, {model.device})."
    )
    tell(1.0, "Done")
    return result
