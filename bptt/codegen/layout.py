"""The parts of a plan, in plain data: maps, gathers, steps and gradients."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.cells.expression import Expression
from bptt.derive.normal_form import MatrixProduct
from bptt.errors import InternalError


@dataclass(frozen=True, slots=True)
class Rows:
    """Members `first … first+count-1` of a stacked family of matrices."""

    family: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Base:
    """`target` = Σ rows @ input + parameters: the part of an equation that does not wait for the loop."""

    target: str
    width: str
    products: tuple[MatrixProduct, ...]
    rest: Expression
    equation: str


@dataclass(frozen=True, slots=True)
class StackedMap:
    """targets[k] = bases[k] + rows[k] @ source, one matrix product for all k; "" is no base.

    targets[k] is the whole of equations[k], or a part of it.
    """

    source: str
    rows: Rows
    targets: tuple[str, ...]
    bases: tuple[str, ...]
    equations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """Σ_k rows[k].T @ deltas[k], one matrix product for all k."""

    rows: Rows
    deltas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeltaTerm:
    """delta ⊙ coefficient, the coefficient made of forward values, parameters and numbers.

    `through` names the δ that the coefficient leads through, from `delta` on, and that no step computes.
    """

    delta: str
    coefficient: Expression
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackwardStep:
    """`target` = Σ gathers + Σ terms; with `row`, the sum over the row of Σ terms."""

    target: str
    width: str
    gathers: tuple[Gather, ...]
    terms: tuple[DeltaTerm, ...]
    row: bool = False


@dataclass(frozen=True, slots=True)
class StackedGradient:
    """∇rows = Σ over `terms` (deltas, source) of deltas[k] sourceᵀ, summed over T and B, for row block k."""

    rows: Rows
    terms: tuple[tuple[tuple[str, ...], str], ...]


def member(cell: Cell, parameter: str) -> tuple[str, int]:
    """Return the family of a parameter and its index in it. Raises InternalError if it has none."""
    for family in cell.families:
        if parameter in family.members:
            return family.name, family.members.index(parameter)
    raise InternalError("codegen.layout", "every parameter has a family", parameter)
