"""Progress as a plain callable with the time left, and jobs that can be stopped.

Pipelines know neither Gradio nor sessions: they get ``progress(fraction, text)`` and ``cancelled() -> bool``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PlainProgress = Callable[[float, str], None]

SHORTEST_ESTIMATE_S = 0.7  # below this much elapsed time an estimate is noise
MAX_ANNOUNCED = 1000  # sessions; a job that was taken out of the queue never begins and would be remembered for ever
UPDATE_EVERY_S = 0.1  # the page is told at most this often


def time_left(fraction: float, elapsed_s: float) -> str:
    """Say how long the rest will take, or nothing while that cannot be known.

    Args:
        fraction: the part done, 0 to 1.
        elapsed_s: seconds since the start.
    """
    if elapsed_s < SHORTEST_ESTIMATE_S or not 0.02 <= fraction < 1.0:
        return ""
    seconds = elapsed_s * (1.0 - fraction) / fraction
    if seconds < 1.0:
        return "almost done"
    if seconds < 90.0:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60.0:.0f} min left"


def plain_progress(bar: Callable[..., object], clock: Callable[[], float] = time.monotonic) -> PlainProgress:
    """Turn a ``gr.Progress`` into the callable that pipelines take.

    Args:
        bar: called as ``bar(fraction, desc=text)``.
        clock: seconds, for tests.

    Returns:
        ``progress(fraction, text)``; fractions are clipped to 0..1 and the time left is added to the text.
    """
    started = clock()
    last = [float("-inf"), ""]

    def progress(fraction: float, text: str) -> None:
        now = clock()
        if text == last[1] and now - last[0] < UPDATE_EVERY_S and fraction < 1.0:
            return
        last[0], last[1] = now, text
        fraction = min(max(float(fraction), 0.0), 1.0)
        left = time_left(fraction, now - started)
        bar(fraction, desc=f"{text}, {left}" if left else text)

    return progress


class Jobs:
    """Which session runs a job, so that its Stop button reaches it. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Event] = {}
        self._announced: dict[str, threading.Event] = {}  # asked for, not begun; the youngest MAX_ANNOUNCED

    def announce(self, session: str) -> None:
        """A job of ``session`` will begin in a moment (it may wait in the queue first); from now on it can be stopped."""
        with self._lock:
            self._announced.pop(session, None)
            self._announced[session] = threading.Event()
            while len(self._announced) > MAX_ANNOUNCED:
                self._announced.pop(next(iter(self._announced)))

    def busy(self, session: str) -> bool:
        """Whether a job of ``session`` runs or waits."""
        with self._lock:
            return session in self._running or session in self._announced

    @contextmanager
    def running(self, session: str) -> Iterator[Callable[[], bool]]:
        """Register a job of ``session``; yields the ``cancelled`` callable to hand to the pipeline.

        A newer job of the same session stops the older one: its result would no longer be looked at.
        """
        with self._lock:
            event = self._announced.pop(session, None) or threading.Event()
            older = self._running.get(session)
            self._running[session] = event
        if older is not None:
            older.set()
        try:
            yield event.is_set
        finally:
            with self._lock:
                if self._running.get(session) is event:
                    del self._running[session]

    def stop(self, session: str) -> bool:
        """Ask the session's job to stop, begun or only announced; True when there was one."""
        with self._lock:
            events = [jobs[session] for jobs in (self._running, self._announced) if session in jobs]
        for event in events:
            event.set()
        return bool(events)
