"""The kernels of this process: each text is compiled or found once, and what failed is not tried again."""

from __future__ import annotations

from ctypes import CDLL
from functools import lru_cache
from threading import Lock

from bptt.cells.caching import KEPT
from bptt.codegen.kernel_source import KernelSource
from bptt.errors import MachineError
from bptt.runtime.build import load

_building = Lock()


def kernels_of(source: KernelSource) -> CDLL:
    """Return the kernels of a text. Raises MachineError if there can be none, the same one each time."""
    # One thread builds, the others wait for what it gets.
    with _building:
        found = _outcome(source)
    if isinstance(found, CDLL):
        return found
    raise found.with_traceback(None)


# For each dtype. The code of a library that is dropped stays mapped: a stepper may still call its functions.
@lru_cache(maxsize=3 * KEPT)
def _outcome(source: KernelSource) -> CDLL | MachineError:
    try:
        return load(source)
    except MachineError as error:
        return error
