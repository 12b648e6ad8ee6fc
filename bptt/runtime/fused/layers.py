"""Layers of a plain cell in one call of torch's operator, and the same layers by our equations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import _VF, Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from bptt.cells.cell import Cell
from bptt.runtime.fused.plain_cells import operator_of
from bptt.runtime.protocol import Recurrence
from bptt.runtime.reference.padding import mask_padding, zero_padding
from bptt.runtime.reference.reference_backend import REFERENCE

# cuDNN copies the weights into one block at every call, some microseconds for each tensor, and warns of it.
# One block for good would have to hold the second biases that our cells do not have.
warnings.filterwarnings("ignore", "RNN module weights are not part of single", module=__name__)


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of one cell, the lowest first, each in one direction or both, without their tensors.

    The tensors are passed as one list: x (T, B, I); for each state (layers * directions, B, width); for each
    layer and direction W, R, then two biases if the cell has any, then V if it has a projection. `lengths` is
    (B,) or None.
    """

    cell: Cell
    directions: int
    lengths: Tensor | None

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the cell's families."""
        return tuple(family.name for family in self.cell.families)

    @property
    def has_biases(self) -> bool:
        """Whether the cell has a bias, so that torch's operator takes two."""
        return "b" in self.families

    def weights(self, parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Return the tensors of one layer and direction, from those whose sum each family is."""
        by_name = dict(zip(self.families, parts, strict=True))
        biases = [*by_name.get("b", ()), *by_name.get("d", ())]
        if len(biases) == 1:
            biases.append(torch.zeros_like(biases[0]))
        return [*by_name["W"], *by_name["R"], *biases, *by_name.get("V", ())]

    def split(self, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return x, the states and the weights of the list."""
        count = 1 + len(self.cell.states)
        return tensors[0], list(tensors[1:count]), list(tensors[count:])


def call(layers: Layers, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the output (T, B, directions * width), zero in the padding, then the final states, by torch's
    operator. Gradients flow if they are enabled.
    """
    x, states, weights = layers.split(tensors)
    lengths = None if layers.lengths is None else layers.lengths.cpu()
    if lengths is None or int(lengths.min()) == len(x):
        return _operate(layers, (x,), states, weights, (False,))
    rows = lengths.nonzero()[:, 0]
    if len(rows) == len(lengths):
        return _packed(layers, x, lengths, states, weights)
    # The operator refuses rows without steps. Their states stay as they are.
    here = rows.to(x.device)
    width = layers.directions * states[0].shape[-1]
    if not len(rows):
        return (x.new_zeros(*x.shape[:2], width), *(state.clone() for state in states))
    some = [state.index_select(1, here) for state in states]
    output, *final = _packed(layers, x.index_select(1, here), lengths[rows], some, weights)
    whole = output.new_zeros(*x.shape[:2], width).index_copy(1, here, output)
    pairs = zip(states, final, strict=True)
    return (whole, *(state.to(after.dtype).index_copy(1, here, after) for state, after in pairs))


def _packed(
    layers: Layers, x: Tensor, lengths: Tensor, states: Sequence[Tensor], weights: list[Tensor]
) -> tuple[Tensor, ...]:
    """Run rows of different lengths, all with steps."""
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    order, inverse = packed.sorted_indices, packed.unsorted_indices
    assert order is not None and inverse is not None
    sorted_states = [state.index_select(1, order) for state in states]
    data, *final = _operate(layers, (packed.data, packed.batch_sizes), sorted_states, weights, ())
    output, _ = pad_packed_sequence(
        PackedSequence(data, packed.batch_sizes, order, inverse), total_length=len(x)
    )
    return (output, *(state.index_select(1, inverse) for state in final))


def _operate(
    layers: Layers,
    data: tuple[Tensor, ...],
    states: Sequence[Tensor],
    weights: list[Tensor],
    batch_first: tuple[bool, ...],
) -> tuple[Tensor, ...]:
    """Call torch's operator, on sequences of one length or on packed ones."""
    name = operator_of(layers.cell)
    hx = list(states) if name == "lstm" else states[0]
    count = len(states[0]) // layers.directions
    # cuDNN can only go back through a call that was made for training. Dropout is ours, between calls.
    options = (layers.has_biases, count, 0.0, torch.is_grad_enabled(), layers.directions == 2)
    found: tuple[Tensor, ...] = getattr(_VF, str(name))(*data, hx, weights, *options, *batch_first)
    return found


def by_equations(layers: Layers, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the same results in torch operations that can be differentiated any number of times."""
    values, states, weights = layers.split(tensors)
    valid = mask_padding(values, layers.lengths)[1]
    size = len(weights) // len(states[0])
    whole = tuple(state == layers.cell.output for state in layers.cell.states)
    final: list[tuple[Tensor, ...]] = []
    for first in range(0, len(states[0]), layers.directions):
        outputs = []
        for row in range(first, first + layers.directions):
            one = Recurrence(layers.cell, layers.lengths, row > first, whole)
            families = _families(layers, weights[row * size : (row + 1) * size])
            found = REFERENCE.run(one, (values, *(state[row] for state in states), *families))
            outputs.append(found[0])
            final.append(found[1:])
        values = torch.cat(outputs, -1)
    return (zero_padding(values, valid), *map(torch.stack, zip(*final, strict=True)))


def _families(layers: Layers, weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return a tensor for each family of the cell, of one layer and direction: see `Layers.weights`."""
    names = layers.families
    by_name = dict(zip(("W", "R"), weights, strict=False))
    if "V" in names:
        by_name["V"] = weights[-1]
    if layers.has_biases:
        by_name |= {"b": weights[2], "d": weights[3]} if "d" in names else {"b": weights[2] + weights[3]}
    return tuple(by_name[name] for name in names)
