"""The sizes of a recurrent stack, which every network of a job has."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice, check_finite, check_least, check_share
from bptt.errors import InputError
from bptt.nn import Recurrent, init_forget_bias, init_recurrent
from bptt.nn.initialisation import RecurrentInit
from bptt.nn.stack import Stack
from bptt.runs.options import ADDED

Start = Literal["zero", "learned"]


@dataclass(frozen=True)
class StackOptions:
    """The sizes of a recurrent stack. `proj_size` is for cells with a projection.

    `recurrent_init`, `recurrent_scale` and `forget_bias` say with which values it begins: see
    `bptt.nn.init_recurrent` and `bptt.nn.init_forget_bias`; None leaves that bias as it was drawn. Raises
    InputError naming the option.
    """

    hidden_size: int = 256
    num_layers: int = 2
    dropout: float = 0.0
    proj_size: int = 0
    recurrent_init: RecurrentInit = field(default="default", kw_only=True, metadata=ADDED)
    recurrent_scale: float = field(default=1.0, kw_only=True, metadata=ADDED)
    forget_bias: float | None = field(default=None, kw_only=True, metadata=ADDED)

    def __post_init__(self) -> None:
        check_least("hidden_size", self.hidden_size, 1)
        check_least("num_layers", self.num_layers, 1)
        check_share("dropout", self.dropout)
        check_least("proj_size", self.proj_size, 0)
        check_choice("recurrent_init", self.recurrent_init, get_args(RecurrentInit))
        check_finite("recurrent_scale", self.recurrent_scale, 0)
        if self.recurrent_init == "default" and self.recurrent_scale != 1:
            cure = "Choose orthogonal or identity"
            raise InputError("recurrent_scale", "is of a recurrent_init", self.recurrent_init, cure)
        if self.forget_bias is not None:
            check_finite("forget_bias", self.forget_bias, -inf)

    @property
    def output_size(self) -> int:
        """The width of what one direction of the last layer hands on."""
        return self.proj_size or self.hidden_size

    @property
    def dropout_between(self) -> float:
        """The dropout between layers, if there are several."""
        return self.dropout if self.num_layers > 1 else 0.0

    def initialise(self, stack: Stack) -> None:
        """Put what these options ask for in the place of what a stack has drawn. Raises InputError if its
        cell has no such matrix or gate.
        """
        init_recurrent(stack, self.recurrent_init, self.recurrent_scale)
        if self.forget_bias is not None:
            init_forget_bias(stack, self.forget_bias)


@dataclass(frozen=True)
class RecurrentOptions(StackOptions):
    """The sizes of a recurrent stack of its own. `initial` says where the states of a sequence start.
    Raises InputError naming the option.
    """

    initial: Start = "zero"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("initial", self.initial, get_args(Start))

    def build(self, cell: Cell, input_size: int, bidirectional: bool = False) -> Recurrent:
        """The stack for inputs of a width, with dropout between its layers if there are several."""
        stack = Recurrent(
            cell,
            input_size,
            self.hidden_size,
            self.num_layers,
            dropout=self.dropout_between,
            bidirectional=bidirectional,
            proj_size=self.proj_size,
            initial=self.initial,
        )
        self.initialise(stack)
        return stack
