"""The order of boxes and passing wires within each layer, with few crossings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.diagrams.nets import Net, Pin

SWEEPS = 12
# The places of the borders beside places from 0 to 1.
LEFT_OF_ALL, RIGHT_OF_ALL = -0.5, 1.5


@dataclass(frozen=True)
class Item:
    """A box, or a wire that passes a layer: then `net` is its number and `box` is empty."""

    box: str = ""
    net: int = -1


@dataclass(frozen=True)
class Ends:
    """A wire in a channel: its ends at items below and above, with their pins, None for a passing wire.

    `left` and `right` say whether it comes from or leads to a border there.
    """

    net: int
    below: tuple[tuple[Item, Pin | None], ...]
    above: tuple[tuple[Item, Pin | None], ...]
    left: bool
    right: bool


@dataclass(frozen=True)
class Layering:
    """The items of each layer, from left to right, and the wires of each channel; the first is below."""

    rows: tuple[tuple[Item, ...], ...]
    layers: Mapping[str, int]
    nets: tuple[Net, ...]
    channels: tuple[tuple[Ends, ...], ...]

    def span(self, net: Net) -> tuple[int, int]:
        """Return the lowest and highest channel of a wire."""
        return _span(net, self.layers)

    def ordered(self, rows: Sequence[Sequence[Item]]) -> Layering:
        """Return the same items in another order."""
        return replace(self, rows=tuple(map(tuple, rows)))


def arrange(diagram: Diagram, nets: tuple[Net, ...]) -> Layering:
    """Order every layer; boxes that have a column keep the order of their columns."""
    layers = {box.key: box.layer for box in diagram.boxes}
    height = max(layers.values()) + 1
    rows: list[list[Item]] = [[] for _ in range(height)]
    for box in diagram.boxes:
        rows[box.layer].append(Item(box.key))
    channels: list[list[Ends]] = [[] for _ in range(height + 1)]
    for number, net in enumerate(nets):
        low, high = _span(net, layers)
        for layer in range(low, high):
            rows[layer].append(Item(net=number))
        for channel in range(low, high + 1):
            channels[channel].append(_ends(number, net, layers, channel))
    start = Layering(tuple(map(tuple, rows)), layers, nets, tuple(map(tuple, channels)))
    if diagram.boxes[0].column is None:
        return _by_barycentre(start)
    columns = (columns_of(start, diagram, layer) for layer in range(height))
    return start.ordered([sorted(found, key=found.__getitem__) for found in columns])


def _span(net: Net, layers: Mapping[str, int]) -> tuple[int, int]:
    channels = [layers[pin.box] + pin.top for pin in net.pins]
    return min(channels), max(channels)


def _ends(number: int, net: Net, layers: Mapping[str, int], channel: int) -> Ends:
    low, high = _span(net, layers)
    passing = (Item(net=number), None)
    here = [pin for pin in net.pins if layers[pin.box] + pin.top == channel]
    below = [(Item(pin.box), pin) for pin in here if pin.top]
    above = [(Item(pin.box), pin) for pin in here if not pin.top]
    lowest = channel == low
    return Ends(
        number,
        (*below, *([passing] if not lowest else [])),
        (*above, *([passing] if channel < high else [])),
        lowest and net.left is not None,
        lowest and net.right is not None,
    )


def columns_of(rows: Layering, diagram: Diagram, layer: int) -> dict[Item, float]:
    """Return the columns of a layer's items, all different.

    A passing wire goes straight up, or lies below what it leads to; it makes way for what is there already.
    """
    columns = {box.key: box.column or 0.0 for box in diagram.boxes}
    found = {item: columns[item.box] for item in rows.rows[layer] if item.box}
    for item in sorted({*rows.rows[layer]} - {*found}, key=lambda item: item.net):
        pins = rows.nets[item.net].pins
        sources = [columns[pin.box] for pin in pins if not pin.head]
        beyond = [columns[pin.box] for pin in pins if rows.layers[pin.box] + pin.top > layer]
        place = sum(beyond) / len(beyond)
        if len(pins) == 2 and sources and sources[0] not in found.values():
            place = sources[0]
        if place in {columns[i.box] for i in found if i.box}:
            place += 0.5
        while place in found.values():
            place += 0.125
        found[item] = place
    return found


def _by_barycentre(start: Layering) -> Layering:
    """Move items towards the mean of what they are joined to, up and down; keep the best order found."""
    best, fewest = start, crossings(start)
    rows = list(map(list, start.rows))
    for sweep in range(SWEEPS):
        up = sweep % 2 == 0
        for layer in range(len(rows)) if up else range(len(rows) - 1, -1, -1):
            rows[layer] = _sorted_row(start, rows, layer, up, both=sweep >= SWEEPS // 2)
        count = crossings(start.ordered(rows))
        if count < fewest:
            best, fewest = start.ordered(rows), count
    return best


def _sorted_row(
    start: Layering, rows: Sequence[Sequence[Item]], layer: int, up: bool, both: bool
) -> list[Item]:
    wanted: dict[Item, list[float]] = {item: [] for item in rows[layer]}
    for channel in [layer, layer + 1] if both else [layer if up else layer + 1]:
        beside = layer - 1 if channel == layer else layer + 1
        places = _places(rows, beside)
        for ends in start.channels[channel]:
            here, there = (ends.above, ends.below) if channel == layer else (ends.below, ends.above)
            found = [places[item] for item, _ in there] + [LEFT_OF_ALL] * ends.left
            for item, _ in here:
                wanted[item] += found
    count = len(wanted)
    keys = {
        item: sum(found) / len(found) if found else (k + 0.5) / count
        for k, (item, found) in enumerate(wanted.items())
    }
    return sorted(wanted, key=lambda item: keys[item])


def _places(rows: Sequence[Sequence[Item]], layer: int) -> dict[Item, float]:
    """Return the place of each item of a layer as a share of its length."""
    row = rows[layer] if 0 <= layer < len(rows) else ()
    return {item: (k + 0.5) / len(row) for k, item in enumerate(row)}


def crossings(rows: Layering) -> int:
    """Count the crossings of straight lines between neighbouring layers."""
    total = 0
    for channel, wires in enumerate(rows.channels):
        low, high = _places(rows.rows, channel - 1), _places(rows.rows, channel)
        lines: list[tuple[int, float, float]] = []
        for ends in wires:
            starts = [low[item] for item, _ in ends.below] + [LEFT_OF_ALL] * ends.left
            tops = [high[item] for item, _ in ends.above] + [RIGHT_OF_ALL] * ends.right
            lines += [(ends.net, a, b) for a in starts for b in tops]
        for k, (one, a, b) in enumerate(lines):
            total += sum((a - c) * (b - d) < 0 for other, c, d in lines[k + 1 :] if one != other)
    return total
