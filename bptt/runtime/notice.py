"""Notices to the user of the process, on standard error."""

from __future__ import annotations

import sys

from bptt.errors import printable

_noticed: set[str] = set()


def say(text: str, end: str = "\n") -> None:
    """Write `text`, made printable, and flush; do nothing in a process without standard error."""
    if sys.stderr is not None:
        # Names come from untrusted files, and a terminal executes escape sequences.
        lines = [printable(line) for line in text.split("\n")]
        sys.stderr.write("\n".join(lines) + end)
        sys.stderr.flush()


def say_once(topic: str, text: str) -> None:
    """Write `text` unless this process has already written a notice on the topic."""
    if topic not in _noticed:
        _noticed.add(topic)
        say(text)
