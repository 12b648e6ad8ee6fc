"""The module Recurrent: a stack of any cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.types import Device

from bptt.cells.cell import Cell
from bptt.cells.load import as_cells
from bptt.nn.initial import Initial
from bptt.nn.parameters import own_names
from bptt.nn.stack import Stack


class Recurrent(Stack):
    """A stack of any cell: a name of the catalogue, `file.py:Name`, or a Cell; or a list with one for each
    layer, lowest first, whose length is then `num_layers`.

    The parameters are named after the cell's families, `W_l0`, `R_l0_reverse`; learned initial states after
    the states, `initial_h_l0`. `forward` says how the states of layers with different cells are handed over.
    `bias=False` leaves out the families `b` and `d`. `proj_size` is for cells with a projection. `initial`
    says where a sequence starts if no `hx` is given: at "zero", at a "learned" state, or at a "random" one,
    drawn from N(0, 1) at every call; "random-in-training" draws in training and is zero in evaluation. Raises
    InputError for an unknown cell, or options that it does not take.
    """

    def __init__(
        self,
        cell: Cell | str | Sequence[Cell | str],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        initial: Initial = "zero",
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            as_cells(cell),
            own_names,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            initial,
            device,
            dtype,
        )

    def extra_repr(self) -> str:
        """Return the cell, the sizes, and the options that differ from the defaults."""
        return f"{self.cell_name!r}, {super().extra_repr()}"
