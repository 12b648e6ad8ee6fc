"""The plan of a kernel: what runs before, inside and after the time loop, forward and backward.

The derivation says what must hold at one time step; the plan says in which order a machine does it for a
whole sequence. Maps of the input do not depend on the loop and run for all steps at once (`bases`). Maps
of one source whose rows lie next to each other in their family are one product (`Map`, `Gather`).
Backward equations are linear in the δ: their coefficients are made of forward values, so they are
computed for all steps at once, and a δ with a single reader's chain is written straight in terms of the
δ at the chain's start. What no earlier time step waits for is left until after the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    ZERO,
    Expression,
    Product,
    RowCall,
    Sum,
    Symbol,
    add,
    multiply,
    symbols,
)
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, VectorGradient, adjoint
from bptt.derive.jacobian import jacobian
from bptt.derive.normal_form import MatrixProduct, NormalForm, Step, normal_form
from bptt.derive.storage import Storage, storage
from bptt.errors import InternalError


@dataclass(frozen=True, slots=True)
class Rows:
    """Members `first … first+count-1` of a stacked family of matrices."""

    family: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Base:
    """`target` = Σ rows @ input + parameters: the part of a step that does not wait for the loop."""

    target: str
    width: str
    products: tuple[MatrixProduct, ...]
    rest: Expression


@dataclass(frozen=True, slots=True)
class Map:
    """targets[k] = bases[k] + rows[k] @ source, one matrix product for all k; "" is no base."""

    source: str
    rows: Rows
    targets: tuple[str, ...]
    bases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """Σ_k rows[k].T @ deltas[k], one matrix product for all k."""

    rows: Rows
    deltas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """delta ⊙ coefficient, the coefficient made of forward values, parameters and numbers."""

    delta: str
    coefficient: Expression


@dataclass(frozen=True, slots=True)
class BackwardStep:
    """`target` = Σ gathers + Σ terms; with `row`, the sum over the row of Σ terms."""

    target: str
    width: str
    gathers: tuple[Gather, ...]
    terms: tuple[Term, ...]
    row: bool = False


@dataclass(frozen=True, slots=True)
class MatrixGradient:
    """∇rows = Σ over `terms` (deltas, source) of deltas[k] sourceᵀ, summed over T and B, for row block k."""

    rows: Rows
    terms: tuple[tuple[tuple[str, ...], str], ...]


@dataclass(frozen=True)
class KernelPlan:
    """Everything a backend needs, in plain data; two equal cells have equal plans."""

    cell: Cell
    bases: tuple[Base, ...]
    loop: tuple[Map | Step, ...]
    storage: Storage
    backward_loop: tuple[BackwardStep, ...]
    backward_after: tuple[BackwardStep, ...]
    matrix_gradients: tuple[MatrixGradient, ...]
    vector_gradients: tuple[VectorGradient, ...]
    tangent: tuple[Step, ...]

    @property
    def read_after_loop(self) -> tuple[str, ...]:
        """The δ of the loop that what follows it reads."""
        after = [t.delta for s in self.backward_after for t in s.terms]
        after += [d for s in self.backward_after for g in s.gathers for d in g.deltas]
        after += [d for g in self.matrix_gradients for deltas, _ in g.terms for d in deltas]
        after += [n for g in self.vector_gradients for n in symbols(g.expression)]
        inside = {s.target for s in self.backward_loop}
        return tuple(n for n in dict.fromkeys(after) if n in inside)


@cache
def plan(cell: Cell) -> KernelPlan:
    """Lay out a cell's forward and backward equations for a machine."""
    form = normal_form(cell)
    bases, loop = _forward(form)
    inside, after = _backward(form)
    return KernelPlan(
        cell=cell,
        bases=bases,
        loop=loop,
        storage=storage(cell),
        backward_loop=inside,
        backward_after=after,
        matrix_gradients=_matrix_gradients(cell),
        vector_gradients=adjoint(cell).vectors,
        tangent=jacobian(cell).steps,
    )


