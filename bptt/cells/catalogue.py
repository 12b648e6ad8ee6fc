"""The catalogue: every cell that ships with the package, by name."""

from __future__ import annotations

from collections.abc import Mapping

from bptt import plugins
from bptt.cells.cell import Cell
from bptt.cells.dense import DENSE
from bptt.cells.elman import ELMAN_RELU, ELMAN_SIGMOID, ELMAN_TANH, INDRNN
from bptt.cells.gru import GRU, GRU_SIMPLE, GRU_TORCH, MGU
from bptt.cells.linear_in_state import MINGRU, MINLSTM, SRU
from bptt.cells.lstm import (
    LSTM,
    LSTM_COUPLED,
    LSTM_LAYERNORM,
    LSTM_PEEPHOLE,
    LSTM_PEEPHOLE_PREVIOUS,
    LSTM_PROJECTION,
)
from bptt.errors import InputError

CATALOGUE: Mapping[str, Cell] = {
    cell.name: cell
    for cell in (
        ELMAN_TANH,
        ELMAN_RELU,
        ELMAN_SIGMOID,
        INDRNN,
        LSTM,
        LSTM_PEEPHOLE,
        LSTM_PEEPHOLE_PREVIOUS,
        LSTM_PROJECTION,
        LSTM_COUPLED,
        LSTM_LAYERNORM,
        GRU,
        GRU_TORCH,
        GRU_SIMPLE,
        MGU,
        MINGRU,
        MINLSTM,
        SRU,
        DENSE,
    )
}


def get(name: str) -> Cell:
    """Return the cell of that name, of the catalogue or of an installed package.

    Raises InputError with the names there are, and if the package that adds the cell is broken.
    """
    cell = CATALOGUE.get(name) or plugins.find(plugins.CELLS, name, Cell)
    if cell is None:
        known = dict.fromkeys((*CATALOGUE, *plugins.entries(plugins.CELLS)))
        cure = f"Known cells: {', '.join(known)}; or a file of your own, mycell.py:MyCell"
        raise InputError("cell", "expected a name of the catalogue", repr(name), cure)
    return cell


def added() -> tuple[tuple[Cell, ...], tuple[InputError, ...]]:
    """Return the cells that installed packages add, and an error for each that cannot be loaded."""
    found, broken = plugins.find_all(plugins.CELLS, Cell, CATALOGUE)
    return tuple(found.values()), broken
