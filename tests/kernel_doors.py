"""Which passes kernels run, so that a test can say what ran: they, or torch operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from bptt.runtime.kernels.library import Library


@contextmanager
def kernel_doors() -> Iterator[list[str]]:
    """The names of the passes that kernels run meanwhile, "forward" or "backward", in order."""
    passed: list[str] = []
    call = Library.call

    def noted(self: Library, door: str, arguments: Sequence[int]) -> None:
        if door in ("forward", "forward_layers", "backward"):
            passed.append(door.removesuffix("_layers"))
        call(self, door, arguments)

    with patch.object(Library, "call", noted):
        yield passed
