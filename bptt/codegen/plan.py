"""The plan of a kernel: what runs before, inside and after the time loop, forward and backward.

The derivation says what must hold at one time step; the plan says in which order a machine does it for a
whole sequence. Maps of the input do not depend on the loop (`bases`): they can run for all steps at once.
Maps of one source whose rows lie next to each other in their family are one product (`StackedMap`, `Gather`).
Backward equations are linear in the δ: their coefficients are made of forward values, so these too can be
computed for all steps at once, and a δ with a single reader's chain is written straight in terms of the
δ at the chain's start. Equations that no earlier time step waits for are left until after the loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import symbols
from bptt.codegen.backward_plan import lay_out_backward, lay_out_gradients
from bptt.codegen.forward_plan import lay_out_forward
from bptt.codegen.layout import BackwardStep, Base, StackedGradient, StackedMap
from bptt.derive.adjoint import VectorGradient, adjoint
from bptt.derive.jacobian import jacobian
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.derive.storage import Storage, storage


@dataclass(frozen=True)
class KernelPlan:
    """Everything a backend needs, in plain data; two equal cells have equal plans."""

    cell: Cell
    bases: tuple[Base, ...]
    loop: tuple[StackedMap | EquationStep, ...]
    storage: Storage
    backward_loop: tuple[BackwardStep, ...]
    backward_after: tuple[BackwardStep, ...]
    matrix_gradients: tuple[StackedGradient, ...]
    vector_gradients: tuple[VectorGradient, ...]
    tangent: tuple[EquationStep, ...]

    def __hash__(self) -> int:
        return hash(self.cell)

    @property
    def read_after_loop(self) -> tuple[str, ...]:
        """The δ of the loop that what follows it reads."""
        after = [t.delta for s in self.backward_after for t in s.terms]
        after += [d for s in self.backward_after for g in s.gathers for d in g.deltas]
        after += [d for g in self.matrix_gradients for deltas, _ in g.terms for d in deltas]
        after += [n for g in self.vector_gradients for n in symbols(g.expression)]
        inside = {s.target for s in self.backward_loop}
        return tuple(n for n in dict.fromkeys(after) if n in inside)


@cached_by_cell
def plan(cell: Cell) -> KernelPlan:
    """Lay out a cell's forward and backward equations for a machine."""
    form = normal_form(cell)
    bases, loop = lay_out_forward(form)
    inside, after = lay_out_backward(form)
    return KernelPlan(
        cell=cell,
        bases=bases,
        loop=loop,
        storage=storage(cell),
        backward_loop=inside,
        backward_after=after,
        matrix_gradients=lay_out_gradients(cell),
        vector_gradients=adjoint(cell).vectors,
        tangent=jacobian(cell).steps,
    )
