"""The kernels of this process: each source is built or found once, and a failure is not tried again."""

from __future__ import annotations

from ctypes import CDLL
from functools import lru_cache
from threading import Lock

from bptt.cells.caching import KEPT
from bptt.errors import MachineError
from bptt.runtime.build import load
from bptt.runtime.fingerprint import SourceText

_building = Lock()


def kernels_of(source: SourceText) -> CDLL:
    """Return the library of a kernel source.

    Raises MachineError if it cannot be built on this machine: the same error at each call.
    """
    # One thread builds; the others wait for its result.
    with _building:
        found = _outcome(source)
    if isinstance(found, CDLL):
        return found
    raise found.with_traceback(None)


# As many cells as other caches keep, each in three dtypes. Dropping a library from here does not unmap its
# code: a stepper may still call its functions.
@lru_cache(maxsize=3 * KEPT)
def _outcome(source: SourceText) -> CDLL | MachineError:
    try:
        return load(source)
    except MachineError as error:
        return error
