"""The passes of a kernel as operations: loads, stores and sums are explicit, every value has its slot.

This is what a dialect writes as text (`bptt.codegen.dialect`). An operation names its statement, and so
the equation that it comes from; a load serves several statements and has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptt.cells.expression import Expression
from bptt.codegen.kernel import Kernel
from bptt.codegen.passes import Pass
from bptt.codegen.slots import Slot, Slots
from bptt.codegen.statements import SCALAR, Column, Pointwise, RowSum, StackedProduct, Statement

# Products of one source, each for another column, that are taken as one.
ProductGroup = tuple[StackedProduct, ...]


@dataclass(frozen=True)
class Load:
    """Read a value from its slot into a variable; a scalar is one number for the row."""

    name: str
    slot: Slot
    scalar: bool


@dataclass(frozen=True)
class TakeColumn:
    """Put the sum of column number `column` into a variable."""

    name: str
    column: int
    statement: Column


@dataclass(frozen=True)
class Compute:
    """Put the value of an expression of variables into a variable."""

    name: str
    value: Expression
    statement: Pointwise


@dataclass(frozen=True)
class Store:
    """Write a variable to a slot."""

    name: str
    slot: Slot
    scalar: bool
    statement: Statement


@dataclass(frozen=True)
class AddTo:
    """Add the value of an expression to the number in a slot."""

    slot: Slot
    value: Expression
    scalar: bool
    statement: Pointwise


@dataclass(frozen=True)
class AddToRow:
    """Add the value of an expression to the row's sum number `row_sum`."""

    row_sum: int
    value: Expression
    statement: RowSum


@dataclass(frozen=True)
class TakeRow:
    """Put the row's sum number `row_sum`, or its mean, into a variable."""

    name: str
    row_sum: int
    mean: bool
    statement: RowSum


Operation = Load | TakeColumn | Compute | Store | AddTo | AddToRow | TakeRow


@dataclass(frozen=True)
class Sweep:
    """A pass as operations.

    The sums of `columns` begin at their starts; `ahead` are the products of the input, which may be taken
    for many steps at once, and `products` the others. Then `units` runs for every row and unit, and `rows`
    for every row when its units are done. `operands` are the sources of the products, each once.
    """

    number: int
    width: str
    columns: tuple[Column, ...]
    ahead: tuple[ProductGroup, ...]
    products: tuple[ProductGroup, ...]
    units: tuple[Operation, ...]
    rows: tuple[Operation, ...]
    row_sums: int
    targets: tuple[str, ...]

    @property
    def groups(self) -> tuple[ProductGroup, ...]:
        """All products, in the order in which they are taken."""
        return (*self.ahead, *self.products)

    @property
    def operands(self) -> tuple[tuple[str, ...], ...]:
        """The sources of the products, each once, column by column."""
        return tuple(dict.fromkeys(p.source for column in self.columns for p in column.products))


def lower(kernel: Kernel, passes: Sequence[Pass], forward: bool) -> tuple[Sweep, ...]:
    """Return the operations of all passes in one direction."""
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
