"""Is this file the one that was recorded? Every answer other than yes is a sentence with a way out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from avdemo.errors import WeightsError

_known: dict[tuple[str, int, int], str] = {}  # (path, mtime in ns, bytes) -> sha256; a file is hashed once in a process


def sha256_of(path: str | Path, *, fresh: bool = False) -> str:
    """SHA-256 of a file, 64 lower-case hexadecimal digits.

    Args:
        fresh: hash again even when the same path, time and size were hashed before in this process.

    Raises:
        WeightsError: the file is missing or cannot be read.
    """
    path = Path(path)
    try:
        stat = path.stat()
        key = (str(path.resolve()), stat.st_mtime_ns, stat.st_size)
        if fresh or key not in _known:
            with path.open("rb") as file:
                _known[key] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"The checkpoint file {path.name} cannot be read ({error.strerror or error}).") from error
    return _known[key]


def fault(path: Path, sha256: str, size: int, *, fresh: bool = False) -> str | None:
    """What is wrong with the file, as the end of a sentence that begins with its name; None when it is the recorded one.

    Args:
        sha256: the recorded hash.
        size: the recorded bytes; comparing them first tells a broken download from another version.
    """
    if not path.is_file():
        return "is missing"
    found = path.stat().st_size
    if found < size:
        with path.open("rb") as file:
            if file.read(11) == b"version htt":
                return "is only a Git LFS pointer, not the weights themselves"
        return f"is truncated: {found:,} of {size:,} bytes"
    if sha256_of(path, fresh=fresh) != sha256:
        return f"is not the recorded one: its sha256 begins {sha256_of(path)[:12]}, the record says {sha256[:12]}"
    return None
