"""The times of a series: evenly spaced, their step found, gaps filled, and what comes next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import gcd, inf, isfinite
from typing import Literal

from bptt.data.readers.numbers import is_number
from bptt.data.readers.times import read_times
from bptt.errors import InputError

TimeUnit = Literal["month", "second", "business day", "number", "row"]

_DAY = 86_400
_COMPACT = re.compile(r"(1[5-9]\d\d|2[0-4]\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
# Times in seconds are sums of days and clock times: rounded at most in the last digits.
_TOLERANCE = 1e-6
# A series of which more steps are missing than there are is uneven rather than full of gaps.
_MOST_GAPS = 1.0
_SEASONS: dict[tuple[str, float], int] = {
    ("month", 1): 12, ("month", 2): 6, ("month", 3): 4, ("month", 6): 2, ("business day", 1): 5,
    ("second", _DAY): 7, ("second", 7 * _DAY): 52, ("second", 3600): 24, ("second", 1800): 48,
    ("second", 900): 96, ("second", 600): 144, ("second", 300): 288, ("second", 60): 60, ("second", 1): 60,
}  # fmt: skip
_NAMES: dict[tuple[str, float], str] = {
    ("month", 12): "year", ("month", 3): "quarter", ("second", _DAY): "day", ("second", 7 * _DAY): "week",
    ("second", 3600): "hour", ("second", 60): "minute", ("row", 1): "row",
}  # fmt: skip
_CURE = "Resample the series to even steps, or leave the times out"


@dataclass(frozen=True)
class TimeAxis:
    """Evenly spaced times: each is `size` of the `unit` after the one before. `first` is the first time, in
    months, days, seconds or as a number; `style` shows how one is written.
    """

    unit: TimeUnit
    size: float
    first: float = 0.0
    style: str = ""

    @property
    def season(self) -> int | None:
        """The number of steps in a usual season of such times; None for times that say nothing."""
        return None if self.unit in ("number", "row") else _SEASONS.get((self.unit, self.size), 1)

    @property
    def step(self) -> str:
        """The step in words."""
        name = _NAMES.get((self.unit, self.size))
        if self.unit == "number":
            return f"{self.size:g}"
        return f"1 {name or self.unit}" if name or self.size == 1 else f"{self.size:g} {self.unit}s"

    def label(self, step: int) -> str:
        """Return the time of a step, counted from 0, written as the times of the file.

        Raises InputError for a time that no date of Python is, after the year 9999.
        """
        try:
            return self._label(step)
        except (ValueError, OverflowError) as error:
            rule = "times must be before the year 10000 and after the year 0"
            raise InputError("horizon", rule, f"step {step + 1:,} of the series", "Forecast less") from error

    def _label(self, step: int) -> str:
        if self.unit == "row":
            return str(step + 1)
        if self.unit == "number":
            return f"{self.first + step * self.size:.12g}"
        if self.unit == "month":
            return self._month(int(self.first + step * self.size))
        if self.unit == "business day":
            day = date.fromordinal(int(self.first))
            weeks, rest = divmod(day.weekday() + step, 5)
            return self._date(day - timedelta(day.weekday()) + timedelta(7 * weeks + rest))
        time = round(self.first + step * self.size)
        has_clock = re.search(r"\d:\d", self.style)
        if has_clock and not re.search(r"\d[-/.]\d", self.style):
            return self._clock(time)
        days, seconds = divmod(time, _DAY)
        text = self._date(date.fromordinal(int(days)))
        if not has_clock:
            return text
        return f"{text}{'T' if 'T' in self.style else ' '}{self._clock(seconds)}"

    def _clock(self, seconds: int) -> str:
        clock = f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
        return clock + f":{seconds % 60:02d}" * (self.style.count(":") > 1)

    def _month(self, number: int) -> str:
        year, month = divmod(number, 12)
        parts = re.split(r"[-/.]", self.style.split("T")[0].split(" ")[0])
        if len(parts) < 3 and not _COMPACT.fullmatch(self.style):
            return f"{year}{self._mark}{month + 1:02d}"
        day = _COMPACT.fullmatch(self.style)[3] if _COMPACT.fullmatch(self.style) else parts[2]  # type: ignore[index]
        last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(1)).day
        # The last day of a month stays the last.
        return self._date(date(year, month + 1, last if int(day) > 28 else int(day)))

    def _date(self, day: date) -> str:
        if _COMPACT.fullmatch(self.style):
            return day.strftime("%Y%m%d")
        return day.strftime(f"%Y{self._mark}%m{self._mark}%d")

    @property
    def _mark(self) -> str:
        found = re.search(r"[-/.]", self.style)
        return found[0] if found else "-"


@dataclass(frozen=True)
class Placed:
    """Times on an axis: `order` holds the rows by time, `steps` the step of each, from 0 on, with gaps."""

    axis: TimeAxis
    order: tuple[int, ...]
    steps: tuple[int, ...]


def place_times(cells: Sequence[str], places: Sequence[str]) -> Placed:
    """Find the step of the times of one series.

    Raises InputError with the place of a time that is missing, of another kind than the first, there twice,
    or not a whole number of steps after the one before.
    """
    compact = all(_COMPACT.fullmatch(cell.strip()) for cell in cells)
    written = [_hyphened(cell.strip()) for cell in cells] if compact else [cell.strip() for cell in cells]
    times = read_times(written, places)
    order = sorted(range(len(times)), key=times.__getitem__)
    for before, row in pairwise(order):
        if times[before] == times[row]:
            first, second = sorted((before, row))
            came = f"{cells[row].strip()} again, as at {places[first]}"
            cure = "Remove one of the rows, or name the column of the names of series (`id_column`)"
            raise InputError(places[second], "a series has one row for each time", came, cure)
    ordered = [times[row] for row in order]
    if len(times) < 2:
        raise InputError(places[0], "a series has two times or more", f"only {cells[0].strip()}")
    style = cells[order[0]].strip()
    unit, size, numbers = _spaced(written, ordered)
    if not 0 < size < inf:
        raise InputError(places[order[1]], "times must be evenly spaced", f"a step of {size:g}", _CURE)
    steps = [0]
    for (earlier, later), row in zip(pairwise(numbers), order[1:], strict=True):
        count = (later - earlier) / size
        if (
            not isfinite(count)
            or abs(count - round(count)) > _TOLERANCE * max(1.0, abs(count))
            or round(count) < 1
        ):
            axis = TimeAxis(unit, size)
            came = f"{cells[row].strip()} after {cells[order[order.index(row) - 1]].strip()}"
            raise InputError(places[row], f"times must be evenly spaced, here by {axis.step}", came, _CURE)
        steps.append(steps[-1] + round(count))
    if steps[-1] + 1 - len(steps) > _MOST_GAPS * len(steps):
        came = f"{len(steps):,} of {steps[-1] + 1:,} times at steps of {TimeAxis(unit, size).step}"
        raise InputError(places[0], "times must be evenly spaced", came, _CURE)
    return Placed(TimeAxis(unit, size, numbers[0], style), tuple(order), tuple(steps))


def _hyphened(cell: str) -> str:
    return f"{cell[:4]}-{cell[4:6]}-{cell[6:]}"


def _spaced(cells: Sequence[str], times: Sequence[float]) -> tuple[TimeUnit, float, list[float]]:
    """Return the unit of rising times, the size of a step, and the times in that unit."""
    if is_number(cells[0]) or not re.search(r"\d[-/.]\d", cells[0]):
        return "number" if is_number(cells[0]) else "second", _usual(times), list(times)
    days = [date.fromordinal(int(time // _DAY)) for time in times]
    clocks = {round(time % _DAY, 3) for time in times}
    ends = all((day + timedelta(1)).day == 1 for day in days)
    if len(clocks) == 1 and (ends or len({day.day for day in days}) == 1):
        months = [day.year * 12 + day.month - 1 for day in days]
        steps = [after - before for before, after in pairwise(months)]
        return "month", float(gcd(*steps)), list(map(float, months))
    usual = _usual(times)
    weekend = any(earlier.weekday() > later.weekday() for earlier, later in pairwise(days))
    if len(clocks) == 1 and usual == _DAY and weekend and all(day.weekday() < 5 for day in days):
        # Weeks of five days: weekends are no gaps.
        numbers = [float(day.toordinal() - 2 * ((day.toordinal() - 1) // 7)) for day in days]
        first = numbers[0] - days[0].toordinal()
        return "business day", 1.0, [number - first for number in numbers]
    return "second", usual, list(times)


def _usual(times: Sequence[float]) -> float:
    """Return the most frequent distance of rising times, of several the least."""
    counts = Counter(round(after - before, 6) for before, after in pairwise(times))
    most = max(counts.values())
    return min(distance for distance, count in counts.items() if count == most)
