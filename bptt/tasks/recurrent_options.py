"""The sizes of a recurrent stack, which every network of a job has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from bptt.cells.cell import Cell
from bptt.data.checks import check_choice, check_least, check_share
from bptt.nn import Recurrent

Start = Literal["zero", "learned"]


@dataclass(frozen=True)
class StackOptions:
    """The sizes of a recurrent stack. `proj_size` is for cells with a projection. Raises InputError naming
    the option.
    """

    hidden_size: int = 256
    num_layers: int = 2
    dropout: float = 0.0
    proj_size: int = 0

    def __post_init__(self) -> None:
        check_least("hidden_size", self.hidden_size, 1)
        check_least("num_layers", self.num_layers, 1)
        check_share("dropout", self.dropout)
        check_least("proj_size", self.proj_size, 0)

    @property
    def output_size(self) -> int:
        """The width of what one direction of the last layer hands on."""
        return self.proj_size or self.hidden_size

    @property
    def dropout_between(self) -> float:
        """The dropout between layers, if there are several."""
        return self.dropout if self.num_layers > 1 else 0.0


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
        return Recurrent(
            cell,
            input_size,
            self.hidden_size,
            self.num_layers,
            dropout=self.dropout_between,
            bidirectional=bidirectional,
            proj_size=self.proj_size,
            initial=self.initial,
        )
