"""Laying out the forward equations: what runs before the time loop, and what runs inside it."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, Expression, Sum, Symbol, add, symbols
from bptt.codegen.layout import Base, Rows, StackedMap, member
from bptt.derive.normal_form import EquationStep, NormalForm
from bptt.errors import InternalError


def lay_out_forward(form: NormalForm) -> tuple[tuple[Base, ...], tuple[StackedMap | EquationStep, ...]]:
    """Divide the forward equations into bases and the body of the time loop."""
    cell = form.cell
    bases: list[Base] = []
    maps: list[StackedMap] = []
    steps: list[EquationStep] = []
    for step in form.steps:
        base, step_maps, rest = _split(cell, step)
        bases += [base] if base else []
        maps += step_maps
        if rest is not None:
            steps.append(EquationStep(step.target, step.width, (), rest))
    return tuple(bases), _schedule(form, _merge_maps(maps), steps)


def _split(cell: Cell, step: EquationStep) -> tuple[Base | None, list[StackedMap], Expression | None]:
    """Split a step into its base, its maps inside the loop, and an element-by-element rest.

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
    base = Base(f"{step.target}⁰", step.width, outer, add(*fixed), step.target) if outer or fixed else None
    if not step.products:
        return None, [], step.rest
    start = base.target if base else ""
    whole = len(inner) == 1 and moving == ZERO
    targets = [step.target if whole else f"{step.target}{'¹' * k}" for k in range(1, len(inner) + 1)]
    maps = [
        StackedMap(
            p.vector, Rows(*member(cell, p.matrix), 1), (target,), (start if k == 0 else "",), (step.target,)
        )
        for k, (p, target) in enumerate(zip(inner, targets, strict=True))
    ]
    if whole:
        return base, maps, None
    parts = [Symbol(t) for t in targets] if inner else [Symbol(start)] if start else []
    return base, maps, add(*parts, moving)


def _merge_maps(maps: Sequence[StackedMap]) -> list[StackedMap]:
    """Join maps of the same source whose rows follow each other."""
    merged: list[StackedMap] = []
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
            merged[-1] = StackedMap(
                m.source, rows, last.targets + m.targets, last.bases + m.bases, last.equations + m.equations
            )
        else:
            merged.append(m)
    return merged


def _schedule(
    form: NormalForm, maps: list[StackedMap], steps: list[EquationStep]
) -> tuple[StackedMap | EquationStep, ...]:
    """Order maps and steps so that everything is read after it is written, maps as early as possible."""
    made = {t for m in maps for t in m.targets} | {s.target for s in steps}
    done: set[str] = set()
    order: list[StackedMap | EquationStep] = []
    waiting: list[StackedMap | EquationStep] = [*maps, *steps]
    while waiting:
        ready = next((w for w in waiting if not (_reads(w) & made) - done), None)
        if ready is None:
            raise InternalError("codegen.plan", "a cell's steps can be ordered", form.cell.name)
        waiting.remove(ready)
        order.append(ready)
        done |= set(ready.targets) if isinstance(ready, StackedMap) else {ready.target}
    return tuple(order)


def _reads(item: StackedMap | EquationStep) -> set[str]:
    return {item.source} if isinstance(item, StackedMap) else set(item.names)
