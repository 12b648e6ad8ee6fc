"""A whole model as a value: what it reads, its layers, its output layer and its loss."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bptt.cells.cell import Cell
from bptt.errors import InputError


class Loss(str, Enum):
    """The loss of one step; it decides the function g of the output o = g(V s + b).

    Softmax with cross-entropy for one label of several, the logistic function with its cross-entropy for
    labels that are true or false one by one, no function with the squared error ½ Σ (o − t)² for numbers.
    """

    SOFTMAX = "softmax"
    LOGISTIC = "logistic"
    SQUARED = "squared"


@dataclass(frozen=True)
class Network:
    """A stack of cells, from the input up, with an output layer and a loss if there is one.

    With `embedding` the input of the first layer is the row of a table that a token chooses.
    A network without an output layer has the loss as a function of what its last layer hands on. `bias` says
    whether the output layer has one. Raises InputError for a network without layers.
    """

    layers: tuple[Cell, ...]
    loss: Loss | None = None
    output_layer: bool = True
    embedding: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError("network", "must have one layer at least", "none")

    @property
    def is_recurrent(self) -> bool:
        """Whether any layer carries a state from step to step."""
        return any(cell.states for cell in self.layers)
