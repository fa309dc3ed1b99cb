"""From a checkpoint's name to its verified file: the weights folder, then the Hub cache, then the Hub at the pinned commit."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from avdemo.checkpoints import hub
from avdemo.checkpoints.index import CheckpointRecord, record
from avdemo.checkpoints.integrity import fault, sha256_of
from avdemo.errors import StorageError, WeightsError
from avdemo.settings import get_settings


def shipped_path(entry: CheckpointRecord) -> Path:
    """Where the file lies, or would lie, in the weights folder."""
    return get_settings().weights_dir / entry.file


def locate(name: str) -> tuple[str, Path | None]:
    """Where :func:`resolve` would find it, nothing read or fetched: ``"weights"``, ``"cache"``, ``"hub"`` or ``"nowhere"``."""
    entry = record(name)
    path = shipped_path(entry)
    if path.is_file():
        return "weights", path
    if (path := hub.cached(entry)) is not None:
        return "cache", path
    return ("hub" if entry.published else "nowhere"), None


def resolve(name: str) -> Path:
    """The file of a checkpoint, its sha256 verified (hashed once in a process); downloaded when it is nowhere here.

    Raises:
        WeightsError: unknown name; truncated or other bytes than recorded; unpublished and absent; or no way to download it.
    """
    entry = record(name)
    where, path = locate(name)
    if path is None:
        if where == "nowhere":
            raise WeightsError(
                f"The checkpoint {name} is missing: {entry.file} is not in the weights folder and has not been published; "
                f"put it there, or train it with `python -m avdemo train {entry.capability}`."
            )
        path, where = hub.fetch(entry), "hub"
    trouble = fault(path, entry.sha256, entry.bytes)
    if trouble:
        raise WeightsError(_sentence(entry, where, trouble))
    return path


def _sentence(entry: CheckpointRecord, where: str, trouble: str) -> str:
    place = {"weights": "in the weights folder", "cache": "in the Hub cache", "hub": f"that {entry.repo_id} served"}[where]
    if entry.published:
        way = f"get it anew with `python -m avdemo weights pull {entry.name}`"
    else:
        way = f"restore the file from the repository, or train it with `python -m avdemo train {entry.capability}`"
    return f"The checkpoint file {entry.file} {place} {trouble}; {way}."


def verify(name: str) -> tuple[str, str]:
    """Hash the file again, whatever was known, and compare with the record.

    Returns:
        A state (``"ok"``, ``"absent"`` when it is published and simply not downloaded, or ``"bad"``) and a few words.
    """
    entry = record(name)
    where, path = locate(name)
    if path is None:
        return ("absent", "not downloaded yet") if entry.published else ("bad", "is missing and not published")
    trouble = fault(path, entry.sha256, entry.bytes, fresh=True)
    if trouble:
        return "bad", _sentence(entry, where, trouble)
    return "ok", f"sha256 {entry.sha256[:12]}"


def pull(name: str) -> Path:
    """Put a published checkpoint into the weights folder, replacing a damaged copy there or in the Hub cache.

    Raises:
        WeightsError: unpublished, not reachable, or the Hub serves other bytes than recorded (nothing is replaced then).
        StorageError: the weights folder cannot be written.
    """
    entry = record(name)
    target = shipped_path(entry)
    if fault(target, entry.sha256, entry.bytes, fresh=True) is None:
        return target
    source = hub.cached(entry)
    if source is None or fault(source, entry.sha256, entry.bytes, fresh=True):
        source = hub.fetch(entry, again=source is not None)
        trouble = fault(source, entry.sha256, entry.bytes, fresh=True)
        if trouble:
            raise WeightsError(
                f"The checkpoint file {entry.file} that {entry.repo_id} served {trouble}; it was not installed: try again, "
                "and if it stays so, tell whoever publishes that repository."
            )
    _install(source, target)
    if sha256_of(target, fresh=True) != entry.sha256:
        raise StorageError(f"The checkpoint file {entry.file} was damaged on its way into the weights folder; check the disk.")
    return target


def _install(source: Path, target: Path) -> None:
    """Copy so that the target is never seen half-written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".pull-", dir=target.parent)
        os.close(handle)
        try:
            shutil.copyfile(source, temporary)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The checkpoint file {target.name} could not be written into the weights folder ({error.strerror or error}); "
            "set AVDEMO_WEIGHTS to a folder that can be written."
        ) from error
