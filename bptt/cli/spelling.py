"""The spelling of options on the command line: texts of the library name fields, in backticks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

from bptt.errors import BpttError, printable

if TYPE_CHECKING:
    from bptt.options.option_set import OptionSet

_NAME = re.compile(r"`([a-z][a-z0-9_]*)`")
_NO = "no_"
# The flags of the command that runs, by the names of options and of their fields.
_flags: ContextVar[Mapping[str, str]] = ContextVar("flags", default=MappingProxyType({}))


def flags_of(options: OptionSet) -> dict[str, str]:
    """Return the flag of each option, by its name, its field and its aliases."""
    found: dict[str, str] = {}
    for each in options:
        if not each.about.argument:
            further = {flag.replace("-", "_"): f"--{flag}" for flag in each.flags}
            found = {**further, **found}
            found |= dict.fromkeys((each.field, each.name), f"--{each.flag}")
    return found


def spelled(text: str, options: OptionSet | None = None) -> str:
    """Replace names of options in backticks by flags: `max_length` by --max-length.

    `options` defaults to those of the running command.
    """
    flags = _flags.get() if options is None else flags_of(options)

    def flag(found: re.Match[str]) -> str:
        name = found[1]
        if name in flags:
            return flags[name]
        positive = name.removeprefix(_NO)
        return f"--no-{flags[positive].removeprefix('--')}" if positive in flags else found[0]

    return _NAME.sub(flag, text)


@contextmanager
def as_spelled(options: OptionSet) -> Iterator[None]:
    """Let texts and errors inside the `with` block spell options as flags of the command line."""
    flags = flags_of(options)
    token = _flags.set(flags)
    try:
        yield
    except BpttError as error:
        where = flags.get(error.where, spelled(error.where))
        got = None if error.got is None else spelled(str(error.got))
        raise type(error)(where, spelled(error.rule), got, spelled(error.cure)) from error
    finally:
        _flags.reset(token)


def say(line: str) -> None:
    """Print a line for the user on standard error."""
    print(printable(spelled(line)), file=sys.stderr)
