"""The column of every box and passing wire: near what it is joined to, with room between neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil

from bptt.explain.diagrams.diagram import Diagram, label_width
from bptt.explain.diagrams.layering import Item, Layering, columns_of
from bptt.explain.diagrams.nets import BoxShape

BETWEEN_BOXES, BESIDE_WIRE = 4, 3
# A passing wire is kept straight rather than a box above the mean of its inputs.
STRAIGHT, WEIGHT, LOOSE = 50.0, 1.0, 0.05
# How often what lies in the direction of a sweep counts beside what lies behind.
SWEPT = 3
SWEEPS = 8

Places = dict[tuple[int, Item], int]


def place(diagram: Diagram, rows: Layering, shapes: Mapping[str, BoxShape]) -> Places:
    """Return the left column of every item, by its layer."""
    if diagram.boxes[0].column is not None:
        return _on_columns(diagram, rows, shapes)
    spaces = [_spaces(diagram, row, shapes) for row in rows.rows]
    places: Places = {}
    for layer, row in enumerate(rows.rows):
        for item, x in zip(row, spaces[layer], strict=True):
            places[layer, item] = round(x)
    for sweep in range(SWEEPS):
        up = sweep % 2 == 1
        for layer in range(len(rows.rows)) if up else range(len(rows.rows) - 1, -1, -1):
            row = rows.rows[layer]
            pulls = _pulls(rows, places, layer, up, sweep >= SWEEPS - 2)
            wanted = [pulls.get(item, (places[layer, item], LOOSE)) for item in row]
            found = spread([w for w, _ in wanted], [weight for _, weight in wanted], spaces[layer])
            for item, x in zip(row, found, strict=True):
                places[layer, item] = x
    least = min(places.values())
    return {where: x - least for where, x in places.items()}


def _on_columns(diagram: Diagram, rows: Layering, shapes: Mapping[str, BoxShape]) -> Places:
    """Put the middle of every item on its column; the widest neighbours decide how far columns are apart."""
    columns = {
        (layer, item): column
        for layer in range(len(rows.rows))
        for item, column in columns_of(rows, diagram, layer).items()
    }
    widths = {where: shapes[where[1].box].width if where[1].box else 0 for where in columns}
    pitch = 1.0
    for layer, row in enumerate(rows.rows):
        packed = _spaces(diagram, row, shapes)
        for k, (one, other) in enumerate(pairwise(row)):
            apart = packed[k + 1] - packed[k] - (widths[layer, one] - widths[layer, other]) / 2
            pitch = max(pitch, apart / (columns[layer, other] - columns[layer, one]))
    pitch = 2 * ceil(pitch / 2)
    places = {where: round(column * pitch) - widths[where] // 2 for where, column in columns.items()}
    least = min(places.values())
    return {where: x - least for where, x in places.items()}


def _spaces(diagram: Diagram, row: Sequence[Item], shapes: Mapping[str, BoxShape]) -> list[int]:
    """Return the least column of each item if the row is packed from column 0."""
    labels = {side.left: max(map(label_width, (side.value, *side.backs))) for side in diagram.sides}
    packed, x = [], 0
    for k, item in enumerate(row):
        packed.append(x)
        wired = not item.box or (k + 1 < len(row) and not row[k + 1].box)
        gap = BESIDE_WIRE if wired else BETWEEN_BOXES
        if item.box in labels:
            gap = max(gap, labels[item.box] + 6)
        x += (shapes[item.box].width if item.box else 0) + gap
    return packed


def _pulls(
    rows: Layering, places: Places, layer: int, up: bool, last: bool
) -> dict[Item, tuple[float, float]]:
    """Return the column that each item is drawn to by the layer below (`up`) or above, and how strongly."""
    found: dict[Item, list[float]] = {}
    straight: dict[Item, float] = {}
    for channel in (layer, layer + 1):
        ahead = (channel == layer) == up
        times = SWEPT if ahead else 0 if last else 1
        beside = layer - 1 if channel == layer else layer + 1
        for ends in rows.channels[channel]:
            here, there = (ends.above, ends.below) if channel == layer else (ends.below, ends.above)
            columns = [places[beside, mate] + (pin.offset if pin else 0) for mate, pin in there]
            if not columns:
                continue
            for item, pin in here:
                if not item.box and len(columns) == 1 and ahead:
                    # A wire that passes several layers goes straight on.
                    straight[item] = columns[0]
                pull = sum(columns) / len(columns) - (pin.offset if pin else 0)
                found.setdefault(item, []).extend([pull] * times)
    pulls = {
        item: (sum(all_) / len(all_), WEIGHT if item.box else STRAIGHT)
        for item, all_ in found.items()
        if all_
    }
    return pulls | {item: (column, STRAIGHT) for item, column in straight.items()}


def spread(wanted: Sequence[float], weights: Sequence[float], packed: Sequence[int]) -> list[int]:
    """Return columns near the wanted ones, in order, at least as far apart as packed.

    The least squares solution: what is too close is pooled and moved to the common mean.
    """
    pools: list[tuple[float, float, int]] = []
    for want, weight, least in zip(wanted, weights, packed, strict=True):
        mean, heavy, count = want - least, weight, 1
        while pools and pools[-1][0] >= mean:
            other, others, number = pools.pop()
            mean = (mean * heavy + other * others) / (heavy + others)
            heavy, count = heavy + others, count + number
        pools.append((mean, heavy, count))
    shifts = [round(mean) for mean, _, count in pools for _ in range(count)]
    return [shift + least for shift, least in zip(shifts, packed, strict=True)]
