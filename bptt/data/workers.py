"""Threads that work ahead of time on what will be asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Thread, current_thread
from typing import Generic, TypeVar
from weakref import finalize

Item = TypeVar("Item")
Found = TypeVar("Found")
# The result that is waited for, and what it is made of; None ends a thread.
Order = tuple[Future[list[Found]], Sequence[Item]] | None

# Seconds to wait for a thread that works on a row when all are to end.
_PATIENCE = 1.0


class Workers(Generic[Item, Found]):
    """`count` threads that call `work` with each of the items that they are given.

    Threads rather than processes: `work` decodes by libraries that release the interpreter, nothing is
    copied between processes, an error keeps its type, and a fork of a process whose kernels have started
    threads is unsafe. They end, between two items, when this object is dropped or Python exits.
    """

    def __init__(self, work: Callable[[Item], Found], count: int) -> None:
        self._orders: SimpleQueue[Order[Found, Item]] = SimpleQueue()
        stopped = Event()
        # Daemons, so that Ctrl-C waits for no queue. They must not refer to this object: it could never be
        # dropped.
        threads = [
            Thread(target=_serve, args=(work, self._orders, stopped), name=f"bptt-worker-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in threads:
            thread.start()
        self._end = finalize(self, _stop, self._orders, stopped, threads)

    def start(self, items: Sequence[Item]) -> Future[list[Found]]:
        """Ask for what `work` returns, or raises, for each of these items in turn."""
        future: Future[list[Found]] = Future()
        self._orders.put((future, items))
        return future

    def close(self) -> None:
        """End the threads."""
        self._end()


def _serve(work: Callable[[Item], Found], orders: SimpleQueue[Order[Found, Item]], stopped: Event) -> None:
    while _serve_one(work, orders, stopped):
        pass


def _serve_one(
    work: Callable[[Item], Found], orders: SimpleQueue[Order[Found, Item]], stopped: Event
) -> bool:
    # A function of its own, so that a thread that waits holds no results.
    order = orders.get()
    if order is None or stopped.is_set():
        return False
    future, items = order
    if not future.set_running_or_notify_cancel():
        return True
    found: list[Found] = []
    try:
        for item in items:
            if stopped.is_set():
                return False
            found.append(work(item))
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(found)
    return True


def _stop(orders: SimpleQueue[Order[Found, Item]], stopped: Event, threads: Sequence[Thread]) -> None:
    stopped.set()
    for _ in threads:
        orders.put(None)
    for thread in threads:
        # The garbage collector may run this in one of them.
        if thread is not current_thread():
            thread.join(_PATIENCE)
