"""A silent video gets its sound. Files in, typed results out.

>>> from avdemo.foley import pipeline
>>> seen = pipeline.prepare("fireworks.mp4")                 # once
>>> seen.verdict.sentence                                    # "This looks like fireworks (0.93)."
>>> written = pipeline.compose(seen, seed=3, takes=2)        # or for part in Composition(seen, ...).grow(): ...
>>> sound, notes = pipeline.finish(seen, written.wavs[0])    # (1, samples) at SOUND_RATE
>>> pipeline.film(seen, sound, "fireworks_with-sound.mp4")
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from avdemo import media
from avdemo.foley.beside import beside
from avdemo.foley.figures import agreement, follow_picture, growing_picture, heard_loudness, spectrogram_picture
from avdemo.foley.finishing import (
    FOLLOW,
    LEAST_DB,
    LOUDNESS_DB,
    MOST_DB,
    SOUND_RATE,
    check_follow,
    check_loudness,
    film,
    finish,
    followed,
    mixed,
    original_sound,
)
from avdemo.foley.models import CHECKPOINT, VARIANT, Model, at_work, check_variant, load_model, sampler_of, with_variant
from avdemo.foley.preparing import MAX_STILL, MIN_STILL, STILL_SECONDS, Prepared, check_seconds, prepare
from avdemo.foley.ranking import can_rank, rank
from avdemo.foley.verdict import OTHER, Verdict, named
from avdemo.foley.writing import (
    HOTTEST,
    MOST_TAKES,
    TEMPERATURE,
    Composition,
    check_take,
    check_temperature,
    check_written,
    compose,
)
from avdemo.hooks import Progress, Stop, check_seed, part, stepper

__all__ = [
    "CHECKPOINT", "FOLLOW", "HOTTEST", "LEAST_DB", "LOUDNESS_DB", "MAX_STILL", "MIN_STILL", "MOST_DB", "MOST_TAKES", "OTHER", "SOUND_RATE",
    "STILL_SECONDS", "TEMPERATURE", "VARIANT", "Composition", "Model", "Prepared", "Progress", "Stop", "Verdict", "agreement", "can_rank",
    "compose", "film", "finish", "foley", "follow_picture", "followed", "growing_picture", "heard_loudness", "load_model", "mixed",
    "named", "original_sound", "prepare", "rank", "sampler_of", "spectrogram_picture", "warm_up", "with_variant", "write_files",
]  # fmt: skip


def warm_up() -> None:
    """Load the usual variant and compile the sampler, which takes half a minute on a machine where it was never done.

    Raises:
        WeightsError: no usable checkpoint.
    """
    import torch

    model = with_variant(load_model(CHECKPOINT))
    nothing = torch.zeros(1, 2, model.network.config.visual, device=model.device)
    with at_work(model):
        condition = model.network.condition_of(nothing)
    sampler = sampler_of(model)
    sampler.write(sampler.begin(condition), 1)


def foley(
    video: Path | str, *, variant: str = "", seed: int = 0, temperature: float = TEMPERATURE, take: int = 0, seconds: float = STILL_SECONDS,
    until_s: float | None = None, loudness_db: float = LOUDNESS_DB, follow: float = FOLLOW, keep: bool = False,
    out_dir: Path | str = ".", checkpoint: str = CHECKPOINT, progress: Progress | None = None, cancelled: Stop | None = None,
    keep_paths: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Write the sound of a video or a photo: ``video.mp4``, ``sound.wav`` and ``run.json``.

    Args:
        variant: "frame", "seq" or "flow"; "" is the usual one.
        seed, take: of everything random; takes of one seed differ.
        temperature: 0 to 2; 1 is as it was learned.
        seconds: length of a photo's sound; a video's sound is as long as the video.
        until_s: write only so much; the rest stays silent.
        loudness_db: gain of the sound in dB.
        follow: how far its loudness is pulled to the one expected from the pictures, 0 to 1.
        keep: leave the video's own sound in, with this one mixed under it.

    Returns:
        the content of ``run.json``.

    Raises:
        AvdemoError: see :func:`prepare`, :func:`compose` and :func:`finish`; StorageError when the folder cannot be written.
    """
    seed, temperature, take = check_seed(seed), check_temperature(temperature), check_take(take)
    variant, until_s, loudness_db, follow = (
        check_variant(variant),
        check_written(until_s),
        check_loudness(loudness_db),
        check_follow(follow),
    )
    seconds = check_seconds(seconds)  # all this before anything is computed
    hooks = {"progress": progress, "cancelled": cancelled}
    prepared = prepare(video, variant=variant, checkpoint=checkpoint, seconds=seconds, **part(hooks, 0.0, 0.25))
    chosen = {"seed": seed, "temperature": temperature, "first_take": take, "until_s": until_s}
    composition = compose(prepared, **chosen, **part(hooks, 0.25, 0.9))
    if cancelled and not composition.is_whole and cancelled():
        until_s = composition.seconds  # so that a replay stops there too
    stepper(progress, None)(0.92, "Writing the video")
    written = write_files(
        Path(out_dir), prepared, composition, 0, take=take, until_s=until_s, loudness_db=loudness_db, follow=follow, keep=keep,
        keep_paths=keep_paths,
    )  # fmt: skip
    stepper(progress, None)(1.0, "Done")
    return written


def write_files(
    out: Path, prepared: Prepared, composition: Composition, number: int, *, take: int, until_s: float | None, loudness_db: float,
    follow: float, keep: bool, keep_paths: bool = True, results: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Finish one take of a composition and write ``video.mp4``, ``sound.wav`` and a ``run.json`` that :func:`foley` can do again.

    Args:
        number: which of the composition's takes; ``take`` is its number among all takes of the seed.
        results: more facts for the record.

    Returns:
        the content of ``run.json``.
    """
    from avdemo import runs

    begun = time.perf_counter()
    sound, notes = finish(prepared, composition.wavs[number], loudness_db=loudness_db, follow=follow)
    with media.disk_guard(out):
        out.mkdir(parents=True, exist_ok=True)
    media.write_wav(out / "sound.wav", sound, SOUND_RATE)
    film(prepared, sound, out / "video.mp4", keep=keep)
    if keep and not prepared.info.has_audio:
        notes.append(f"{prepared.video.name} has no sound of its own that could be kept.")
    seen = prepared.verdict
    together, compared = agreement(prepared, sound), beside(prepared, sound)
    length = {"seconds": prepared.duration_s} if prepared.is_still else {}
    return runs.write_run(
        out, capability="foley", command="foley", inputs={"video": prepared.video}, seed=composition.seed,
        parameters={
            "variant": prepared.config.variant, "temperature": composition.temperature, "take": take, "until_s": until_s,
            "loudness_db": loudness_db, "follow": follow, "keep": keep, **length, "checkpoint": prepared.model.name,
        },
        checkpoint={prepared.model.name: prepared.model.sha256}, device=str(prepared.model.device), keep_paths=keep_paths,
        timings={**prepared.timings, "compose_s": composition.write_s, "write_s": time.perf_counter() - begun},
        outputs=["video.mp4", "sound.wav"],
        results={
            "sentence": seen.sentence, "kind": seen.kind, "known": seen.known,
            "probability": {name: round(share, 4) for name, share in seen.probability.items()}, "duration_s": round(prepared.duration_s, 3),
            "strokes_s": prepared.strokes_s, "written_s": round(composition.seconds, 3), "follows": None if together is None else round(together, 3),
            "beside_own": None if compared is None else dataclasses.asdict(compared), "notes": [*prepared.notes, *notes], **(results or {}),
        },
    )  # fmt: skip
