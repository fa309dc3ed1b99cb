"""The command line of the makers of examples, and the listing that each leaves beside its files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from avdemo.errors import AvdemoError, InputError


class Listed(Protocol):
    """An example that can be made and described."""

    name: str

    def make(self, out: Path) -> None: ...

    def describe(self) -> dict: ...


def write_listing(out: Path, entries: Sequence[dict]) -> None:
    """Write ``examples.json``."""
    (out / "examples.json").write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def exit_code(work: Callable[[], None], out: Path) -> int:
    """Do the work; what goes wrong is said in one sentence on standard error, and the exit code is 2."""
    try:
        work()
    except OSError as error:
        print(InputError(f"The folder {out.name} cannot be written ({error.strerror}); choose another."), file=sys.stderr)
        return 2
    except AvdemoError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def make_listed(module: str, about: str, examples: Sequence[Listed], arguments: Sequence[str] | None) -> int:
    """The command line of a module that makes a listed set of examples; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m avdemo.corpora.{module}", description=about.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the files and examples.json")
    parser.add_argument("--only", choices=[example.name for example in examples], help="make this one and no examples.json")
    options = parser.parse_args(arguments)

    def work() -> None:
        options.out.mkdir(parents=True, exist_ok=True)
        for example in examples:
            if options.only in (None, example.name):
                example.make(options.out)
                print(f"{example.name} is made", file=sys.stderr)
        if options.only is None:
            write_listing(options.out, [example.describe() for example in examples])

    return exit_code(work, options.out)
