"""The recurrences of a plan that are linear, each unit by itself: a scan over time computes them in parallel.

A state is one if s_t = a_t ⊙ s_{t-1} + b_t, where a_t and b_t are made of inputs and of states that are known
at all steps. Everything else is then computed for all steps at once. The gradient that such a state carries
is such a recurrence too, in the other direction of time. Equations show it, not names of cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import ONE, ZERO, Expression, Product, Sum, Symbol, add, multiply, symbols
from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import BackwardStep
from bptt.codegen.plan import KernelPlan
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.normal_form import EquationStep, normal_form


@dataclass(frozen=True)
class Scan:
    """state = factor ⊙ state_prev + rest; `sums` are values that the rest reads, and no step computes."""

    state: str
    factor: Expression
    rest: Expression
    sums: tuple[EquationStep, ...]


@dataclass(frozen=True)
class BackwardScan:
    """δ(state_prev) = factor ⊙ next_state + Σ part ⊙ coefficient; the parts are sums over known δ.

    next_state is the δ that the next step left.
    """

    state: str
    factor: Expression
    parts: tuple[tuple[BackwardStep, Expression], ...]


@dataclass(frozen=True)
class ScanPlan:
    """The items of each direction in the order in which they are computed, each for all steps at once."""

    forward: tuple[EquationStep | Scan, ...]
    backward: tuple[BackwardStep | BackwardScan, ...]


@cached_by_cell
def scan_plan(plan: KernelPlan) -> ScanPlan | None:
    """Return the plan of a cell all of whose recurrences are scans, None for any other cell."""
    forward = _forward(plan.cell)
    backward = None if forward is None else _backward(plan)
    return None if forward is None or backward is None else ScanPlan(forward, backward)


def _forward(cell: Cell) -> tuple[EquationStep | Scan, ...] | None:
    waiting = {step.target: step for step in normal_form(cell).steps}
    known = {*cell.inputs, *cell.vectors, *cell.constants}
    order: list[EquationStep | Scan] = []
    while waiting:
        ready = [s for s in waiting.values() if s.target not in cell.states and set(s.names) <= known]
        found = ready[:1] or [scan for state in cell.states if (scan := _scan(state, waiting, known))][:1]
        if not found:
            return None
        order += found
        for item in found:
            name = item.state if isinstance(item, Scan) else item.target
            known |= {name, name + PREVIOUS} if isinstance(item, Scan) else {name}
            del waiting[name]
    return tuple(order)


def _scan(state: str, waiting: dict[str, EquationStep], known: set[str]) -> Scan | None:
    """Return a state as a scan over known values, None if it is none, or is known already."""
    sums: dict[str, EquationStep] = {}

    def split(expression: Expression) -> tuple[Expression, Expression] | None:
        """Return the factor of the state before, and the rest."""
        if set(symbols(expression)) <= known:
            return ZERO, expression
        match expression:
            case Symbol(name) if name == state + PREVIOUS:
                return ONE, ZERO
            case Symbol(name) if name in waiting:
                return split_step(waiting[name])
            case Sum(terms):
                parts = [split(term) for term in terms]
                pairs = [part for part in parts if part is not None]
                return _added(pairs) if len(pairs) == len(parts) else None
            case Product(factors):
                unknown = [f for f in factors if not set(symbols(f)) <= known]
                inner = split(unknown[0]) if len(unknown) == 1 else None
                outer = [f for f in factors if f not in unknown]
                return None if inner is None else (multiply(*outer, inner[0]), multiply(*outer, inner[1]))
        return None

    def split_step(step: EquationStep) -> tuple[Expression, Expression] | None:
        if any(product.vector not in known for product in step.products):
            return None
        found = split(step.rest)
        if found is None or not step.products:
            return found
        total = EquationStep(f"{step.target}⁰", step.width, step.products, ZERO)
        sums[total.target] = total
        return found[0], add(Symbol(total.target), found[1])

    found = split_step(waiting[state]) if state in waiting else None
    return None if found is None else Scan(state, *found, tuple(sums.values()))


def _added(pairs: Iterable[tuple[Expression, Expression]]) -> tuple[Expression, Expression]:
    first, second = zip(*pairs, strict=True)
    return add(*first), add(*second)


def _backward(plan: KernelPlan) -> tuple[BackwardStep | BackwardScan, ...] | None:
    cell = plan.cell
    waiting = {step.target: step for step in plan.backward_loop}
    steps = dict(waiting)
    known = {FROM_LOSS + name for name in (*cell.states, cell.output)}
    order: list[BackwardStep | BackwardScan] = []
    carried = list(cell.states)
    while waiting or carried:
        ready = [step for step in waiting.values() if _reads(step) <= known]
        found = ready[:1] or [scan for state in carried if (scan := _scan_back(state, steps, known))][:1]
        if not found:
            return None
        order += found
        for item in found:
            if isinstance(item, BackwardScan):
                known.add(FROM_NEXT + item.state)
                carried.remove(item.state)
            else:
                known.add(item.target)
                del waiting[item.target]
    return tuple(order)


def _reads(step: BackwardStep) -> set[str]:
    return {term.delta for term in step.terms} | {d for gather in step.gathers for d in gather.deltas}


def _scan_back(state: str, steps: dict[str, BackwardStep], known: set[str]) -> BackwardScan | None:
    """Return the gradient that a state carries as a scan over known δ, None if it is none."""

    def split(delta: str) -> tuple[Expression, Sequence[tuple[BackwardStep, Expression]]] | None:
        """Return the factor of the δ that the next step left, and the parts of the rest."""
        if delta == FROM_NEXT + state:
            return ONE, ()
        step = steps.get(delta)
        if step is None or step.row or any(d not in known for gather in step.gathers for d in gather.deltas):
            return None
        there = tuple(term for term in step.terms if term.delta in known)
        factor: Expression = ZERO
        known_part = BackwardStep(f"{delta}⁰", step.width, step.gathers, there)
        parts: list[tuple[BackwardStep, Expression]] = [(known_part, ONE)]
        for term in step.terms:
            inner = None if term in there else split(term.delta)
            if inner is None and term not in there:
                return None
            if inner is not None:
                factor = add(factor, multiply(inner[0], term.coefficient))
                parts += [(part, multiply(scale, term.coefficient)) for part, scale in inner[1]]
        return factor, [(part, scale) for part, scale in parts if part.gathers or part.terms]

    found = split(DELTA + state + PREVIOUS)
    return None if found is None else BackwardScan(state, found[0], tuple(found[1]))
