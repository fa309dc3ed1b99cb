"""The files that the Imagine tab makes: pictures, their grid and archive, spectrograms, sounds, the record of how they were made."""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media, runs
from avdemo.crossmodal.session import State, folder_of, path_of
from avdemo.errors import InputError
from avdemo.viz.palette import PANEL, rgb

if TYPE_CHECKING:
    from avdemo.crossmodal.pipeline import Heard, Played, Seen

SOUND_RATE = 44_100  # Hz, of a video's sound in the player
GAP_PX = 4  # between the pictures of the grid
ZIP_DATE = (2000, 1, 1, 0, 0, 0)  # of everything in an archive, so that the same pictures give the same bytes


# ---- sound -> picture ---------------------------------------------------------------------------------------------------


def write_heard(state: State, heard: Heard) -> dict[str, str]:
    """Draw what was heard; returns files."""
    from avdemo.crossmodal import pipeline

    picture = pipeline.spectrogram_picture(heard, title="What the model hears")
    return {"spectrogram": str(media.write_png(path_of(state, "spectrogram.png"), picture))}


def sound_of_video(state: State) -> str:
    """A video's sound as ``STEM_sound.wav``, to be played on the page."""
    wav = media.read_audio(state["given"], SOUND_RATE)
    return str(media.write_wav(path_of(state, "sound.wav"), wav, SOUND_RATE))


def painted_folder(state: State, seed: int, variant: str) -> Path:
    """Where the pictures of a seed and a variant lie, under the names that ``pipeline.imagine`` gives them."""
    return folder_of(state) / f"seed-{seed}-{variant}"


def write_pictures(folder: Path, pictures: np.ndarray) -> list[str]:
    """Write ``picture_01.png`` ... of (N, S, S, 3) uint8; returns the paths."""
    return [str(media.write_png(folder / f"picture_{n:02d}.png", picture)) for n, picture in enumerate(pictures, 1)]


