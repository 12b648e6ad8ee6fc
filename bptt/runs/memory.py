"""Errors of too little memory, with the option to make smaller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bptt.errors import MachineError

# How torch words it on the CPU, in a RuntimeError: no such block, or more bytes than there are numbers.
_CPU = ("can't allocate memory", "Storage size calculation overflowed")


@contextmanager
def within_memory(what: str, cure: str) -> Iterator[None]:
    """Raise MachineError with the `cure` if `what` is done inside takes more memory than there is."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MachineError(what, "must fit into memory", "too little of it", cure) from error


def is_out_of_memory(error: Exception) -> bool:
    """Return whether Python or torch had too little memory."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or (isinstance(error, RuntimeError) and any(words in str(error) for words in _CPU))
