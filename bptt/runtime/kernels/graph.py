"""The node of torch's graph for a recurrence by kernels: that of copies of one row, or the usual one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bptt.runtime.kernels.copies import CopiesFunction, are_copies
from bptt.runtime.kernels.function import KernelFunction, Launch
from bptt.runtime.kernels.library import Library, Tensors
from bptt.runtime.kernels.recurrence import passes_of
from bptt.runtime.protocol import Recurrence
from bptt.runtime.saved import check_memory


def run_with_graph(
    library: Library,
    recurrence: Recurrence,
    lengths: Tensor | None,
    restarts: Tensor | None,
    tensors: Sequence[Tensor],
) -> tuple[Tensor, ...]:
    """Return the sequences that are asked for, then the final states, differentiable.

    All tensors are laid out as kernels read them.
    """
    count = 1 + len(recurrence.whole)
    initial, parameters = tensors[1:count], tensors[count:]
    given = Tensors(tensors[0], lengths, initial, parameters, recurrence.reverse, restarts)
    check_memory(library.where, given.all)
    passes = passes_of(library, given, recurrence.whole, recurrence.storage)
    launch = Launch(library, recurrence, passes, (1,) * len(parameters))
    whole = lengths is None and restarts is None
    one_row = recurrence.observer is not None and whole and recurrence.storage == "keep"
    if one_row and are_copies(tensors[0], initial):
        return CopiesFunction.apply(launch, *tensors)  # type: ignore[no-any-return,no-untyped-call]
    return KernelFunction.apply(launch, lengths, restarts, *tensors)  # type: ignore[no-any-return,no-untyped-call]
