"""The layers of a stack, each with what it reads: for a probe that looks at them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from bptt.languages.phrase import phrase
from bptt.nn.layer import Layer
from bptt.nn.sequences import Lengths, valid_steps
from bptt.nn.stack import Stack
from bptt.probe.kin import copy_of


@dataclass(frozen=True, eq=False)
class LayerInput:
    """One layer in one direction: its number from 1, its input (T, B, I), its initial states (B, width).

    `lengths` (B,) counts the valid steps of each row, None if all are. `name` is how the layer is shown:
    "layer 2", or "layer 2 →" and "layer 2 ←" in a bidirectional stack.
    """

    number: int
    name: str
    layer: Layer
    x: Tensor
    initial: tuple[Tensor, ...]
    lengths: Tensor | None

    @property
    def valid(self) -> Tensor | None:
        """The steps (T, B) within each row's length, None if all are."""
        return None if self.lengths is None else valid_steps(self.x.shape[0], self.lengths)


def layer_inputs(
    stack: Stack,
    inputs: Tensor | PackedSequence,
    hx: Tensor | Sequence[Tensor] | None = None,
    lengths: Lengths | None = None,
) -> Iterator[LayerInput]:
    """Yield every layer and direction in torch's order, run without dropout; arguments are those of the
    stack.
    """
    sequences, starts = stack.begin(inputs, hx, lengths)
    x, counts = sequences.values, sequences.lengths
    count, names = stack.num_directions, layer_names(stack)
    for first in range(0, len(stack.layers), count):
        both = range(first, first + count)
        for k in both:
            yield LayerInput(first // count + 1, names[k], stack.layers[k], x, starts[k], counts)
        if both.stop < len(stack.layers):
            x = torch.cat([stack.layers[k].run(stack, x, starts[k], counts).output for k in both], -1)


def stack_of(module: nn.Module, like: Callable[[nn.Module], Stack] = copy_of) -> Stack:
    """Return a recurrent module as a stack of ours: itself, or the copy that `like` makes of an RNN, LSTM or
    GRU of torch.nn or of its kin. Raises InputError for anything else.
    """
    return module if isinstance(module, Stack) else like(module)


def layer_names(stack: Stack) -> tuple[str, ...]:
    """Return the name under which each layer and direction is shown, in torch's order."""
    directions = (" →", " ←") if stack.bidirectional else ("",)
    numbers = range(1, stack.num_layers + 1)
    return tuple(phrase("layer {}{}", str(k), arrow) for k in numbers for arrow in directions)
