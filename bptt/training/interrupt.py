"""Signals, and output without a reader: they stop training when the current step is complete."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

# The last is sent to the programs of a terminal that is closed; Windows has none.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_SIGPIPE = 13

_Handler = Callable[[int, FrameType | None], Any] | int | None


class Interrupted(KeyboardInterrupt):
    """Raised by work that a signal has ended early, after everything was saved."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"interrupted by signal {signal}, everything saved")
        self.signal = signal


class Interrupt:
    """While entered, the first SIGINT, SIGTERM or SIGHUP is only noted; a second one acts as ever.

    With `several` processes it is ignored: Ctrl-C comes from the terminal and once more from `torchrun`,
    which kills those that have not ended after its own time. Outside of the main thread, where Python
    delivers no signals, nothing is changed; nor is a signal that the process ignores.
    """

    def __init__(self, several: bool = False) -> None:
        self.signal: int | None = None
        self._several = several
        self._previous: dict[int, _Handler] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def on_broken_output(self) -> None:
        """Note that lines can be written no more, as SIGPIPE says it of a pipe."""
        self.signal = self.signal or _SIGPIPE

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        if not self._several:
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._previous.clear()
