"""The column of every box and passing wire: near what it is joined to, with room between neighbours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import ceil, floor

from bptt.explain.diagrams.diagram import BoxKind, Diagram, label_width
from bptt.explain.diagrams.layering import Item, Layering, columns_of
from bptt.explain.diagrams.nets import BoxShape

BETWEEN_BOXES, BESIDE_WIRE = 4, 3
# An item this number of columns from a straight wire is moved there.
NEAR = 4
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
    for layer, row in enumerate(rows.rows):
        for k, item in enumerate(row):
            shift = _shift(rows, places, layer, item, above=False)
            if abs(shift) <= NEAR and _has_room(places, spaces[layer], layer, row, k, shift):
                places[layer, item] += shift
    least = min(places.values())
    return {where: x - least for where, x in places.items()}


def _on_columns(diagram: Diagram, rows: Layering, shapes: Mapping[str, BoxShape]) -> Places:
    """Put the middle of every item on its column.

    The widest neighbours decide how far columns are apart. If horizontal arrows carry labels, every label
    decides for the columns that it is between.
    """
    columns = {
        (layer, item): column
        for layer in range(len(rows.rows))
        for item, column in columns_of(rows, diagram, layer).items()
    }
    widths = {where: shapes[where[1].box].width if where[1].box else 0 for where in columns}
    needed = []
    for layer, row in enumerate(rows.rows):
        packed = _spaces(diagram, row, shapes)
        for k, (one, other) in enumerate(pairwise(row)):
            apart = packed[k + 1] - packed[k] - (widths[layer, one] - widths[layer, other]) / 2
            needed.append((columns[layer, one], columns[layer, other], apart))
    labelled = any(side.value or side.backs for side in diagram.sides)
    least = 1.0 if labelled else max((apart / (end - start) for start, end, apart in needed), default=1.0)
    ruler = _ruler(columns.values(), needed, least)
    places = {where: round(_on_ruler(ruler, c)) - widths[where] // 2 for where, c in columns.items()}
    for box in diagram.boxes:
        if box.kind is BoxKind.OUTER:
            shift = _shift(rows, places, box.layer, Item(box.key), above=box.layer == 0)
            places[box.layer, Item(box.key)] += shift if abs(shift) <= NEAR else 0
    least = min(places.values())
    return {where: x - least for where, x in places.items()}


def _ruler(
    columns: Collection[float], needed: Iterable[tuple[float, float, float]], least: float
) -> dict[int, int]:
    """Return the place of each whole column, `least` or more from the next.

    `needed` has pairs of columns with the distance between them.
    """
    first, last = floor(min(columns)), ceil(max(columns))
    pitches = dict.fromkeys(range(first, last), least)
    for start, end, apart in sorted(needed, key=lambda each: (each[1] - each[0], each)):
        shares = {n: max(0.0, min(end, n + 1) - max(start, n)) for n in pitches}
        there = sum(share * pitches[n] for n, share in shares.items())
        if there < apart:
            # All columns between the two move apart by the same distance.
            more = (apart - there) / (end - start)
            pitches = {n: pitch + more * (shares[n] > 0) for n, pitch in pitches.items()}
    places = accumulate((2 * ceil(pitch / 2) for pitch in pitches.values()), initial=0)
    return dict(zip(range(first, last + 1), places, strict=True))


def _on_ruler(ruler: Mapping[int, int], column: float) -> float:
    """Return the place of a column between two whole ones."""
    whole = floor(column)
    if whole == column:
        return ruler[whole]
    return ruler[whole] + (column - whole) * (ruler[whole + 1] - ruler[whole])


def _shift(rows: Layering, places: Places, layer: int, item: Item, above: bool) -> int:
    """Return the columns by which an item must move to have its wire straight; 0 if it has several."""
    channel, beside = (layer + 1, layer + 1) if above else (layer, layer - 1)
    shifts = set()
    for ends in rows.channels[channel]:
        here, there = (ends.below, ends.above) if above else (ends.above, ends.below)
        own = [pin for mate, pin in here if mate == item]
        if own and (len(there) != 1 or ends.left or ends.right):
            return 0
        for pin in own:
            mate, other = there[0]
            column = places[beside, mate] + (other.offset if other else 0)
            shifts.add(column - places[layer, item] - (pin.offset if pin else 0))
    return shifts.pop() if len(shifts) == 1 else 0


def _has_room(
    places: Places, packed: Sequence[int], layer: int, row: Sequence[Item], k: int, shift: int
) -> bool:
    """Return whether an item can move by some columns and keep its distance from its neighbours."""
    x = places[layer, row[k]] + shift
    left = k == 0 or x - places[layer, row[k - 1]] >= packed[k] - packed[k - 1]
    return left and (k + 1 == len(row) or places[layer, row[k + 1]] - x >= packed[k + 1] - packed[k])


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
