"""From the steps of a plan to passes over the units: what one sweep of a kernel computes.

In a pass, a panel of units after the other, sums of products are taken and everything that follows from
them unit by unit is computed while it is at hand. A matrix product reads whole rows, and a statement over
a row knows its result at the row's end: what needs these waits for the next pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bptt.cells.expression import Expression, symbols

SCALAR = "1"
# The most columns of one pass, as in product.h: a panel's sums for all rows of a block stay in L1.
WIDEST = 8


@dataclass(frozen=True)
class Product:
    """target += matrix @ source; transposed: Σ_k matrix_k.T @ source_k, the sources side by side."""

    source: tuple[str, ...]
    matrix: tuple[str, ...]
    target: str
    transposed: bool = False


@dataclass(frozen=True)
class Column:
    """A sum of products, unit by unit: it starts from an expression of vector parameters."""

    target: str
    width: str
    start: Expression
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Pointwise:
    """A value computed unit by unit, or from other numbers of a row if its width is SCALAR.

    A target that `accumulates` is added to what stands there; it is nobody's operand.
    """

    target: str
    width: str
    value: Expression
    accumulates: bool = False


@dataclass(frozen=True)
class RowSum:
    """The sum of a value over the units of a row, or its mean."""

    target: str
    width: str
    value: Expression
    mean: bool


Item = Column | Pointwise | RowSum


@dataclass
class Pass:
    """One sweep over the units of a width; then, row by row, what follows from sums over rows."""

    width: str
    columns: list[Column] = field(default_factory=list)
    steps: list[Pointwise | RowSum] = field(default_factory=list)
    scalars: list[Pointwise] = field(default_factory=list)

    @property
    def row_sums(self) -> list[RowSum]:
        """The sums that are ready when the sweep is over."""
        return [step for step in self.steps if isinstance(step, RowSum)]

    @property
    def targets(self) -> list[str]:
        """All that is computed."""
        items = [*self.columns, *self.steps, *self.scalars]
        return [item.target for item in items]

    @property
    def reads(self) -> set[str]:
        """All that is read unit by unit or row by row, except by products."""
        values = [c.start for c in self.columns] + [s.value for s in (*self.steps, *self.scalars)]
        return {name for value in values for name in symbols(value)}


def sources(passes: Sequence[Pass]) -> tuple[tuple[str, ...], ...]:
    """What the products of passes multiply, each once."""
    products = [product for p in passes for column in p.columns for product in column.products]
    return tuple(dict.fromkeys(product.source for product in products))


def make_passes(items: Sequence[Item], before: Sequence[tuple[str, str]] = ()) -> tuple[Pass, ...]:
    """Put every item into the earliest pass that can hold it; `items` stand in an order of computation.

    A pair (a, b) of `before` says that b overwrites what a has read: it comes no earlier; as a column, which
    is there before the steps of its pass, it comes later.
    """
    passes: list[Pass] = [Pass(SCALAR)]
    place: dict[str, int] = {}
    scalar: set[str] = set()
    for item in items:
        first = isinstance(item, Column)
        earliest = max([place[a] + first for a, b in before if b == item.target and a in place], default=0)
        operands = item.start if isinstance(item, Column) else item.value
        for name in symbols(operands):
            waits = name in scalar and item.width != SCALAR
            earliest = max(earliest, place.get(name, 0) + waits)
        if isinstance(item, Column):
            sources = [name for product in item.products for name in product.source if name in place]
            earliest = max([earliest, *(place[name] + 1 for name in sources)])
        k = _find(passes, earliest, item)
        place[item.target] = k
        if isinstance(item, RowSum) or item.width == SCALAR:
            scalar.add(item.target)
    return tuple(p for p in passes if p.targets)


def _find(passes: list[Pass], earliest: int, item: Item) -> int:
    if isinstance(item, Pointwise) and item.width == SCALAR:
        passes[earliest].scalars.append(item)
        return earliest
    for k in range(max(earliest, 1), len(passes) + 1):
        if k == len(passes):
            passes.append(Pass(item.width))
        full = isinstance(item, Column) and len(passes[k].columns) == WIDEST
        if passes[k].width == item.width and not full:
            break
    (passes[k].columns if isinstance(item, Column) else passes[k].steps).append(item)  # type: ignore[arg-type]
    return k
