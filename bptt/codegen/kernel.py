"""The layout of a kernel: its passes, and a place in memory for everything that has a name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bptt.cells.language import PREVIOUS
from bptt.codegen.items import (
    GRADIENT,
    backward_items,
    forward_items,
    gathered,
    input_after,
    input_delta,
    stored_deltas,
)
from bptt.codegen.passes import SCALAR, Pass, Product, RowSum, make_passes
from bptt.codegen.plan import KernelPlan
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.normal_form import normal_form


@dataclass(frozen=True)
class Kernel:
    """Passes forward and backward; names in the order of their places; what crosses from pass to pass."""

    plan: KernelPlan
    forward: tuple[Pass, ...]
    backward: tuple[Pass, ...]
    deltas: tuple[str, ...]
    input_products: tuple[Product, ...]
    forward_scratch: tuple[str, ...]
    backward_scratch: tuple[str, ...]
    widths: dict[str, str]

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
    forward = make_passes(forward_items(plan))
    carried = [
        (reader, DELTA + state + PREVIOUS) for state in plan.cell.states for reader in _readers(plan, state)
    ]
    backward = make_passes(backward_items(plan, deltas), carried)
    inputs = [s for s in plan.backward_after if s.target == input_delta(plan) and input_after(plan)]
    products = [p for s in inputs for p in gathered(plan, s.gathers, s.target, deltas)]
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
    """The backward steps that read the gradient which the next time step left for a state."""
    steps = (*plan.backward_loop, *plan.backward_after)
    return [s.target for s in steps if any(t.delta == FROM_NEXT + state for t in s.terms)]


def _widths(plan: KernelPlan, passes: tuple[Pass, ...]) -> dict[str, str]:
    """The letter of the width of every name that a pass computes or reads."""
    form, cell = normal_form(plan.cell), plan.cell
    widths = {n: form.width(n) for n in (*cell.vectors, *(s.target for s in form.steps))}
    for name in (*cell.states, *cell.inputs, cell.output):
        widths[name] = cell.width(name)
        widths |= {prefix + name: cell.width(name) for prefix in (FROM_LOSS, FROM_NEXT)}
        widths[name + PREVIOUS] = cell.width(name)
    for p in passes:
        for item in (*p.columns, *p.steps, *p.scalars):
            widths[item.target] = SCALAR if isinstance(item, RowSum) else item.width
    return widths


def _crossing(passes: tuple[Pass, ...], placed: set[str]) -> tuple[str, ...]:
    """What one pass computes, a later one reads or a product multiplies, and has no other place."""
    found: list[str] = []
    for k, p in enumerate(passes):
        later = {n for q in passes[k + 1 :] for n in q.reads}
        later |= {
            n for q in passes[k + 1 :] for c in q.columns for product in c.products for n in product.source
        }
        found += [t for t in p.targets if t not in placed and not t.startswith(GRADIENT) and t in later]
    return tuple(dict.fromkeys(found))
