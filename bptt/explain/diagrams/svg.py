"""A drawing as SVG: in a page with its colours, light and dark, or as a file of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.explain.diagrams.diagram import Label, label_text
from bptt.explain.diagrams.placed import Drawing, PlacedBox, PlacedLabel, Role, Tip, Wire
from bptt.explain.diagrams.runs import BASE, INDEX_SIZE, LOWERED, Run, estimated, runs
from bptt.explain.mathml import escape

# The size of a cell and of letters, in pixels.
COLUMN, ROW, MARGIN = 9, 19, 14
SIZES = {
    Role.SIGN: 15.0,
    Role.TITLE: 16.0,
    Role.DELTA: 16.0,
    Role.PORT: 13.0,
    Role.BACK: 13.0,
    Role.OUTER: 16.0,
}
SIGN_SIZE = 20.0
_FIRST_ROW = (Role.SIGN, Role.TITLE, Role.DELTA, Role.OUTER)
RADIUS, HEAD_LENGTH, HEAD_WIDTH, DOT, HALO = 5, 9, 7, 2.6, 5
# How far a page may make a wide diagram smaller before it scrolls: indices stay legible.
LEAST_SCALE = 0.75
# The pixels by which the first of several rows is higher than its cell.
LIFT = 3
# How far an index is below or above the line of its letter, in units of the letter's size.
SHIFT = 0.28

COLOURS = """--gate: #f9e7d8; --state: #dfeaf6; --loss: #f5dfe4; --frame: #f4f2ec;"""
DARK_COLOURS = """--gate: #46321f; --state: #203549; --loss: #4a2831; --frame: #1b1c20;"""
RULES = """
.diagram text { fill: var(--ink);
  font-family: "STIX Two Text", Charter, Cambria, Georgia, "DejaVu Serif", serif; }
.diagram .box { stroke: var(--quiet); fill: var(--card); }
.diagram .nonlinear { fill: var(--gate); } .diagram .state, .diagram .layer { fill: var(--state); }
.diagram .loss { fill: var(--loss); }
.diagram .frame { fill: var(--frame); stroke: var(--line); }
.diagram .divider { stroke: var(--quiet); stroke-opacity: .5; }
.diagram .wire { stroke: var(--ink); stroke-width: 1.3; fill: none; stroke-linecap: square; }
.diagram .tip { fill: var(--ink); }
.diagram .halo { stroke: var(--frame); stroke-width: 6; fill: none; }
.diagram .back .wire { stroke: var(--accent); stroke-dasharray: 5 3; stroke-linecap: butt; }
.diagram .back .tip { fill: var(--accent); }
.diagram text.back { fill: var(--accent); }
"""
STYLE = (
    f":root {{ {COLOURS} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {DARK_COLOURS} }} }}"
    f"{RULES}.drawn {{ margin: 1rem 0; overflow-x: auto; }}\n"
    ".drawn svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }\n"
    "@media print { .drawn { overflow: visible; } .drawn svg { min-width: 0 !important; } }\n"
)
_ALONE = (
    "svg { --ground: #ffffff; --ink: #1d1d1f; --quiet: #6b6a66; --line: #dedbd2; --accent: #a5301b; "
    f"--card: #ffffff; {COLOURS} }}\n{RULES}"
)


