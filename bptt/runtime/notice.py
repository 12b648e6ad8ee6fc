"""A word to whoever runs the process, on standard error."""

from __future__ import annotations

import sys

_told: set[str] = set()


def say(text: str, end: str = "\n") -> None:
    """Write `text` at once; a process without a standard error stays silent."""
    if sys.stderr is not None:
        sys.stderr.write(text + end)
        sys.stderr.flush()


def say_once(topic: str, text: str) -> None:
    """Write the first text on a topic, no other in this process."""
    if topic not in _told:
        _told.add(topic)
        say(text)
