"""Values of options, checked with the name of the option in the error."""

from __future__ import annotations

import os
from enum import Enum
from math import inf, isfinite
from pathlib import Path
from typing import Any

from bptt.errors import InputError

# The least number that is allowed where an option has no bound: that of 64 bits.
SMALLEST = -(2**63)
# In bytes: the limit of the file systems in use. A text instead of its file's name is mostly longer.
_LONGEST_NAME = 255
# A longer text of a value, such as that of a table or a cell, would hide the rule.
_LONGEST = 100


def check_least(name: str, value: int, least: int) -> None:
    """Raise InputError unless the option `name` is a whole number of at least `least`, below 2**63."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(name, f"is a whole number{_from(least, SMALLEST)}", shown(value))
    if value >= 2**63:
        raise InputError(name, "is a whole number below 2**63", shown(value))
    if value < least:
        raise InputError(name, f"is a whole number{_from(least, SMALLEST)}", shown(value))


def check_most(name: str, value: int, most: int) -> None:
    """Raise InputError if the option `name` is above `most`, where a larger number can only be a mistake."""
    if value > most:
        raise InputError(name, f"is at most {most:,}", value)


def check_finite(name: str, value: float, least: float) -> None:
    """Raise InputError unless the option `name` is a finite number of at least `least`."""
    if not is_number(value) or not _is_finite(value) or value < least:
        raise InputError(name, f"is a finite number{_from(least, -inf)}", shown(value))


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InputError unless the option `name` is one of `choices`."""
    if not isinstance(value, str | int | Enum) or value not in choices:
        raise InputError(name, f"is one of {', '.join(choices)}", shown(value))


def check_share(name: str, value: float) -> None:
    """Raise InputError unless the option `name` is a share, such as one to drop, that leaves something."""
    if not is_number(value) or not 0 <= value < 1:
        raise InputError(name, "is at least 0 and below 1", shown(value))


def is_number(value: object) -> bool:
    """Return whether a value is a number: True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_path(name: str, value: Any, cure: str = "Give its name, a str or a Path") -> Path:
    """Return the name of a file or a folder as a path. Raises InputError naming the argument: no name, an
    empty one, or one that no file can have.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    # An empty name would be the folder that the process is in.
    if isinstance(value, str) and not value:
        cure = "Give '.' for the current folder"
    if not isinstance(value, str) or not value or not _can_be_named(value):
        raise InputError(name, "is the name of a file or a folder", shown(value), cure)
    return Path(value)


def _can_be_named(name: str) -> bool:
    try:
        parts = os.fsencode(name).split(b"/")
    except UnicodeEncodeError:
        return False
    return b"\0" not in b"".join(parts) and max(map(len, parts)) <= _LONGEST_NAME


def shown(value: object) -> str:
    """Return a value as Python writes it; the name of its type if that is long or of several lines."""
    kind = type(value).__name__
    try:
        text = repr(value)
    except ValueError:
        # An int of more digits than Python writes.
        text = ""
    if text and len(text) <= _LONGEST and "\n" not in text:
        return text
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _from(least: float, none: float) -> str:
    """Return the words for a least number, none for that of an option without."""
    return "" if least <= none else f" of at least {least:g}"


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False
