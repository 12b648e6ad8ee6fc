"""The most that the processor can do, measured in the same rounds as the contenders."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor

from bptt.bench.contender import Contender
from bptt.codegen.kernel_source import KernelSource
from bptt.runtime.build import load

PEAK = "multiply-adds"
_REPETITIONS = 200_000


class Peak(Contender):
    """A loop of independent multiply-adds in float32 on all threads. Raises BuildError if it does not
    compile.
    """

    name = PEAK

    def __init__(self) -> None:
        self._run = load(KernelSource("multiply-adds-float32", '#include "peak.h"\n')).peak
        self._flops = ctypes.c_double()
        address = ctypes.addressof(self._flops)
        self._arguments = (ctypes.c_int64 * 3)(torch.get_num_threads(), _REPETITIONS, address)

    def step(self) -> None:
        """Run the loop."""
        self._run(self._arguments)

    def numbers(self) -> Mapping[str, Tensor]:
        """Return no numbers: no other contender computes the same."""
        self.step()
        return {}

    @property
    def flops(self) -> float:
        """Floating-point operations of a step, known after the first."""
        return self._flops.value
