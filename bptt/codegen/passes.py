"""From statements to passes: a pass is what one sweep of a kernel over the units computes.

In a pass, a panel of units after the other, sums of products are taken and everything that follows from
them unit by unit is computed while it is at hand. A matrix product reads whole rows, and a statement over
a row knows its result at the row's end: a statement that reads either waits for the next pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bptt.codegen.statements import SCALAR, Column, Pointwise, RowSum, StackedProduct, Statement

# The most columns of one pass, as in product.h: a panel's sums for all rows of a block stay in L1.
WIDEST = 8


@dataclass(frozen=True)
class Pass:
    """One sweep over the units of a width; then, row by row, what follows from sums over rows."""

    width: str
    columns: tuple[Column, ...] = ()
    units: tuple[Pointwise | RowSum, ...] = ()
    scalars: tuple[Pointwise, ...] = ()

    @property
    def row_sums(self) -> tuple[RowSum, ...]:
        """The sums that are ready when the sweep is over."""
        return tuple(one for one in self.units if isinstance(one, RowSum))

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Everything computed: columns, then unit by unit, then row by row."""
        return (*self.columns, *self.units, *self.scalars)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of what is computed."""
        return tuple(one.target for one in self.statements)

    @property
    def reads(self) -> frozenset[str]:
        """The names read unit by unit or row by row, except by products."""
        return frozenset(name for one in self.statements for name in one.reads)

    @property
    def products(self) -> tuple[StackedProduct, ...]:
        """All products, column by column."""
        return tuple(product for column in self.columns for product in column.products)


def sources(passes: Sequence[Pass]) -> tuple[tuple[str, ...], ...]:
    """Return the operands of the products of passes, each once."""
    return tuple(dict.fromkeys(product.source for one in passes for product in one.products))


def make_passes(statements: Sequence[Statement], before: Sequence[tuple[str, str]] = ()) -> tuple[Pass, ...]:
    """Put every statement into the earliest pass that can hold it; they come in an order of computation.

    A pair (a, b) of `before` says that b overwrites what a has read: it comes no earlier; as a column, which
    is there before the rest of its pass, it comes later.
    """
    passes: list[_Filling] = [_Filling(SCALAR)]
    place: dict[str, int] = {}
    scalar: set[str] = set()
    for one in statements:
        overwrites = [place[a] for a, b in before if b == one.target and a in place]
        k = _find(passes, _earliest(one, place, scalar, overwrites), one)
        place[one.target] = k
        if isinstance(one, RowSum) or one.width == SCALAR:
            scalar.add(one.target)
    return tuple(filled.closed() for filled in passes if filled.is_used)


@dataclass
class _Filling:
    """A pass while it is filled."""

    width: str
    columns: list[Column] = field(default_factory=list)
    units: list[Pointwise | RowSum] = field(default_factory=list)
    scalars: list[Pointwise] = field(default_factory=list)

    @property
    def is_used(self) -> bool:
        return bool(self.columns or self.units or self.scalars)

    def takes(self, one: Statement) -> bool:
        """Return whether a statement over units fits in."""
        full = isinstance(one, Column) and len(self.columns) == WIDEST
        return self.width == one.width and not full

    def add(self, one: Statement) -> None:
        match one:
            case Column():
                self.columns.append(one)
            case _:
                self.units.append(one)

    def closed(self) -> Pass:
        return Pass(self.width, tuple(self.columns), tuple(self.units), tuple(self.scalars))


def _earliest(one: Statement, place: Mapping[str, int], scalar: set[str], overwrites: Sequence[int]) -> int:
    """Find the first pass in which everything that a statement reads is known; returns its number."""
    if isinstance(one, Column):
        read = [place[name] + 1 for p in one.products for name in p.source if name in place]
        read += [k + 1 for k in overwrites]
    else:
        read = list(overwrites)
    waits = [place[name] + (name in scalar and one.width != SCALAR) for name in one.reads if name in place]
    return max([*read, *waits], default=0)


def _find(passes: list[_Filling], earliest: int, one: Statement) -> int:
    """Put a statement into a pass from the earliest on, perhaps a new one; returns its number."""
    if isinstance(one, Pointwise) and one.width == SCALAR:
        passes[earliest].scalars.append(one)
        return earliest
    for k in range(max(earliest, 1), len(passes) + 1):
        if k == len(passes):
            passes.append(_Filling(one.width))
        if passes[k].takes(one):
            break
    passes[k].add(one)
    return k