def svg(drawing: Drawing, label: str = "", alone: bool = False) -> str:
    """Return an SVG element for a page that has STYLE; with `alone` a style and a white ground are in it."""
    width, height = drawing.width * COLUMN + 2 * MARGIN, (drawing.height - 1) * ROW + 2 * MARGIN
    name = escape(label or drawing.name)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{name}"'
        + ("" if alone else f' style="min-width: {LEAST_SCALE * width:g}px"')
        + ">"
    ]
    if alone:
        parts += [f"<style>{_ALONE}</style>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    if drawing.frame:
        x, y, w, h = drawing.frame
        parts.append(_rectangle("frame", x, y, w, h, 12))
    parts += (_wire(wire) for wire in drawing.wires)
    parts += _bridges(drawing)
    for box in drawing.boxes:
        if box.height:
            parts.append(_rectangle(f"box {box.kind.value}", box.x, box.y, box.width, box.height, RADIUS))
    parts += _labels(drawing)
    return "\n".join((*parts, "</svg>"))


def svg_file(drawing: Drawing, label: str = "") -> str:
    """Return the text of an SVG file."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + svg(drawing, label, alone=True) + "\n"


def at(x: float, y: float) -> tuple[float, float]:
    """Return the point of a cell's centre."""
    return round(MARGIN + (x + 0.5) * COLUMN, 1), round(MARGIN + y * ROW, 1)


def _rectangle(kind: str, x: float, y: float, width: float, height: float, radius: int) -> str:
    left, top = at(x, y)
    return (
        f'<rect class="{kind}" x="{left}" y="{top}" width="{width * COLUMN}" height="{height * ROW}" '
        f'rx="{radius}"/>'
    )


def _wire(wire: Wire) -> str:
    heads = {(head.x, head.y): head for head in wire.heads}
    lines = []
    for piece in wire.pieces:
        ends = []
        for (x, y), (u, v) in (piece, piece[::-1]):
            step = ((x > u) - (x < u), (y > v) - (y < v))
            head = heads.get((x, y)) or heads.get((x - step[0], y - step[1]))
            ends.append(_tip(head, HEAD_LENGTH - 1) if head and head.direction == step else at(x, y))
        lines.append("M{} {}L{} {}".format(*ends[0], *ends[1]))
    dots = "".join('<circle class="tip" cx="{}" cy="{}" r="{}"/>'.format(*at(*j), DOT) for j in wire.joints())
    tips = "".join(map(_head, wire.heads))
    kind = "back" if wire.backward else "forward"
    return f'<g class="{kind}"><path class="wire" d="{"".join(lines)}"/>{dots}{tips}</g>'


def _tip(head: Tip, before: float = 0) -> tuple[float, float]:
    """Return the tip of an arrowhead, or a point some pixels `before` it."""
    u, v = head.direction
    x, y = at(head.x + u * (head.touches), head.y + v * head.touches)
    if not head.touches:
        x, y = x + u * COLUMN * 0.3, y + v * ROW * 0.3
    return round(x - u * before, 1), round(y - v * before, 1)


def _head(head: Tip) -> str:
    (u, v), (x, y) = head.direction, _tip(head)
    back_x, back_y = _tip(head, HEAD_LENGTH)
    half = HEAD_WIDTH / 2
    points = ((x, y), (back_x + v * half, back_y + u * half), (back_x - v * half, back_y - u * half))
    return '<path class="tip" d="M{} {}L{} {}L{} {}Z"/>'.format(*(round(n, 1) for p in points for n in p))


def _bridges(drawing: Drawing) -> Iterator[str]:
    """Yield, for each crossing, the vertical wire drawn again over a gap in the horizontal one."""
    arms = [(wire, wire.arms()) for wire in drawing.wires]
    for cell in drawing.crossings():
        vertical = next((w for w, found in arms if (0, -1) in found.get(cell, ())), None)
        if vertical is None:
            continue
        x, y = at(*cell)
        line = f"M{x} {y - HALO}V{y + HALO}"
        kind = "back" if vertical.backward else "forward"
        yield (
            f'<path class="halo" d="{line}"/><g class="{kind}">'
            f'<path class="wire" style="stroke-dasharray: none" d="{line}"/></g>'
        )


def _labels(drawing: Drawing) -> Iterator[str]:
    boxes = {box.key: box for box in drawing.boxes}
    firsts: dict[str, list[PlacedLabel]] = {}
    for label in drawing.labels:
        if label.role in _FIRST_ROW and label.box:
            firsts.setdefault(label.box, []).append(label)
    for key, row in firsts.items():
        yield from _first_row(boxes[key], row)
    for label in drawing.labels:
        box = boxes.get(label.box)
        x, y = at(label.x + (label.width - 1) / 2, label.y)
        anchor, room = "middle", (label.width + 1) * COLUMN
        if box is None:
            outside = label.role in (Role.OUTER, Role.BACK)
            if outside and label.x < drawing.width / 2:
                x, anchor = at(label.x + label.width, 0)[0], "end"
            elif outside:
                x, anchor = at(label.x - 1, 0)[0], "start"
        elif label.role in _FIRST_ROW:
            continue
        yield _text(label.label, x, y, label.role, anchor, room)


def _first_row(box: PlacedBox, row: list[PlacedLabel]) -> Iterator[str]:
    """Yield the labels of a box's first row with lines between them, together in the middle."""
    widths = [min(estimated(one.label) * _size(one.label, one.role), (one.width + 1) * COLUMN) for one in row]
    gap = 2 * COLUMN
    (x, y), top = at(box.x + box.width / 2, row[0].y), at(0, box.y)[1]
    y = round(y - LIFT * (box.height > 2), 1)
    left = x - (sum(widths) + gap * (len(row) - 1)) / 2
    for k, (one, width) in enumerate(zip(row, widths, strict=True)):
        if k:
            line = round(left - gap / 2, 1)
            bottom = top + 2 * ROW - 6 - 2 * LIFT * (box.height > 2)
            yield f'<path class="divider" d="M{line} {top + 6}V{bottom}"/>'
        yield _text(one.label, round(left + width / 2, 1), y, one.role, "middle", (one.width + 1) * COLUMN)
        left += width + gap


def _size(label: Label, role: Role) -> float:
    """Return the size of a label's letters; an operation of one sign is larger."""
    return SIGN_SIZE if label_text(label) in ("+", "⊙") else SIZES[role]


def _text(label: Label, x: float, y: float, role: Role, anchor: str, room: float) -> str:
    size = _size(label, role)
    needed = estimated(label) * size
    squeezed = f' textLength="{room:g}" lengthAdjust="spacingAndGlyphs"' if needed > room else ""
    kind = ' class="back"' if role in (Role.BACK, Role.DELTA) else ""
    inner = "".join(_spans(runs(label)))
    return (
        f'<text{kind} x="{x}" y="{round(y + 0.32 * size, 1)}" font-size="{size:g}" '
        f'text-anchor="{anchor}"{squeezed}>{inner}</text>'
    )


def _spans(pieces: tuple[Run, ...]) -> Iterator[str]:
    """Yield pieces of text; every one moves from the height of the last to its own."""
    height = 0.0
    for run in pieces:
        wanted = 0.0 if run.height == BASE else (SHIFT if run.height == LOWERED else -1.4 * SHIFT)
        scale = 1.0 if run.height == BASE else INDEX_SIZE
        dy = round((wanted - height) / scale, 3)
        moved = f' dy="{dy}em"' if dy else ""
        small = f' font-size="{INDEX_SIZE}em"' if scale != 1 else ""
        style = ' font-style="italic"' if run.italic else ""
        height = wanted
        yield f"<tspan{moved}{small}{style}>{escape(run.text)}</tspan>"
