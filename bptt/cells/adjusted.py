"""A cell in which every value can be scaled and shifted: what a look from outside changes in it."""

from __future__ import annotations

from bptt.cells.cell import Cell
from bptt.cells.expression import to_text

SCALE, SHIFT = "scale", "shift"


def adjusted(cell: Cell) -> Cell:
    """Return the cell with `v = scaleH_v * (...) + shiftH_v` for every equation of a vector of H units.

    With scales 1 and shifts 0 it computes what `cell` does; scale 0 clamps a unit to its shift. Everything
    derived from it, such as its gradients, holds for the changed values. Values over a row stay as they are,
    and so does each value whose scale or shift would be a name of the cell.
    """
    # One family for each width: the parameters of a family have one shape.
    names = {*cell.targets, *cell.vectors, *cell.matrices, *cell.constants, *cell.inputs}
    lines = []
    for equation in cell.equations:
        target, right = equation.target, to_text(equation.expression)
        width = cell.width(target)
        scale, shift = (f"{family}{width}_{target}" for family in (SCALE, SHIFT))
        if width != "1" and not {scale, shift} & names:
            right = f"{scale} * ({right}) + {shift}"
        lines.append(f"{target} = {right}")
    return Cell.define(
        cell.name,
        "\n".join(lines),
        states=cell.states,
        output=cell.output,
        title=cell.title,
        source=cell.source,
        inputs=" ".join(cell.inputs),
        widths=cell.widths,
        constants=cell.constants,
        init=cell.init,
    )
