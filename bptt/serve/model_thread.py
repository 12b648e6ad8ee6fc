"""The thread that owns the models: requests wait in a queue, and those of one kind are answered together."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
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


class Sharing(ABC):
    """Answers requests step by step; all that go on share every step. A request has a number of `rows`."""

    @property
    @abstractmethod
    def room(self) -> int:
        """The number of rows that can be taken now."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """The number of rows that share the steps."""

    @abstractmethod
    def join(self, item: Any, future: Future[Any]) -> None:
        """Take a request, whose result `future` gets; once that is cancelled, the request is given up.

        Raises InputError if it cannot be answered.
        """

    @abstractmethod
    def step(self) -> bool:
        """Do a step for all requests; return whether there is anything left to do."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """End all requests with an error."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A request that waits; those with equal `answerer` and `asked` are answered together."""

    answerer: Answerer | Sharing
    asked: Hashable
    item: Any
    future: Future[Any]

    def fail(self, error: Exception) -> None:
        """Let the request fail, unless it has just been given up."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class Worker:
    """A thread that runs `load` and then answers requests; at most `most` of them wait.

    Everything that waits is taken at once, as far as there is room. Between the steps of requests that are
    answered step by step, all others are answered. A request whose future was cancelled is skipped. `watch`
    is called before requests that were answered together get their results, and after every step.
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
        # Answers that go on step by step.
        self._going: list[Sharing] = []
        self.loaded: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="bptt-models", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return len(self._waiting)

    def submit(
        self, answerer: Answerer | Sharing, asked: Hashable, item: Any, *, accepted: bool = False
    ) -> Future[Any]:
        """Return the future result of a request, or of a further part of one that was `accepted` before.

        Raises HttpProblem 429 for a request if the queue is full.
        """
        future: Future[Any] = Future()
        with self._arrived:
            if len(self._waiting) >= self._most and not accepted:
                # Requests that were given up make room.
                self._waiting = deque(each for each in self._waiting if not each.future.cancelled())
            if len(self._waiting) >= self._most and not accepted:
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
        while not self._has_ended():
            groups: dict[tuple[int, Hashable], tuple[Answerer, list[_Waiting]]] = {}
            for each in self._take():
                if isinstance(each.answerer, Sharing):
                    self._join(each, each.answerer)
                elif each.future.set_running_or_notify_cancel():
                    key = id(each.answerer), each.asked
                    groups.setdefault(key, (each.answerer, []))[1].append(each)
            for answerer, group in groups.values():
                _answer(answerer, group, self._watch)
            self._going = [each for each in self._going if _step(each, self._watch)]

    def _has_ended(self) -> bool:
        """Wait until there is something to do; return whether the thread was closed and there is nothing."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._going or self._waiting or self._closed)
            return not (self._going or self._waiting)

    def _take(self) -> list[_Waiting]:
        """Return what waits, in order, except for what there is no room for."""
        with self._arrived:
            found: list[_Waiting] = []
            left: deque[_Waiting] = deque()
            room: dict[Sharing, int] = {}
            for each in self._waiting:
                if isinstance(each.answerer, Sharing):
                    free = room.setdefault(each.answerer, each.answerer.room)
                    # A request with more rows than there can be is taken when there is room for one.
                    room[each.answerer] = free - each.item.rows if free > 0 else free
                    (found if free > 0 else left).append(each)
                else:
                    found.append(each)
            self._waiting = left
        return found

    def _join(self, waiting: _Waiting, sharing: Sharing) -> None:
        if waiting.future.cancelled():
            return
        try:
            sharing.join(waiting.item, waiting.future)
        except Exception as error:
            waiting.fail(error)
        else:
            if sharing not in self._going:
                self._going.append(sharing)


def _step(sharing: Sharing, watch: Watch) -> bool:
    begun = perf_counter()
    try:
        return sharing.step()
    except Exception as error:
        sharing.fail(error)
        return False
    finally:
        watch(sharing.rows, perf_counter() - begun)


def _answer(answerer: Answerer, group: Sequence[_Waiting], watch: Watch) -> None:
    """Answer requests of one kind together; if that fails as a whole, one by one."""
    first, begun = group[0], perf_counter()
    try:
        results = answerer.answer(first.asked, [each.item for each in group])
    except Exception as error:
        if len(group) > 1:
            for each in group:
                _answer(answerer, [each], watch)
            return
        results = [error]
    watch(len(group), perf_counter() - begun)
    for each, result in zip(group, results, strict=True):
        if isinstance(result, Exception):
            each.future.set_exception(result)
        else:
            each.future.set_result(result)
