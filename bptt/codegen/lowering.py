"""From passes to operations: which value is loaded, computed and stored where, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bptt.codegen.kernel import Kernel
from bptt.codegen.operations import (
    AddTo,
    AddToRow,
    Compute,
    Load,
    Lowered,
    Operation,
    ProductGroup,
    Store,
    Sweep,
    TakeColumn,
    TakeRow,
)
from bptt.codegen.passes import Pass
from bptt.codegen.slots import Slots
from bptt.codegen.statements import SCALAR, Pointwise, RowSum, StackedProduct, Statement
from bptt.codegen.verify_operations import check_lowered


def lower(kernel: Kernel) -> Lowered:
    """Return the operations of a kernel. Raises InternalError if they break a rule between the stages."""
    lowered = Lowered(
        _sweeps(kernel, kernel.forward, forward=True),
        _sweeps(kernel, kernel.backward, forward=False),
        _sweeps(kernel, kernel.input_passes, forward=False),
    )
    check_lowered(kernel, lowered)
    return lowered


def _sweeps(kernel: Kernel, passes: Sequence[Pass], forward: bool) -> tuple[Sweep, ...]:
    lowering = _Lowering(kernel, forward)
    return tuple(lowering.sweep(number, one) for number, one in enumerate(passes))


class _Lowering:
    """Makes operations; what is in a variable already is not loaded again."""

    def __init__(self, kernel: Kernel, forward: bool) -> None:
        self._kernel, self._forward = kernel, forward
        self._slots = Slots(kernel, forward)

    def sweep(self, number: int, one: Pass) -> Sweep:
        ahead, others = self._split(one)
        return Sweep(
            number,
            one.width,
            one.columns,
            ahead,
            others,
            tuple(self._units(one)),
            tuple(self._rows(one)),
            len(one.row_sums),
            one.targets,
        )

    def _split(self, one: Pass) -> tuple[tuple[ProductGroup, ...], tuple[ProductGroup, ...]]:
        """Group the products of a pass by source: those of the input, and the others.

        Products of one source, each for another column, are one group.
        """
        groups: dict[tuple[tuple[str, ...], str, int], list[StackedProduct]] = {}
        for column in one.columns:
            for k, product in enumerate(column.products):
                apart = product.target if product.transposed else ""
                before = [other.source for other in column.products[:k]].count(product.source)
                groups.setdefault((product.source, apart, before), []).append(product)
        inputs = self._kernel.plan.cell.inputs
        of_input = [self._forward and source[0] in inputs for source, *_ in groups]
        split = list(zip(map(tuple, groups.values()), of_input, strict=True))
        return tuple(g for g, first in split if first), tuple(g for g, first in split if not first)

    def _units(self, one: Pass) -> Iterator[Operation]:
        """List the operations at one unit of one row."""
        known: set[str] = set()
        read = {name for statement in one.units for name in statement.reads}
        for k, column in enumerate(one.columns):
            if column.target in read or self._slots.stores(column.target):
                yield TakeColumn(column.target, k, column)
                yield from self._stores(column)
            known.add(column.target)
        sums = 0
        for statement in one.units:
            yield from self._loads(statement, known)
            if isinstance(statement, RowSum):
                yield AddToRow(sums, statement.value, statement)
                sums += 1
            else:
                yield from self._value(statement, known)

    def _rows(self, one: Pass) -> Iterator[Operation]:
        """List the operations of one row, when the sweep is over."""
        known: set[str] = set()
        for k, row_sum in enumerate(one.row_sums):
            yield TakeRow(row_sum.target, k, row_sum.mean, row_sum)
            yield from self._stores(row_sum)
            known.add(row_sum.target)
        for statement in one.scalars:
            yield from self._loads(statement, known)
            yield from self._value(statement, known)

    def _value(self, statement: Pointwise, known: set[str]) -> Iterator[Operation]:
        if statement.accumulates:
            slot = self._slots.slot(statement.target)
            yield AddTo(slot, statement.value, statement.width == SCALAR, statement)
        else:
            yield Compute(statement.target, statement.value, statement)
            yield from self._stores(statement)
            known.add(statement.target)

    def _loads(self, statement: Statement, known: set[str]) -> Iterator[Operation]:
        for name in statement.reads:
            if name not in known and name not in self._kernel.plan.cell.constants:
                known.add(name)
                yield Load(name, self._slots.slot(name), self._kernel.widths[name] == SCALAR)

    def _stores(self, statement: Statement) -> Iterator[Operation]:
        scalar = self._kernel.widths[statement.target] == SCALAR
        for slot in self._slots.stores(statement.target):
            yield Store(statement.target, slot, scalar, statement)
