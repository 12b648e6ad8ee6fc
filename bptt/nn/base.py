"""The common base of stacks and single steps: a cell, its parameters, the form of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.cells.cell import Cell
from bptt.cells.load import names_of
from bptt.errors import InputError, TensorError, WrongTypeError
from bptt.nn.layer import Layer
from bptt.nn.parameters import BIASES, Names, check_counts, layer_sizes, plain
from bptt.nn.sequences import check_dense
from bptt.runtime.autocast import autocast_dtype
from bptt.shapes import check_shape

# The states as torch hands them over: one is a tensor, several are a tuple.
States = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True)
class StateTensor:
    """A tensor (rows, B, width) that holds state number `index` of the layers and directions `rows`."""

    name: str
    rows: range
    index: int
    width: int


@dataclass(frozen=True)
class StateForm:
    """The tensors that hold all states, and the widths of the states of each layer and direction.

    Layers whose cells have the same states share a tensor for each, as wide as the widest, as in torch.
    Otherwise each layer has tensors of its own, lowest layer first: (h_l0, c_l0, h_l1) of an LSTM below a
    GRU, (directions, B, width) each.
    """

    tensors: tuple[StateTensor, ...]
    widths: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, layers: Sequence[Layer], directions: int) -> StateForm:
        """Return the form of layers in torch's order."""
        names, widths = [layer.cell.states for layer in layers], tuple(layer.widths for layer in layers)
        if len(set(names)) == 1:
            return cls.shared(names[0], widths)
        return cls(
            tuple(
                StateTensor(f"{name}{layers[row].suffix}", range(row, row + directions), k, widths[row][k])
                for row in range(0, len(layers), directions)
                for k, name in enumerate(names[row])
            ),
            widths,
        )

    @classmethod
    def shared(cls, names: Sequence[str], widths: tuple[tuple[int, ...], ...]) -> StateForm:
        """Return the form of layers that have the same states."""
        each = zip(names, map(max, zip(*widths, strict=True)), strict=True)
        rows = range(len(widths))
        return cls(tuple(StateTensor(name, rows, k, width) for k, (name, width) in enumerate(each)), widths)

    @property
    def handed_widths(self) -> list[list[int]]:
        """The widths of the states of each layer and direction in the tensors, zeros included."""
        found: list[list[int]] = [[] for _ in self.widths]
        for tensor in self.tensors:
            for row in tensor.rows:
                found[row].append(tensor.width)
        return found

    def rows(self, given: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """Return the states (B, width) of each layer and direction, zeros after those of a narrower one."""
        found: list[list[Tensor]] = [[] for _ in self.widths]
        for state, tensor in zip(given, self.tensors, strict=True):
            for row in tensor.rows:
                found[row].append(state[row - tensor.rows.start])
        return [tuple(states) for states in found]

    def split(self, given: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """Return the states (B, width) of each layer and direction, as wide as they are there."""
        return [
            tuple(state[:, :width] for state, width in zip(states, widths, strict=True))
            for states, widths in zip(self.rows(given), self.widths, strict=True)
        ]

    def join(self, rows: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
        """Return the tensors (rows, B, width) of the states (B, width) of each layer and direction."""
        return tuple(_stack([rows[row][tensor.index] for row in tensor.rows]) for tensor in self.tensors)


def _stack(rows: Sequence[Tensor]) -> Tensor:
    """Stack a state of several layers. One as wide as the input is narrower in some: zeros follow it."""
    widest = max(row.shape[-1] for row in rows)
    padded = [nn.functional.pad(r, (0, widest - r.shape[-1])) if r.shape[-1] < widest else r for r in rows]
    # Of one layer too: a view could not be detached in place, as loops of truncated back-propagation do.
    return torch.stack(padded)


class LayerStates(NamedTuple):
    """Every state of every step of one layer, differentiable.

    `forward` holds one tensor per state, in the order of the cell: (T, B, width), or (B, T, width)
    with batch_first, or (T, width) for a single sequence. `backward` is the same for the direction
    from the last step to the first, empty if there is none. Entry t is the state after step t of the
    input was read. In the padding a state keeps its value: the last one in `forward`, the initial
    one in `backward`.
    """

    forward: tuple[Tensor, ...]
    backward: tuple[Tensor, ...]


class CellModule(nn.Module):
    """Layers of cells with sizes. They name the parameters, which are attributes of the module.

    `cells` has the cell of each layer, the lowest first.
    """

    # The attributes that the printed form shows where they differ from these values.
    defaults: Mapping[str, object]
    layers: tuple[Layer, ...]
    state_form: StateForm
    # The least input_size and hidden_size, as in torch.
    least_size = 1

    def __init__(
        self,
        cells: Sequence[Cell],
        naming: Callable[[Cell], Names],
        input_size: int,
        hidden_size: int,
        bias: bool,
        proj_size: int,
    ) -> None:
        super().__init__()
        input_size, hidden_size, bias, proj_size = map(plain, (input_size, hidden_size, bias, proj_size))
        bare = {cell: cell if bias else cell.without(*BIASES) for cell in cells}
        self.cells: tuple[Cell, ...] = tuple(bare[cell] for cell in cells)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.proj_size = proj_size
        check_flag(self.where, "bias", bias)
        self._names = {cell: naming(cell) for cell in self.cells}
        check_counts(self.where, self.least_size, input_size=input_size, hidden_size=hidden_size)
        self._sizes = layer_sizes(self.where, self.cells, input_size, hidden_size, proj_size)

    @property
    def cell(self) -> Cell:
        """The cell of all layers. Raises InputError if they have several."""
        first = self.cells[0]
        if any(cell != first for cell in self.cells):
            cure = "Look at the cell of each layer: module.cells"
            raise InputError(self.where, "expected one cell in all layers", self.cell_name, cure)
        return first

    @property
    def cell_name(self) -> str:
        """The name of the cell, or those of all layers' cells where they differ: `lstm,gru`."""
        return names_of(self.cells)

    @property
    def where(self) -> str:
        """How an error names this module."""
        return f"{type(self).__name__}(input_size={self.input_size})"

    def make_layer(self, cell: Cell, input_size: int, suffix: str = "", reverse: bool = False) -> Layer:
        """Return a layer of a cell for inputs of this width. Raises InputError if it reads another."""
        sizes, letter = {**self._sizes[cell], "I": input_size}, cell.width(cell.inputs[0])
        if sizes[letter] != input_size:
            rule = f"each layer of cell {cell.name!r} reads an input of width {letter} = {sizes[letter]}"
            raise InputError(self.where, rule, input_size, "Give the sizes that it needs, or read W_h @ x")
        return Layer(cell, sizes, self._names[cell], suffix, reverse)

    @property
    def output_size(self) -> int:
        """The width of the output of the last layer in one direction."""
        return self.layers[-1].output_size

    @property
    def widths(self) -> tuple[int, ...]:
        """The width of each tensor of states: that of the widest layer that it has a state of."""
        return tuple(tensor.width for tensor in self.state_form.tensors)

    def register_layers(
        self, layers: tuple[Layer, ...], directions: int, device: Device, dtype: torch.dtype | None
    ) -> None:
        """Take over the layers, with their parameters unfilled."""
        self.layers, self.state_form = layers, StateForm.of(layers, directions)
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
        converted to their dtype, as in torch. Raises TensorError if it has another dtype or device, or is
        not dense.
        """
        check_dense(self.where, what, tensor)
        parameter: Tensor = getattr(self, self.layers[0].parameter_names[0])
        if tensor.device == parameter.device:
            if tensor.dtype == parameter.dtype:
                return tensor
            if autocast_dtype(parameter) is not None:
                return tensor.to(parameter.dtype)
        rule = f"expected {what} as the parameters, {parameter.dtype} on {parameter.device}"
        cure = f"Convert it, {what}.to(...), or the module, model.to(...)"
        raise TensorError(self.where, rule, f"{tensor.dtype} on {tensor.device}", cure)

    def check_states(
        self, hx: Tensor | Sequence[Tensor], leading: str, batch: int, rows: bool = True
    ) -> tuple[Tensor, ...]:
        """Return `hx` as the tensors of the state form, each ([rows], `leading`, width); B is `batch`.

        Raises TensorError if a shape, dtype or device is another, WrongTypeError if one is no tensor.
        """
        tensors = self.state_form.tensors
        names = ", ".join(tensor.name for tensor in tensors)
        form = names if len(tensors) == 1 else f"({names})"
        if not isinstance(hx, Tensor | tuple | list):
            raise WrongTypeError(self.where, f"expected hx as {form}", type(hx).__name__)
        given = (hx,) if isinstance(hx, Tensor) else tuple(hx)
        if len(given) != len(tensors):
            raise TensorError(self.where, f"expected hx as {form}", f"{len(given)} tensors")
        for tensor, state in zip(tensors, given, strict=True):
            if not isinstance(state, Tensor):
                rule = f"expected {tensor.name} of hx as a tensor"
                raise WrongTypeError(self.where, rule, type(state).__name__)
            first = f"{len(tensor.rows)} " if rows else ""
            pattern = f"{first}{leading} {tensor.width}"
            check_shape(f"{self.where}, {tensor.name} of hx", state.shape, pattern, sizes={"B": batch})
        return tuple(self.check_kind("hx", state) for state in given)

    def __prepare_scriptable__(self) -> nn.Module:
        """Raise InputError when `torch.jit.script` asks first, before it fails to compile `forward`."""
        rule = "TorchScript compiles cells that torch has layers of"
        cure = "torch.jit.trace, torch.compile and torch.export take any cell"
        raise InputError("torch.jit.script", rule, self.cell_name, cure)

    def hand_over(self, states: tuple[Tensor, ...]) -> States:
        """Return the states in the form that the caller gets: see States."""
        return states[0] if len(states) == 1 else states


def check_flag(where: str, name: str, value: object) -> None:
    """Raise WrongTypeError unless `value` is True or False, as a misplaced argument is not."""
    if not isinstance(value, bool):
        raise WrongTypeError(where, f"{name} is True or False", repr(value))
