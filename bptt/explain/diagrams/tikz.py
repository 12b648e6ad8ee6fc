"""A drawing as a TikZ picture with absolute coordinates; it needs the package tikz alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bptt.explain.diagrams.diagram import BoxKind, Label
from bptt.explain.diagrams.placed import Cell, Drawing, Role, Tip

# The size of a cell in centimetres.
COLUMN, ROW = 0.19, 0.42
_FILLS = {
    BoxKind.OUTER: "none",
    BoxKind.VALUE: "white",
    BoxKind.NONLINEAR: "orange!15",
    BoxKind.STATE: "blue!10",
    BoxKind.LAYER: "blue!10",
    BoxKind.LOSS: "red!12",
}
_STYLES = {
    Role.BACK: r"red!60!black, font=\scriptsize",
    Role.DELTA: "red!60!black",
    Role.PORT: r"font=\scriptsize",
}

# Where the piece of a wire with the arrowhead begins, in cells before the middle of its last cell.
BEFORE = 0.2
# The width of a page in centimetres, less a little.
WIDEST = 14.5


def tikz(drawing: Drawing, write: Callable[[Label], str]) -> Iterator[str]:
    """Yield the lines of a picture as wide as a page at most; `write` renders a label."""
    scale = min(1.0, WIDEST / (drawing.width * COLUMN))
    yield r"\begin{center}"
    yield rf"\begin{{tikzpicture}}[x={COLUMN}cm, y=-{ROW}cm, scale={scale:.3f}, transform shape, font=\small]"
    if drawing.frame:
        x, y, w, h = drawing.frame
        yield rf"  \draw[rounded corners, black!15, fill=black!3] ({x},{y}) rectangle ({x + w},{y + h});"
    for wire in drawing.wires:
        style = "red!60!black, densely dashed" if wire.backward else "black"
        heads = {(head.x, head.y): head for head in wire.heads}
        for piece in wire.pieces:
            (a, b), (c, d) = (_end(piece, heads), _end(piece[::-1], heads))
            yield rf"  \draw[{style}] ({a:g},{b:g}) -- ({c:g},{d:g});"
        for head in wire.heads:
            (tip_x, tip_y), (u, v) = _tip(head), head.direction
            start_x, start_y = head.x - BEFORE * u, head.y - BEFORE * v
            ends = f"({start_x:g},{start_y:g}) -- ({tip_x:g},{tip_y:g})"
            yield rf"  \draw[{style}, solid, -stealth] {ends};"
        for x, y in wire.joints():
            yield rf"  \fill[{style}] ({x},{y}) circle[radius=1.2pt];"
    for box in drawing.boxes:
        if box.height:
            ends = f"({box.x},{box.y}) rectangle ({box.x + box.width},{box.y + box.height})"
            yield rf"  \draw[rounded corners=2pt, fill={_FILLS[box.kind]}] {ends};"
        for x in box.dividers:
            yield rf"  \draw[black!40] ({x},{box.y + 0.4:g}) -- ({x},{box.y + 1.6:g});"
    for label in drawing.labels:
        middle = label.x + (label.width - 1) / 2
        style = _STYLES.get(label.role, "black")
        yield rf"  \node[inner sep=0pt, {style}] at ({middle:g},{label.y}) {{{write(label.label)}}};"
    yield r"\end{tikzpicture}"
    yield r"\end{center}" + "\n"


def _tip(head: Tip) -> tuple[float, float]:
    (u, v), reach = head.direction, 1.0 if head.touches else 0.3
    return head.x + u * reach, head.y + v * reach


def _end(piece: tuple[Cell, Cell], heads: dict[Cell, Tip]) -> tuple[float, float]:
    """Return the first point of a line, or a point a little before the tip of its arrowhead."""
    (x, y), (u, v) = piece
    step = ((x > u) - (x < u), (y > v) - (y < v))
    head = heads.get((x, y)) or heads.get((x - step[0], y - step[1]))
    if head is None or head.direction != step:
        return x, y
    return head.x - BEFORE * step[0], head.y - BEFORE * step[1]
