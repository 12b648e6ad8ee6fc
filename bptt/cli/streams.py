"""The standard streams of the process: open, in UTF-8, and without errors after their reader has gone."""

from __future__ import annotations

import io
import os
import re
import sys

from bptt.errors import printable

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


def shown(text: str) -> str:
    """Return the text; for a terminal, escape control characters other than newline and tab."""
    if not sys.stdout.isatty():
        return text
    return "".join(part if part in "\n\t" else printable(part) for part in re.split(r"([\n\t])", text))
