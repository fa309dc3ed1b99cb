"""Nothing a person does may break the page: every handler runs inside a guard.

An expected error (:class:`avdemo.errors.AvdemoError`) becomes its sentence, in the tab's status line and as a passing notice; all
other outputs stay as they were. Anything else is a bug: it is logged with a short id, and the sentence carries that id.
"""

from __future__ import annotations

import errno
import functools
import html
import inspect
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from avdemo.errors import AvdemoError, Cancelled
from avdemo.ui import gpu

log = logging.getLogger("avdemo.ui")

MODEL_LANE = "model"  # everything that computes with a network waits in this line
LIGHT_LANE = "light"  # redrawing, mixing: short, no network
LIGHT_WIDTH = 4

Updates = dict[Any, Any]  # component -> its new value


def sentence_for(error: BaseException) -> str:
    """The sentence a person sees for ``error``; unexpected errors are logged with the id that the sentence names."""
    if isinstance(error, AvdemoError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "There is no room left on this machine's disk, so the result could not be saved; free some space and try again."
    if isinstance(error, MemoryError):
        return "This machine ran out of memory; try a shorter or smaller video."
    short_id = secrets.token_hex(4)
    log.error("unexpected error %s", short_id, exc_info=error)
    return (
        f"Something went wrong here that should not have (report {short_id}); what you entered is kept. "
        "Try again, or with another file; the log of the app has the details under that number."
    )


def status_html(sentence: str = "", kind: str = "note") -> str:
    """The status line's content; ``kind`` is "note" (spoken politely) or "problem" (spoken at once)."""
    if not sentence:
        return ""
    role = "alert" if kind == "problem" else "status"
    return f'<div class="av-status av-{kind}" role="{role}">{html.escape(sentence)}</div>'


def guarded(fn: Callable[..., Updates], status: gr.HTML, keeps_status: bool = False) -> Callable[..., Updates]:
    """Wrap a handler that returns ``{component: new value}``, or yields one after the other while its result grows; components that
    it leaves out stay as they are.

    The wrapper fills in the status line: empty after success (unless the handler itself put a sentence there under ``status``, or
    ``keeps_status`` says to leave it), the error's sentence otherwise, with nothing else changed.
    """

    def refused(error: Exception) -> Updates:
        sentence = sentence_for(error)
        if isinstance(error, Cancelled):
            return {status: status_html(sentence)}
        gr.Warning(sentence, title="That did not work")
        return {status: status_html(sentence, "problem")}

    def with_status(updates: Updates | None) -> Updates:
        return {status: gr.skip() if keeps_status else "", **(updates or {})}

    @functools.wraps(fn)
    def run(*args, **kwargs):
        try:
            return with_status(fn(*args, **kwargs))
        except Exception as error:  # the one place for it: sentence_for logs what it does not know
            return refused(error)

    @functools.wraps(fn)
    def grow(*args, **kwargs):
        try:
            for updates in fn(*args, **kwargs):
                yield with_status(updates)
        except Exception as error:
            yield refused(error)

    return grow if inspect.isgeneratorfunction(fn) else run


def wire(
    trigger: Callable[..., Any] | Sequence[Callable[..., Any]],
    fn: Callable[..., Updates],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    status: gr.HTML,
    *,
    lane: str = MODEL_LANE,
    busy: Any = None,
    busy_style: str = "full",
    mode: str = "once",
    keeps_status: bool = False,
    js: str | None = None,
) -> Any:
    """Connect an event to a guarded handler; the tab's status line is the last output.

    Args:
        trigger: an event such as ``button.click``, or several, or an earlier event's ``.then``.
        fn: returns ``{component: new value}`` or yields several, see :func:`guarded`.
        lane: :data:`MODEL_LANE` or :data:`LIGHT_LANE`.
        busy: the component(s) that show the progress; none shows nothing.
        busy_style: "full" covers them while they wait, "minimal" shows the time in a corner.
        mode: what happens to events that come while one runs: "once" drops them, "multiple" queues them, "always_last" keeps the
            last one (sliders).
        keeps_status: leave the status line alone on success (for the second event of a chain).
        js: a browser function that sees and may change the inputs first.

    Returns:
        Gradio's dependency, for ``.then``.
    """
    listen = functools.partial(gr.on, list(trigger)) if isinstance(trigger, Sequence) else trigger
    return listen(
        fn=guarded(fn, status, keeps_status),
        inputs=list(inputs),
        outputs=[*outputs, status],
        api_visibility="private",
        show_progress=busy_style if busy is not None else "hidden",
        show_progress_on=busy,
        concurrency_id=lane,
        concurrency_limit=gpu.lane_width() if lane == MODEL_LANE else LIGHT_WIDTH,
        trigger_mode=mode,
        js=js,
    )


def moves(*sliders: gr.Slider) -> list[Callable[..., Any]]:
    """Every event by which a person changes a slider: dragging, keys and typing (``input``), its reset button (``release`` only)."""
    return [event for slider in sliders for event in (slider.input, slider.release)]


def for_api(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a public endpoint: every error reaches the caller as a ``gr.Error`` with its sentence."""

    @functools.wraps(fn)
    def run(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(sentence_for(error), print_exception=False) from error

    return run
