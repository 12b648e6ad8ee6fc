"""Recurrent stacks as options describe them."""

from __future__ import annotations

from bptt.cells.load import Cells, check_layers
from bptt.deferred import deferred
from bptt.models.options import RecurrentOptions, StackOptions
from bptt.nn.recurrent import Recurrent
from bptt.nn.stack import Stack

_init_recurrent = deferred("bptt.nn.initialisation", "init_recurrent")
_init_forget_bias = deferred("bptt.nn.initialisation", "init_forget_bias")


def build_recurrent(
    options: RecurrentOptions, cell: Cells, input_size: int, bidirectional: bool = False
) -> Recurrent:
    """Return the stack for inputs of a width, with dropout between its layers if there are several.

    Raises InputError if there is a cell for each layer, and another number of layers.
    """
    check_layers(cell, options.num_layers)
    stack = Recurrent(
        cell,
        input_size,
        options.hidden_size,
        options.num_layers,
        dropout=options.dropout_between,
        bidirectional=bidirectional,
        proj_size=options.proj_size,
        initial="random-in-training" if options.initial == "random" else options.initial,
    )
    initialise(stack, options)
    return stack


def initialise(stack: Stack, options: StackOptions) -> None:
    """Put the values that options ask for in the place of those that a stack has drawn.

    Raises InputError if its cell has no such matrix or gate.
    """
    if options.recurrent_init != "default":
        _init_recurrent(stack, options.recurrent_init, options.recurrent_scale)
    if options.forget_bias is not None:
        _init_forget_bias(stack, options.forget_bias)
