"""A drawing with box characters, for a terminal."""

from __future__ import annotations

from bptt.explain.diagrams.diagram import BoxKind, label_text
from bptt.explain.diagrams.placed import DOWN, LEFT, RIGHT, UP, Cell, Drawing
from bptt.explain.plain import columns

_LINES = {
    frozenset({UP}): "│",
    frozenset({DOWN}): "│",
    frozenset({LEFT}): "─",
    frozenset({RIGHT}): "─",
    frozenset({UP, DOWN}): "│",
    frozenset({LEFT, RIGHT}): "─",
    frozenset({DOWN, RIGHT}): "┌",
    frozenset({DOWN, LEFT}): "┐",
    frozenset({UP, RIGHT}): "└",
    frozenset({UP, LEFT}): "┘",
    frozenset({UP, DOWN, RIGHT}): "├",
    frozenset({UP, DOWN, LEFT}): "┤",
    frozenset({LEFT, RIGHT, DOWN}): "┬",
    frozenset({LEFT, RIGHT, UP}): "┴",
    frozenset({UP, DOWN, LEFT, RIGHT}): "┼",
}
_HEADS = {UP: "▲", DOWN: "▼", LEFT: "◀", RIGHT: "▶"}
DIVIDER = "╎"


def text_drawing(drawing: Drawing) -> list[str]:
    """Return the lines of a drawing; where two wires cross without meeting, the vertical one is drawn."""
    cells: dict[Cell, str] = {}
    arms: dict[Cell, set[Cell]] = {}
    for wire in drawing.wires:
        touched = {(h.x + h.direction[0], h.y + h.direction[1]) for h in wire.heads if h.touches}
        for cell, found in wire.arms().items():
            if cell in touched:
                continue
            vertical = found & {UP, DOWN}
            crossed = cell in arms
            arms[cell] = ({UP, DOWN} if vertical else arms[cell]) if crossed else set(found)
    for box in drawing.boxes:
        if box.kind is not BoxKind.OUTER or box.height:
            _border(arms, box.x, box.y, box.width, box.height)
    for cell, found in arms.items():
        cells[cell] = _LINES[frozenset(found)]
    for wire in drawing.wires:
        for head in wire.heads:
            cells[head.x, head.y] = _HEADS[head.direction]
    for box in drawing.boxes:
        for x in box.dividers:
            cells[x, box.y + 1] = DIVIDER
    for label in drawing.labels:
        x = label.x
        for character in label_text(label.label):
            wide = columns(character)
            if wide == 0:
                cells[x - 1, label.y] += character
                continue
            cells[x, label.y] = character
            if wide == 2:
                cells[x + 1, label.y] = ""
            x += wide
    rows = range(drawing.height)
    return ["".join(cells.get((x, y), " ") for x in range(drawing.width + 1)).rstrip() for y in rows]


def _border(arms: dict[Cell, set[Cell]], x: int, y: int, width: int, height: int) -> None:
    for u in range(x, x + width):
        for v in (y, y + height):
            arms.setdefault((u, v), set()).add(RIGHT)
            arms.setdefault((u + 1, v), set()).add(LEFT)
    for v in range(y, y + height):
        for u in (x, x + width):
            arms.setdefault((u, v), set()).add(DOWN)
            arms.setdefault((u, v + 1), set()).add(UP)
