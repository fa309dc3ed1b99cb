"""One record per checkpoint: everything about it but the numbers, in ``index.json`` beside the files.

The index is a JSON object, one entry per checkpoint name. It is small, committed, and read on first use.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from avdemo.checkpoints.integrity import sha256_of
from avdemo.errors import StorageError, WeightsError
from avdemo.settings import get_settings

INDEX = "index.json"
_FULL_SHA = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_read: dict[str, tuple[tuple[int, int], dict[str, CheckpointRecord]]] = {}  # index path -> ((mtime ns, bytes), records)
_writing = threading.Lock()


@dataclass(frozen=True)
class CheckpointRecord:
    """Where a checkpoint is, which bytes it must have, and what a person should know before using it."""

    name: str  # "pixels-compact"
    capability: str  # "pixels", "foley", ...
    file: str  # name of the safetensors file
    sha256: str  # 64 hexadecimal digits
    bytes: int
    config: str = ""  # name of the configuration; its values are in the file's own metadata
    repo_id: str | None = None  # Hub repository "owner/name"; None until published
    revision: str | None = None  # full commit sha of that repository; None until published
    origin: str = "trained"  # "trained" by this project's recipe, or "imported" from the authors' release
    preprocessing: dict = field(default_factory=dict)  # what the network must be fed: rates, sizes, means
    training_data: str = ""
    licence: str = ""  # identifier such as "cc-by-4.0", of the weights (the code has its own)
    scores: dict = field(default_factory=dict)  # measured by `evaluate`: {"NSDR (dB), held-out notes": 6.7}
    summary: str = ""  # one or two sentences for the model card

    def __post_init__(self) -> None:
        if not self.name or "/" in self.file or "\\" in self.file or not self.file.endswith(".safetensors"):
            raise WeightsError(f"The record {self.name!r} must name a .safetensors file without folders, not {self.file!r}.")
        if not _SHA256.fullmatch(self.sha256) or not isinstance(self.bytes, int):
            raise WeightsError(f"The record of {self.name} lacks a sha256 of 64 hexadecimal digits or its number of bytes.")
        if self.revision is not None and (not self.repo_id or not _FULL_SHA.fullmatch(self.revision)):
            raise WeightsError(
                f"The record of {self.name} pins {self.revision!r}; it needs a repository and a full commit sha of 40 digits."
            )

    @property
    def published(self) -> bool:
        """Whether the Hub has it at a pinned commit."""
        return self.revision is not None


def index_path(folder: Path | None = None) -> Path:
    """``index.json`` of the given folder, or of the weights folder of the settings."""
    return (folder or get_settings().weights_dir) / INDEX


def records(folder: Path | None = None) -> dict[str, CheckpointRecord]:
    """All records by name (a copy); read again only when the index has changed. No index means no records.

    Raises:
        WeightsError: the index is not readable, not JSON, or holds something that is not a record.
    """
    path = index_path(folder)
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        key = str(path.resolve())
        if key not in _read or _read[key][0] != stamp:
            _read[key] = (stamp, _parse(json.loads(path.read_text("utf-8"))))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"The list of checkpoints {INDEX} cannot be read ({error}); restore it from the repository."
        ) from error
    return dict(_read[key][1])


def _parse(entries: object) -> dict[str, CheckpointRecord]:
    if not isinstance(entries, dict):
        raise WeightsError(f"The list of checkpoints {INDEX} must be one JSON object with an entry per checkpoint.")
    known = {f.name for f in fields(CheckpointRecord)} - {"name"}
    found = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not {"capability", "file", "sha256", "bytes"} <= set(entry) <= known:
            odd = sorted(set(entry) - known) if isinstance(entry, dict) else []
            raise WeightsError(
                f"The entry {name!r} in {INDEX} "
                + (f"has the unknown fields {', '.join(odd)}." if odd else "needs at least capability, file, sha256 and bytes.")
            )
        found[name] = CheckpointRecord(name=name, **entry)
    return found


def record(name: str, folder: Path | None = None) -> CheckpointRecord:
    """The record of that name.

    Raises:
        WeightsError: there is none; the sentence lists those there are.
    """
    found = records(folder)
    if name not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise WeightsError(f"There is no checkpoint named {name!r}; {INDEX} lists {known}.")
    return found[name]


def write_records(changed: Iterable[CheckpointRecord], folder: Path | None = None) -> None:
    """Add or replace these records; the others stay. The index is replaced whole, never seen half-written.

    Raises:
        StorageError: the folder cannot be written.
    """
    path = index_path(folder)
    with _writing:
        merged = {**records(folder), **{r.name: r for r in changed}}
        entries = {name: {k: v for k, v in asdict(merged[name]).items() if k != "name"} for name in sorted(merged)}
        text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".index-", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(temporary, 0o644)  # mkstemp's 0600 would not be readable by others who share the folder
                os.replace(temporary, path)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"The list of checkpoints {INDEX} could not be written ({error.strerror or error}).") from error


def register(path: str | Path, **values) -> CheckpointRecord:
    """Write or update the record of a checkpoint file, in the ``index.json`` of the folder it lies in.

    Hash and size are taken from the file, ``name`` defaults to its stem. Values not given keep what the record said;
    new bytes drop the pinned revision and, unless given anew, the scores: both spoke of the old ones.

    Args:
        path: the safetensors file.
        values: fields of :class:`CheckpointRecord` (``capability`` is needed the first time).

    Raises:
        WeightsError: the file is missing, or a value does not make a record.
        StorageError: the index cannot be written.
    """
    path = Path(path)
    unknown = sorted(set(values) - ({f.name for f in fields(CheckpointRecord)} - {"file", "sha256", "bytes"}))
    if unknown:
        raise TypeError(f"register() takes the fields of CheckpointRecord but file, sha256 and bytes; not {', '.join(unknown)}")
    measured = {"file": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
    name = values.pop("name", path.stem)
    old = records(path.parent).get(name)
    if old is None:
        if "capability" not in values:
            raise TypeError("register() needs the capability of a checkpoint that it does not know yet")
        new = CheckpointRecord(name=name, **measured, **values)
    else:
        stale = {} if old.sha256 == measured["sha256"] else {"repo_id": None, "revision": None, "scores": {}}
        new = replace(old, **{**stale, **measured, **values})
    write_records([new], path.parent)
    return new
