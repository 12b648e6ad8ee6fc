"""Which parameters the equations of a cell name, and how they are stacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bptt.cells.expression import Expression, MatrixVector, Symbol, symbols, to_text, walk
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


def find_matrices(cell: Cell) -> dict[str, tuple[str, str]]:
    """Each matrix with the letters of its rows and columns. Raises InputError if it has two shapes."""
    found: dict[str, tuple[str, str]] = {}
    for equation in cell.equations:
        for node in walk(equation.expression):
            if not isinstance(node, MatrixVector):
                continue
            columns = {cell.width(s) for s in symbols(node.vector) if s not in cell.constants} - {"1"}
            shape = (cell.width(equation.target), columns.pop() if len(columns) == 1 else "")
            if not shape[1]:
                raise InputError(
                    f"cell {cell.name!r}",
                    f"the vector right of {node.matrix} @ has one width",
                    to_text(node.vector),
                )
            if found.setdefault(node.matrix, shape) != shape:
                raise InputError(f"cell {cell.name!r}", "a matrix has one shape", node.matrix)
    return found


def find_vectors(cell: Cell) -> dict[str, str]:
    """Each vector parameter with the letter of its width. Raises InputError if it has two."""
    known = {*cell.inputs, *cell.constants, *cell.targets, *(s + PREVIOUS for s in cell.states)}
    found: dict[str, str] = {}
    for equation in cell.equations:
        for name in symbols(equation.expression):
            if name not in known and found.setdefault(name, cell.width(equation.target)) != cell.width(
                equation.target
            ):
                raise InputError(f"cell {cell.name!r}", "a vector parameter has one width", name)
    for name in found:
        if name in cell.matrices:
            raise InputError(
                f"cell {cell.name!r}",
                "a parameter is a matrix (left of @) or a vector, not both",
                name,
            )
    return found


def find_families(cell: Cell) -> tuple[Family, ...]:
    """The stacked parameters, in the order in which the equations name them."""
    shapes: dict[str, tuple[str, str | None]] = {
        **cell.matrices,
        **{v: (w, None) for v, w in cell.vectors.items()},
    }
    order = [n for e in cell.equations for n in _parameter_names(e.expression) if n in shapes]
    stacks: dict[str, list[str]] = {}
    for name in dict.fromkeys(order):
        stacks.setdefault(name.rpartition("_")[0], []).append(name)
    families = []
    for family, members in stacks.items():
        if len({shapes[m] for m in members}) > 1:
            raise InputError(
                f"cell {cell.name!r}",
                "the parameters of a family have one shape",
                ", ".join(members),
            )
        ranked = tuple(sorted(members, key=lambda m: cell.targets.index(m.rpartition("_")[2])))
        families.append(Family(family, ranked, *shapes[members[0]]))
    return tuple(families)


def _parameter_names(expression: Expression) -> list[str]:
    return [
        node.matrix if isinstance(node, MatrixVector) else node.name
        for node in walk(expression)
        if isinstance(node, MatrixVector | Symbol)
    ]
