"""A diagram after its layout: boxes, labels and wires on a grid of character cells.

Columns count from the left, rows from the top. A box of width w and height h has its borders in the columns
x and x + w and the rows y and y + h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bptt.explain.diagrams.diagram import BoxKind, Label, label_width

UP, DOWN, LEFT, RIGHT = (0, -1), (0, 1), (-1, 0), (1, 0)
Cell = tuple[int, int]


class Role(str, Enum):
    """The meaning of a label, by which it is coloured."""

    SIGN = "sign"
    TITLE = "title"
    PORT = "port"
    DELTA = "delta"
    BACK = "back"
    OUTER = "outer"


@dataclass(frozen=True)
class PlacedLabel:
    """A label that begins in column x of row y; `box` is the one that it is in."""

    x: int
    y: int
    label: Label
    role: Role
    box: str = ""

    @property
    def width(self) -> int:
        """The columns that the label takes."""
        return label_width(self.label)


@dataclass(frozen=True)
class PlacedBox:
    """A box with a border, or an outer one without."""

    key: str
    x: int
    y: int
    width: int
    height: int
    kind: BoxKind
    # The columns of the lines between the labels of the first row.
    dividers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tip:
    """An arrowhead in a cell; it points in a direction, and `touches` a border in the next cell."""

    x: int
    y: int
    direction: tuple[int, int]
    touches: bool


@dataclass(frozen=True)
class Wire:
    """The pieces of a wire, each from cell to cell along a row or column."""

    value: str
    backward: bool
    pieces: tuple[tuple[Cell, Cell], ...]
    heads: tuple[Tip, ...]

    def arms(self) -> dict[Cell, set[tuple[int, int]]]:
        """Return the directions in which the wire leaves each of its cells."""
        found: dict[Cell, set[tuple[int, int]]] = {}
        for (x, y), (u, v) in self.pieces:
            step = ((u > x) - (u < x), (v > y) - (v < y))
            while (x, y) != (u, v):
                found.setdefault((x, y), set()).add(step)
                x, y = x + step[0], y + step[1]
                found.setdefault((x, y), set()).add((-step[0], -step[1]))
        return found

    def joints(self) -> Iterator[Cell]:
        """Yield the cells where the wire branches."""
        yield from (cell for cell, arms in self.arms().items() if len(arms) > 2)


@dataclass(frozen=True)
class Drawing:
    """A diagram on a grid of `width` columns and `height` rows."""

    name: str
    width: int
    height: int
    boxes: tuple[PlacedBox, ...]
    labels: tuple[PlacedLabel, ...]
    wires: tuple[Wire, ...]
    frame: tuple[int, int, int, int] | None = None

    def crossings(self) -> Iterator[Cell]:
        """Yield the cells where two different wires cross."""
        seen: dict[Cell, int] = {}
        for wire in self.wires:
            for cell in wire.arms():
                seen[cell] = seen.get(cell, 0) + 1
        yield from (cell for cell, count in seen.items() if count > 1)
