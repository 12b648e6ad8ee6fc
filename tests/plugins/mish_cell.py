"""A package that adds a cell: Elman's network with the nonlinearity of another package."""

from bptt.cells import Cell

ELMAN_MISH = Cell.define(
    "elman-mish",
    "h = mish(W_h @ x + R_h @ h_prev + b_h)",
    states="h",
    title="Elman network, mish",
    source="tests/plugins/mish_cell.py",
)
