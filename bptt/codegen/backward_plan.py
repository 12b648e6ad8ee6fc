"""Laying out the backward equations: what the time loop carries, and what is left until after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, Expression, Product, RowCall, Sum, Symbol, multiply, symbols
from bptt.codegen.layout import BackwardStep, DeltaTerm, Gather, Rows, StackedGradient, member
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import MatrixProduct, NormalForm
from bptt.errors import InternalError


def lay_out_backward(form: NormalForm) -> tuple[tuple[BackwardStep, ...], tuple[BackwardStep, ...]]:
    """Divide the backward equations into those inside the time loop and those after it."""
    cell = form.cell
    deltas = {s.target for s in adjoint(cell).steps}
    deltas |= {prefix + s for s in (*cell.states, cell.output) for prefix in (FROM_LOSS, FROM_NEXT)}
    steps: dict[str, BackwardStep] = {}
    for step in adjoint(cell).steps:
        row = isinstance(step.rest, RowCall)
        rest = step.rest.argument if isinstance(step.rest, RowCall) else step.rest
        terms = tuple(_expand(t, steps) for t in _terms(rest, deltas))
        steps[step.target] = BackwardStep(step.target, step.width, _gathers(cell, step.products), terms, row)
    wanted = _ancestors(steps, [DELTA + name for name in (*form.previous, *cell.states)])
    used = _ancestors(steps, [*_gradient_deltas(cell), *(DELTA + i for i in cell.inputs)]) | wanted
    inside = tuple(_folded(s, used) for s in steps.values() if s.target in wanted)
    after = tuple(_folded(s, used) for s in steps.values() if s.target in used - wanted)
    return inside, after


def _folded(step: BackwardStep, used: set[str]) -> BackwardStep:
    """Return the step whose terms name the δ that no step computes: those up to the next one in `used`."""
    terms = []
    for term in step.terms:
        passed = reversed(term.through)
        nearest = tuple(takewhile(lambda delta: delta not in used, passed))[::-1]
        terms.append(replace(term, through=nearest))
    return replace(step, terms=tuple(terms))


def _gradient_deltas(cell: Cell) -> tuple[str, ...]:
    """Return the δ that the parameters' gradients read."""
    derived = adjoint(cell)
    from_matrices = [delta for g in derived.matrices for delta, _ in g.terms]
    from_vectors = [n for g in derived.vectors for n in symbols(g.expression) if n.startswith(DELTA)]
    return tuple(dict.fromkeys([*from_matrices, *from_vectors]))


def _terms(rest: Expression, deltas: set[str]) -> list[DeltaTerm]:
    """Write a sum that is linear in the δ as (δ, coefficient) pairs."""
    terms = []
    for part in rest.terms if isinstance(rest, Sum) else (rest,) if rest != ZERO else ():
        factors = part.factors if isinstance(part, Product) else (part,)
        found = [f for f in factors if isinstance(f, Symbol) and f.name in deltas]
        if len(found) != 1:
            raise InternalError("codegen.backward_plan", "backward equations are linear in δ", str(part))
        terms.append(DeltaTerm(found[0].name, multiply(*(f for f in factors if f is not found[0]))))
    return terms


def _expand(term: DeltaTerm, steps: Mapping[str, BackwardStep]) -> DeltaTerm:
    """Follow a δ that is one other δ, as wide, times a coefficient back to where that one starts."""
    source = steps.get(term.delta)
    if source is None or source.row or source.gathers or len(source.terms) != 1:
        return term
    start = source.terms[0]
    if start.delta not in steps or steps[start.delta].width != source.width:
        return term
    coefficient = multiply(start.coefficient, term.coefficient)
    return DeltaTerm(start.delta, coefficient, (*start.through, term.delta, *term.through))


def _gathers(cell: Cell, products: Sequence[MatrixProduct]) -> tuple[Gather, ...]:
    """Join transposed products whose rows follow each other in one family."""
    merged: list[Gather] = []
    for p in sorted(products, key=lambda p: member(cell, p.matrix)):
        family, first = member(cell, p.matrix)
        last = merged[-1] if merged else None
        if last and last.rows.family == family and last.rows.first + last.rows.count == first:
            rows = Rows(family, last.rows.first, last.rows.count + 1)
            merged[-1] = Gather(rows, (*last.deltas, p.vector))
        else:
            merged.append(Gather(Rows(family, first, 1), (p.vector,)))
    return tuple(merged)


def _ancestors(steps: Mapping[str, BackwardStep], names: Sequence[str]) -> set[str]:
    """Return the steps that the named ones need, themselves included."""
    found: set[str] = set()
    waiting = [n for n in names if n in steps]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            reads = [t.delta for t in steps[name].terms] + [d for g in steps[name].gathers for d in g.deltas]
            waiting += [n for n in reads if n in steps]
    return found


def lay_out_gradients(cell: Cell) -> tuple[StackedGradient, ...]:
    """Join members of a family that follow each other and have the same source into one product."""
    merged: list[StackedGradient] = []
    for gradient in sorted(adjoint(cell).matrices, key=lambda g: member(cell, g.matrix)):
        family, first = member(cell, gradient.matrix)
        terms = tuple(((delta,), source) for delta, source in gradient.terms)
        last = merged[-1] if merged else None
        joins = last and last.rows.family == family and len(last.terms) == len(terms) == 1
        if last and joins and last.terms[0][1] == terms[0][1]:
            rows = Rows(family, last.rows.first, last.rows.count + 1)
            merged[-1] = StackedGradient(rows, ((last.terms[0][0] + terms[0][0], terms[0][1]),))
        else:
            merged.append(StackedGradient(Rows(family, first, 1), terms))
    return tuple(merged)