def grid(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures (S, S, 3) in rows, as near to a square as can be: (H, W, 3) uint8."""
    side = len(pictures[0])
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    sheet = np.empty((rows * (side + GAP_PX) + GAP_PX, columns * (side + GAP_PX) + GAP_PX, 3), np.uint8)
    sheet[:] = rgb(PANEL)
    for number, picture in enumerate(pictures):
        top, left = (GAP_PX + (side + GAP_PX) * place for place in divmod(number, columns))
        sheet[top : top + side, left : left + side] = picture
    return sheet


def pack(path: Path, files: Sequence[str]) -> Path:
    """Write files into a zip archive without their folders; the same files give the same bytes."""
    with media.writing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(Path(file).name, ZIP_DATE), Path(file).read_bytes())
    return path


def write_painted(state: State, heard: Heard) -> tuple[dict[str, str], dict[str, Any]]:
    """Write the grid, the archive of the pictures and ``STEM_run.json``.

    With the sound beside it, ``python -m avdemo replay STEM_run.json`` paints them again.

    Returns:
        files, and the record.
    """
    shown = [picture["path"] for picture in state["pictures"]]
    folder = painted_folder(state, state["seed"], state["variant"])
    sheet = media.write_png(path_of(state, "grid.png"), grid([media.read_image(path) for path in shown]))
    archive = pack(path_of(state, "pictures.zip"), shown)
    with media.disk_guard(folder):
        shutil.copyfile(state["files"]["spectrogram"], folder / "spectrogram.png")
    names = [f"picture_{number:02d}.png" for number in range(1, state["count"] + 1)]
    record = runs.write_run(
        folder, capability="crossmodal", command="imagine", inputs={"sound": heard.sound}, seed=state["seed"],
        parameters={"count": state["count"], "variant": state["variant"], "checkpoint": heard.model.name},
        checkpoint={heard.model.name: heard.model.sha256}, timings={**heard.timings, "paint_s": state["paint_s"]},
        outputs=[*names, "spectrogram.png"], device=str(heard.model.device), keep_paths=False,
        results={
            "sentence": heard.sentence, "kind": heard.kind, "known": heard.known, "probability": _rounded(heard.probability),
            "judge": [picture["words"] for picture in state["pictures"]], "notes": heard.notes,
        },
    )  # fmt: skip
    return {"grid": str(sheet), "pictures": str(archive), "record": _record(state, folder)}, record


# ---- picture -> sound ---------------------------------------------------------------------------------------------------


def write_played(state: State, seen: Seen, played: Played, loudness_db: float) -> tuple[dict[str, str], dict[str, Any]]:
    """Write ``STEM_sound.wav``, ``STEM_spectrogram.png`` and ``STEM_run.json``; returns files, and the record."""
    from avdemo.crossmodal import pipeline

    folder = folder_of(state) / "run"
    made = {
        "sound": media.write_wav(folder / "sound.wav", played.wav, played.sample_rate),
        "spectrogram": media.write_png(
            folder / "spectrogram.png", pipeline.spectrogram_picture(played, title="What the model draws")
        ),
    }
    record = runs.write_run(
        folder, capability="crossmodal", command="sonify", inputs={"image": seen.image}, seed=state["seed"],
        parameters={"seconds": state["seconds"], "loudness_db": loudness_db, "checkpoint": seen.model.name},
        checkpoint={seen.model.name: seen.model.sha256}, timings={**seen.timings, **played.timings},
        outputs=[path.name for path in made.values()], device=str(seen.model.device), keep_paths=False,
        results={
            "sentence": seen.sentence, "kind": seen.kind, "known": seen.known, "probability": _rounded(seen.probability),
            "heard": _rounded(played.heard), "method": played.method, "notes": [played.sentence, *played.notes],
        },
    )  # fmt: skip
    files = {}
    for kind, path in made.items():
        target = path_of(state, path.name)
        with media.disk_guard(target):
            files[kind] = str(shutil.copyfile(path, target))
    return {**files, "record": _record(state, folder)}, record


# ---- both ---------------------------------------------------------------------------------------------------------------


def _record(state: State, folder: Path) -> str:
    target = path_of(state, runs.RUN_FILE)
    with media.disk_guard(target):
        return str(shutil.copyfile(folder / runs.RUN_FILE, target))


def _rounded(probability: dict[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in probability.items()}


# ---- other ways in ------------------------------------------------------------------------------------------------------


def imagine(sound: str, count: float = 4, seed: float = 0, variant: str = "C") -> tuple[list[str], str, str]:
    """Pictures of what is heard, as ``python -m avdemo imagine``; ``variant`` is C, N or A.

    Returns:
        Paths of picture_01.png ..., of spectrogram.png, and of run.json.

    Raises:
        AvdemoError: see ``pipeline.imagine``.
    """
    from avdemo.crossmodal import pipeline

    if not sound:
        raise InputError("There is no sound in this request; send a sound or a video as `sound`.")
    folder = media.new_workdir("imagine")
    run = pipeline.imagine(sound, count=count, seed=seed, variant=variant, out_dir=folder, keep_paths=False)
    files = [str(folder / output["name"]) for output in run["outputs"]]
    return [file for file in files if "picture_" in Path(file).name], str(folder / "spectrogram.png"), str(folder / runs.RUN_FILE)


def sonify(image: str, seed: float = 0, seconds: float = 4.0) -> tuple[str, str, str]:
    """The sound of what is seen, as ``python -m avdemo sonify``.

    Returns:
        Paths of sound.wav, spectrogram.png and run.json.

    Raises:
        AvdemoError: see ``pipeline.sonify``.
    """
    from avdemo.crossmodal import pipeline

    if not image:
        raise InputError("There is no picture in this request; send one as `image`.")
    folder = media.new_workdir("sonify")
    pipeline.sonify(image, seed=seed, seconds=seconds, out_dir=folder, keep_paths=False)
    return tuple(str(folder / name) for name in ("sound.wav", "spectrogram.png", runs.RUN_FILE))


def on_cpu(found: Any) -> Any:
    """The same result with its model, if it has one, in main memory, so that it can leave a process that has a graphics card."""
    return dataclasses.replace(found, model=found.model.on_cpu()) if hasattr(found, "model") else found
