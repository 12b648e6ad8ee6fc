"""The simple recurrent network of Elman: the hidden layer sees its own last value."""

from __future__ import annotations

from bptt.cells.cell import Cell


def _elman(function: str) -> Cell:
    return Cell.define(
        f"elman-{function}",
        f"h = {function}(W_h @ x + R_h @ h_prev + b_h)",
        states="h",
        title=f"Elman network, {function}",
        source="Elman 1990, Finding structure in time, Cognitive Science 14",
    )


ELMAN_TANH, ELMAN_RELU, ELMAN_SIGMOID = _elman("tanh"), _elman("relu"), _elman("sigmoid")

INDRNN = Cell.define(
    "indrnn",
    "h = relu(W_h @ x + u_h * h_prev + b_h)",
    states="h",
    title="Independently recurrent network",
    source="Li et al. 2018, Independently recurrent neural network, eq. 2",
)
