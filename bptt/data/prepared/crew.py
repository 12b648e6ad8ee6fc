"""Processes that share work, whose results come in the order in which it was given."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from bptt.errors import MachineError

Work = TypeVar("Work")
Found = TypeVar("Found")


class Crew:
    """`workers` processes; a single one is this process itself."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def map(self, do: Callable[[Work], Found], works: Iterable[Work]) -> Iterator[Found]:
        """Yield what `do` returns for each of the `works`, a few of which are asked for ahead.

        Raises what `do` raises, of the earliest; MachineError if a process was killed. Work that was begun
        is finished when the iterator is closed.
        """
        if self.workers == 1:
            yield from map(do, works)
            return
        if self._pool is None:
            # Not forked: a process whose libraries have started threads cannot be forked safely.
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, _begin)
        waiting: deque[Future[Found]] = deque()
        try:
            for work in works:
                waiting.append(self._pool.submit(do, work))
                if len(waiting) > self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            cure = "Give less memory to others, or take fewer `workers`; what is done is kept"
            raise MachineError("a worker process", "must not be killed", "it was", cure) from error
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the processes, each after the work that it has begun."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """Yield `workers` processes that end with the block."""
    found = Crew(workers)
    try:
        yield found
    finally:
        found.close()


def _begin() -> None:
    """Leave Ctrl-C to the process that gives out work, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