def _member(cell: Cell, parameter: str) -> tuple[str, int]:
    """The family of a parameter and its place in it."""
    for family in cell.families:
        if parameter in family.members:
            return family.name, family.members.index(parameter)
    raise InternalError("codegen.plan", "every parameter has a family", parameter)


# ---- forward


def _forward(form: NormalForm) -> tuple[tuple[Base, ...], tuple[Map | Step, ...]]:
    cell = form.cell
    bases: list[Base] = []
    maps: list[Map] = []
    steps: list[Step] = []
    for step in form.steps:
        base, step_maps, rest = _split(cell, step)
        bases += [base] if base else []
        maps += step_maps
        if rest is not None:
            steps.append(Step(step.target, step.width, (), rest))
    return tuple(bases), _schedule(form, _merge_maps(maps), steps)


def _split(cell: Cell, step: Step) -> tuple[Base | None, list[Map], Expression | None]:
    """The base of a step, its maps inside the loop, and what is left to do element by element.

    Nothing is left where the base and one map make up the whole step.
    """
    outer = tuple(p for p in step.products if p.vector in cell.inputs)
    inner = tuple(p for p in step.products if p not in outer)
    terms = step.rest.terms if isinstance(step.rest, Sum) else (step.rest,)
    fixed = [
        t
        for t in terms
        if step.products and t != ZERO and set(symbols(t)) <= {*cell.vectors, *cell.constants}
    ]
    moving = add(*(t for t in terms if t not in fixed))
    base = Base(f"{step.target}⁰", step.width, outer, add(*fixed)) if outer or fixed else None
    if not step.products:
        return None, [], step.rest
    start = base.target if base else ""
    whole = len(inner) == 1 and moving == ZERO
    targets = [step.target if whole else f"{step.target}{'¹' * k}" for k in range(1, len(inner) + 1)]
    maps = [
        Map(p.vector, Rows(*_member(cell, p.matrix), 1), (target,), (start if k == 0 else "",))
        for k, (p, target) in enumerate(zip(inner, targets, strict=True))
    ]
    if whole:
        return base, maps, None
    parts = [Symbol(t) for t in targets] if inner else [Symbol(start)] if start else []
    return base, maps, add(*parts, moving)


def _merge_maps(maps: Sequence[Map]) -> list[Map]:
    """Join maps of the same source whose rows follow each other."""
    merged: list[Map] = []
    for m in sorted(maps, key=lambda m: (m.rows.family, m.rows.first)):
        last = merged[-1] if merged else None
        joins = (
            last is not None
            and (last.source, last.rows.family) == (m.source, m.rows.family)
            and last.rows.first + last.rows.count == m.rows.first
            and ("" in last.bases) == ("" in m.bases)
        )
        if last is not None and joins:
            rows = Rows(last.rows.family, last.rows.first, last.rows.count + m.rows.count)
            merged[-1] = Map(m.source, rows, last.targets + m.targets, last.bases + m.bases)
        else:
            merged.append(m)
    return merged


def _schedule(form: NormalForm, maps: list[Map], steps: list[Step]) -> tuple[Map | Step, ...]:
    """An order in which everything is read after it is written; maps as early as they can be."""
    made = {t for m in maps for t in m.targets} | {s.target for s in steps}
    done: set[str] = set()
    order: list[Map | Step] = []
    waiting: list[Map | Step] = [*maps, *steps]
    while waiting:
        ready = next((w for w in waiting if not (_reads(w) & made) - done), None)
        if ready is None:
            raise InternalError("codegen.plan", "a cell's steps can be ordered", form.cell.name)
        waiting.remove(ready)
        order.append(ready)
        done |= set(ready.targets) if isinstance(ready, Map) else {ready.target}
    return tuple(order)


def _reads(item: Map | Step) -> set[str]:
    return {item.source} if isinstance(item, Map) else set(item.names)


