"""The statements of a kernel: what is computed at one time step, each named after its equation.

An equation of the normal form or of the adjoint is named by its target, the gradient of a parameter W as
∇W. One equation may need several statements: net_n⁰ and net_n¹ are parts of net_n. A δ that has no
statement, because it was put into those of its readers, is `folded` into these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bptt.cells.expression import ZERO, Expression, symbols, to_text

# The width of a value with one number for each row of a batch.
SCALAR = "1"
GRADIENT = "∇"


@dataclass(frozen=True)
class StackedProduct:
    """target += matrix @ source; transposed: Σ_k matrix_k.T @ source_k, the sources side by side."""

    source: tuple[str, ...]
    matrix: tuple[str, ...]
    target: str
    equation: str
    transposed: bool = False

    def __str__(self) -> str:
        mark = ".T" if self.transposed else ""
        return " + ".join(f"{m}{mark} @ {s}" for m, s in zip(self.matrix, self.source, strict=True))


@dataclass(frozen=True)
class Column:
    """A sum of products, unit by unit: it starts from an expression of vector parameters."""

    target: str
    width: str
    start: Expression
    products: tuple[StackedProduct, ...]
    equation: str
    repeated: ClassVar[bool] = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The names read unit by unit; products read theirs as whole rows."""
        return tuple(symbols(self.start))

    def __str__(self) -> str:
        start = [] if self.start == ZERO else [to_text(self.start)]
        return f"{self.target} = {' + '.join([*start, *map(str, self.products)])}"


@dataclass(frozen=True)
class Pointwise:
    """A value computed unit by unit, or from other numbers of a row if its width is SCALAR.

    A target that `accumulates` is added to the number in its slot, and no other statement reads it. A
    statement that is `repeated` computes again, for the backward pass, what the forward pass did not keep.
    """

    target: str
    width: str
    value: Expression
    equation: str
    folded: tuple[str, ...] = ()
    accumulates: bool = False
    repeated: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The names read."""
        return tuple(symbols(self.value))

    def __str__(self) -> str:
        return f"{self.target} {'+=' if self.accumulates else '='} {to_text(self.value)}"


@dataclass(frozen=True)
class RowSum:
    """The sum of a value over the units of a row, or its mean."""

    target: str
    width: str
    value: Expression
    mean: bool
    equation: str
    folded: tuple[str, ...] = ()
    repeated: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The names read."""
        return tuple(symbols(self.value))

    def __str__(self) -> str:
        return f"{self.target} = {'mean' if self.mean else 'sum'}({to_text(self.value)})"


Statement = Column | Pointwise | RowSum
