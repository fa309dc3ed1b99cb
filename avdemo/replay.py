"""Do again what a run.json says, and compare the outputs byte for byte.

The same inputs, parameters, checkpoints, versions, device and threads give the same bytes on the same machine. Other versions or
machines may differ in the last bits; then the comparison says so and names what is different.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from avdemo.errors import InputError, StorageError, WeightsError
from avdemo.runs import library_versions, read_run, sha256_of_file

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Replay:
    """What came of it."""

    command: str
    same: tuple[str, ...]  # names of outputs that are the same to the byte
    different: tuple[str, ...]
    missing: tuple[str, ...]  # were written then, were not now
    circumstances: tuple[str, ...]  # what else is not as it was: "torch 2.10.0 then, 2.11.0 now"

    @property
    def identical(self) -> bool:
        """Whether every output is the same to the byte."""
        return not self.different and not self.missing

    def sentence(self) -> str:
        """One sentence that says so."""
        if self.identical:
            return f"Replayed {self.command}: {_list(self.same)} came out the same to the byte."
        parts = [f"{_list(self.different)} came out different"] if self.different else []
        parts += [f"{_list(self.missing)} did not come out"] if self.missing else []
        reason = _list(self.circumstances) if self.circumstances else "nothing recorded in run.json differs"
        return f"Replayed {self.command}, and {' and '.join(parts)} ({reason})."


def _list(words: tuple[str, ...] | list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words) or "nothing"


def replay(run_file: str | Path, out_dir: str | Path | None = None, *, progress: Progress | None = None) -> Replay:
    """Run the command of ``run_file`` again with the same parameters and compare.

    Args:
        run_file: a run.json, or the folder it lies in.
        out_dir: where to keep the new outputs; None compares and forgets them.
        progress: called with a fraction in [0, 1] and words.

    Raises:
        InputError: run.json is unusable, or an input is missing or has other bytes.
        WeightsError: a checkpoint is missing or has other bytes.
        AvdemoError: whatever the command itself refuses.
    """
    run_file = Path(run_file)
    run = read_run(run_file)
    here = (run_file if run_file.is_dir() else run_file.parent).resolve()
    function = command_of(run)
    arguments = {**_parameters(run), **{argument: _same_input(entry, here) for argument, entry in run["inputs"].items()}}
    accepted = inspect.signature(function).parameters
    if run["seed"] is not None and "seed" in accepted:
        arguments["seed"] = run["seed"]
    unknown = sorted(set(arguments) - set(accepted))
    if unknown:
        raise InputError(
            f"The run.json gives {run['command']} the parameter {_list(unknown)}, which this version does not have; use version "
            f"{run['versions'].get('avdemo', 'that wrote it')}."
        )
    for entry in run["checkpoints"]:
        _same_checkpoint(entry)
    if progress is not None and "progress" in accepted:
        arguments["progress"] = progress
    with _folder(out_dir, here) as folder:
        again = function(**arguments, out_dir=folder)
        found = {entry["name"]: _compare(folder / entry["name"], entry["sha256"]) for entry in run["outputs"]}
    return Replay(
        run["command"],
        same=tuple(name for name, verdict in found.items() if verdict == "same"),
        different=tuple(name for name, verdict in found.items() if verdict == "different"),
        missing=tuple(name for name, verdict in found.items() if verdict == "missing"),
        circumstances=_circumstances(run, again if isinstance(again, Mapping) else {}),
    )


def command_of(run: Mapping[str, Any]) -> Callable[..., Any]:
    """The pipeline's function that a run.json names.

    Raises:
        InputError: this version has no such capability or command.
    """
    from avdemo.ui.capabilities import CAPABILITIES

    capability, command = run["capability"], run["command"]
    if capability in [entry.name for entry in CAPABILITIES]:
        module = pipeline_of(capability)
        function = getattr(module, command, None) if module is not None and not command.startswith("_") else None
        # Only what writes into a folder of its own is a command; the module's other functions are not for run.json to call.
        if inspect.isfunction(function) and "out_dir" in inspect.signature(function).parameters:
            return function
    raise InputError(f"The run.json was made by the command {command!r} of {capability!r}, which this version does not have.")


def pipeline_of(capability: str) -> ModuleType | None:
    """The capability's pipeline, imported; None where it is not there yet."""
    name = f"avdemo.{capability}.pipeline"
    try:
        return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):  # the folder itself is not there
            return None
        raise


def _parameters(run: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in run["parameters"].items()}


def _same_input(entry: Mapping[str, Any], here: Path) -> Path:
    """The input where it was, or beside run.json; its bytes must be those recorded."""
    places = [Path(entry["path"])] if entry.get("path") else []
    places.append(here / entry["name"])
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise InputError(f"The input {entry['name']} is neither where it was nor beside run.json; put it there and try again.")
    sha256 = sha256_of_file(path)
    if sha256 != entry["sha256"]:
        raise InputError(
            f"The input {entry['name']} is not the file of that run any more: its sha256 begins {sha256[:12]}, run.json says "
            f"{entry['sha256'][:12]}; put the original beside run.json."
        )
    return path


def _same_checkpoint(entry: Mapping[str, str]) -> None:
    from avdemo.checkpoints import resolve, sha256_of

    sha256 = sha256_of(resolve(entry["name"]))
    if sha256 != entry["sha256"]:
        raise WeightsError(
            f"The checkpoint {entry['name']} here is not the one of that run: its sha256 begins {sha256[:12]}, run.json says "
            f"{entry['sha256'][:12]}; use the version that wrote it, with its weights folder."
        )


@contextlib.contextmanager
def _folder(out_dir: str | Path | None, here: Path) -> Iterator[Path]:
    """Where the new outputs go: the folder asked for, or one that vanishes."""
    if out_dir is None:
        with tempfile.TemporaryDirectory(prefix="avdemo-replay-") as temporary:
            yield Path(temporary)
        return
    folder = Path(out_dir)
    if folder.resolve() == here:
        raise InputError(f"The folder {here.name} holds the run itself, which would be overwritten; choose another.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {folder.name} cannot be made ({error.strerror or error}); choose another.") from error
    yield folder


def _compare(path: Path, sha256: str) -> str:
    if not path.is_file():
        return "missing"
    return "same" if sha256_of_file(path) == sha256 else "different"


def _circumstances(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What was different, in words, of all that may change the last bits."""
    installed = library_versions()
    found = [
        f"{package} {version} then, {installed.get(package, 'none')} now"
        for package, version in then["versions"].items()
        if installed.get(package) != version
    ]
    for key in ("device", "threads", "machine"):
        if key in now and now[key] != then[key]:
            found.append(f"{key} {_plain(then[key])} then, {_plain(now[key])} now")
    return tuple(found)


def _plain(value: Any) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)
