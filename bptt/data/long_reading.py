"""The reading of large files as a user sees it: passes over those that stay, and those read into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

# A pass that ends sooner is not shown.
_SECONDS = 1.0


class ReadingView:
    """The place where readings are shown: `show` gets the pass, named by what is `doing`, how much of it is
    done, and all of it; `note_whole` the name and the bytes of a large file that is read into memory.
    """

    def __init__(
        self, doing: str, show: Callable[[str, int, int], None], note_whole: Callable[[str, int], None]
    ) -> None:
        self._doing, self._show, self._note_whole = doing, show, note_whole
        self._passes: dict[str, int] = {}
        self._noted: set[str] = set()

    def note_whole(self, name: str, size: int) -> None:
        """Note once that a large file is read into memory."""
        if name not in self._noted:
            self._noted.add(name)
            self._note_whole(name, size)

    def follow(
        self, items: Iterable[T], name: str, total: int, size: Callable[[T], int] | None
    ) -> Iterator[T]:
        """Yield the items, and show from time to time how many of `total` have been."""
        done, number, since = 0, 0, monotonic()
        for item in items:
            yield item
            done += 1 if size is None else size(item)
            if monotonic() - since >= _SECONDS:
                if not number:
                    number = self._passes[name] = self._passes.get(name, 0) + 1
                self._show(f"{self._doing} {name}, pass {number}", done, total)
                since = monotonic()


_active: ContextVar[ReadingView | None] = ContextVar("reading", default=None)


@contextmanager
def viewed_by(view: ReadingView) -> Iterator[None]:
    """Show in `view` what is read meanwhile."""
    token = _active.set(view)
    try:
        yield
    finally:
        _active.reset(token)


def followed(
    items: Iterable[T], name: str, total: int, size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """Return what passes over a file yields, shown where somebody looks; `total` counts items, or, with
    `size`, is the sum of their sizes.
    """
    view = _active.get()
    return iter(items) if view is None else view.follow(items, name, total, size)


def note_whole(name: str, size: int) -> None:
    """Note that a large file, of this many bytes, is read into memory, if somebody looks."""
    view = _active.get()
    if view is not None:
        view.note_whole(name, size)
