"""The modules RNN, LSTM and GRU as torch has them.

Each is called as `module(input, hx=None, *, lengths=None, return_states=False)`: see Stack.forward.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.types import Device

from bptt.cells import catalogue
from bptt.cells.cell import Cell
from bptt.errors import InputError
from bptt.nn.parameters import torch_names
from bptt.nn.recurrent import Recurrent as Recurrent
from bptt.nn.torch_stack import TorchStack, no_projection
from bptt.nn.twin import STACK_ARGUMENTS


class RNN(TorchStack):
    """Elman's network, h = f(W x + R h_prev + b) with f tanh or ReLU; used like `torch.nn.RNN`.

    Source: Elman 1990. Raises InputError for sizes and options that cannot be.
    """

    twin = nn.RNN
    twin_arguments = (*STACK_ARGUMENTS, "nonlinearity")
    defaults: Mapping[str, object] = {**TorchStack.defaults, "nonlinearity": "tanh"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        proj_size: int = 0,
    ) -> None:
        no_projection("RNN", proj_size)
        super().__init__(
            elman(nonlinearity),
            torch_names,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity

    @property
    def mode(self) -> str:
        """How torch calls the cell."""
        return f"RNN_{self.nonlinearity.upper()}"


class LSTM(TorchStack):
    """Long short-term memory, with a projection of h if `proj_size`; used like `torch.nn.LSTM`.

    Source: Gers et al. 2000, Sak et al. 2014. Raises InputError for sizes and options that cannot
    be.
    """

    twin = nn.LSTM
    twin_arguments = (*STACK_ARGUMENTS, "proj_size")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            catalogue.get("lstm-projection" if proj_size else "lstm"),
            torch_names,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device=device,
            dtype=dtype,
        )


class GRU(TorchStack):
    """The gated recurrent unit as torch and cuDNN compute it; used like `torch.nn.GRU`.

    The unit as published is `Recurrent("gru", ...)`. Raises InputError for sizes and options that
    cannot be.
    """

    twin = nn.GRU

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        proj_size: int = 0,
    ) -> None:
        no_projection("GRU", proj_size)
        super().__init__(
            catalogue.get("gru-torch"),
            torch_names,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )


def elman(nonlinearity: str) -> Cell:
    """Return the cell of torch's RNN. Raises InputError for another nonlinearity than torch's two."""
    if nonlinearity not in ("tanh", "relu"):
        cure = "For others, Recurrent takes any cell, as elman-sigmoid"
        raise InputError("RNN", "nonlinearity is 'tanh' or 'relu'", repr(nonlinearity), cure)
    return catalogue.get(f"elman-{nonlinearity}")
