"""Checks between the stages of code generation: of statements, and of the passes made of them.

A kernel that broke one of these rules would compute something else than its equations, or read memory
that nothing has written. Each check raises InternalError with the stage and the statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bptt.cells.cell import Cell
from bptt.cells.language import PREVIOUS
from bptt.codegen.passes import WIDEST, Pass
from bptt.codegen.plan import KernelPlan
from bptt.codegen.statements import SCALAR, Column, Pointwise, RowSum, StackedProduct, Statement
from bptt.derive.adjoint import FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import MatrixProduct, normal_form
from bptt.errors import InternalError


def stage_error(cell: Cell, stage: str, rule: str, statement: object) -> InternalError:
    """Return the error of a broken rule."""
    return InternalError(f"kernel of {cell.name!r}, {stage}", rule, str(statement))


def given_forward(cell: Cell) -> frozenset[str]:
    """Return the names that are known before a time step."""
    previous = (state + PREVIOUS for state in cell.states)
    return frozenset({*cell.inputs, *cell.vectors, *cell.constants, *previous})


def given_backward(plan: KernelPlan) -> frozenset[str]:
    """Return the names that are known before a time step backward."""
    cell = plan.cell
    losses = (FROM_LOSS + name for name in (*cell.states, cell.output))
    later = (FROM_NEXT + state for state in cell.states)
    return given_forward(cell) | {*cell.states, *plan.storage.kept, *losses, *later}


def check_statements(
    cell: Cell, stage: str, statements: Sequence[Statement], given: frozenset[str], widths: Mapping[str, str]
) -> None:
    """Check that names are defined once, and before they are read, and that widths agree."""
    known = set(given)
    for one in statements:
        sources = [n for p in one.products for n in p.source] if isinstance(one, Column) else []
        for name in (*one.reads, *sources):
            if name not in known:
                raise stage_error(cell, stage, f"{name} must be computed before it is read", one)
        if one.target in known:
            raise stage_error(cell, stage, f"{one.target} must be computed once", one)
        if not (isinstance(one, Pointwise) and one.accumulates):
            known.add(one.target)
        _check_widths(cell, stage, one, widths)


def _check_widths(cell: Cell, stage: str, one: Statement, widths: Mapping[str, str]) -> None:
    for name in one.reads:
        if name not in cell.constants and widths[name] not in (one.width, SCALAR):
            rule = f"{name} must be as wide as the statement, {one.width}, not {widths[name]}"
            raise stage_error(cell, stage, rule, one)
    if isinstance(one, RowSum) and one.width == SCALAR:
        raise stage_error(cell, stage, "a sum over a row must have units to add up", one)
    for product in one.products if isinstance(one, Column) else ():
        for matrix, source in zip(product.matrix, product.source, strict=True):
            rows, columns = cell.matrices[matrix]
            shape = (columns, rows) if product.transposed else (rows, columns)
            if shape != (one.width, widths[source]) or product.target != one.target:
                rule = f"{matrix} must lead from {source}, as wide as {widths[source]}, to {one.target}"
                raise stage_error(cell, stage, rule, one)


def check_products(plan: KernelPlan, forward: Sequence[Statement], backward: Iterable[Statement]) -> None:
    """Check that each product of the equations that are computed has one place."""
    wanted = [p for step in normal_form(plan.cell).steps for p in step.products]
    _check_counts(plan.cell, "forward statements", wanted, forward)
    computed = {step.target for step in (*plan.backward_loop, *plan.backward_after)}
    wanted = [p for step in adjoint(plan.cell).steps if step.target in computed for p in step.products]
    _check_counts(plan.cell, "backward statements", wanted, backward)


def _check_counts(
    cell: Cell, stage: str, wanted: Iterable[MatrixProduct], statements: Iterable[Statement]
) -> None:
    columns = (one for one in statements if isinstance(one, Column))
    found = Counter(each for column in columns for product in column.products for each in _each(product))
    expected = Counter(wanted)
    for product in (expected - found) | (found - expected):
        rule = f"each product must be taken as often as the equations have it, {expected[product]} times"
        raise stage_error(cell, stage, rule, f"{product}, {found[product]} times")


def _each(product: StackedProduct) -> list[MatrixProduct]:
    """Return the products of single matrices."""
    pairs = zip(product.matrix, product.source, strict=True)
    return [MatrixProduct(matrix, source, product.transposed) for matrix, source in pairs]


def check_passes(
    cell: Cell, stage: str, statements: Sequence[Statement], passes: Sequence[Pass], given: frozenset[str]
) -> None:
    """Check that every statement is in one pass, where everything that it reads is known."""
    placed = Counter(one for each in passes for one in each.statements)
    for one in statements:
        if placed[one] != 1:
            raise stage_error(cell, stage, f"a statement must be in one pass, not in {placed[one]}", one)
    known = set(given)
    for each in passes:
        if len(each.columns) > WIDEST:
            raise stage_error(cell, stage, f"a pass must have at most {WIDEST} columns", each.columns[-1])
        _check_operands(cell, stage, each, known)
        _check_order(cell, stage, (*each.columns, *each.units), each.width, known)
        known |= {one.target for one in each.row_sums}
        _check_order(cell, stage, each.scalars, SCALAR, known)


def _check_operands(cell: Cell, stage: str, each: Pass, known: set[str]) -> None:
    """Check that operands, which products read as whole rows, come from earlier passes."""
    for column in each.columns:
        for name in (name for product in column.products for name in product.source):
            if name not in known:
                raise stage_error(cell, stage, f"{name} must be known before the pass begins", column)


def _check_order(
    cell: Cell, stage: str, statements: Iterable[Statement], width: str, known: set[str]
) -> None:
    """Check statements of one width in their order; the sum over a row is known only after them."""
    for one in statements:
        if one.width != width:
            raise stage_error(cell, stage, f"a pass must have one width, {width}", one)
        for name in one.reads:
            if name not in known:
                raise stage_error(cell, stage, f"{name} must be known at this place of the pass", one)
        if not isinstance(one, RowSum):
            known.add(one.target)
