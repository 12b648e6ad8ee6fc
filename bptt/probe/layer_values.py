"""Every named value of every layer at every step: gates, states, and what else the equations name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from bptt.cells.cell import Cell
from bptt.cells.expression import Call
from bptt.cells.functions import get_function
from bptt.nn.sequences import Lengths
from bptt.nn.stack import Stack
from bptt.probe.stack_layers import LayerInput, layer_inputs, stack_of
from bptt.probe.undisturbed import undisturbed

ValueKind = Literal["state", "gate", "other"]
Direction = Literal["forward", "backward"]


@dataclass(frozen=True, eq=False)
class Value:
    """A named value (T, B, width): a state, a gate (between 0 and 1), or another one.

    `function` is the one whose result it is, as "tanh", and empty where its equation is more than a call.
    """

    name: str
    kind: ValueKind
    function: str
    tensor: Tensor


@dataclass(frozen=True, eq=False)
class LayerValues:
    """The values of a layer, counted from 1, in one direction, in the order of the cell's equations.

    `name` is how it is shown: "layer 2", or "layer 2 ←" in a bidirectional stack. `valid` (T, B) marks the
    steps within each row's length, None if all are. In the padding a state keeps its value; all else is zero.
    """

    layer: int
    direction: Direction
    name: str
    valid: Tensor | None
    values: tuple[Value, ...]


def values(
    module: nn.Module,
    inputs: Tensor | PackedSequence,
    hx: Tensor | Sequence[Tensor] | None = None,
    lengths: Lengths | None = None,
) -> tuple[LayerValues, ...]:
    """Run a stack, and see all that its equations name, in torch's order of layers and directions.

    `module` may be one of torch.nn too. The other arguments are those of `Stack.forward`: any form of input,
    (T, B, I) or other; whatever it is, the values are (T, B, width), time first, B = 1 for a single sequence.
    Dropout is off, and nothing in the module is changed. The values have a graph, to differentiate them, only
    if the input requires a gradient. Raises InputError if `module` is not recurrent or the input does not fit
    it.
    """
    data = inputs.data if isinstance(inputs, PackedSequence) else inputs
    wanted = torch.is_grad_enabled() and data.requires_grad
    stack = stack_of(module)
    with undisturbed(stack), torch.set_grad_enabled(wanted):
        return tuple(_layer(stack, given) for given in layer_inputs(stack, inputs, hx, lengths))


def _layer(stack: Stack, given: LayerInput) -> LayerValues:
    cell = given.layer.cell
    functions = _functions(cell)
    found = given.layer.values(stack, given.x, given.initial, cell.targets, given.lengths)
    return LayerValues(
        layer=given.number,
        direction="backward" if given.layer.reverse else "forward",
        name=given.name,
        valid=given.valid,
        values=tuple(
            Value(name, _kind(cell, name, functions[name]), functions[name], tensor)
            for name, tensor in found.items()
        ),
    )


def _functions(cell: Cell) -> dict[str, str]:
    """Return the function whose result each value is, empty if it is none's."""
    return {e.target: e.expression.function if isinstance(e.expression, Call) else "" for e in cell.equations}


def _kind(cell: Cell, name: str, function: str) -> ValueKind:
    if name in cell.states:
        return "state"
    return "gate" if function and get_function(function).is_gate else "other"
