"""Spans of time, named where the work is done, and added up while a recorder is active."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from typing import Any, TypeVar, cast

Call = TypeVar("Call", bound=Callable[..., Any])
SpanPath = tuple[str, ...]

_NOTHING = nullcontext()
_active: ContextVar[SpanRecorder | None] = ContextVar("spans", default=None)


class SpanRecorder:
    """Adds up the seconds of spans by their path, such as ("update", "forward", "encoder").

    `wait` is called at each border: on a device that works on its own, it waits until the device is done.
    """

    def __init__(self, wait: Callable[[], None] = lambda: None) -> None:
        self.seconds: dict[SpanPath, float] = {}
        self._wait = wait
        self._open: list[tuple[str, float]] = []

    @property
    def path(self) -> SpanPath:
        """The names of the spans that are open, the outermost first."""
        return tuple(name for name, _ in self._open)

    def begin(self, name: str) -> None:
        """Open a span inside the one that is open."""
        self._wait()
        self._open.append((name, perf_counter()))

    def end(self, depth: int) -> None:
        """Close spans until `depth` of them are open."""
        self._wait()
        now = perf_counter()
        while len(self._open) > depth:
            path = self.path
            _, since = self._open.pop()
            self.seconds[path] = self.seconds.get(path, 0.0) + now - since

    def switch(self, name: str, depth: int) -> None:
        """Close spans until `depth` are open, and open another: what follows belongs to `name`."""
        self.end(depth)
        self.begin(name)

    def restart(self) -> None:
        """Forget what was added up; spans that are open count from now on."""
        self.seconds.clear()
        self._wait()
        now = perf_counter()
        self._open = [(name, now) for name, _ in self._open]


def span(name: str) -> AbstractContextManager[None]:
    """Return a context whose time counts under `name` while a recorder is active."""
    recorder = _active.get()
    return _NOTHING if recorder is None else _measured(recorder, name)


def spanned(name: str) -> Callable[[Call], Call]:
    """Return a decorator: the time of each call counts under `name`."""

    def decorate(call: Call) -> Call:
        @wraps(call)
        def measured(*args: Any, **named: Any) -> Any:
            if _active.get() is None:
                return call(*args, **named)
            with span(name):
                return call(*args, **named)

        return cast("Call", measured)

    return decorate


@contextmanager
def recording(recorder: SpanRecorder) -> Iterator[None]:
    """Let spans of this thread count in `recorder` inside the `with` block."""
    token = _active.set(recorder)
    try:
        yield
    finally:
        _active.reset(token)


@contextmanager
def _measured(recorder: SpanRecorder, name: str) -> Iterator[None]:
    depth = len(recorder.path)
    recorder.begin(name)
    try:
        yield
    finally:
        recorder.end(depth)
