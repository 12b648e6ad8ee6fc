"""The layout of a kernel: its passes, and a slot of memory for everything that has a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
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
from bptt.codegen.statements import GRADIENT, SCALAR, Column, RowSum, StackedProduct, Statement
from bptt.codegen.verify_statements import (
    check_passes,
    check_products,
    check_statements,
    given_backward,
    given_forward,
)
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.normal_form import normal_form


@dataclass(frozen=True)
class Kernel:
    """The passes of a time step, of one backward, and after a chunk of steps: the gradient of the input.

    `deltas`, and what crosses from pass to pass (`..._scratch`), are in the order of their slots.
    """

    plan: KernelPlan
    forward: tuple[Pass, ...]
    backward: tuple[Pass, ...]
    input_passes: tuple[Pass, ...]
    deltas: tuple[str, ...]
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


@cached_by_cell
def kernel(plan: KernelPlan) -> Kernel:
    """Lay out a plan. Raises InternalError if a stage breaks a rule between the stages."""
    cell, deltas = plan.cell, stored_deltas(plan)
    forward, backward = forward_statements(plan), backward_statements(plan, deltas)
    inputs = [s for s in plan.backward_after if s.target == input_delta(plan) and input_after(plan)]
    products = tuple(p for s in inputs for p in gathered(plan, s.gathers, s.target, s.target, deltas))
    widths = _widths(plan, (*forward, *backward))
    after = _input_passes(plan, products, widths)
    given, known = given_forward(cell), given_backward(plan)
    check_statements(cell, "forward statements", forward, given, widths)
    check_statements(cell, "backward statements", backward, known, widths)
    check_products(plan, forward, (*backward, *(column for one in after for column in one.columns)))
    carried = [
        (reader, DELTA + state + PREVIOUS) for state in cell.states for reader in _readers(plan, state)
    ]
    passes, passes_back = make_passes(forward), make_passes(backward, carried)
    check_passes(cell, "forward passes", forward, passes, given)
    check_passes(cell, "backward passes", backward, passes_back, known)
    public = {*cell.states, cell.output}
    placed = {*deltas, *(DELTA + s + PREVIOUS for s in cell.states)}
    return Kernel(
        plan,
        passes,
        passes_back,
        after,
        deltas,
        _crossing(passes, public),
        _crossing(passes_back, placed),
        widths,
    )


def _input_passes(
    plan: KernelPlan, products: tuple[StackedProduct, ...], widths: Mapping[str, str]
) -> tuple[Pass, ...]:
    """Make a pass of the products that wait for the end of a chunk of steps, if there are any."""
    if not products:
        return ()
    first, width = products[0], widths[plan.cell.inputs[0]]
    return (Pass(width, (Column(first.target, width, ZERO, products, first.equation),)),)


def _readers(plan: KernelPlan, state: str) -> list[str]:
    """Return the backward steps that read the gradient which the next time step left for a state."""
    steps = (*plan.backward_loop, *plan.backward_after)
    return [s.target for s in steps if any(t.delta == FROM_NEXT + state for t in s.terms)]


def _widths(plan: KernelPlan, statements: Sequence[Statement]) -> dict[str, str]:
    """Return the letter of the width of every name that a statement computes or reads."""
    form, cell = normal_form(plan.cell), plan.cell
    widths = {n: form.width(n) for n in (*cell.vectors, *(s.target for s in form.steps))}
    for name in (*cell.states, *cell.inputs, cell.output):
        widths[name] = cell.width(name)
        widths |= {prefix + name: cell.width(name) for prefix in (FROM_LOSS, FROM_NEXT)}
        widths[name + PREVIOUS] = cell.width(name)
    widths[input_delta(plan)] = cell.width(cell.inputs[0])
    for one in statements:
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
