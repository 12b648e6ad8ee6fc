"""The options of the commands that show and check a cell."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.errors import InputError
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class CellsOptions:
    """The cell to show, and the sizes at which weights are counted.

    Raises InputError for a size below 1, or for one of the two sizes without the other.
    """

    name: str | None = argument("Cell to show in full: its name, or mycell.py:MyCell.", default=None)
    input_size: int | None = option(
        None, "Count the weights at this input size I.", flags="input input-size", least=1
    )
    hidden_size: int | None = option(
        None, "Count the weights at this hidden size H (P = H/2).", flags="hidden hidden-size", least=1
    )
    budget: int | None = option(None, "Weights to spend.", usual="those of the LSTM", least=1)

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.input_size is None) != (self.hidden_size is None):
            raise InputError("bptt cells", "a count needs both `input_size` and `hidden_size`")


@dataclass(frozen=True)
class CheckOptions:
    """The cell whose derivation is checked, and the random numbers that it is checked with."""

    cell: str = argument("Cell listed by `bptt cells`, or mycell.py:MyCell.")
    seed: int = option(0, "Seed of the random arguments.", least=0)

    def __post_init__(self) -> None:
        check_fields(self)


CELLS = OptionSet({"": CellsOptions})
CHECK = OptionSet({"": CheckOptions})
