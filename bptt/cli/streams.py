"""The standard streams of the process: open, in UTF-8, and quiet when nobody reads them any more."""

from __future__ import annotations

import io
import os
import re
import sys

from bptt.errors import printable

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_streams() -> None:
    """Make the streams ready: one that was closed, as by `<&-`, is empty, or takes what nobody sees.

    Otherwise the next file that is opened would have its number, and be written over. Text is UTF-8 whatever
    the locale says: a model of Chinese prints Chinese into any pipe. What has no UTF-8, as a file name in
    another encoding, is written as an escape.
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
    """Let standard output lead nowhere: its reader has enough, and Python writes into it again at its end."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, sys.stdout.fileno())
    os.close(handle)


def shown(text: str) -> str:
    """Text as it is; on a terminal the characters that it would obey are escaped, but for newline and tab."""
    if not sys.stdout.isatty():
        return text
    return "".join(part if part in "\n\t" else printable(part) for part in re.split(r"([\n\t])", text))
