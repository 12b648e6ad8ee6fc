"""A word to whoever runs the process, on standard error."""

from __future__ import annotations

import sys

from bptt.errors import printable

_told: set[str] = set()


def say(text: str, end: str = "\n") -> None:
    """Write `text`, made printable, at once; a process without a standard error stays silent."""
    if sys.stderr is not None:
        # Names come from strangers' files, and a terminal obeys what is written to it.
        lines = [printable(line) for line in text.split("\n")]
        sys.stderr.write("\n".join(lines) + end)
        sys.stderr.flush()


def say_once(topic: str, text: str) -> None:
    """Write the first text on a topic, no other in this process."""
    if topic not in _told:
        _told.add(topic)
        say(text)
