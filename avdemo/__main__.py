"""``python -m avdemo``: run one command; every failure is one sentence on standard error.

Exit code 0 and files written, or 2 and a sentence; 1 and a sentence with an id when it is our own fault; 130 when interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import traceback
import warnings
from collections.abc import Sequence

import typer

from avdemo.cli import app
from avdemo.errors import AvdemoError

PROGRAM = "python -m avdemo"
INTERRUPTED = 130  # what typer makes of Ctrl-C
DEBUG = "AVDEMO_DEBUG"  # set to 1 to see the traceback of an unexpected error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one sentence on standard error.

    Returns:
        The exit code: 0 done, 1 our own fault, 2 refused with a sentence, 130 interrupted.
    """
    debug = os.environ.get(DEBUG, "").strip() not in ("", "0")
    if not debug:
        warnings.simplefilter("ignore")  # libraries' remarks to programmers
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name=PROGRAM, standalone_mode=False) or 0
        if code != INTERRUPTED:
            return code
        sentence = "Stopped, as you asked."
    except AvdemoError as error:
        sentence, code = str(error), 2
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # `weights` alone: its help has been printed
            return 0
        sentence, code = _usage(error), 2
    except MemoryError:
        sentence, code = "This machine ran out of memory; try a shorter or smaller video.", 2
    except Exception as error:  # the one place for it: whatever arrives here is a bug, and is logged as one
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            sentence, code = "There is no room left on the disk for the result; free some space and try again.", 2
        else:
            sentence, code = _log(error), 1
        if debug:
            traceback.print_exc()
    print(" ".join(sentence.split()), file=sys.stderr)
    return code


def _usage(error: typer.TyperException) -> str:
    """Typer's message as one sentence that ends in where to read more."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else PROGRAM
    message = error.format_message().strip().rstrip(".?").replace(". ", ", ").replace("Value error, ", "")
    return f"{message}; `{command} --help` shows how it is used."


def _log(error: Exception) -> str:
    """Append the traceback to the log under a short id; returns the sentence that names it."""
    from avdemo.settings import get_settings

    short_id = secrets.token_hex(4)
    where = f"run it again with {DEBUG}=1 to see the details"
    with contextlib.suppress(OSError, AvdemoError):
        log = get_settings().work_dir / "errors.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"error {short_id}\n{''.join(traceback.format_exception(error))}\n")
        where += ", which are also in errors.log in the work folder under that number"
    return f"Something went wrong that should not have (report {short_id}, {type(error).__name__}); {where}."


if __name__ == "__main__":
    sys.exit(main())
