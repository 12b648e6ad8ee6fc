"""The standard streams of the process: open, in UTF-8, and without errors after their reader has gone."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from bptt.errors import printable

# Green, magenta, blue, yellow, cyan and red, by their numbers of ECMA-48.
_COLOURS = 32, 35, 34, 33, 36, 31
_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_streams() -> None:
    """Prepare the streams: open a closed one (`<&-`) on the null device, and use UTF-8 in any locale.

    Otherwise the next file opened would get the number of the closed stream, and be overwritten. With UTF-8,
    a model of Chinese prints Chinese into any pipe. Text that is no valid Unicode, such as a file name in
    another encoding, is escaped.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            _open_nothing(number)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="strict" if mode == "r" else "backslashreplace")


def _open_nothing(number: int) -> None:
    handle = os.open(os.devnull, os.O_RDWR)
    if handle != number:
        os.dup2(handle, number)
        os.close(handle)


def close_output() -> None:
    """Point standard output to the null device: its reader has gone, but Python flushes it at exit."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, sys.stdout.fileno())
    os.close(handle)


def shows_colours() -> bool:
    """Return whether standard output is a terminal whose user wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(parts: Sequence[tuple[str, int | None]]) -> str:
    """Return parts of a text on one line, each bold in the colour of its number, or plain for None."""
    return "".join(
        printable(text)
        if number is None
        else f"\x1b[1;{_COLOURS[number % len(_COLOURS)]}m{printable(text)}\x1b[0m"
        for text, number in parts
    )


def end_within(text: str, columns: int) -> str:
    """Return the end of a text that fits in columns of a terminal; wide characters take two."""
    start = len(text)
    while start and columns >= (width := _width(text[start - 1])):
        start, columns = start - 1, columns - width
    return text[start:]


def _width(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def shown(text: str) -> str:
    """Return the text; for a terminal, escape control characters other than newline and tab."""
    if not sys.stdout.isatty():
        return text
    return "".join(part if part in "\n\t" else printable(part) for part in re.split(r"([\n\t])", text))
