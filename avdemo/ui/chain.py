"""A job as a person meets it: the form is filled, the job runs with Stop in reach, and what can wait comes after it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from avdemo.errors import Cancelled
from avdemo.ui.guard import LIGHT_LANE, Updates, status_html, wire
from avdemo.ui.progress import Jobs, plain_progress


class Chain:
    """What starts jobs of one form, with its status line and its Stop button.

    Args:
        jobs: which session runs what; chains that share it stop each other's jobs.
        status: see :func:`avdemo.ui.components.status_line`.
        stop: a button that is hidden while nothing runs.
    """

    def __init__(self, jobs: Jobs, status: gr.HTML, stop: gr.Button) -> None:
        self.jobs, self.status, self.stop = jobs, status, stop
        wire(stop.click, self._on_stop, [], [stop], status, lane=LIGHT_LANE)

    def start(
        self, trigger: Any, job: Callable[..., Updates], inputs: Sequence[Any], outputs: Sequence[Any], *, busy: Any,
        fill: Callable[..., Updates] | None = None, fill_from: Sequence[Any] = (), fills: Sequence[Any] = (),
        then: Callable[..., Updates] | None = None, then_from: Sequence[Any] = (), then_to: Sequence[Any] = (), js: str | None = None,
        mode: str = "multiple",
    ) -> None:  # fmt: skip
        """Connect an event to a job.

        Args:
            trigger, busy, mode: see :func:`avdemo.ui.guard.wire`.
            job: called with the inputs, ``progress`` and ``cancelled``; a generator function shows each result that it yields. When it
                is stopped it may give what is there instead of raising Cancelled.
            fill: changes the form before the job begins; called with ``fill_from``, may change ``fills``.
            then: what can wait until the job's result is on the page; runs after a refusal too.
            js: for the browser, once the job is done.
        """

        def begin(request: gr.Request, *values: Any) -> Updates:
            self.jobs.announce(request.session_hash or "")
            return {self.stop: gr.update(visible=True), **(fill(*values) if fill else {})}

        def run(request: gr.Request, progress=gr.Progress(), *values: Any) -> Updates:  # noqa: B008 - gradio finds it there
            with self.jobs.running(request.session_hash or "") as cancelled:
                if cancelled():  # stopped while it waited in the queue
                    raise Cancelled
                return job(*values, progress=plain_progress(progress), cancelled=cancelled)

        def grow(request: gr.Request, progress=gr.Progress(), *values: Any) -> Iterator[Updates]:  # noqa: B008
            with self.jobs.running(request.session_hash or "") as cancelled:
                if cancelled():
                    raise Cancelled
                yield from job(*values, progress=plain_progress(progress), cancelled=cancelled)

        def end(request: gr.Request) -> Updates:
            return {} if self.jobs.busy(request.session_hash or "") else {self.stop: gr.update(visible=False)}

        after = {"keeps_status": True, "mode": mode}
        begun = wire(trigger, begin, fill_from, [self.stop, *fills], self.status, lane=LIGHT_LANE, mode=mode)
        ran = wire(
            begun.then, grow if inspect.isgeneratorfunction(job) else run, inputs, outputs, self.status, busy=busy, mode=mode
        )
        if then is not None:
            ran = wire(ran.then, then, then_from, then_to, self.status, js=js, **after)
        wire(ran.then, end, [], [self.stop], self.status, lane=LIGHT_LANE, **after)

    def _on_stop(self, request: gr.Request) -> Updates:
        self.jobs.stop(request.session_hash or "")
        return {self.stop: gr.update(visible=False), self.status: status_html(str(Cancelled()))}
