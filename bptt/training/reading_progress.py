"""The reading of large files as it is seen before a training: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

from bptt.data.long_reading import ReadingView, viewed_by
from bptt.training.progress import BarReporter, LineReporter, stages
from bptt.training.report import Reporter

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def reading_shown(reporter: Reporter, doing: str, cure: str = "") -> Iterator[None]:
    """Show what is read meanwhile, named by what is `doing`. A large file that is read into memory is named
    with the `cure`; without one nothing is said.
    """

    def note_whole(name: str, size: int) -> None:
        if cure:
            reporter.on_message(f"read whole into memory: {name} ({size >> 20:,} MB); {cure}")

    with ExitStack() as stack:
        show = _bar(stack) if isinstance(reporter, BarReporter) else _lines(reporter)
        with viewed_by(ReadingView(doing, show, note_whole)):
            yield


def _bar(stack: ExitStack) -> Callable[[str, int, int], None]:
    opened: list[Callable[[str, int, int], None]] = []

    def show(what: str, done: int, total: int) -> None:
        if not opened:
            opened.append(stack.enter_context(stages()))
        opened[0](what, done, total)

    return show


def _lines(reporter: Reporter) -> Callable[[str, int, int], None]:
    said = [monotonic()]

    def show(what: str, done: int, total: int) -> None:
        if isinstance(reporter, LineReporter) and monotonic() - said[0] >= _SECONDS_BETWEEN_LINES:
            said[0] = monotonic()
            reporter.on_message(f"{what}: {done / total:.0%}")

    return show
