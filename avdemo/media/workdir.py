"""Places to write: one fresh folder per job, whole files or none, and disk trouble in a sentence."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avdemo.errors import StorageError
from avdemo.settings import get_settings

MARKER = ".avdemo-job"  # a folder without it was not made here and is never removed
# Some disks say "full" by another name: over quota, or over the size that one file may have.
FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def new_workdir(name: str) -> Path:
    """Make a fresh folder ``NAME-DATE-TIME-XXXXXXXX`` below ``settings.work_dir``, readable by this user only.

    Args:
        name: what the job is, such as "isolate" or the uploaded file's stem; anything not fit for a folder's name is replaced.

    Raises:
        StorageError: it cannot be made.
    """
    root = get_settings().work_dir
    with disk_guard(root):
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{_slug(name)}-{time.strftime('%Y%m%d-%H%M%S')}-", dir=root))
        (folder / MARKER).touch()
    return folder


def clean_workdirs() -> int:
    """Remove job folders in which nothing was written for ``settings.work_hours``; returns how many.

    Only folders that :func:`new_workdir` made are touched: everything else below the work folder stays.
    """
    settings = get_settings()
    oldest = time.time() - settings.work_hours * 3600
    removed = 0
    if not settings.work_dir.is_dir():
        return 0
    with disk_guard(settings.work_dir):
        folders = [folder for folder in settings.work_dir.iterdir() if folder.is_dir() and not folder.is_symlink()]
    for folder in folders:
        if (folder / MARKER).is_file() and _last_written(folder) < oldest:
            shutil.rmtree(folder, ignore_errors=True)  # another process may be cleaning too
            removed += not folder.exists()
    return removed


def _last_written(folder: Path) -> float:
    """The newest change time in a folder; now, when it changes under our eyes."""
    try:
        return max(entry.lstat().st_mtime for entry in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()


def _slug(name: str) -> str:
    """Letters, digits and dashes: 'Été à la plage.mp4' -> 'Ete-a-la-plage-mp4', at most 40 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "job"


def stem_of(path: str | Path) -> str:
    """A file's name without its ending, fit for a download: letters (with accents), digits, ``-`` and ``_``; never empty."""
    stem = unicodedata.normalize("NFC", Path(path).stem)
    stem = re.sub(r"[^\w\-]+", "_", stem).strip("_.")[:60]
    return stem or "clip"


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``target`` to write to; it becomes ``target`` only when all went well.

    On any error, and when the job is stopped, the partial file is removed and an earlier ``target`` is still there.

    Raises:
        StorageError: disk full, no permission, and the like.
    """
    partial = target.with_name(f".part-{secrets.token_hex(6)}{target.suffix}")
    with disk_guard(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def disk_guard(target: Path) -> Iterator[None]:
    """Turn an OSError while writing ``target`` into a StorageError with a sentence."""
    try:
        yield
    except OSError as error:
        raise storage_error(target, error) from error


def storage_error(target: Path, error: OSError) -> StorageError:
    """The sentence for a failed write."""
    if error.errno in FULL_ERRORS:
        return StorageError(
            f"The disk is full, so {target.name} could not be written; "
            f"free some space, or set AVDEMO_WORK to a folder on another disk."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            f"{target.name} could not be written: there is no permission to write in the folder {target.parent.name or os.sep}; "
            f"choose another folder."
        )
    reason = error.strerror or str(error)
    return StorageError(f"{target.name} could not be written ({reason}); choose another folder or name and try again.")
