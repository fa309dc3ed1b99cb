"""What a tab remembers between two events: a small dictionary of plain values and paths, whatever the capability."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from avdemo import media
from avdemo.errors import InputError
from avdemo.hooks import check_seed

State = dict[str, Any]
NO_SEED = "The seed is empty; give a whole number, for example 0."


def new_state(given: dict[str, Any], name: str) -> State:
    """The state of a session to which something has just been given.

    Args:
        given: ``file`` and, of an example, ``sentence`` (what it should show); ``stem`` where files made of it are not called as it is.
        name: of the work folder, "imagine" or "foley".
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
    if seed is None:
        raise InputError(NO_SEED)
    return check_seed(seed)
