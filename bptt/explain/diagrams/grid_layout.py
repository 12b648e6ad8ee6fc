"""The layout of a diagram: layers from the bottom up, ordered, spaced, and wired in channels between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, label_width
from bptt.explain.diagrams.layering import Item, Layering, arrange
from bptt.explain.diagrams.nets import BETWEEN, BoxShape, nets, shapes, title_width
from bptt.explain.diagrams.placed import (
    DOWN,
    LEFT,
    RIGHT,
    UP,
    Cell,
    Drawing,
    PlacedBox,
    PlacedLabel,
    Role,
    Tip,
    Wire,
)
from bptt.explain.diagrams.places import Places, place
from bptt.explain.diagrams.ports import with_sorted_ports
from bptt.explain.diagrams.routing import Piece, tracks

# Columns between a label at the border and the frame, and between the frame and what is inside.
MARGIN, INSIDE = 2, 3
# Rows beside the tracks of a channel: one for arrowheads, one between a track and the border below it.
ROOM = 2


@lru_cache(maxsize=64)
def layout(diagram: Diagram) -> Drawing:
    """Place the boxes, labels and wires of a diagram."""
    diagram = with_sorted_ports(diagram)
    found = shapes(diagram)
    rows = arrange(diagram, nets(diagram, found))
    return _Plan(diagram, found, rows, place(diagram, rows, found)).draw()


@dataclass(frozen=True)
class _Channel:
    """The pieces between two layers with their tracks, and the first row."""

    pieces: tuple[tuple[Piece, int], ...]
    height: int


class _Plan:
    """Turns places into a drawing: rows are counted from the top, layers from the bottom."""

    def __init__(
        self, diagram: Diagram, shapes: Mapping[str, BoxShape], rows: Layering, places: Places
    ) -> None:
        self.diagram, self.shapes, self.rows = diagram, shapes, rows
        self.boxes = {box.key: box for box in diagram.boxes}
        lefts = [net.left for net in rows.nets if net.left is not None]
        rights = [net.right for net in rows.nets if net.right is not None]
        self.before = max(map(label_width, lefts), default=-1) + 1
        start = self.before + (MARGIN + INSIDE if diagram.framed or lefts else 0)
        self.places = {where: x + start for where, x in places.items()}
        inside = max(x + (shapes[item.box].width if item.box else 0) for (_, item), x in self.places.items())
        self.end = inside + (INSIDE + MARGIN if diagram.framed or rights else 0)
        self.width = self.end + max(map(label_width, rights), default=-1) + 2
        count = len(rows.rows)
        self.channels = [self.channel(k) for k in range(count + 1)]
        self.tops: list[int] = [0] * count
        self.bottoms: list[int] = [0] * (count + 1)
        y = 0
        for k in range(count, -1, -1):
            self.bottoms[k] = y + self.channels[k].height - 1
            y += self.channels[k].height
            if k:
                self.tops[k - 1] = y
                y += self.row_height(k - 1) + 1
        self.height = y

    def row_height(self, layer: int) -> int:
        """Return the distance of the first and last row of a layer."""
        return max((self.shapes[i.box].height for i in self.rows.rows[layer] if i.box), default=0)

    def channel(self, number: int) -> _Channel:
        """Return the wires of a channel on their tracks; an outermost one without wires has no rows."""
        pieces = []
        for ends in self.rows.channels[number]:
            lows = tuple(self.places[number - 1, item] + (p.offset if p else 0) for item, p in ends.below)
            highs = tuple(self.places[number, item] + (p.offset if p else 0) for item, p in ends.above)
            pieces.append(Piece(ends.net, lows, highs, ends.left, ends.right))
        outermost = number in (0, len(self.rows.rows))
        if outermost and not pieces:
            return _Channel((), 0)
        routed = tracks(pieces)
        # One more row for the frame below the arrowheads of the outputs.
        room = ROOM + (self.diagram.framed and number == len(self.rows.rows) - 1)
        return _Channel(tuple(routed), 1 + max((t for _, t in routed), default=-1) + room)

    def draw(self) -> Drawing:
        """Return the drawing."""
        boxes: list[PlacedBox] = []
        labels: list[PlacedLabel] = []
        for row in self.rows.rows:
            for item in row:
                if item.box:
                    placed = self.box(item.box)
                    boxes.append(placed)
                    labels += self.labels(placed)
        placed_boxes = {box.key: box for box in boxes}
        wires = [self.wire(k, placed_boxes) for k in range(len(self.rows.nets))]
        labels += [label for k in range(len(self.rows.nets)) for label in self.border_labels(k)]
        for side in self.sides(placed_boxes):
            labels += side[1]
            wires += side[0]
        return Drawing(
            self.diagram.name,
            self.width,
            self.height,
            tuple(boxes),
            tuple(labels),
            tuple(wires),
            self.frame(boxes) if self.diagram.framed else None,
        )

    def box(self, key: str) -> PlacedBox:
        """Place a box in the middle of its layer."""
        box, found = self.boxes[key], self.shapes[key]
        y = self.tops[box.layer] + (self.row_height(box.layer) - found.height) // 2
        x = self.places[box.layer, Item(key)]
        dividers, start = [], self.title_start(box, x)
        for label in box.first_row[:-1]:
            start += label_width(label) + BETWEEN
            dividers.append(start - 2)
        return PlacedBox(key, x, y, found.width, found.height, box.kind, tuple(dividers))

    def title_start(self, box: Box, x: int) -> int:
        """Return the column at which the first row of a box begins."""
        return x + (self.shapes[box.key].width - title_width(box) + 1) // 2

    def labels(self, placed: PlacedBox) -> Iterator[PlacedLabel]:
        """Yield the labels of a box."""
        box, found = self.boxes[placed.key], self.shapes[placed.key]
        x, y = self.title_start(box, placed.x), placed.y + (found.height > 0)
        outer = box.kind is BoxKind.OUTER
        roles = (
            (box.sign, Role.SIGN),
            (box.value, Role.OUTER if outer else Role.TITLE),
            (box.delta, Role.DELTA),
        )
        for label, role in roles:
            if label is not None:
                yield PlacedLabel(x, y, label, role, box.key)
                x += label_width(label) + BETWEEN
        for cell in found.cells:
            if cell.label is not None:
                yield PlacedLabel(placed.x + cell.start(cell.label), y + 1, cell.label, Role.PORT, box.key)
            if cell.back is not None:
                row = y + 1 + found.has_labels
                yield PlacedLabel(placed.x + cell.start(cell.back), row, cell.back, Role.BACK, box.key)

    def row_of(self, channel: int, track: int) -> int:
        """Return the row of a track."""
        return self.bottoms[channel] - 1 - track

    def wire(self, number: int, boxes: Mapping[str, PlacedBox]) -> Wire:
        """Draw one wire through all its channels."""
        net = self.rows.nets[number]
        pieces: list[tuple[Cell, Cell]] = []
        low, high = self.rows.span(net)
        heads: list[Tip] = []
        ends: dict[tuple[int, int, bool], int] = {}
        for pin in net.pins:
            placed = boxes[pin.box]
            outer = placed.height == 0
            x, border = placed.x + pin.offset, placed.y if pin.top else placed.y + placed.height
            away = -1 if pin.top else 1
            channel = self.rows.layers[pin.box] + pin.top
            ends[channel, x, pin.top] = border + away if outer else border
            if pin.head:
                heads.append(Tip(x, border + away, DOWN if pin.top else UP, not outer))
        for layer in range(low, high):
            x = self.places[layer, Item(net=number)]
            top, bottom = self.tops[layer], self.tops[layer] + self.row_height(layer)
            pieces.append(((x, bottom), (x, top)))
            ends[layer, x, False], ends[layer + 1, x, True] = bottom, top
        for channel in range(low, high + 1):
            own = [(p, t) for p, t in self.channels[channel].pieces if p.net == number]
            for piece, track in own:
                pieces += self.piece(piece, track, channel, ends, own)
                row = self.row_of(channel, track)
                if net.left is not None and piece.left and net.backward:
                    heads.append(Tip(self.before, row, LEFT, False))
                if net.right is not None and piece.right and not net.backward:
                    heads.append(Tip(self.end, row, RIGHT, False))
        return Wire(net.value, net.backward, tuple(p for p in pieces if p[0] != p[1]), tuple(heads))

    def piece(
        self,
        piece: Piece,
        track: int,
        channel: int,
        ends: Mapping[tuple[int, int, bool], int],
        own: list[tuple[Piece, int]],
    ) -> Iterator[tuple[Cell, Cell]]:
        """Yield the lines of a wire in one channel."""
        if track < 0:
            x = piece.below[0]
            yield (x, ends[channel, x, True]), (x, ends[channel, x, False])
            return
        row = self.row_of(channel, track)
        first = self.before if piece.left else min((*piece.lows, *piece.highs))
        last = self.end if piece.right else max((*piece.lows, *piece.highs))
        yield (first, row), (last, row)
        for x in piece.below:
            yield (x, ends[channel, x, True]), (x, row)
        for x in piece.above:
            yield (x, row), (x, ends[channel, x, False])
        if piece.joint is not None and piece.upper:
            lower = next(t for p, t in own if not p.upper)
            yield (piece.joint, self.row_of(channel, lower)), (piece.joint, row)

    def border_labels(self, number: int) -> Iterator[PlacedLabel]:
        """Yield the names of what enters at the left and leaves at the right."""
        net = self.rows.nets[number]
        for channel in self.channels:
            for piece, track in channel.pieces:
                row = self.row_of(self.channels.index(channel), track)
                if piece.net == number and piece.left and net.left is not None:
                    x = self.before - 1 - label_width(net.left)
                    yield PlacedLabel(x, row, net.left, Role.BACK if net.backward else Role.OUTER)
                if piece.net == number and piece.right and net.right is not None:
                    role = Role.BACK if net.backward else Role.OUTER
                    yield PlacedLabel(self.end + 2, row, net.right, role)

    def sides(self, boxes: Mapping[str, PlacedBox]) -> Iterator[tuple[list[Wire], list[PlacedLabel]]]:
        """Yield the horizontal arrows between neighbours, with their labels above and below."""
        for side in self.diagram.sides:
            left, right = boxes[side.left], boxes[side.right]
            x = left.x + left.width
            row = next((b.y + 1 for b in (left, right) if b.height), left.y)
            wires = [_side_wire(left, right, row, side.leftward, backward=False)]
            labels = []
            if side.value is not None:
                labels.append(PlacedLabel(x + 2, row - 1, side.value, Role.PORT))
            if side.backs:
                wires.append(_side_wire(left, right, row + 1, not side.leftward, backward=True))
            for k, label in enumerate(side.backs):
                labels.append(PlacedLabel(x + 2, row + 2 + k, label, Role.BACK))
            yield wires, labels

    def frame(self, boxes: list[PlacedBox]) -> tuple[int, int, int, int]:
        """Return the frame around all boxes that are not outer: x, y, width, height."""
        inner = [box for box in boxes if box.kind is not BoxKind.OUTER]
        layers = [self.boxes[box.key].layer for box in inner]
        top = self.tops[max(layers)] - max(1, self.channels[max(layers) + 1].height - 1)
        bottom = self.bottoms[min(layers)] if min(layers) else self.height
        x = self.before + MARGIN
        return x, top, self.end - MARGIN - x, bottom - top


def _side_wire(left: PlacedBox, right: PlacedBox, row: int, leftward: bool, backward: bool) -> Wire:
    """Draw a horizontal arrow between two boxes, or next to the text of an outer one."""
    start, end = left.x + left.width, right.x
    if leftward:
        head = Tip(start + (left.height > 0), row, LEFT, left.height > 0)
    else:
        head = Tip(end - (right.height > 0), row, RIGHT, right.height > 0)
    return Wire(right.key if leftward else left.key, backward, (((start, row), (end, row)),), (head,))
