"""Progress of work on files of tokens: it is reported step by step, and may be stopped at each."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, int, int], None]


class Interruption(Exception):
    """Raised when the caller has asked to stop; what is done is kept."""


class ReportedSteps:
    """Tells the caller what is done, and asks whether to stop."""

    def __init__(self, report: Report, stopped: Callable[[], bool]) -> None:
        self._report, self._stopped = report, stopped

    def tell(self, what: str, done: int, steps: int) -> None:
        """Report a stage. Raises Interruption if the caller has asked to stop."""
        if self._stopped():
            raise Interruption
        self._report(what, done, steps)
