"""One photo of a face, or of lips, and speech; the lips say it. Files in, typed results out.

>>> from avdemo.lips import pipeline
>>> prepared = pipeline.prepare("portrait.jpg")          # finds faces and their mouths
>>> box = pipeline.chosen_box(prepared)                  # or a square of your own, in pixels: box=(180, 260, 96, 96)
>>> spoken = pipeline.speak(prepared, pipeline.read_speech("hello.wav"), box, "out")
>>> pipeline.write_videos(spoken, "out")                 # [face.mp4, lips.mp4]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avdemo import media
from avdemo.hooks import check_seed
from avdemo.lips.config import FPS
from avdemo.lips.figures import opening_plot, phases, preview, shown_size
from avdemo.lips.framing import FACE, SURE, Mouth, Prepared, box_px, chosen_box, prepare, remarks
from avdemo.lips.models import CHECKPOINT, Model, Progress, Stop, load_model, stepper
from avdemo.lips.speaking import Spoken, check_lively, speak, write_videos
from avdemo.lips.speech import Speech, read_speech

__all__ = [
    "CHECKPOINT", "FPS", "SURE", "Model", "Mouth", "Prepared", "Progress", "Speech", "Spoken", "box_px", "check_lively", "check_seed", "chosen_box",
    "lips", "load_model", "opening_plot", "phases", "prepare", "preview", "read_speech", "remarks", "results_of", "shown_size", "speak",
    "write_files", "write_videos",
]  # fmt: skip


def lips(
    photo: Path | str, speech: Path | str, *, seed: int = 0, box: tuple[float, float, float, float] | None = None, turn_deg: float = 0.0,
    face: int = 1, lively: float = 1.0, mark: bool = True, out_dir: Path | str = ".", checkpoint: str = CHECKPOINT,
    progress: Progress | None = None, cancelled: Stop | None = None, keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Let a photo speak and write ``lips.mp4``, ``face.mp4`` (where there is more than a mouth), ``phases.png``, ``opening.png``, ``run.json``.

    Args:
        seed: recorded and nothing else: the network uses no chance.
        box: square around the mouth instead of the found one: left, top, width, height in pixels of the upright photo.
        turn_deg: of that square, clockwise.
        face: which of the found faces, from 1, the largest; only without a box.
        lively: how far the mouth moves, 0 to 2; 1 as the speech suggests.
        mark: the videos say that they are generated.

    Returns:
        the content of ``run.json``.

    Raises:
        AvdemoError: see :func:`prepare`, :func:`chosen_box`, :func:`read_speech` and :func:`speak`; StorageError when the folder cannot be
            written.
    """
    seed, lively = check_seed(seed), check_lively(lively)  # before anything is computed
    out = Path(out_dir)
    heard = read_speech(speech)
    prepared = prepare(photo, checkpoint=checkpoint, progress=stepper(progress, None, 0.0, 0.15), cancelled=cancelled)
    square = chosen_box(prepared, box, turn_deg, face)
    hooks = {"progress": stepper(progress, None, 0.15, 0.6), "cancelled": cancelled}
    spoken = speak(prepared, heard, square, out, lively=lively, checkpoint=checkpoint, **hooks)
    try:
        hooks["progress"] = stepper(progress, None, 0.6, 1.0)
        run = write_files(
            spoken, out, seed=seed, box=box, turn_deg=turn_deg, face=face, mark=mark, keep_paths=keep_paths, **hooks
        )
    finally:
        spoken.frames_file.unlink(missing_ok=True)
    stepper(progress, None)(1.0, "Done")
    return run


def write_files(
    spoken: Spoken, out: Path, *, box: Sequence[float] | None, turn_deg: float, face: int, mark: bool, seed: int = 0, keep_paths: bool = True,
    progress: Progress | None = None, cancelled: Stop | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write all that :func:`lips` writes, for frames that are there; ``box``, ``turn_deg`` and ``face`` are how their square was chosen.

    Raises:
        StorageError: the folder cannot be written.
        Cancelled: ``cancelled`` said so.
    """
    from avdemo import runs

    begun = time.perf_counter()
    videos = write_videos(spoken, out, mark=mark, progress=progress, cancelled=cancelled)
    pictures = write_pictures(spoken, out)
    taken = time.perf_counter() - begun
    prepared = spoken.prepared
    return runs.write_run(
        out, capability="lips", command="lips", inputs={"photo": prepared.photo, "speech": spoken.speech.path}, seed=seed,
        parameters={
            "box": None if box is None else list(box), "turn_deg": turn_deg, "face": face, "lively": spoken.lively, "mark": mark,
            "checkpoint": prepared.checkpoint,
        },
        checkpoint=dict([spoken.model]), outputs=[path.name for path in [*videos, *pictures]], device=spoken.device,
        timings={**prepared.timings, **spoken.timings, "write_s": taken}, keep_paths=keep_paths,
        results=results_of(spoken) | {"faces": len(prepared.mouths) if prepared.kind == FACE else 0},
    )  # fmt: skip


def write_pictures(spoken: Spoken, folder: Path) -> list[Path]:
    """Write ``phases.png`` and, where points are known, ``opening.png``."""
    written = [media.write_png(folder / "phases.png", phases(spoken))]
    plot = opening_plot(spoken)
    if plot is not None:
        written.append(media.write_png(folder / "opening.png", plot))
    return written


def results_of(spoken: Spoken) -> dict[str, Any]:
    """What run.json says about it."""
    box, turn_deg = box_px(spoken.prepared, spoken.box)
    found = [spoken.prepared.sentence] if spoken.prepared.mouths else []
    return {
        "sentence": f"{spoken.sentence[0].upper()}{spoken.sentence[1:]}", "frames": spoken.count, "box": list(box), "turn_deg": turn_deg,
        "notes": [*found, *remarks(spoken.prepared, spoken.box), *spoken.speech.notes],
    }  # fmt: skip
