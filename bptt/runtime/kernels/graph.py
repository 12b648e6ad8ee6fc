"""The node of torch's graph for a recurrence by kernels: that of copies of one row, or the usual one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bptt.runtime.kernels.copies import CopiesFunction, are_copies
from bptt.runtime.kernels.function import KernelFunction, Launch
from bptt.runtime.kernels.library import Library
from bptt.runtime.protocol import Recurrence


def run_with_graph(
    library: Library, recurrence: Recurrence, lengths: Tensor | None, tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return the sequences that are asked for, then the final states, differentiable.

    The tensors and lengths are laid out as kernels read them.
    """
    launch = Launch(library, recurrence)
    initial = tensors[1 : 1 + len(recurrence.whole)]
    one_row = recurrence.observer is not None and lengths is None and recurrence.storage == "keep"
    if one_row and are_copies(tensors[0], initial):
        return CopiesFunction.apply(launch, *tensors)  # type: ignore[no-any-return,no-untyped-call]
    return KernelFunction.apply(launch, lengths, *tensors)  # type: ignore[no-any-return,no-untyped-call]
