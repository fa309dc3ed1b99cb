"""``python -m avdemo bench crossmodal``: how long pictures and sounds take here, how much memory, and how far that is from what the
arithmetic needs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from avdemo import media
from avdemo.benches import SAMPLE_RATE, Bench, example, floor_of, memory_mb, seconds_of

GRID = 16  # pictures
PAINTED = f"a grid of {GRID} pictures, s"
PLAYED = "2 s of sound, s"
MEMORY = "memory, MB"
GOALS = {PAINTED: 1.0, PLAYED: 2.0, MEMORY: 1200.0}
HEARD_SECONDS, PLAYED_SECONDS, LONGEST_SECONDS = 10.0, 2.0, 20.0
REPEATS = 5


def bench(progress: Callable[[float, str], None] | None = None, *, source: Path | None = None, repeats: int = REPEATS) -> Bench:
    """Measure hearing, painting, seeing, playing and memory; each the median of ``repeats`` runs, with the model loaded.

    Args:
        source: a video to take a sound and a picture from; None: a shipped example.

    Raises:
        InputError: there is no example.
        WeightsError: no usable checkpoint.
    """
    tell = progress or (lambda share, text: None)
    result = Bench(GOALS)
    figures = result.figures
    tell(0.02, "Making a sound and a picture")
    source = source or example("crossmodal")
    from avdemo.crossmodal import pipeline

    with tempfile.TemporaryDirectory() as folder:
        wav = media.read_audio(source, SAMPLE_RATE, max_seconds=HEARD_SECONDS)
        sound = media.write_wav(Path(folder) / "sound.wav", wav, SAMPLE_RATE)
        image = media.write_png(Path(folder) / "picture.png", media.read_frame(source, 0.0))
        begun = time.perf_counter()
        model = pipeline.load_model(pipeline.CHECKPOINT)
        figures["load the model (once), s"] = time.perf_counter() - begun
        tell(0.1, "Listening")
        heard = pipeline.listen(sound)  # the first run also warms the libraries up
        heard_s = heard.duration_s
        figures[f"{heard_s:.0f} s of sound heard, s"] = seconds_of(lambda: pipeline.listen(sound), repeats)
        tell(0.3, "Painting")
        pipeline.paint(heard, count=1)
        figures[PAINTED] = seconds_of(lambda: pipeline.paint(heard, count=GRID), repeats)
        tell(0.5, "Looking")
        seen = pipeline.look(image)
        figures["a picture seen, s"] = seconds_of(lambda: pipeline.look(image), repeats)
        tell(0.6, "Playing")
        pipeline.play(seen, seconds=PLAYED_SECONDS)
        figures[PLAYED] = seconds_of(lambda: pipeline.play(seen, seconds=PLAYED_SECONDS), repeats)
        figures["  of it, from spectrogram to waveform, s"] = pipeline.play(seen, seconds=PLAYED_SECONDS).timings["invert_s"]
        figures[MEMORY] = memory_mb()
        tell(0.8, "Playing for long")
        figures[f"{LONGEST_SECONDS:.0f} s of sound, s"] = seconds_of(lambda: pipeline.play(seen, seconds=LONGEST_SECONDS), 1)
        figures["memory after that, MB"] = memory_mb()
    multiplies, floor_s = floor_of_picture(model.network, 2 * repeats + 1)
    figures[f"arithmetic's floor of {GRID} pictures, s"] = GRID * floor_s
    result.notes.append(_words(model, multiplies, figures[PAINTED] / (GRID * floor_s)))
    tell(1.0, "Done")
    return result


def floor_of_picture(network, repeats: int) -> tuple[float, float]:
    """Multiply-adds in millions and least seconds of one painted picture."""
    import torch

    from avdemo.crossmodal.config import FEATURE

    device = network.ear.answer.weight.device
    feature, z = torch.zeros(1, FEATURE, device=device), torch.zeros(1, network.config.painter.noise, device=device)
    return floor_of(lambda: network.paint(feature, z, network.config.variants[0]), device, repeats)


def _words(model, multiplies: float, ratio: float) -> str:
    import torch

    side = model.network.config.picture_size
    return (
        f"One picture of {side} x {side} px is {multiplies:.0f} million multiply-adds; it takes {ratio:.1f} times what a large matrix "
        f"product of as many takes ({torch.get_num_threads()} threads, {model.device})."
    )
