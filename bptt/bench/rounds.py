"""Time measured in rounds, in which all contenders take their turns; rounds that others disturbed are out."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bptt.bench.contender import Contender
from bptt.bench.request import Budget

# In seconds. A turn lasts at least this long; shorter steps are repeated.
_TURN = 0.02
# Threads may spin after a turn: at most _PAUSES pauses of _PAUSE seconds let them fall asleep. A process
# sleeps if it uses less than the share _ASLEEP of a processor.
_PAUSE, _PAUSES, _ASLEEP = 0.002, 50, 0.1
# A round begins when no other process has worked for this number of seconds, or after this number of looks.
_LOOK, _LOOKS = 0.02, 10
# Counts of the kernel advance in ticks of 10 ms: what others may have used of a round without harm.
_TICKS, _SHARE = 0.02, 0.02
# At least _FEWEST rounds must count; to reach them, _TRIES times the rounds and _PATIENCE times the time of
# the budget are allowed.
_FEWEST, _TRIES, _PATIENCE = 3, 3, 8
_STAT = Path("/proc/stat")
# user, nice, system, irq, softirq and steal: all but idle and waiting for disks.
_BUSY = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True)
class Rounds:
    """Seconds per step, by contender, one number for each round that counts.

    `rejected` rounds were disturbed. Where hardly any was not, they all count, and the result is `noisy`.
    """

    seconds: Mapping[str, tuple[float, ...]]
    rejected: int
    noisy: bool


@dataclass(frozen=True)
class _Round:
    seconds: tuple[float, ...]
    disturbed: bool


def measure(contenders: Sequence[Contender], budget: Budget) -> Rounds:
    """Let all contenders take turns until the budget is used up. Each must have run once before."""
    found: list[_Round] = []
    enabled, start = gc.isenabled(), time.perf_counter()
    gc.disable()
    try:
        while _goes_on(found, budget, time.perf_counter() - start):
            found.append(_round(contenders, backwards=len(found) % 2 == 1))
    finally:
        if enabled:
            gc.enable()
    clean = [r for r in found if not r.disturbed]
    noisy = len(clean) < min(_FEWEST, budget.rounds)
    columns = zip(*(r.seconds for r in (found if noisy else clean)), strict=True)
    by_name = dict(zip((c.name for c in contenders), columns, strict=True))
    return Rounds(by_name, len(found) - len(clean), noisy)


def _goes_on(found: list[_Round], budget: Budget, elapsed: float) -> bool:
    """Return whether another round is wanted. Where others disturb, `_PATIENCE` times as much is allowed."""
    clean = sum(not r.disturbed for r in found)
    if not found:
        return True
    if clean >= budget.rounds or len(found) >= _TRIES * budget.rounds:
        return False
    return elapsed < budget.seconds or (clean < _FEWEST and elapsed < _PATIENCE * budget.seconds)


def _round(contenders: Sequence[Contender], backwards: bool) -> _Round:
    """Give each contender one turn, every other time in opposite order."""
    _wait_for_others()
    start, busy, own = time.perf_counter(), _busy_seconds(), time.process_time()
    order = list(enumerate(contenders))
    turns = {index: _turn(contender) for index, contender in (reversed(order) if backwards else order)}
    wall, used = time.perf_counter() - start, time.process_time() - own
    others = _busy_seconds() - busy - used
    limit = _TICKS + _SHARE * wall * (os.cpu_count() or 1)
    return _Round(tuple(turns[index] for index, _ in order), others > limit)


def _turn(contender: Contender) -> float:
    """Return the mean time of a step, over as many as a turn has room for; the first warms up what is
    short.
    """
    _settle()
    total, count = _time(contender), 1
    if total < _TURN:
        total = count = 0
    while total < _TURN:
        total, count = total + _time(contender), count + 1
    return total / count


def _time(contender: Contender) -> float:
    contender.before_step()
    start = time.perf_counter()
    contender.step()
    return time.perf_counter() - start


def _settle() -> None:
    """Wait until the threads of the one before sleep: they would spin in the place of this one's."""
    for _ in range(_PAUSES):
        own, start = time.process_time(), time.perf_counter()
        time.sleep(_PAUSE)
        if time.process_time() - own < _ASLEEP * (time.perf_counter() - start):
            return


def _wait_for_others() -> None:
    """Wait for the end of a burst of others' work."""
    for _ in range(_LOOKS):
        busy = _busy_seconds()
        time.sleep(_LOOK)
        if _busy_seconds() - busy < _LOOK:
            return


def _busy_seconds() -> float:
    """Return the seconds that all processors have worked since they started; 0 if the system does not report
    them.
    """
    with suppress(OSError, ValueError, IndexError):
        fields = _STAT.read_text(encoding="ascii").split(maxsplit=9)
        return sum(int(fields[k]) for k in _BUSY) / os.sysconf("SC_CLK_TCK")
    return 0.0
