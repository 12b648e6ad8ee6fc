"""The check that the shapes of a recurrence's arguments fit its cell and each other."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from bptt.cells.cell import Cell
from bptt.errors import InputError, TensorError
from bptt.shapes import check_shape

Shape: TypeAlias = tuple[int, ...]


# Checked once per combination of shapes: a module is called with few of them, many times.
@lru_cache(maxsize=1024)
def check_arguments(
    cell: Cell,
    x: Shape,
    initial: tuple[Shape, ...],
    parameters: tuple[Shape, ...],
    lengths: Shape | None,
    restarts: Shape | None = None,
) -> None:
    """Raise InputError unless x, states, parameters, lengths and restarts fit the cell and each other.

    Raise TensorError if x has no time step, or a shape is wrong.
    """
    where = f"recurrence({cell.name})"
    if len(cell.inputs) > 1:
        raise InputError(where, "a recurrence has one input sequence", " ".join(cell.inputs))
    sizes = check_shape(f"{where}, x", x, f"T B {cell.width(cell.inputs[0])}")
    if x[0] == 0:
        raise TensorError(where, "a sequence has at least one time step", tuple(x))
    if len(initial) != len(cell.states) or len(parameters) != len(cell.families):
        rule = f"expected {len(cell.states)} initial states and {len(cell.families)} stacked parameters"
        raise InputError(where, rule, f"{len(initial)} and {len(parameters)}")
    for family, stack in zip(cell.families, parameters, strict=True):
        rows = f"{len(family.members)}*{family.rows}"
        pattern = rows if family.columns is None else f"{rows} {family.columns}"
        sizes = check_shape(f"{where}, {family.name}", stack, pattern, sizes=sizes)
    for state, shape in zip(cell.states, initial, strict=True):
        rows = "B" if restarts is None else "2*B"
        sizes = check_shape(f"{where}, initial {state}", shape, f"{rows} {cell.width(state)}", sizes=sizes)
    if lengths is not None:
        check_shape(f"{where}, lengths", lengths, "B", sizes=sizes)
    if restarts is not None:
        check_shape(f"{where}, restarts", restarts, "T B", sizes=sizes)
