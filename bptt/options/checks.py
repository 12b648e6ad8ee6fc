"""Values of options, checked with the name of the option in the error."""

from __future__ import annotations

from math import isfinite

from bptt.errors import InputError


def check_least(name: str, value: int, least: int) -> None:
    """Raise InputError unless the option `name` is a whole number of at least `least`, below 2**63."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(name, f"is a whole number of at least {least}", repr(value))
    if value >= 2**63:
        raise InputError(name, "is a whole number below 2**63", value)


def check_most(name: str, value: int, most: int) -> None:
    """Raise InputError if the option `name` is above `most`, where a larger number can only be a mistake."""
    if value > most:
        raise InputError(name, f"is at most {most:,}", value)


def check_finite(name: str, value: float, least: float) -> None:
    """Raise InputError unless the option `name` is a finite number of at least `least`."""
    if not is_number(value) or not isfinite(value) or value < least:
        raise InputError(name, f"is a finite number of at least {least:g}", value)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InputError unless the option `name` is one of `choices`."""
    if value not in choices:
        raise InputError(name, f"is one of {', '.join(choices)}", repr(value))


def check_share(name: str, value: float) -> None:
    """Raise InputError unless the option `name` is a share, such as one to drop, that leaves something."""
    if not is_number(value) or not 0 <= value < 1:
        raise InputError(name, "is at least 0 and below 1", value)


def is_number(value: object) -> bool:
    """Return whether a value is a number: True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
