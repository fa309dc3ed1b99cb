"""``python -m avdemo bench lips``: how fast lips are made here, how much memory any length takes, and how far that is from what the
arithmetic needs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from avdemo import media
from avdemo.benches import Bench, floor_of, memory_mb, seconds_of

FRAMES, REAL_TIME = "frames a second, lips alone", "  times real time"
MEMORY, GROWTH = "memory, MB", "more memory for a minute than for 10 s, MB"
GOALS = {FRAMES: 75.0, REAL_TIME: 3.0, GROWTH: 40.0}
SHORT_S, LONG_S = 10.0, 60.0
PHOTO_SIDE = 512  # px
REPEATS = 3


def bench(progress: Callable[[float, str], None] | None = None, *, repeats: int = REPEATS) -> Bench:
    """Measure finding a mouth, making frames, writing videos, and memory; the model is loaded before.

    Raises:
        WeightsError: no usable checkpoint.
    """
    tell = progress or (lambda share, text: None)
    result = Bench(GOALS)
    figures = result.figures
    tell(0.02, "Making a photo and speech")
    from avdemo.lips import pipeline

    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        begun = time.perf_counter()
        model = pipeline.load_model(pipeline.CHECKPOINT)
        figures["load the model (once), s"] = time.perf_counter() - begun
        photo = media.write_png(here / "photo.png", _photo())
        short, long = (pipeline.read_speech(_speech(here, seconds)) for seconds in (SHORT_S, LONG_S))
        tell(0.1, "Looking for faces")
        prepared = pipeline.prepare(photo)  # the first run also warms the libraries up
        figures["a photo looked at, s"] = seconds_of(lambda: pipeline.prepare(photo), repeats)
        third = PHOTO_SIDE / 3
        box = pipeline.chosen_box(prepared, (third, third, third, third))
        tell(0.2, "Moving lips")
        spoken = pipeline.speak(prepared, short, box, here)
        taken = seconds_of(lambda: pipeline.speak(prepared, short, box, here), repeats)
        figures[FRAMES] = spoken.count / taken
        figures[REAL_TIME] = SHORT_S / taken
        tell(0.5, "Writing videos")
        begun = time.perf_counter()
        pipeline.write_videos(spoken, here)
        figures[f"videos of {SHORT_S:g} s written, s"] = time.perf_counter() - begun
        figures["frames a second, all in all"] = spoken.count / (taken + time.perf_counter() - begun)
        figures[MEMORY] = memory_mb()
        tell(0.7, "Speaking for long")
        pipeline.write_videos(pipeline.speak(prepared, long, box, here), here)
        figures[GROWTH] = memory_mb() - figures[MEMORY]
    multiplies, floor_s = floor_of_frames(model.network, 2 * repeats + 1)
    frames = model.network.config.frames
    figures["arithmetic's floor, frames a second"] = frames / floor_s
    result.notes.append(_words(model, multiplies / frames, frames / floor_s / figures[FRAMES]))
    tell(1.0, "Done")
    return result


def _photo() -> np.ndarray:
    """A soft pattern: finding no face in it takes longest."""
    at = np.linspace(0, 6, PHOTO_SIDE)
    grey = 128 + 60 * np.sin(at[:, None] * 2 + np.cos(at[None] * 3))
    return np.repeat(grey[..., None], 3, 2).astype(np.uint8)


def _speech(folder: Path, seconds: float) -> Path:
    """Noise in the rhythm of syllables."""
    rate = 16_000
    at = np.arange(round(seconds * rate)) / rate
    wav = 0.2 * np.random.default_rng(0).normal(size=len(at)) * np.maximum(0, np.sin(2 * np.pi * 4 * at)) ** 2
    return media.write_wav(folder / f"speech-{seconds:g}.wav", wav[None], rate)


def floor_of_frames(network, repeats: int) -> tuple[float, float]:
    """Multiply-adds in millions and least seconds of one window of frames."""
    import torch

    config = network.config
    device = next(network.parameters()).device
    photo = torch.zeros(1, 3, config.size, config.size, device=device)
    speech = torch.zeros(1, config.speech.rows, config.columns, device=device)
    return floor_of(lambda: network(photo, speech), device, repeats)


def _words(model, multiplies: float, ratio: float) -> str:
    import torch

    side = model.network.config.size
    return (
        f"One frame of {side} x {side} px is {multiplies:.0f} million multiply-adds; making it, with looking at where its points are, takes "
        f"{ratio:.1f} times what a large matrix product of as many takes ({torch.get_num_threads()} threads, {model.device})."
    )
