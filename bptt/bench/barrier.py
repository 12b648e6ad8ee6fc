"""The regime of a machine: how long two threads take to wait for each other, which decides over few rows."""

from __future__ import annotations

import ctypes
from statistics import median

from bptt.codegen.kernel_source import KernelSource
from bptt.runtime.build import load

# Barriers of a run take some 0.1 ms in all; the system may stop a thread in one run, hardly in most of them.
_ROUNDS, _RUNS = 1000, 15
# Seconds. A host places two virtual cores where they share a cache, some 50 ns, or apart, 130 ns and more.
_NEAR = 1e-7


class Barrier:
    """Two threads that meet at a counter. Raises BuildError if it does not compile."""

    def __init__(self) -> None:
        self._run = load(KernelSource("barrier", '#include "barrier.h"\n')).barrier
        self._seconds = ctypes.c_double()
        self._arguments = (ctypes.c_int64 * 2)(_ROUNDS, ctypes.addressof(self._seconds))

    def seconds(self) -> float:
        """Return the median time of a barrier over several runs; 0 where two threads cannot run."""
        return max(0.0, median(self._once() for _ in range(_RUNS)))

    def _once(self) -> float:
        self._run(self._arguments)
        return self._seconds.value


def regime(seconds: float) -> str:
    """Return where the two cores are, by the time of a barrier: "near" or "apart"."""
    return "near" if seconds < _NEAR else "apart"
