"""The parameters that the equations of a cell name, and how they are stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bptt.cells.definition import Definition
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
from bptt.errors import InputError


@dataclass(frozen=True)
class Family:
    """Parameters of one shape, stacked: the rows of `members` are concatenated.

    `name` is what precedes the last underscore: `W_i`, `W_f` make the family `W`, whose shape is
    (members * rows, columns), or (members * rows,) for vectors, where `columns` is None.
    """

    name: str
    members: tuple[str, ...]
    rows: str
    columns: str | None

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape for given sizes, e.g. {"I": 64, "H": 256}."""
        rows = len(self.members) * sizes[self.rows]
        return (rows,) if self.columns is None else (rows, sizes[self.columns])

    @property
    def formula(self) -> str:
        """The number of weights as a formula, e.g. "4·H·I"."""
        factors = [str(len(self.members))] if len(self.members) > 1 else []
        return "·".join([*factors, self.rows, *([self.columns] if self.columns else [])])


def split_name(name: str, targets: Sequence[str]) -> tuple[str, str]:
    """Split a parameter's name into FAMILY and VALUE, the longest target that fits, "" if none does."""
    fitting = [t for t in targets if name.endswith(f"_{t}") and len(name) > len(t) + 1]
    value = max(fitting, key=len, default="")
    return name.removesuffix(f"_{value}"), value


def find_matrices(cell: Definition) -> dict[str, tuple[str, str]]:
    """Find each matrix with the letters of its rows and columns. Raises InputError if it has two shapes."""
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


def find_vectors(cell: Definition, matrices: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Find each vector parameter with the letter of its width. Raises InputError if it is a matrix too."""
    read = (name for equation in cell.equations for name in symbols(equation.expression))
    names = dict.fromkeys(name for name in read if name not in cell.values)
    for name in names:
        if name in matrices:
            rule = "a parameter is a matrix (left of @) or a vector, not both"
            raise InputError(f"cell {cell.name!r}", rule, name)
    return {name: _width(cell, name) for name in names}


def _width(cell: Definition, parameter: str) -> str:
    """Return the letter of the value that a parameter is named after.

    Raises InputError if that is a value over a row.
    """
    value = split_name(parameter, cell.targets)[1]
    if cell.width(value) == "1":
        cure = "Name it after the vector that it multiplies"
        raise InputError(f"cell {cell.name!r}", "a parameter is named after a vector", parameter, cure)
    return cell.width(value)


def letters(cell: Definition, expression: Expression) -> set[str]:
    """Collect the letters of the widths of the vectors that make an expression."""
    match expression:
        case Symbol(name) if name in cell.constants:
            return set()
        case Symbol(name):
            return {cell.width(name) if name in cell.values else _width(cell, name)} - {"1"}
        case MatrixVector(matrix, _):
            return {_width(cell, matrix)}
        case RowCall():
            return set()
    return {letter for part in children(expression) for letter in letters(cell, part)}


def find_families(
    cell: Definition, matrices: Mapping[str, tuple[str, str]], vectors: Mapping[str, str]
) -> tuple[Family, ...]:
    """Stack the parameters, in the order in which the equations name them.

    Raises InputError if the parameters of a family have several shapes.
    """
    shapes: dict[str, tuple[str, str | None]] = {**matrices, **{v: (w, None) for v, w in vectors.items()}}
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
    """List the names that an expression reads, those of matrices among them, in reading order."""
    return [
        node.matrix if isinstance(node, MatrixVector) else node.name
        for node in walk(expression)
        if isinstance(node, MatrixVector | Symbol)
    ]
