"""What the Imagine tab remembers between two events, without a word of Gradio.

Each of the two directions has a state of its own: a small dictionary of plain values and paths. What is heavy (the sound as it was
heard, the picture as it was seen) stands on a shelf on the server under the state's ``token``.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avdemo import media
from avdemo.errors import InputError

if TYPE_CHECKING:
    from avdemo.crossmodal.verdict import Verdict

State = dict[str, Any]

SOUND, PICTURE = DIRECTIONS = ("sound", "picture")  # what a direction begins with
PICTURE_FORMATS = (".png", ".jpg", ".jpeg", ".webp")  # of examples; all others are sounds
NO_SOUND = "There is no sound yet; upload one, record one, take that of a video, or choose an example."
NO_PICTURE = "There is no picture yet; upload one, take one with the camera, or choose an example."
NO_SEED = "The seed is empty; give a whole number, for example 0."


def new_state(given: dict[str, Any], name: str) -> State:
    """The state of a session that has just heard a sound or seen a picture.

    Args:
        given: ``file`` and, of an example, ``sentence`` (what it should show); ``stem`` where files made of it are not called as it is.
        name: of the work folder, "imagine" or "sonify".
    """
    return {
        "token": secrets.token_urlsafe(16), "folder": str(media.new_workdir(name)), "given": str(given["file"]),
        "stem": media.stem_of(given.get("stem") or given["file"]), "sentence": given.get("sentence", ""), "files": {},
    }  # fmt: skip


def merge(live: State, before: State, changed: State) -> bool:
    """Bring what one answer changed into the session's own state, in place; other answers may have changed it in the meantime.

    Args:
        live: the session's state as it is now.
        before: as it was when the question was asked.
        changed: a whole state of something newly given, or some of the keys. Files are added to those there; None takes one away.

    Returns:
        Whether the answer still counts; not when something else was given in the meantime.
    """
    if changed.get("token") != before.get("token") and "token" in changed:
        live.clear()
        live.update(changed)
        return True
    if not live or live.get("token") != before.get("token"):
        return False
    files = {**live["files"], **changed.get("files", {})}
    live.update({**changed, "files": {kind: path for kind, path in files.items() if path}})
    return True


def folder_of(state: State) -> Path:
    """The session's work directory (made again if it was cleaned up in the meantime)."""
    folder = Path(state["folder"])
    with media.disk_guard(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def path_of(state: State, kind: str) -> Path:
    """``STEM_KIND`` in the session's folder; ``kind`` has the ending."""
    return folder_of(state) / f"{state['stem']}_{kind}"


def whole(seed: float | None) -> int:
    """What stands in the field for the seed, as a number that can be used.

    Raises:
        InputError: nothing stands there, or no whole number from 0 on.
    """
    from avdemo.crossmodal.chance import check_seed

    if seed is None:
        raise InputError(NO_SEED)
    return check_seed(seed)


def after(seed: int) -> int:
    """The next seed; 0 after the last."""
    from avdemo.crossmodal.chance import MOST_SEED

    return 0 if seed >= MOST_SEED else seed + 1


def sides(examples: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Examples by direction: sounds to see, pictures to hear."""
    found: dict[str, list[dict[str, Any]]] = {SOUND: [], PICTURE: []}
    for example in examples:
        found[PICTURE if Path(example["file"]).suffix.lower() in PICTURE_FORMATS else SOUND].append(example)
    return found


# ---- opinions about pictures and sounds ---------------------------------------------------------------------------------


def opinion(found: Verdict) -> dict[str, Any]:
    """What a classifier says about one picture or sound, small enough for the state: ``kind`` ("" when it knows none), ``p``, ``words``."""
    from avdemo.crossmodal.verdict import OTHER, UNSURE, named

    p = found.probability[found.kind]
    if found.known:
        return {"kind": found.kind, "p": p, "words": f"{named(found.kind)} {p:.2f}"}
    if p >= max(UNSURE, found.probability[OTHER]):
        return {"kind": "", "p": p, "words": f"perhaps {named(found.kind)} {p:.2f}"}
    return {"kind": "", "p": p, "words": f"nothing it knows ({found.kind} {p:.2f})"}


def one_of_each(pictures: np.ndarray) -> np.ndarray:
    """The pictures (N, S, S, 3), or the first alone when all are the same, as an autoencoder's are: its noise changes nothing."""
    return pictures[:1] if (pictures == pictures[:1]).all() else pictures
