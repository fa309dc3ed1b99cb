"""Do picture and sound belong together, when, and where? Files in, typed results out.

>>> from avdemo.correspondence import pipeline
>>> pipeline.score("clip.mp4").verdict
>>> clip = pipeline.prepare("clip.mp4")                  # both towers, once: about a second
>>> pipeline.scores(clip, shift_s=2.0).probability       # milliseconds
>>> pipeline.where(clip, time_s=3.0)                     # (h, w) probabilities
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.correspondence import scoring
from avdemo.correspondence.figures import plot, spectrogram_picture
from avdemo.correspondence.films import film, where_picture
from avdemo.correspondence.preparing import STEP_S, Prepared, Progress, prepare
from avdemo.correspondence.scoring import Scores, embeddings, scores, where, where_in_sound
from avdemo.correspondence.towers import CHECKPOINT, Model, frame_size, load_model
from avdemo.correspondence.units import Moment, moments, n_units, strongest_units

__all__ = [
    "CHECKPOINT", "STEP_S", "Model", "Moment", "Prepared", "Progress", "Scores", "embeddings", "film", "frame_size", "load_model", "match",
    "moments", "n_units", "plot", "prepare", "score", "scores", "spectrogram_picture", "strongest_units", "where",
    "where_in_sound", "where_picture",
]  # fmt: skip


def score(picture: Path | str, sound: Path | str | None = None, *, shift_s: float = 0.0, checkpoint: str = CHECKPOINT) -> Scores:
    """How likely picture and sound belong together, second by second; files in, for other capabilities.

    Args:
        picture: a video or an image.
        sound: a sound; not needed when a video has its own.
        shift_s: the sound comes later by so much.

    Raises:
        AvdemoError: see :func:`prepare` and :func:`scores`.
    """
    return scores(prepare(picture, sound, checkpoint=checkpoint), shift_s=shift_s)


def match(
    picture: Path | str, sound: Path | str | None = None, *, shift_s: float = 0.0, step_s: float = STEP_S,
    out_dir: Path | str = ".", checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None,
    keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Score a pair and write ``scores.json``, ``where.mp4`` (``where.png`` for a still), ``spectrogram.png``,
    ``embeddings.npz`` and ``run.json``.

    Returns:
        the content of ``run.json``.

    Raises:
        AvdemoError: see :func:`prepare` and :func:`scores`; StorageError when the folder cannot be written.
    """
    from avdemo import runs

    scoring.check_shift(shift_s)  # before anything is computed
    tell = progress or (lambda share, text: None)
    out = Path(out_dir)
    clip = prepare(
        picture,
        sound,
        step_s=step_s,
        checkpoint=checkpoint,
        progress=lambda share, text: tell(0.6 * share, text),
        cancelled=cancelled,
    )
    begun = time.perf_counter()
    found = scores(clip, shift_s=shift_s)
    scored = time.perf_counter()
    with media.writing(out / "scores.json") as partial:
        partial.write_text(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    tell(0.62, "Drawing where it sounds")
    if clip.is_still:
        heat = "where.png"
        media.write_png(out / heat, where_picture(clip, shift_s=shift_s))
    else:
        heat = "where.mp4"
        film(clip, out / heat, shift_s=shift_s, progress=lambda share, text: tell(0.62 + 0.33 * share, text), cancelled=cancelled)
    filmed = time.perf_counter()
    media.write_png(out / "spectrogram.png", spectrogram_picture(clip, shift_s=shift_s))
    with media.writing(out / "embeddings.npz") as partial:
        np.savez(partial, **embeddings(clip))
    tell(1.0, "Done")
    timings = {**clip.timings, "score_s": scored - begun, "where_s": filmed - scored, "write_s": time.perf_counter() - filmed}
    return runs.write_run(
        out, capability="correspondence", command="match",
        inputs={"picture": clip.picture} | ({"sound": clip.sound} if clip.sound else {}),
        parameters={"shift_s": float(shift_s), "step_s": float(step_s), "checkpoint": checkpoint}, checkpoint={clip.model.name: clip.model.sha256},
        timings=timings, outputs=["scores.json", heat, "spectrogram.png", "embeddings.npz"], device=str(clip.model.device),
        keep_paths=keep_paths,
        results={"sentence": found.verdict, "mean": round(found.mean, 4), "windows": len(found.time_s), "notes": found.notes},
    )  # fmt: skip
