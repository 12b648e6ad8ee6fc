"""The thread that owns the models: requests wait in a queue, and those of one kind are answered together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import torch

from bptt.serve.http_problem import HttpProblem

# Called with the number of requests that were answered together, and the seconds that took.
Watch = Callable[[int, float], None]


class Answerer(Protocol):
    """Answers requests of one kind."""

    def answer(self, asked: Hashable, items: Sequence[Any]) -> Sequence[Any]:
        """Return the result of each item, or the exception that it fails with."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A request that waits; those with equal `answerer` and `asked` are answered together."""

    answerer: Answerer
    asked: Hashable
    item: Any
    future: Future[Any]


class Worker:
    """A thread that runs `load` and then answers requests; at most `most` of them wait.

    Everything that waits is taken at once. A request whose future was cancelled is skipped. `watch` is called
    before requests that were answered together get their results.
    """

    def __init__(
        self,
        most: int,
        load: Callable[[], None],
        watch: Watch = lambda count, time: None,
    ) -> None:
        self._most, self._load, self._watch = most, load, watch
        self._waiting: deque[_Waiting] = deque()
        self._arrived = threading.Condition()
        self._closed = False
        self.loaded: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="bptt-models", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return len(self._waiting)

    def submit(self, answerer: Answerer, asked: Hashable, item: Any) -> Future[Any]:
        """Return the future result of a request. Raises HttpProblem 429 if the queue is full."""
        future: Future[Any] = Future()
        with self._arrived:
            if len(self._waiting) >= self._most:
                # Requests that were given up make room.
                self._waiting = deque(each for each in self._waiting if not each.future.cancelled())
            if len(self._waiting) >= self._most:
                raise HttpProblem.busy(self._most)
            self._waiting.append(_Waiting(answerer, asked, item, future))
            self._arrived.notify()
        return future

    def close(self) -> None:
        """End the thread after the requests that wait."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        # Each thread has a mode of its own; that of the main thread is set by the command line.
        torch.set_flush_denormal(True)
        try:
            self._load()
        except BaseException as error:
            self.loaded.set_exception(error)
            return
        self.loaded.set_result(None)
        while batch := self._take():
            groups: dict[tuple[int, Hashable], list[_Waiting]] = {}
            for each in batch:
                if each.future.set_running_or_notify_cancel():
                    groups.setdefault((id(each.answerer), each.asked), []).append(each)
            for group in groups.values():
                _answer(group, self._watch)

    def _take(self) -> list[_Waiting]:
        """Return everything that waits, once there is something; nothing at the end."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._closed)
            found = list(self._waiting)
            self._waiting.clear()
        return found


def _answer(group: Sequence[_Waiting], watch: Watch) -> None:
    """Answer requests of one kind together; if that fails as a whole, one by one."""
    first, begun = group[0], perf_counter()
    try:
        results = first.answerer.answer(first.asked, [each.item for each in group])
    except Exception as error:
        if len(group) > 1:
            for each in group:
                _answer([each], watch)
            return
        results = [error]
    watch(len(group), perf_counter() - begun)
    for each, result in zip(group, results, strict=True):
        if isinstance(result, Exception):
            each.future.set_exception(result)
        else:
            each.future.set_result(result)