# ---- backward


def _backward(form: NormalForm) -> tuple[tuple[BackwardStep, ...], tuple[BackwardStep, ...]]:
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
    inside = tuple(s for s in steps.values() if s.target in wanted)
    after = tuple(s for s in steps.values() if s.target in used - wanted)
    return inside, after


def _gradient_deltas(cell: Cell) -> tuple[str, ...]:
    """The δ that the parameters' gradients read."""
    derived = adjoint(cell)
    from_matrices = [delta for g in derived.matrices for delta, _ in g.terms]
    from_vectors = [n for g in derived.vectors for n in symbols(g.expression) if n.startswith(DELTA)]
    return tuple(dict.fromkeys([*from_matrices, *from_vectors]))


def _terms(rest: Expression, deltas: set[str]) -> list[Term]:
    """Write a sum that is linear in the δ as (δ, coefficient) pairs."""
    terms = []
    for part in rest.terms if isinstance(rest, Sum) else (rest,) if rest != ZERO else ():
        factors = part.factors if isinstance(part, Product) else (part,)
        found = [f for f in factors if isinstance(f, Symbol) and f.name in deltas]
        if len(found) != 1:
            raise InternalError("codegen.plan", "backward equations are linear in δ", str(part))
        terms.append(Term(found[0].name, multiply(*(f for f in factors if f is not found[0]))))
    return terms


def _expand(term: Term, steps: Mapping[str, BackwardStep]) -> Term:
    """Follow a δ that is one other δ times a coefficient back to where that one starts."""
    source = steps.get(term.delta)
    plain = source is not None and not source.row and not source.gathers and len(source.terms) == 1
    if source is None or not plain or source.terms[0].delta.startswith((FROM_LOSS, FROM_NEXT)):
        return term
    return Term(source.terms[0].delta, multiply(source.terms[0].coefficient, term.coefficient))


def _gathers(cell: Cell, products: Sequence[MatrixProduct]) -> tuple[Gather, ...]:
    """Join transposed products whose rows follow each other in one family."""
    merged: list[Gather] = []
    for p in sorted(products, key=lambda p: _member(cell, p.matrix)):
        family, first = _member(cell, p.matrix)
        last = merged[-1] if merged else None
        if last and last.rows.family == family and last.rows.first + last.rows.count == first:
            rows = Rows(family, last.rows.first, last.rows.count + 1)
            merged[-1] = Gather(rows, (*last.deltas, p.vector))
        else:
            merged.append(Gather(Rows(family, first, 1), (p.vector,)))
    return tuple(merged)


def _ancestors(steps: Mapping[str, BackwardStep], names: Sequence[str]) -> set[str]:
    """The steps that the named ones need, themselves included."""
    found: set[str] = set()
    waiting = [n for n in names if n in steps]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            reads = [t.delta for t in steps[name].terms] + [d for g in steps[name].gathers for d in g.deltas]
            waiting += [n for n in reads if n in steps]
    return found


def _matrix_gradients(cell: Cell) -> tuple[MatrixGradient, ...]:
    """One product for the members of a family that follow each other and have the same source."""
    merged: list[MatrixGradient] = []
    for gradient in sorted(adjoint(cell).matrices, key=lambda g: _member(cell, g.matrix)):
        family, first = _member(cell, gradient.matrix)
        terms = tuple(((delta,), source) for delta, source in gradient.terms)
        last = merged[-1] if merged else None
        joins = last and last.rows.family == family and len(last.terms) == len(terms) == 1
        if last and joins and last.terms[0][1] == terms[0][1]:
            rows = Rows(family, last.rows.first, last.rows.count + 1)
            merged[-1] = MatrixGradient(rows, ((last.terms[0][0] + terms[0][0], terms[0][1]),))
        else:
            merged.append(MatrixGradient(Rows(family, first, 1), terms))
    return tuple(merged)
