"""Which parameters the equations of a cell name, and how they are stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bptt.cells.expression import (
    Expression,
    MatrixVector,
    RowCall,
    Symbol,
    children,
    symbols,
    to_text,
    walk,
)
from bptt.cells.language import PREVIOUS
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.cells.cell import Cell


@dataclass(frozen=True)
class Family:
    """Parameters of one shape, stacked: the rows of `members` stand under each other.

    `name` is what precedes the last underscore: `W_i`, `W_f` make the family `W`, whose shape is
    (members * rows, columns), or (members * rows,) for vectors, where `columns` is None.
    """

    name: str
    members: tuple[str, ...]
    rows: str
    columns: str | None

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for given sizes, e.g. {"I": 64, "H": 256}."""
        rows = len(self.members) * sizes[self.rows]
        return (rows,) if self.columns is None else (rows, sizes[self.columns])

    @property
    def formula(self) -> str:
        """The number of weights as a formula, e.g. "4·H·I"."""
        factors = [str(len(self.members))] if len(self.members) > 1 else []
        return "·".join([*factors, self.rows, *([self.columns] if self.columns else [])])


def split_name(name: str, targets: Sequence[str]) -> tuple[str, str]:
    """FAMILY and VALUE of a parameter's name; VALUE is the longest target that fits, "" if none does."""
    fitting = [t for t in targets if name.endswith(f"_{t}") and len(name) > len(t) + 1]
    value = max(fitting, key=len, default="")
    return name.removesuffix(f"_{value}"), value


def find_matrices(cell: Cell) -> dict[str, tuple[str, str]]:
    """Each matrix with the letters of its rows and columns. Raises InputError if it has two shapes."""
    found: dict[str, tuple[str, str]] = {}
    for node in (n for e in cell.equations for n in walk(e.expression) if isinstance(n, MatrixVector)):
        columns = letters(cell, node.vector)
        if len(columns) != 1:
            rule = f"the vector right of {node.matrix} @ has one width"
            raise InputError(f"cell {cell.name!r}", rule, to_text(node.vector))
        shape = (_width(cell, node.matrix), columns.pop())
        if found.setdefault(node.matrix, shape) != shape:
            raise InputError(f"cell {cell.name!r}", "a matrix has one shape", node.matrix)
    return found


def find_vectors(cell: Cell) -> dict[str, str]:
    """Each vector parameter with the letter of its width. Raises InputError if it is a matrix too."""
    known = _values(cell)
    names = dict.fromkeys(n for e in cell.equations for n in symbols(e.expression) if n not in known)
    for name in names:
        if name in cell.matrices:
            rule = "a parameter is a matrix (left of @) or a vector, not both"
            raise InputError(f"cell {cell.name!r}", rule, name)
    return {name: _width(cell, name) for name in names}


def _values(cell: Cell) -> set[str]:
    """The names that are no parameters."""
    return {*cell.inputs, *cell.constants, *cell.targets, *(s + PREVIOUS for s in cell.states)}


def _width(cell: Cell, parameter: str) -> str:
    """The letter of the value that a parameter is named after."""
    value = split_name(parameter, cell.targets)[1]
    if cell.width(value) == "1":
        cure = "Name it after the vector that it multiplies"
        raise InputError(f"cell {cell.name!r}", "a parameter is named after a vector", parameter, cure)
    return cell.width(value)


def letters(cell: Cell, expression: Expression) -> set[str]:
    """The letters of the widths of the vectors that make an expression."""
    match expression:
        case Symbol(name) if name in cell.constants:
            return set()
        case Symbol(name):
            return {cell.width(name) if name in _values(cell) else _width(cell, name)} - {"1"}
        case MatrixVector(matrix, _):
            return {_width(cell, matrix)}
        case RowCall():
            return set()
    return {letter for part in children(expression) for letter in letters(cell, part)}


def find_families(cell: Cell) -> tuple[Family, ...]:
    """The stacked parameters, in the order in which the equations name them."""
    shapes: dict[str, tuple[str, str | None]] = {
        **cell.matrices,
        **{v: (w, None) for v, w in cell.vectors.items()},
    }
    order = [n for e in cell.equations for n in parameter_names(e.expression) if n in shapes]
    stacks: dict[str, list[str]] = {}
    for name in dict.fromkeys(order):
        stacks.setdefault(split_name(name, cell.targets)[0], []).append(name)
    families = []
    for family, members in stacks.items():
        if len({shapes[m] for m in members}) > 1:
            rule = "the parameters of a family have one shape"
            raise InputError(f"cell {cell.name!r}", rule, ", ".join(members))
        ranked = tuple(sorted(members, key=lambda m: cell.targets.index(split_name(m, cell.targets)[1])))
        families.append(Family(family, ranked, *shapes[members[0]]))
    return tuple(families)


def parameter_names(expression: Expression) -> list[str]:
    """The names that an expression reads, those of matrices among them, in reading order."""
    return [
        node.matrix if isinstance(node, MatrixVector) else node.name
        for node in walk(expression)
        if isinstance(node, MatrixVector | Symbol)
    ]
