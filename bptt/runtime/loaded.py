"""The kernels of this process: each text is compiled or found once, and what failed is not tried again."""

from __future__ import annotations

from ctypes import CDLL
from functools import lru_cache
from threading import Lock

from bptt.codegen.kernel_source import KernelSource
from bptt.errors import MachineError
from bptt.runtime.build import load

# As many as a process meets; a program that defines cells without end keeps these alone. The code of a
# library stays mapped: functions of it may still be called.
_MOST = 256

_building = Lock()


def kernels_of(source: KernelSource) -> CDLL:
    """Return the kernels of a text. Raises MachineError if there can be none, the same one each time."""
    # One thread builds, the others wait for what it gets.
    with _building:
        found = _outcome(source)
    if isinstance(found, CDLL):
        return found
    raise found.with_traceback(None)


@lru_cache(maxsize=_MOST)
def _outcome(source: KernelSource) -> CDLL | MachineError:
    try:
        return load(source)
    except MachineError as error:
        return error
