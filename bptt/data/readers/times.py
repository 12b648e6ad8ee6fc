"""Times of the steps of a series: numbers, clock times or dates, all of one kind, in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bptt.data.readers.numbers import finite, is_missing
from bptt.errors import InputError

_DAY = 86_400.0
_CLOCK = r"(\d{1,4}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?(?:\s?([AaPp])\.?[Mm]\.?)?"
_ZONE = r"(Z|[+-]\d{2}:?\d{2})"
_CLOCKS = re.compile(_CLOCK)
# Year first, so that day and month cannot be mistaken.
_DATES = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})(?:[-/.](\d{{1,2}})(?:(?:T|\s+){_CLOCK}\s?{_ZONE}?)?)?")

_RULE = "times are all numbers, all clock times (10:30) or all dates (2026-01-31, 2026-01-31T10:30)"


def read_times(cells: Sequence[str], places: Sequence[str]) -> list[float]:
    """Return the key that times are sorted by: numbers as they are, clock times and dates in seconds.

    Raises InputError naming the place of one that is missing, or of another kind than the first.
    """
    for cell, place in zip(cells, places, strict=True):
        if is_missing(cell):
            raise InputError(place, "must have a time", "none", "Add it, or remove the row")
    kinds = [read for read in (finite, _clock, _date, _date_in_zone) if read(cells[0].strip()) is not None]
    read = kinds[0] if kinds else finite
    found = []
    for cell, place in zip(cells, places, strict=True):
        value = read(cell.strip())
        if value is None:
            raise InputError(place, _RULE, repr(cell), "Write all of them in one of these ways")
        found.append(value)
    return found


def _clock(cell: str) -> float | None:
    match = _CLOCKS.fullmatch(cell)
    return _seconds(*match.groups()) if match else None


def _date(cell: str) -> float | None:
    match = _DATES.fullmatch(cell)
    return _moment(match) if match and not match[8] else None


def _date_in_zone(cell: str) -> float | None:
    match = _DATES.fullmatch(cell)
    if not match or not match[8]:
        return None
    moment, zone = _moment(match), match[8].replace(":", "")
    if moment is None or zone == "Z":
        return moment
    offset = int(zone[1:3]) * 3600 + int(zone[3:]) * 60
    return moment - offset if zone[0] == "+" else moment + offset


def _moment(match: re.Match[str]) -> float | None:
    """Return the seconds of a date, and of its clock time if it has one; None if there is no such day."""
    year, month, day, *clock, _ = match.groups()
    seconds = _seconds(*clock) if clock[0] else 0.0
    try:
        days = date(int(year), int(month), int(day or 1)).toordinal()
    except ValueError:
        return None
    return None if seconds is None else days * _DAY + seconds


def _seconds(hours: str, minutes: str, seconds: str | None, half: str | None) -> float | None:
    """Return the seconds of a clock time; None if there is none such."""
    hour, minute, second = int(hours), int(minutes), float((seconds or "0").replace(",", "."))
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    return None if minute > 59 or second >= 61 else hour * 3600 + minute * 60 + second
