"""The files that the Add sound tab makes: the video with its sound, the sound alone, pictures, the record of how they were made."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media, runs
from avdemo.errors import InputError
from avdemo.foley.session import KEEP, REPLACE, Desk
from avdemo.sessions import State, folder_of, path_of
from avdemo.viz.palette import source_colour

if TYPE_CHECKING:
    from avdemo.foley.pipeline import Prepared


def write_take(state: State, desk: Desk) -> tuple[dict[str, str], dict[str, Any]]:
    """Write the chosen take as ``STEM[_take-N]_with-sound.mp4``, ``..._sound.wav`` and ``..._run.json``.

    With the video beside it, ``python -m avdemo replay STEM_run.json`` writes it again.

    Returns:
        files, and the record.
    """
    from avdemo.foley import pipeline

    number = state["take"]
    folder = folder_of(state) / f"run-{number + 1}"
    record = pipeline.write_files(
        folder, desk.shown, desk.composition, number, take=number, until_s=state["until_s"], loudness_db=state["loudness_db"],
        follow=state["follow"], keep=state["keep"], keep_paths=False,
        results={"belongs": state["scores"][number]} if state["scores"] else {},
    )  # fmt: skip
    names = {
        "film": ("video.mp4", "with-sound.mp4"),
        "sound": ("sound.wav", "sound.wav"),
        "record": (runs.RUN_FILE, runs.RUN_FILE),
    }
    files = {}
    for kind, (name, shown) in names.items():
        target = path_of(state, prefix_of(state) + shown)
        with media.disk_guard(target):
            files[key_of(state, kind)] = str(shutil.copyfile(folder / name, target))
    return files, record


def key_of(state: State, kind: str) -> str:
    """Under which key of ``state["files"]`` a file of the chosen take stands."""
    return f"{kind}-{state['take'] + 1}"


def prefix_of(state: State) -> str:
    """What tells the chosen take's files from those of others: "take-2_", or nothing when there is one."""
    return f"take-{state['take'] + 1}_" if state["takes"] > 1 else ""


def sound_of(state: State, desk: Desk) -> np.ndarray:
    """The chosen take, finished: (1, samples) at ``pipeline.SOUND_RATE``."""
    from avdemo.foley import pipeline

    mix = {"loudness_db": state["loudness_db"], "follow": state["follow"]}
    return pipeline.finish(desk.shown, desk.composition.wavs[state["take"]], **mix)[0]


def write_course(state: State, prepared: Prepared, sound: np.ndarray) -> dict[str, str]:
    """Write ``STEM[_take-N]_loudness.png``: what moves and how loud it is; returns files."""
    from avdemo.foley import pipeline

    picture = pipeline.follow_picture(prepared, sound, colour=source_colour(state["take"]))
    return {key_of(state, "course"): str(media.write_png(path_of(state, f"{prefix_of(state)}loudness.png"), picture))}


def write_spectrogram(state: State, prepared: Prepared, sound: np.ndarray) -> dict[str, str]:
    """Write ``STEM[_take-N]_spectrogram.png``, with the video's own sound under it where it had one; returns files."""
    from avdemo.foley import pipeline

    own = pipeline.original_sound(prepared)
    picture = pipeline.spectrogram_picture(prepared, sound, own, colour=source_colour(state["take"]))
    return {key_of(state, "spectrogram"): str(media.write_png(path_of(state, f"{prefix_of(state)}spectrogram.png"), picture))}


# ---- other ways in ------------------------------------------------------------------------------------------------------


def foley(
    video: str, variant: str = "", seed: float = 0, temperature: float = 1.0, loudness_db: float = 0.0, original: str = REPLACE
) -> tuple[str, str, str]:
    """A video or a photo with its sound, as ``python -m avdemo foley``; ``original`` is "replace" or "keep".

    Returns:
        Paths of video.mp4, sound.wav and run.json.

    Raises:
        AvdemoError: see ``pipeline.foley``.
    """
    from avdemo.foley import pipeline

    if not video:
        raise InputError("There is no video in this request; send a video or a photo as `video`.")
    if original not in (KEEP, REPLACE):
        raise InputError(f"The video's own sound cannot be treated as {original!r}; say replace or keep.")
    folder = media.new_workdir("foley")
    knobs = {"variant": variant, "seed": seed, "temperature": temperature, "loudness_db": loudness_db, "keep": original == KEEP}
    pipeline.foley(video, **knobs, out_dir=folder, keep_paths=False)
    return tuple(str(Path(folder) / name) for name in ("video.mp4", "sound.wav", runs.RUN_FILE))


def on_cpu(found: Any) -> Any:
    """The same result with its model, if it has one, in main memory, so that it can leave a process that has a graphics card."""
    return dataclasses.replace(found, model=found.model.on_cpu()) if hasattr(found, "model") else found
