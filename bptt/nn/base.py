"""The common base of stacks and single steps: a cell, its parameters, the form of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.cells.cell import Cell
from bptt.cells.load import as_cell
from bptt.errors import InputError, TensorError, WrongTypeError
from bptt.nn.layer import Layer
from bptt.nn.parameters import BIASES, Names, cell_sizes, check_counts, plain
from bptt.runtime.autocast import autocast_dtype
from bptt.shapes import check_shape

# The states of a cell as torch hands them over: one is a tensor, several are a tuple.
States = Tensor | tuple[Tensor, ...]


class CellModule(nn.Module):
    """A cell with sizes. Its layers name the parameters, which are attributes of the module."""

    # The attributes that the printed form shows where they differ from these values.
    defaults: Mapping[str, object]
    layers: tuple[Layer, ...]
    # The least input_size and hidden_size, as in torch.
    least_size = 1

    def __init__(
        self,
        cell: Cell,
        naming: Callable[[Cell], Names],
        input_size: int,
        hidden_size: int,
        bias: bool,
        proj_size: int,
    ) -> None:
        super().__init__()
        input_size, hidden_size, bias, proj_size = map(plain, (input_size, hidden_size, bias, proj_size))
        cell = as_cell(cell)
        self.cell = cell if bias else cell.without(*BIASES)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.proj_size = proj_size
        check_flag(self.where, "bias", bias)
        self._names = naming(self.cell)
        check_counts(self.where, self.least_size, input_size=input_size, hidden_size=hidden_size)
        self._sizes = cell_sizes(self.where, self.cell, input_size, hidden_size, proj_size)

    @property
    def where(self) -> str:
        """How an error names this module."""
        return f"{type(self).__name__}(input_size={self.input_size})"

    def make_layer(self, input_size: int, suffix: str = "", reverse: bool = False) -> Layer:
        """Return a layer of this module's cell for inputs of this width. Raises InputError if it reads
        another.
        """
        sizes, letter = {**self._sizes, "I": input_size}, self.cell.width(self.cell.inputs[0])
        if sizes[letter] != input_size:
            rule = f"each layer of cell {self.cell.name!r} reads an input of width {letter} = {sizes[letter]}"
            raise InputError(self.where, rule, input_size, "Give the sizes that it needs, or read W_h @ x")
        return Layer(self.cell, sizes, self._names, suffix, reverse)

    @property
    def output_size(self) -> int:
        """The width of the output of the last layer in one direction."""
        return self.layers[-1].output_size

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of each state, that of the widest layer."""
        return tuple(map(max, zip(*(layer.widths for layer in self.layers), strict=True)))

    def register_layers(self, layers: tuple[Layer, ...], device: Device, dtype: torch.dtype | None) -> None:
        """Take over the layers, with their parameters unfilled."""
        self.layers = layers
        for layer in layers:
            layer.register(self, device, dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as torch does: uniform within ±1/√H, or the cell's constant."""
        for layer in self.layers:
            layer.reset(self)

    def extra_repr(self) -> str:
        """Return the sizes, and the options that differ from the defaults."""
        changed = {k: getattr(self, k) for k, v in self.defaults.items() if getattr(self, k) != v}
        sizes = f"{self.input_size}, {self.hidden_size}"
        return ", ".join([sizes, *(f"{name}={value}" for name, value in changed.items())])

    def check_kind(self, what: str, tensor: Tensor) -> Tensor:
        """Return `tensor`, if it has the dtype and the device of the parameters; under autocast it is
        converted to their dtype, as in torch. Raises TensorError if it has another dtype or device.
        """
        parameter: Tensor = getattr(self, self.layers[0].parameter_names[0])
        if tensor.device == parameter.device:
            if tensor.dtype == parameter.dtype:
                return tensor
            if autocast_dtype(parameter) is not None:
                return tensor.to(parameter.dtype)
        rule = f"expected {what} as the parameters, {parameter.dtype} on {parameter.device}"
        cure = f"Convert it, {what}.to(...), or the module, model.to(...)"
        raise TensorError(self.where, rule, f"{tensor.dtype} on {tensor.device}", cure)

    def check_states(self, hx: Tensor | Sequence[Tensor], leading: str, batch: int) -> tuple[Tensor, ...]:
        """Return `hx` as one tensor (`leading`, width) per state; B is `batch`.

        Raises TensorError if a shape, dtype or device is another, WrongTypeError if one is no tensor.
        """
        names = self.cell.states
        form = names[0] if len(names) == 1 else f"({', '.join(names)})"
        if not isinstance(hx, Tensor | tuple | list):
            raise WrongTypeError(self.where, f"expected hx as {form}", type(hx).__name__)
        given = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        if len(given) != len(names):
            raise TensorError(self.where, f"expected hx as {form}", f"{len(given)} tensors")
        for name, state, width in zip(names, given, self.widths, strict=True):
            if not isinstance(state, Tensor):
                raise WrongTypeError(self.where, f"expected {name} of hx as a tensor", type(state).__name__)
            pattern = f"{leading} {width}"
            check_shape(f"{self.where}, {name} of hx", state.shape, pattern, sizes={"B": batch})
        return tuple(self.check_kind("hx", state) for state in given)

    def __prepare_scriptable__(self) -> nn.Module:
        """Raise InputError when `torch.jit.script` asks first, before it fails to compile `forward`."""
        rule = "TorchScript compiles cells that torch has layers of"
        cure = "torch.jit.trace, torch.compile and torch.export take any cell"
        raise InputError("torch.jit.script", rule, self.cell.name, cure)

    def hand_over(self, states: tuple[Tensor, ...]) -> States:
        """Return the states in the form that the caller gets: see States."""
        return states[0] if len(states) == 1 else states


def stack_states(rows: Sequence[Tensor]) -> Tensor:
    """Return a state (B, width) of each layer as one tensor (layers, B, width of the widest).

    A state as wide as the input is narrower in one layer than in another: zeros follow it.
    """
    widest = max(row.shape[-1] for row in rows)
    padded = [nn.functional.pad(r, (0, widest - r.shape[-1])) if r.shape[-1] < widest else r for r in rows]
    # Of one layer too: a view could not be detached in place, as loops of truncated back-propagation do.
    return torch.stack(padded)


def check_flag(where: str, name: str, value: object) -> None:
    """Raise WrongTypeError unless `value` is True or False, as a misplaced argument is not."""
    if not isinstance(value, bool):
        raise WrongTypeError(where, f"{name} is True or False", repr(value))
