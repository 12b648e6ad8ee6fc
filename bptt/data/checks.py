"""Values of options, checked with the name of the option in the error."""

from __future__ import annotations

from bptt.errors import InputError


def check_least(name: str, value: int, least: int) -> None:
    """Raise InputError unless the option `name` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(name, f"is a whole number of at least {least}", repr(value))


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InputError unless the option `name` is one of `choices`."""
    if value not in choices:
        raise InputError(name, f"is one of {', '.join(choices)}", repr(value))
