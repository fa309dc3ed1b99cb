"""run.json: what was done to which bytes, with what, so that it can be done again.

Every command that makes files writes one beside them. It holds everything that decides the outputs (inputs and checkpoints by
sha256, parameters, seed, device, versions) and everything that does not decide them but is good to know (timings, results). The
outputs hold neither time nor place, so that the same run gives the same bytes; only run.json itself differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from avdemo import __version__
from avdemo.errors import InputError, StorageError

SCHEMA = 1  # of run.json; a change that older readers cannot read raises it
RUN_FILE = "run.json"
# Packages whose version can change the bytes that come out.
PACKAGES = ("av", "librosa", "matplotlib", "numpy", "pillow", "scipy", "torch", "torchvision")
# What a reader may rely on: key -> type. Nothing is removed or renamed without raising SCHEMA.
FIELDS: dict[str, type | tuple[type, ...]] = {
    "schema": int,
    "created": str,  # ISO 8601, UTC
    "capability": str,  # "pixels"
    "command": str,  # "isolate": also the name of the pipeline's function
    "inputs": dict,  # argument -> {"name", "path", "sha256", "bytes"}; "path" is null where it was kept private
    "parameters": dict,  # argument -> plain value
    "seed": (int, type(None)),
    "checkpoints": list,  # [{"name", "sha256"}]
    "device": (str, type(None)),  # "cpu", "cuda:0"
    "threads": (int, type(None)),  # of torch, which may change the last bits of a sum
    "versions": dict,  # "avdemo", "python" and PACKAGES
    "machine": dict,  # "system", "processor"
    "timings": dict,  # step -> seconds
    "results": dict,  # small facts about what came out
    "outputs": list,  # [{"name", "sha256", "bytes"}]
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hexadecimal digits, read now.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be read ({error.strerror or error}); check that it is there.") from error


def library_versions() -> dict[str, str]:
    """Versions of avdemo, Python and the packages that shape results; those not installed are left out. Imports none of them."""
    versions = {"avdemo": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _threads() -> int | None:
    torch = sys.modules.get("torch")  # only asked when it took part; importing it here would cost seconds
    return int(torch.get_num_threads()) if torch is not None else None


def write_run(
    out_dir: str | Path,
    *,
    capability: str,
    command: str,
    inputs: Mapping[str, str | Path],
    parameters: Mapping[str, Any],
    checkpoint: Mapping[str, str],
    timings: Mapping[str, float],
    outputs: Iterable[str | Path],
    seed: int | None = None,
    device: str | None = None,
    results: Mapping[str, Any] | None = None,
    keep_paths: bool = True,
) -> dict[str, Any]:
    """Write ``out_dir/run.json`` and return its content.

    For a run to be replayable, ``avdemo.<capability>.pipeline.<command>(**inputs, **parameters, out_dir=...)`` must do it again:
    name inputs and parameters as that function's arguments (``seed`` too, when it has one: it is passed along).

    Args:
        out_dir: where the outputs are.
        capability: "pixels".
        command: "isolate".
        inputs: argument -> file read; hashed here.
        parameters: argument -> JSON-able value.
        checkpoint: name -> sha256 of each checkpoint used; empty when none was.
        timings: step -> seconds.
        outputs: files written, in ``out_dir`` (paths or names); hashed here.
        device: "cpu", "cuda:0".
        results: small JSON-able facts about what came out, such as a level or a sentence.
        keep_paths: False leaves the inputs' folders out, for servers.

    Raises:
        InputError: an input is gone.
        StorageError: run.json cannot be written, or an output is not there.
    """
    out_dir = Path(out_dir)
    run = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "capability": capability,
        "command": command,
        "inputs": {argument: _input(Path(path), keep_paths) for argument, path in inputs.items()},
        "parameters": dict(parameters),
        "seed": seed,
        "checkpoints": [{"name": name, "sha256": sha256} for name, sha256 in checkpoint.items()],
        "device": device,
        "threads": _threads(),
        "versions": library_versions(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "timings": {step: round(float(seconds), 4) for step, seconds in timings.items()},
        "results": dict(results or {}),
        "outputs": [_output(out_dir, Path(path).name) for path in outputs],
    }
    _write(out_dir / RUN_FILE, run)
    return run


def _input(path: Path, keep_path: bool) -> dict[str, Any]:
    sha256 = sha256_of_file(path)
    return {
        "name": path.name,
        "path": str(path.resolve()) if keep_path else None,
        "sha256": sha256,
        "bytes": path.stat().st_size,
    }


def _output(out_dir: Path, name: str) -> dict[str, Any]:
    path = out_dir / name
    if not path.is_file():
        raise StorageError(f"The result {name} is no longer in its folder, so it cannot be recorded; run the command again.")
    return {"name": name, "sha256": sha256_of_file(path), "bytes": path.stat().st_size}


def _write(path: Path, run: Mapping[str, Any]) -> None:
    text = json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".run-", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)  # never seen half-written
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(
            f"{path.name} could not be written into the folder {path.parent.name} ({error.strerror or error}); "
            "choose a folder that can be written and has room."
        ) from error


def read_run(path: str | Path) -> dict[str, Any]:
    """Read and check a run.json.

    Raises:
        InputError: it is not there, not JSON, not a run.json, or of another schema.
    """
    path = Path(path)
    if path.is_dir():
        path = path / RUN_FILE
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path.name}; give the run.json that lies beside a result.") from None
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be read ({error.strerror or error}); check its permissions.") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both
        raise InputError(f"The file {path.name} is not JSON, so it is not a run.json; give the one beside a result.") from error
    if not isinstance(run, dict) or "schema" not in run:
        raise InputError(f"The file {path.name} is JSON but not a run.json of avdemo; give the one beside a result.")
    if run["schema"] != SCHEMA:
        raise InputError(
            f"The file {path.name} has schema {run['schema']!r} and this version reads {SCHEMA}; use the version that wrote it."
        )
    wrong = [key for key, kind in FIELDS.items() if not isinstance(run.get(key, ...), kind)]
    if not wrong:
        files = {"inputs": list(run["inputs"].values()), "checkpoints": run["checkpoints"], "outputs": run["outputs"]}
        wrong = [key for key, entries in files.items() if not all(_names_a_file(entry) for entry in entries)]
    if wrong:
        raise InputError(f"The file {path.name} is damaged: {', '.join(wrong)} is missing or not as written; make the run again.")
    return run


def _names_a_file(entry: Any) -> bool:
    """Whether an entry has a name without folders and a sha256."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get("sha256"), str):
        return False
    return Path(entry["name"]).name == entry["name"] != "" and _SHA256.fullmatch(entry["sha256"]) is not None
