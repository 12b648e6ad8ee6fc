"""What would make a reader of a diagram stop, found in its geometry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bptt.explain.diagrams.diagram import label_text
from bptt.explain.diagrams.placed import DOWN, LEFT, RIGHT, UP, Drawing, PlacedBox


def inside(box: PlacedBox, x: int, y: int) -> bool:
    return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height


def faults(drawing: Drawing) -> list[str]:
    """Overlaps, cut labels, arrows through boxes or labels, loose ends: each in words."""
    found = []
    boxes = [box for box in drawing.boxes if box.height]
    for one, other in combinations(drawing.boxes, 2):
        apart = one.x + one.width < other.x or other.x + other.width < one.x
        if not apart and one.y <= other.y + other.height and other.y <= one.y + one.height:
            found.append(f"boxes {one.key} and {other.key} overlap")
    written: dict[tuple[int, int], str] = {}
    for label in drawing.labels:
        text = label_text(label.label)
        owner = next((box for box in boxes if box.key == label.box), None)
        for x in range(label.x, label.x + label.width):
            if (x, label.y) in written:
                found.append(f"labels {text} and {written[x, label.y]} overlap")
            written[x, label.y] = text
            if not (0 <= x <= drawing.width and 0 <= label.y < drawing.height):
                found.append(f"label {text} is cut")
            if owner and not (
                owner.x < x < owner.x + owner.width and owner.y < label.y < owner.y + owner.height
            ):
                found.append(f"label {text} leaves its box")
            found += [
                f"label {text} in a box" for box in boxes if box is not owner and inside(box, x, label.y)
            ]
    return [*found, *_faults_of_wires(drawing, boxes, written)]


def _faults_of_wires(
    drawing: Drawing, boxes: list[PlacedBox], written: dict[tuple[int, int], str]
) -> Iterator[str]:
    arms = [wire.arms() for wire in drawing.wires]
    for wire, cells in zip(drawing.wires, arms, strict=True):
        yield from (f"{wire.value} through label {written[cell]}" for cell in cells if cell in written)
        for x, y in cells:
            if not (0 <= x <= drawing.width and 0 <= y < drawing.height):
                yield f"{wire.value} is cut"
            ends = len(cells[x, y]) == 1
            for box in boxes:
                border = y in (box.y, box.y + box.height) or x in (box.x, box.x + box.width)
                if inside(box, x, y) and not (ends and border):
                    yield f"{wire.value} through box {box.key}"
        reached, waiting = set(), [next(iter(cells))]
        while waiting:
            x, y = waiting.pop()
            if (x, y) not in reached:
                reached.add((x, y))
                waiting += [(x + u, y + v) for u, v in cells[x, y]]
        if reached != {*cells}:
            yield f"{wire.value} is in pieces"
        for head in wire.heads:
            tip = (head.x + head.direction[0], head.y + head.direction[1])
            if head.touches and not any(inside(box, *tip) for box in boxes):
                yield f"{wire.value} points at nothing"
        for (x, y), directions in cells.items():
            near = [(x, y), *((x + u, y) for u in range(-3, 4))]
            free = not any(inside(box, x, v) for box in drawing.boxes for v in (y - 1, y, y + 1))
            free = free and not any(cell in written for cell in near)
            if len(directions) == 1 and free:
                yield f"{wire.value} ends at nothing"
    for one, other in combinations(arms, 2):
        for cell in {*one} & {*other}:
            if {frozenset(one[cell]), frozenset(other[cell])} != {
                frozenset({UP, DOWN}),
                frozenset({LEFT, RIGHT}),
            }:
                yield f"two wires share {cell}"
