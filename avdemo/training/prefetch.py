"""Batches prepared ahead of time in background threads, handed out in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import torch
from torch import Tensor

Batch = dict[str, Tensor]


class Prefetcher:
    """Calls ``make(step)`` for ``start <= step < stop`` ahead of :meth:`get`, at most ``2 * workers`` batches at a time.

    Threads rather than processes: packed arrays are memory-mapped once, nothing is pickled, and numpy and torch release
    the interpreter while they compute. Order never depends on timing. An exception in ``make`` is raised by :meth:`get`.
    """

    def __init__(self, make: Callable[[int], Batch], start: int, stop: int, workers: int = 1, *, pin: bool = False) -> None:
        self._make, self._next, self._stop, self._pin = make, start, stop, pin
        threads = torch.get_num_threads()
        ready = threading.Barrier(workers + 1)

        def one_core_each() -> None:
            # torch gives every thread its own pool of OpenMP helpers; without this, two cores would run four threads
            torch.get_num_threads()
            torch.set_num_threads(1)
            ready.wait()

        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
        for _ in range(workers):
            self._pool.submit(one_core_each)
        ready.wait()
        torch.set_num_threads(threads)  # the setting is partly global (MKL): give the caller's back
        self._queue: deque[Future[Batch]] = deque()
        for _ in range(2 * workers):
            self._submit()

    def _submit(self) -> None:
        if self._next < self._stop:
            self._queue.append(self._pool.submit(self._prepare, self._next))
            self._next += 1

    def _prepare(self, step: int) -> Batch:
        batch = self._make(step)
        return {name: tensor.pin_memory() for name, tensor in batch.items()} if self._pin else batch

    def get(self) -> Batch:
        """The next batch in order; waits for it if need be."""
        batch = self._queue.popleft().result()
        self._submit()
        return batch

    def close(self) -> None:
        """Stop preparing; waits only for batches already begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
