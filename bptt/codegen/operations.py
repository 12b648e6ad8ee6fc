"""The passes of a kernel as operations: loads, stores and sums are explicit, every value has its slot.

This is what a dialect writes as text (`bptt.codegen.dialect`). An operation names its statement, and so
the equation that it comes from; a load serves several statements and has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.expression import Expression
from bptt.codegen.slots import Slot
from bptt.codegen.statements import Column, Pointwise, RowSum, StackedProduct, Statement

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


@dataclass(frozen=True)
class Lowered:
    """All operations of a kernel: of a time step, of a time step backward, and after a chunk of steps."""

    forward: tuple[Sweep, ...]
    backward: tuple[Sweep, ...]
    inputs: tuple[Sweep, ...]
