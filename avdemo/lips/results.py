"""The files that the Make lips speak tab makes: videos, pictures, the record of how they were made; and the same over the app's API."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avdemo import media, runs
from avdemo.errors import InputError
from avdemo.sessions import State, folder_of, path_of

if TYPE_CHECKING:
    from avdemo.lips.pipeline import Spoken

RUN = "run"  # folder in the session's, with the names that the command gives


def write_spoken(state: State, spoken: Spoken, **how: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Write ``STEM_face.mp4``, ``STEM_lips.mp4``, ``STEM_phases.png``, ``STEM_opening.png`` and ``STEM_run.json``.

    With photo and speech beside it, ``python -m avdemo replay STEM_run.json`` makes them again.

    Args:
        how: of :func:`avdemo.lips.pipeline.write_files`.

    Returns:
        files, and the record.
    """
    from avdemo.lips import pipeline

    folder = folder_of(state) / RUN
    record = pipeline.write_files(spoken, folder, keep_paths=False, **how)
    files = {}
    for name in [*(output["name"] for output in record["outputs"]), runs.RUN_FILE]:
        target = path_of(state, name)
        with media.disk_guard(target):
            files[Path(name).stem] = str(shutil.copyfile(folder / name, target))
    return files, record


def lips(
    photo: str,
    speech: str,
    seed: float = 0,
    box: str = "",
    turn: float = 0.0,
    face: float = 1,
    lively: float = 1.0,
    mark: bool = True,
) -> tuple[str | None, str, str]:
    """A photo that speaks, as ``python -m avdemo lips``; ``box`` is "left,top,width,height" in pixels, or empty.

    Returns:
        Paths of face.mp4 (None where the photo shows nothing but a mouth), lips.mp4 and run.json.

    Raises:
        AvdemoError: see ``pipeline.lips``.
    """
    from avdemo.lips import pipeline

    for name, file in (("photo", photo), ("speech", speech)):
        if not file:
            raise InputError(f"There is no {name} in this request; send a file as `{name}`.")
    try:
        square = tuple(float(part) for part in box.split(",")) if box.strip() else None
    except ValueError:
        raise InputError(
            f"The box {box!r} is not four numbers; send left, top, width and height in pixels, as 180,260,96,96."
        ) from None
    folder = media.new_workdir("lips")
    pipeline.lips(
        photo,
        speech,
        seed=seed,
        box=square,
        turn_deg=turn,
        face=face,
        lively=lively,
        mark=bool(mark),
        out_dir=folder,
        keep_paths=False,
    )
    made = folder / "face.mp4"
    return str(made) if made.is_file() else None, str(folder / "lips.mp4"), str(folder / runs.RUN_FILE)
