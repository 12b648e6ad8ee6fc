"""The rules of the language of cells that no single equation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptt.cells.expression import MatrixVector, symbols, walk
from bptt.cells.functions import FUNCTIONS, ROW_FUNCTIONS
from bptt.cells.language import PREVIOUS
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.cells.cell import Cell


def check_cell(cell: Cell) -> None:
    """Raise InputError where a cell breaks a rule of the language."""
    where = f"cell {cell.name!r}"
    known = {*cell.inputs, *cell.constants, *(s + PREVIOUS for s in cell.states)}
    for number, equation in enumerate(cell.equations, 1):
        here = f"{where}, equation {number}"
        _check_target(here, equation.target, known)
        for name in symbols(equation.expression):
            later = name in cell.targets and name not in known
            if later:
                cure = f"For the value of the step before, list {name!r} in states and write {name}{PREVIOUS}"
                raise InputError(here, "an equation uses values defined above it", repr(name), cure)
            if name not in known:
                _check_parameter(here, name, cell)
        for node in walk(equation.expression):
            if isinstance(node, MatrixVector):
                _check_parameter(here, node.matrix, cell)
        known.add(equation.target)
    for name in (*cell.states, cell.output):
        if name not in cell.targets:
            raise InputError(
                where,
                "states and output are targets of equations",
                repr(name),
                f"Targets: {', '.join(cell.targets)}",
            )
    for family in cell.init:
        if family not in {f.name for f in cell.families}:
            names = ", ".join(f.name for f in cell.families)
            raise InputError(where, "init names families of parameters", repr(family), f"Families: {names}")
    cell.matrices, cell.vectors, cell.families  # noqa: B018  (computed here so that their rules are checked)


def _check_target(where: str, target: str, known: set[str]) -> None:
    if target in known:
        raise InputError(where, "a name is defined once", repr(target))
    if target.endswith(PREVIOUS) or target in FUNCTIONS or target in ROW_FUNCTIONS or target.startswith("δ"):
        raise InputError(where, "the names of functions, δ… and …_prev are reserved", repr(target))


def _check_parameter(where: str, name: str, cell: Cell) -> None:
    family, _, value = name.rpartition("_")
    if not family or value not in cell.targets:
        raise InputError(
            where,
            "unknown name: a parameter is written FAMILY_VALUE, as W_h or b_h, VALUE being a target",
            repr(name),
            f"Values: {', '.join((*cell.inputs, *cell.targets, *(s + PREVIOUS for s in cell.states)))}",
        )
