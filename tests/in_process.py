"""A command that runs in the process of the tests, though it is meant to have one for itself."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_it_was() -> Iterator[None]:
    """Give the process back what a command changes: who handles Ctrl-C, how warnings are printed, and how
    denormal numbers are read.
    """
    before, printed = signal.getsignal(signal.SIGINT), warnings.formatwarning
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        warnings.formatwarning = printed
        if "torch" in sys.modules:
            sys.modules["torch"].set_flush_denormal(False)
