"""The layout of a kernel: its passes, and a slot of memory for everything that has a name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bptt.cells.expression import ZERO
from bptt.cells.language import PREVIOUS
from bptt.codegen.passes import Pass, make_passes
from bptt.codegen.plan import KernelPlan
from bptt.codegen.plan_statements import (
    backward_statements,
    forward_statements,
    gathered,
    input_after,
    input_delta,
    stored_deltas,
)
from bptt.codegen.statements import GRADIENT, SCALAR, Column, RowSum, StackedProduct
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.normal_form import normal_form


@dataclass(frozen=True)
class Kernel:
    """Passes forward and backward; names in the order of their slots; names that cross from pass to pass."""

    plan: KernelPlan
    forward: tuple[Pass, ...]
    backward: tuple[Pass, ...]
    deltas: tuple[str, ...]
    input_products: tuple[StackedProduct, ...]
    forward_scratch: tuple[str, ...]
    backward_scratch: tuple[str, ...]
    widths: dict[str, str]

    @property
    def input_passes(self) -> tuple[Pass, ...]:
        """The gradient of the input as a pass of its own for a chunk of steps, if it can wait for its end."""
        if not self.input_products:
            return ()
        first, width = self.input_products[0], self.widths[self.plan.cell.inputs[0]]
        return (Pass(width, (Column(first.target, width, ZERO, self.input_products, first.equation),)),)

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of sizes, SCALAR first."""
        found = [SCALAR]
        for family in self.plan.cell.families:
            found += [family.rows, *([family.columns] if family.columns else [])]
        cell = self.plan.cell
        found += [cell.width(n) for n in (*cell.inputs, *cell.states, cell.output)]
        return tuple(dict.fromkeys(found))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output, if it is none of the states."""
        cell = self.plan.cell
        return () if cell.output in cell.states else (cell.output,)


@cache
def kernel(plan: KernelPlan) -> Kernel:
    """Lay out a plan."""
    deltas = stored_deltas(plan)
    forward = make_passes(forward_statements(plan))
    carried = [
        (reader, DELTA + state + PREVIOUS) for state in plan.cell.states for reader in _readers(plan, state)
    ]
    backward = make_passes(backward_statements(plan, deltas), carried)
    inputs = [s for s in plan.backward_after if s.target == input_delta(plan) and input_after(plan)]
    products = [p for s in inputs for p in gathered(plan, s.gathers, s.target, s.target, deltas)]
    widths = _widths(plan, (*forward, *backward))
    public = {*plan.cell.states, plan.cell.output}
    placed = {*deltas, *(DELTA + s + PREVIOUS for s in plan.cell.states)}
    return Kernel(
        plan,
        forward,
        backward,
        deltas,
        tuple(products),
        _crossing(forward, public),
        _crossing(backward, placed),
        widths,
    )


def _readers(plan: KernelPlan, state: str) -> list[str]:
    """Return the backward steps that read the gradient which the next time step left for a state."""
    steps = (*plan.backward_loop, *plan.backward_after)
    return [s.target for s in steps if any(t.delta == FROM_NEXT + state for t in s.terms)]


def _widths(plan: KernelPlan, passes: tuple[Pass, ...]) -> dict[str, str]:
    """Return the letter of the width of every name that a pass computes or reads."""
    form, cell = normal_form(plan.cell), plan.cell
    widths = {n: form.width(n) for n in (*cell.vectors, *(s.target for s in form.steps))}
    for name in (*cell.states, *cell.inputs, cell.output):
        widths[name] = cell.width(name)
        widths |= {prefix + name: cell.width(name) for prefix in (FROM_LOSS, FROM_NEXT)}
        widths[name + PREVIOUS] = cell.width(name)
    widths[input_delta(plan)] = cell.width(cell.inputs[0])
    for p in passes:
        for one in p.statements:
            widths[one.target] = SCALAR if isinstance(one, RowSum) else one.width
    return widths


def _crossing(passes: tuple[Pass, ...], placed: set[str]) -> tuple[str, ...]:
    """Return the names that one pass computes and a later one reads, and that have no other slot."""
    found: list[str] = []
    for k, p in enumerate(passes):
        later = {n for q in passes[k + 1 :] for n in q.reads}
        later |= {
            n for q in passes[k + 1 :] for c in q.columns for product in c.products for n in product.source
        }
        found += [t for t in p.targets if t not in placed and not t.startswith(GRADIENT) and t in later]
    return tuple(dict.fromkeys(found))
