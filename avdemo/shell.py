"""What every command of the command line shares: progress on standard error, results on standard output."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from avdemo.errors import InputError

PROGRESS_EVERY_S = 2.0  # between lines when standard error is not a terminal


@contextlib.contextmanager
def extras_explained() -> Iterator[None]:
    """A package that only training or testing needs, and that is not installed, becomes a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "avdemo"):
            raise
        raise InputError(
            f"This needs the package {package}, which running the app does not; install it with "
            "`pip install -r avdemo/training/requirements.txt`."
        ) from error


@contextlib.contextmanager
def progress_on_stderr() -> Iterator[Any]:
    """A callable (fraction, words) that tells standard error how far it is: one line redrawn on a terminal, else now and then."""
    terminal = sys.stderr.isatty()
    last = {"time": -math.inf, "words": "", "width": 0}

    def tell(fraction: float, words: str = "") -> None:
        now = time.monotonic()
        line = f"{min(max(fraction, 0.0), 1.0):4.0%} {words}"
        if terminal:
            sys.stderr.write("\r" + line.ljust(last["width"]))
            last["width"] = len(line)
        elif words != last["words"] or now - last["time"] >= PROGRESS_EVERY_S:
            sys.stderr.write(line.rstrip() + "\n")
        else:
            return
        last.update(time=now, words=words)
        sys.stderr.flush()

    try:
        yield tell
    finally:
        if last["width"]:
            sys.stderr.write("\r" + " " * last["width"] + "\r")


def show_run(run: dict[str, Any], folder: Path, as_json: bool) -> None:
    """Print what a command's run.json says came out, and the files that it wrote into ``folder``; or all of it as JSON."""
    if as_json:
        typer.echo(json.dumps(run, indent=2, ensure_ascii=False))
        return
    results = run.get("results", {})
    for sentence in [results.get("sentence"), *results.get("notes", [])]:
        if sentence:
            typer.echo(sentence)
    for name in [*(entry["name"] for entry in run["outputs"]), "run.json"]:
        typer.echo(folder / name)


def show(result: Any, as_json: bool) -> None:
    """Print a result: ``as_dict()`` as JSON or ``table()`` as text."""
    typer.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False) if as_json else result.table())
