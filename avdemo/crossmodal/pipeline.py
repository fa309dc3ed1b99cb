"""Hear an instrument and see it; see one and hear it. Files in, typed results out.

>>> from avdemo.crossmodal import pipeline
>>> heard = pipeline.listen("violin.wav")
>>> heard.sentence                                   # "This sounds like a violin (0.93)."
>>> pictures = pipeline.paint(heard, count=16)       # (16, 128, 128, 3)
>>> seen = pipeline.look("guitar.jpg")
>>> pipeline.play(seen, seconds=6).wav               # (1, samples)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from avdemo import media
from avdemo.crossmodal.blending import blend
from avdemo.crossmodal.chance import check_seed
from avdemo.crossmodal.figures import spectrogram_picture
from avdemo.crossmodal.hops import Hop, RoundTrip, round_trip
from avdemo.crossmodal.listening import Heard, listen
from avdemo.crossmodal.looking import Seen, look
from avdemo.crossmodal.models import CHECKPOINT, Model, Progress, Stop, load_model, stepper
from avdemo.crossmodal.painting import check_count, judged, paint
from avdemo.crossmodal.playing import LOUDNESS_DB, SECONDS, Played, check_loudness, check_seconds, play
from avdemo.crossmodal.verdict import KNOWN, OTHER, Verdict, named

__all__ = [
    "CHECKPOINT", "KNOWN", "OTHER", "Heard", "Hop", "Model", "Played", "Progress", "RoundTrip", "Seen", "Verdict", "blend",
    "imagine", "judged", "listen", "load_model", "look", "named", "paint", "play", "round_trip", "sonify", "spectrogram_picture",
]  # fmt: skip

COUNT = 4  # pictures of a command


def imagine(
    sound: Path | str, *, count: int = COUNT, seed: int = 0, variant: str = "C", out_dir: Path | str = ".",
    checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None, keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Paint what is heard and write ``picture_01.png`` ..., ``spectrogram.png`` and ``run.json``.

    Returns:
        the content of ``run.json``; its results hold the probabilities heard, and what the judge sees in each picture.

    Raises:
        AvdemoError: see :func:`listen` and :func:`paint`; StorageError when the folder cannot be written.
    """
    from avdemo import runs

    count, seed = check_count(count), check_seed(seed)  # before anything is computed
    out = Path(out_dir)
    heard = listen(sound, checkpoint=checkpoint, progress=stepper(progress, None, 0.0, 0.5), cancelled=cancelled)
    begun = time.perf_counter()
    pictures = paint(
        heard, count=count, seed=seed, variant=variant, progress=stepper(progress, None, 0.5, 0.9), cancelled=cancelled
    )
    painted = time.perf_counter()
    shares = judged(pictures, checkpoint=checkpoint)
    names = [f"picture_{number:02d}.png" for number in range(1, count + 1)]
    for name, picture in zip(names, pictures, strict=True):
        media.write_png(out / name, picture)
    media.write_png(out / "spectrogram.png", spectrogram_picture(heard, title="What the model hears"))
    notes = heard.notes + _notes(heard, pictures, variant)
    stepper(progress, None)(1.0, "Done")
    return runs.write_run(
        out, capability="crossmodal", command="imagine", inputs={"sound": heard.sound},
        parameters={"count": count, "variant": variant, "checkpoint": checkpoint}, seed=seed,
        checkpoint={heard.model.name: heard.model.sha256}, outputs=[*names, "spectrogram.png"], device=str(heard.model.device),
        timings={**heard.timings, "paint_s": painted - begun, "write_s": time.perf_counter() - painted}, keep_paths=keep_paths,
        results={
            "sentence": heard.sentence, "kind": heard.kind, "known": heard.known, "probability": _rounded(heard.probability),
            "pictures": [_seen_by_judge(heard, name, share) for name, share in zip(names, shares, strict=True)], "notes": notes,
        },
    )  # fmt: skip


def sonify(
    image: Path | str, *, seed: int = 0, seconds: float = SECONDS, loudness_db: float = LOUDNESS_DB, out_dir: Path | str = ".",
    checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None, keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Play what is seen and write ``sound.wav``, ``spectrogram.png`` and ``run.json``.

    Returns:
        the content of ``run.json``; its results hold the probabilities seen, and what the ear hears in the sound.

    Raises:
        AvdemoError: see :func:`look` and :func:`play`; StorageError when the folder cannot be written.
    """
    from avdemo import runs

    seed, seconds, loudness_db = (
        check_seed(seed),
        check_seconds(seconds),
        check_loudness(loudness_db),
    )  # before anything is computed
    out = Path(out_dir)
    seen = look(image, checkpoint=checkpoint, progress=stepper(progress, None, 0.0, 0.3), cancelled=cancelled)
    hooks = {"progress": stepper(progress, None, 0.3, 0.95), "cancelled": cancelled}
    played = play(seen, seed=seed, seconds=seconds, loudness_db=loudness_db, **hooks)
    begun = time.perf_counter()
    media.write_wav(out / "sound.wav", played.wav, played.sample_rate)
    media.write_png(out / "spectrogram.png", spectrogram_picture(played, title="What the model draws"))
    notes = [played.sentence, *played.notes]
    if not seen.known:
        notes.append(f"The sound is made all the same, as of what comes nearest: {seen.kind}.")
    stepper(progress, None)(1.0, "Done")
    return runs.write_run(
        out, capability="crossmodal", command="sonify", inputs={"image": seen.image},
        parameters={"seconds": seconds, "loudness_db": loudness_db, "checkpoint": checkpoint}, seed=seed,
        checkpoint={seen.model.name: seen.model.sha256}, outputs=["sound.wav", "spectrogram.png"], device=str(seen.model.device),
        timings={**seen.timings, **played.timings, "write_s": time.perf_counter() - begun}, keep_paths=keep_paths,
        results={
            "sentence": seen.sentence, "kind": seen.kind, "known": seen.known, "probability": _rounded(seen.probability),
            "heard": _rounded(played.heard), "method": played.method, "notes": notes,
        },
    )  # fmt: skip


def _rounded(probability: dict[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in probability.items()}


def _seen_by_judge(heard: Heard, name: str, share: np.ndarray) -> dict[str, Any]:
    best = int(share.argmax())
    return {"name": name, "kind": list(heard.probability)[best], "probability": round(float(share[best]), 4)}


def _notes(heard: Heard, pictures: np.ndarray, variant: str) -> list[str]:
    """What a person should know of the pictures."""
    notes = []
    if not heard.known:
        notes.append(
            "The pictures are painted all the same, "
            + ("from nothing but chance." if heard.is_silent else f"as of what comes nearest: {heard.kind}.")
        )
    if len(pictures) > 1 and (pictures == pictures[0]).all():
        notes.append(f"The painter {variant} paints one picture of a sound, whatever the seed: all {len(pictures)} are the same.")
    return notes
