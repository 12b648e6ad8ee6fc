"""Inputs of a target, met one after the other, and what came of them."""

from __future__ import annotations

import signal
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from bptt.errors import InputError, MachineError, TrainingError, printable
from soak.target import Target

# Seconds far above what any input takes: of the processor, and of the clock, which other work delays.
LONGEST, LONGEST_WAIT = 30.0, 600.0
ALLOWED = (InputError, MachineError, TrainingError)


@dataclass
class Tally:
    """What came of the inputs of a target; `failures` are texts by the place in the code. `slowest` is the
    longest time that an input took, in seconds, and its number.
    """

    target: str
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, 0)

    @property
    def inputs(self) -> int:
        """The number of inputs that were met."""
        return self.accepted + self.refused + self.failed


class Hang(BaseException):
    """An input took too long. No Exception: no handler in the code may catch it."""


def soak(target: Target, numbers: Iterable[int], folder: Path) -> Tally:
    """Meet the inputs of these numbers; KeyboardInterrupt ends it early, with what was counted."""
    tally = Tally(target.name)
    started = time.perf_counter()
    try:
        for number in numbers:
            before = time.process_time()
            _meet(target, number, folder, tally)
            tally.slowest = max(tally.slowest, (time.process_time() - before, number))
    except KeyboardInterrupt:
        tally.failures["stopped"] = f"{target.name} {tally.inputs}: stopped by the user"
    tally.seconds = time.perf_counter() - started
    return tally


def _meet(target: Target, number: int, folder: Path, tally: Tally) -> None:
    made = target.input(number)
    try:
        with warnings.catch_warnings(), _limited():
            # A warning would be printed amid what the user asked for.
            warnings.simplefilter("error")
            target.meet(made, folder)
        tally.accepted += 1
    except ALLOWED as error:
        # A user reads one line.
        if printable(str(error)) != str(error):
            _fail(target, number, tally, error)
        else:
            tally.refused += 1
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _fail(target, number, tally, error)


def _fail(target: Target, number: int, tally: Tally, error: BaseException) -> None:
    tally.failed += 1
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/bptt/" in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    text = f"{target.name} {number}: {type(error).__name__} at {place}: {error!s:.300}"
    tally.failures.setdefault(f"{type(error).__name__} {place}", text)


@contextmanager
def _limited() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Hang("took too long")

    limits = (signal.ITIMER_PROF, signal.SIGPROF, LONGEST), (signal.ITIMER_REAL, signal.SIGALRM, LONGEST_WAIT)
    before = [(number, signal.signal(number, stop)) for _, number, _ in limits]
    for timer, _, seconds in limits:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer, _, _ in limits:
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)
