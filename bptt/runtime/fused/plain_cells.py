"""The cells that torch has operators of, recognised from their equations."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TypeAlias

from bptt.cells.caching import cached_by_cell
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell

_OPERATORS = MappingProxyType(
    {
        "lstm": "lstm",
        "lstm-projection": "lstm",
        "gru-torch": "gru",
        "elman-tanh": "rnn_tanh",
        "elman-relu": "rnn_relu",
    }
)

# Equations, states, output, inputs and widths: names, sources and first values do not change a run.
_Meaning: TypeAlias = tuple[object, ...]


@cached_by_cell
def operator_of(cell: Cell) -> str | None:
    """Return the name of torch's operator that computes a cell, with or without biases; None if none does.

    The members of its families are in torch's order, and so are the families but for the biases: torch has
    two of each, whose sum is `b`, or which are `b` and `d`.
    """
    return _known().get(_meaning(cell))


@cache
def _known() -> dict[_Meaning, str]:
    cells = {name: CATALOGUE[name] for name in _OPERATORS}
    both = [(name, each) for name, cell in cells.items() for each in (cell, cell.without("b", "d"))]
    return {_meaning(cell): _OPERATORS[name] for name, cell in both}


def _meaning(cell: Cell) -> _Meaning:
    equations = tuple((equation.target, equation.expression) for equation in cell.equations)
    return equations, cell.states, cell.output, cell.inputs, tuple(sorted(cell.widths.items()))
