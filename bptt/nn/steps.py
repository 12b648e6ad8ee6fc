"""Single steps: RNNCell, LSTMCell and GRUCell as torch has them, and RecurrentCell for any cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.cells import catalogue
from bptt.cells.cell import Cell
from bptt.cells.load import as_cell
from bptt.nn.base import CellModule, States
from bptt.nn.initial import initial_states
from bptt.nn.modules import elman
from bptt.nn.parameters import Names, own_names, torch_names
from bptt.nn.strangers import delegate, is_strange
from bptt.nn.twin import STEP_ARGUMENTS, Twin
from bptt.shapes import check_shape


class SingleStep(CellModule):
    """One step of a cell: the input (B, I) and the states before it to the states after it."""

    defaults: Mapping[str, object] = {"proj_size": 0, "bias": True}
    least_size = 0

    def __init__(
        self,
        cell: Cell,
        naming: Callable[[Cell], Names],
        input_size: int,
        hidden_size: int,
        bias: bool,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__((cell,), naming, input_size, hidden_size, bias, proj_size)
        self.register_layers((self.make_layer(self.cell, self.input_size),), 1, device, dtype)
        self.reset_parameters()

    def step(self, input: Tensor, hx: Tensor | Sequence[Tensor] | None) -> tuple[Tensor, States]:
        """Return the output and the states after one step: (B, width), or (width,) for a single row.

        Under autocast it computes in the dtype of its parameters, and returns the states in the dtype of
        those that came in, or else of the input, as `torch.nn.LSTMCell` does.
        """
        check_shape(self.where, input.shape, f"B {self.input_size}", f"{self.input_size}")
        given = input.dtype
        input = self.check_kind("input", input)
        single = input.dim() == 1
        x = input[None, None] if single else input[None]  # (1, B, I)
        start = self._start(hx, x, single)
        # A cell without states hands on none.
        first = hx if isinstance(hx, Tensor) else next(iter(hx or ()), None)
        dtype = given if first is None else first.dtype
        run = self.layers[0].run(self, x, start)
        run = run if run.output.dtype == dtype else run.to(dtype)
        output, states = run.output[0], run.final
        if single:
            output, states = output.squeeze(0), tuple(state.squeeze(0) for state in states)
        return output, self.hand_over(states)

    def _start(self, hx: Tensor | Sequence[Tensor] | None, x: Tensor, single: bool) -> tuple[Tensor, ...]:
        batch = x.shape[1]
        if hx is None:
            return initial_states(self, self.layers[0], "zero", batch, x)
        given = self.check_states(hx, "" if single else "B", batch, rows=False)
        return tuple(state.unsqueeze(0) for state in given) if single else given


class TorchStep(Twin, SingleStep):
    """A single step with the names of torch's cells: weight_ih, weight_hh, bias_ih, bias_hh."""

    twin_arguments = STEP_ARGUMENTS

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        bias: bool,
        device: Device,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__(cell, torch_names, input_size, hidden_size, bias, device=device, dtype=dtype)
        if not bias:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)

    def forward(self, input: Tensor, hx: Tensor | Sequence[Tensor] | None = None) -> States:
        """Return the states after one step: `input` (B, I) or (I,), each state (B, H) or (H,).

        `hx` is zero if not given. Raises InputError for shapes that do not fit.
        """
        if type(input) is not Tensor and is_strange(self.where, input):
            return delegate(self, input, hx)  # type: ignore[no-any-return]
        return self.step(input, hx)[1]


class RNNCell(TorchStep):
    """One step of Elman's network, used like `torch.nn.RNNCell`: h = cell(x, h)."""

    twin = nn.RNNCell
    twin_arguments = (*STEP_ARGUMENTS, "nonlinearity")
    defaults: Mapping[str, object] = {**TorchStep.defaults, "nonlinearity": "tanh"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(elman(nonlinearity), input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(TorchStep):
    """One step of the LSTM, used like `torch.nn.LSTMCell`: h, c = cell(x, (h, c))."""

    twin = nn.LSTMCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(catalogue.get("lstm"), input_size, hidden_size, bias, device, dtype)


class GRUCell(TorchStep):
    """One step of the GRU of torch, used like `torch.nn.GRUCell`: h = cell(x, h)."""

    twin = nn.GRUCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(catalogue.get("gru-torch"), input_size, hidden_size, bias, device, dtype)


class RecurrentCell(SingleStep):
    """One step of any cell: output, hx = cell(x, hx). The parameters are named after its families.

    `cell` is a name of the catalogue, `file.py:Name`, or a Cell. Raises InputError for an unknown cell or
    sizes that do not fit.
    """

    def __init__(
        self,
        cell: Cell | str,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        proj_size: int = 0,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(as_cell(cell), own_names, input_size, hidden_size, bias, proj_size, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | Sequence[Tensor] | None = None) -> tuple[Tensor, States]:
        """Return the output and the states after one step: `input` (B, I) or (I,), the rest (B, width) or
        (width,). The states are a tensor for a cell with one, else a tuple; `hx` is zero if not given. Raises
        InputError for shapes that do not fit.
        """
        if type(input) is not Tensor and is_strange(self.where, input):
            return delegate(self, input, hx)  # type: ignore[no-any-return]
        return self.step(input, hx)

    def extra_repr(self) -> str:
        """Return the cell, the sizes, and the options that differ from the defaults."""
        return f"{self.cell.name!r}, {super().extra_repr()}"
