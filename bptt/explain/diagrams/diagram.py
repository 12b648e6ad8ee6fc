"""A diagram before its layout: boxes in layers from the bottom up, and the arrows between them.

A label is a formula, or a phrase that can be translated. The factor of a value is written inside the
box that it enters, above the arrowhead, so that no label can meet an arrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bptt.explain.formula_tree import Formula
from bptt.explain.plain import columns, formula_text

Label = Formula | str


class BoxKind(str, Enum):
    """The meaning of a box, by which it is coloured."""

    OUTER = "outer"
    VALUE = "value"
    NONLINEAR = "nonlinear"
    STATE = "state"
    LAYER = "layer"
    LOSS = "loss"


@dataclass(frozen=True)
class Port:
    """An arrow from the box or entry `source`; `factor` is what its value is multiplied by.

    With `back` a second arrow leads the other way and carries the derivative `back`.
    """

    source: str
    factor: Label | None = None
    back: Label | None = None


@dataclass(frozen=True)
class Box:
    """A box in a layer, counted from 0 at the bottom: the operation `sign`, and the `value` it gives.

    `delta` is the derivative by that value, which flows back to it.
    `stubs` are parameters that it reads besides its ports. Ports of a box that does not `commute` keep their
    order. A box that points `down` reads from above and is read from below, as the step of a loop.
    `column` fixes the order within a layer.
    """

    key: str
    layer: int
    value: Label | None = None
    sign: Label | None = None
    kind: BoxKind = BoxKind.VALUE
    ports: tuple[Port, ...] = ()
    stubs: tuple[Label, ...] = ()
    commutes: bool = True
    down: bool = False
    column: float | None = None
    delta: Label | None = None

    @property
    def first_row(self) -> tuple[Label, ...]:
        """The labels of the first row: operation, value, derivative."""
        return tuple(label for label in (self.sign, self.value, self.delta) if label is not None)


@dataclass(frozen=True)
class Side:
    """A horizontal arrow between two boxes of a layer that are next to each other.

    It leads to the right, or to the left if it is `leftward`. With `backs` a second arrow leads the other
    way and carries these.
    """

    left: str
    right: str
    value: Label | None = None
    leftward: bool = False
    backs: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A value that enters at the left or leaves at the right; `back` is the derivative beside it."""

    source: str
    name: Label
    back: Label | None = None


@dataclass(frozen=True)
class Diagram:
    """Boxes, horizontal arrows, and values that enter at the left or leave at the right.

    `name` is that of a file; a `framed` diagram has a frame around all boxes that are not outer.
    """

    name: str
    boxes: tuple[Box, ...]
    sides: tuple[Side, ...] = ()
    entries: tuple[Edge, ...] = ()
    exits: tuple[Edge, ...] = ()
    framed: bool = False


def label_text(label: Label | None) -> str:
    """Return a label on one line."""
    return label if isinstance(label, str) else formula_text(label) if label else ""


def label_width(label: Label | None) -> int:
    """Return the columns that a label takes."""
    return columns(label_text(label))
