"""The kernels of a cell from its equations: their text, and what a call of them needs to know."""

from __future__ import annotations

from bptt.cells.cell import Cell
from bptt.codegen.cpp.emit import source
from bptt.codegen.kernel import kernel
from bptt.codegen.kernel_source import KernelSource
from bptt.codegen.plan import plan
from bptt.derive.adjoint import DELTA
from bptt.runtime.input_sums import input_sums
from bptt.runtime.kernels.index import NO_COLUMN, CallLayout


def make_kernel(cell: Cell, kind: str) -> tuple[KernelSource, CallLayout]:
    """Derive a cell; `kind` is a value of `library.KINDS`."""
    planned = plan(cell)
    laid_out = kernel(planned)
    reached = {
        (gradient.rows.family, gradient.rows.first + k)
        for gradient in planned.matrix_gradients
        for deltas, _ in gradient.terms
        for k in range(len(deltas))
    }
    sums = input_sums(cell)
    places = {name: place for place, name in enumerate(laid_out.deltas)}
    layout = CallLayout(
        laid_out.letters,
        tuple(laid_out.widths.items()),
        laid_out.outputs,
        len(laid_out.deltas),
        sums,
        tuple(places.get(DELTA + name, NO_COLUMN) for name in sums),
        tuple(any((f.name, k) not in reached for k in range(len(f.members))) for f in cell.families),
    )
    return source(planned, kind), layout
