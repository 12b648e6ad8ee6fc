"""A command that runs in the process of the tests, though it is meant to have one for itself."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_it_was() -> Iterator[None]:
    """Give the process back what a command changes: who handles Ctrl-C, and how denormal numbers are read."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if "torch" in sys.modules:
            sys.modules["torch"].set_flush_denormal(False)
