"""The wires of a diagram: each joins the pins of one value, forward or backward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, Edge, Label, label_width

# Columns of a cell of a box in which two arrows lie side by side.
PAIR = 3
# Columns between two labels of a first row, with a line in their middle.
BETWEEN = 3


@dataclass(frozen=True)
class Pin:
    """The end of a wire at the top or bottom of a box, `offset` columns from its left."""

    box: str
    top: bool
    offset: int
    head: bool


@dataclass(frozen=True)
class Net:
    """A wire; it may end at the left or right border, with an arrowhead or without."""

    value: str
    backward: bool
    pins: tuple[Pin, ...]
    left: Label | None = None
    right: Label | None = None


@dataclass(frozen=True)
class PortCell:
    """A part of a box's lower rows: its labels, its columns, and its pins, -1 for none."""

    label: Label | None
    back: Label | None
    left: int
    width: int
    forward_pin: int = -1
    backward_pin: int = -1

    def start(self, label: Label) -> int:
        """Return the column at which a label in the middle of the cell begins."""
        return self.left + (self.width - label_width(label)) // 2


@dataclass(frozen=True)
class BoxShape:
    """The size of a box and where its pins are; a box of width w covers w + 1 columns."""

    width: int
    height: int
    cells: tuple[PortCell, ...]
    out_pin: int
    back_pin: int

    @property
    def has_labels(self) -> bool:
        """Whether a row of the box holds the labels of its ports."""
        return any(cell.label for cell in self.cells)


def title_width(box: Box) -> int:
    """Return the columns of the labels in a box's first row."""
    parts = box.first_row
    return sum(map(label_width, parts)) + BETWEEN * max(0, len(parts) - 1)


def shape(box: Box, backward: bool) -> BoxShape:
    """Return the shape of a box; `backward` says whether its value has an arrow back."""
    widths = [max(label_width(p.factor), label_width(p.back), PAIR if p.back else 1) for p in box.ports] + [
        label_width(stub) for stub in box.stubs
    ]
    inner = sum(widths) + 2 * (len(widths) - 1) if widths else 0
    labelled = any(p.factor or p.back for p in box.ports) or bool(box.stubs)
    width = max(title_width(box), inner if labelled or inner > 1 else 1, PAIR if backward else 1) + 3
    if width % 2:
        width += 1
    cells, x = [], 2 + (width - 3 - inner) // 2
    for k, one in enumerate(widths):
        centre = x + (one - 1) // 2 + (one % 2 == 0 and x + one // 2 <= width // 2)
        if k < len(box.ports):
            port = box.ports[k]
            pins = (centre - 1, centre + 1) if port.back else (centre, -1)
            cells.append(PortCell(port.factor, port.back, x, one, *pins))
        else:
            cells.append(PortCell(box.stubs[k - len(box.ports)], None, x, one))
        x += one + 2
    rows = any(c.label for c in cells) + any(c.back for c in cells)
    middle = width // 2
    out, back = (middle - 1, middle + 1) if backward else (middle, -1)
    height = 0 if box.kind is BoxKind.OUTER and not rows else 2 + rows
    return BoxShape(width, height, tuple(cells), out, back)


def shapes(diagram: Diagram) -> dict[str, BoxShape]:
    """Return the shapes of all boxes; those with two arrows at a side are tall enough for both."""
    backs = with_arrow_back(diagram)
    tall = {key for side in diagram.sides if side.backs for key in (side.left, side.right)}
    found = {box.key: shape(box, box.key in backs) for box in diagram.boxes}
    return {
        key: replace(one, height=3) if key in tall and one.height == 2 else one for key, one in found.items()
    }


def with_arrow_back(diagram: Diagram) -> frozenset[str]:
    """Return the values to which something flows back."""
    read = (port for box in diagram.boxes for port in box.ports)
    return frozenset({p.source for p in read if p.back} | {e.source for e in diagram.exits if e.back})


def nets(diagram: Diagram, found: dict[str, BoxShape]) -> tuple[Net, ...]:
    """Return the wires, in the order in which their values are first read."""
    entries = {e.source: e for e in diagram.entries}
    exits = {e.source: e for e in diagram.exits}
    boxes = {box.key: box for box in diagram.boxes}
    read = dict.fromkeys(p.source for box in diagram.boxes for p in box.ports)
    wires = []
    for value in dict.fromkeys((*read, *exits)):
        for backward in (False, True):
            pins = tuple(_pins(value, backward, boxes, found))
            left, right = _border(entries.get(value), backward), _border(exits.get(value), backward)
            if len(pins) + (left is not None) + (right is not None) > 1:
                wires.append(Net(value, backward, pins, left, right))
    return tuple(wires)


def _border(edge: Edge | None, backward: bool) -> Label | None:
    return None if edge is None else edge.back if backward else edge.name


def _pins(value: str, backward: bool, boxes: dict[str, Box], found: dict[str, BoxShape]) -> Iterator[Pin]:
    if value in boxes:
        out = found[value].back_pin if backward else found[value].out_pin
        if out >= 0:
            yield Pin(value, not boxes[value].down, out, backward)
    for box in boxes.values():
        for port, cell in zip(box.ports, found[box.key].cells, strict=False):
            pin = cell.backward_pin if backward else cell.forward_pin
            if port.source == value and pin >= 0:
                yield Pin(box.key, box.down, pin, not backward)
