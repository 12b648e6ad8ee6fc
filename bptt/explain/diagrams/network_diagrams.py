"""A recurrent network folded, with the loop of its states, and unrolled over time, forward and backward."""

from __future__ import annotations

from dataclasses import replace

from bptt.cells.cell import Cell
from bptt.explain.diagrams.diagram import Box, BoxKind, Diagram, Label, Port, Side
from bptt.explain.formula_tree import COMMA, Formula, MathName, Row, derivative
from bptt.explain.legend import split_name
from bptt.languages.phrase import phrase

# The steps that are drawn of T: the first two, and after a gap the last.
SHOWN = ("1", "2", "", "T")


def folded(cell: Cell) -> Diagram:
    """Return the network as one box, whose states come back one step later."""
    inputs = tuple(Box(x, 0, _at(x, "t"), kind=BoxKind.OUTER) for x in cell.inputs)
    ports = tuple(Port(x) for x in cell.inputs)
    body = Box("cell", 1, cell_name(cell), kind=BoxKind.LAYER, ports=(Port("later"), *ports), column=1)
    later = Box("later", 1, _states(cell, "t−1"), phrase("delay"), ports=(Port("cell"),), down=True, column=0)
    out = Box("out", 2, _at(cell.output, "t"), kind=BoxKind.OUTER, ports=(Port("cell"),), column=1)
    placed = tuple(replace(box, column=1 + k / 9) for k, box in enumerate(inputs))
    return Diagram(f"{cell.name}-folded", (*placed, later, body, out))


def unrolled(cell: Cell, backward: bool = False) -> Diagram:
    """Return the network step by step; with `backward`, what flows back in time beside it."""
    boxes: list[Box] = []
    sides: list[Side] = []
    before = "start"
    boxes.append(Box(before, 1, _states(cell, "0"), kind=BoxKind.OUTER, column=-1))
    for column, index in enumerate(SHOWN):
        key = f"cell {column}"
        if not index:
            boxes.append(Box(key, 1, MathName("⋯"), kind=BoxKind.OUTER, column=column))
        else:
            boxes += _step(cell, key, index, column, backward)
        label, backs = _carried(cell, column, backward)
        sides.append(Side(before, key, label, backs=backs))
        before = key
    boxes.append(Box("end", 1, _states(cell, "T"), kind=BoxKind.OUTER, column=len(SHOWN)))
    sides.append(Side(before, "end"))
    return Diagram(f"{cell.name}-{'through-time' if backward else 'unrolled'}", tuple(boxes), tuple(sides))


def _step(cell: Cell, key: str, index: str, column: int, backward: bool) -> list[Box]:
    """Return the boxes of one step: inputs, the cell, its output, and the loss there."""
    loss = MathName("E", index=index)
    found = []
    for k, x in enumerate(cell.inputs):
        label = _at(x, index)
        found.append(Box(f"{x} {column}", 0, label, kind=BoxKind.OUTER, column=column + k / 9))
    ports = []
    for x in cell.inputs:
        flows = replace(_at(x, index), mark="δ") if backward else None
        ports.append(Port(f"{x} {column}", back=flows))
    found.append(Box(key, 1, cell_name(cell), kind=BoxKind.LAYER, ports=tuple(ports), column=column))
    out = _at(cell.output, index)
    read = Port(key, out, derivative(loss, out) if backward else None)
    found.append(Box(f"E {column}", 2, loss, kind=BoxKind.LOSS, ports=(read,), column=column))
    return found


def _carried(cell: Cell, column: int, backward: bool) -> tuple[Label | None, tuple[Label, ...]]:
    """Return what one step hands to the next, and what comes back from there."""
    index = {0: "", 1: "1", 2: "2", 3: "T−1"}[column]
    states = _states(cell, index) if index else None
    if not backward:
        return states, ()
    index = index or "0"
    losses = MathName("E", index=f">{index}" if index != "T−1" else "T")
    return states, tuple(derivative(losses, _at(state, index)) for state in cell.states)


def cell_name(cell: Cell) -> Label:
    """Return the name of a cell as the label of its box."""
    return MathName(cell.name)


def _states(cell: Cell, index: str) -> Formula:
    return _listed([_at(state, index) for state in cell.states])


def _listed(formulas: list[Formula]) -> Formula:
    parts = [part for formula in formulas for part in (COMMA, formula)][1:]
    return parts[0] if len(parts) == 1 else Row(tuple(parts))


def _at(name: str, index: str) -> MathName:
    return replace(split_name(name), index=index)
