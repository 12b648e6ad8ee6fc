"""The options of a whole network on paper: its loss, its input, its form and its layer widths."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.derive.network import Loss, Network
from bptt.errors import InputError
from bptt.options.field import check_fields, option

GROUP = "The whole network"


@dataclass(frozen=True)
class NetworkOptions:
    """Choose the input and the loss of a network, and the form in which its equations are written.

    `sizes` are layer widths, separated by commas: input, hidden layers, output. Raises InputError for sizes
    that are not positive whole numbers.
    """

    loss: Loss | None = option(None, "Add an output layer o = g(V s + b) with this loss.", group=GROUP)
    embedding: bool = option(False, "Read tokens: the input is a row of an embedding matrix.", group=GROUP)
    rows: bool = option(False, "Show the row-major form for batches beside the column form.", group=GROUP)
    sizes: str | None = option(None, "Layer widths, as input,hidden,...,output.", group=GROUP)

    def __post_init__(self) -> None:
        check_fields(self)
        for width in (self.sizes or "1").split(","):
            if not (width.strip().isdecimal() and int(width) > 0):
                rule = "needs positive whole numbers separated by commas"
                raise InputError("sizes", rule, repr(self.sizes), "For example 3,4,2")

    @property
    def widths(self) -> tuple[int, ...]:
        """The layer widths as numbers, from the input up; empty if none are given."""
        return tuple(map(int, self.sizes.split(","))) if self.sizes else ()

    @property
    def asks_for_network(self) -> bool:
        """Whether more than a layer is asked for."""
        return self.loss is not None or self.embedding


def network_of(cells: tuple[Cell, ...], options: NetworkOptions) -> Network:
    """Return the network of these layers.

    An output layer belongs to a loss; only the squared error may follow a feed-forward stack, such as
    dense,dense, whose last layer is its output layer already.
    """
    feed_forward = not any(cell.states for cell in cells)
    own_output = options.loss is None or (options.loss is Loss.SQUARED and feed_forward)
    return Network(cells, options.loss, output_layer=not own_output, embedding=options.embedding)
