"""A reporter whose lines may find no reader: a closed pipe, a full disk, a terminal that is gone."""

from __future__ import annotations

from collections.abc import Callable

from bptt.errors import BpttError
from bptt.training.observer import GradientRecord
from bptt.training.report import Evaluation, Progress, Reporter


class Guarded:
    """Passes everything on to `inner` until that raises OSError; then calls `on_broken`, and nothing more.

    So training can save before it stops.
    """

    def __init__(self, inner: Reporter, on_broken: Callable[[], None]) -> None:
        self._inner, self._on_broken = inner, on_broken
        self._broken = False

    def on_start(self, step: int, steps: int, unit: str) -> None:
        """Pass it on."""
        self._tell(lambda: self._inner.on_start(step, steps, unit))

    def on_step(self, progress: Progress) -> None:
        """Pass it on."""
        self._tell(lambda: self._inner.on_step(progress))

    def on_evaluate(self, evaluation: Evaluation) -> None:
        """Pass it on."""
        self._tell(lambda: self._inner.on_evaluate(evaluation))

    def on_gradient(self, step: int, seen: GradientRecord) -> None:
        """Pass it on."""
        self._tell(lambda: self._inner.on_gradient(step, seen))

    def on_message(self, text: str) -> None:
        """Pass it on."""
        self._tell(lambda: self._inner.on_message(text))

    def on_end(self) -> None:
        """Pass it on."""
        self._tell(self._inner.on_end)

    def _tell(self, call: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            call()
        except BpttError:
            raise
        except OSError:
            self._broken = True
            self._on_broken()
