"""The shapes of the parameters of a whole network, from the widths of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bptt.cells.cell import Cell
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import EMBEDDING, OUTPUT, TABLE, B, V
from bptt.errors import InputError

Shape = tuple[int, ...]


def parameter_shapes(network: Network, widths: Sequence[int]) -> Mapping[str, Mapping[str, Shape]]:
    """Return the shape of every parameter by place and name.

    `widths` are those of the input, of the layers and, if there is an output layer, of the output; before
    them that of the vocabulary if there is an embedding. Raises InputError for another number of widths, and
    for a cell with several inputs or with widths that do not follow from these.
    """
    expected = len(network.layers) + 1 + network.output_layer + network.embedding
    if len(widths) != expected:
        further = "; `loss` adds an output layer" if network.loss is None else ""
        cure = f"Expected {', '.join(_roles(network))}{further}"
        raise InputError("sizes", f"needs {expected} widths for this network", f"{len(widths)}", cure)
    if network.loss is Loss.SOFTMAX and widths[-1] < 2:
        # The softmax of one number is 1, whatever the weights are: every gradient would be 0.
        cure = "Choose `loss` squared or logistic"
        raise InputError("sizes", "the softmax needs two outputs at least", widths[-1], cure)
    found: dict[str, Mapping[str, Shape]] = {}
    if network.embedding:
        found[EMBEDDING] = {TABLE: (widths[0], widths[1])}
        widths = widths[1:]
    arriving = widths[0]
    for number, (cell, width) in enumerate(zip(network.layers, widths[1:], strict=False), 1):
        sizes = layer_sizes(cell, arriving, width)
        found[str(number)] = {
            member: (sizes[family.rows], *((sizes[family.columns],) if family.columns else ()))
            for family in cell.families
            for member in family.members
        }
        arriving = sizes[cell.width(cell.output)]
    if network.output_layer:
        found[OUTPUT] = {V: (widths[-1], arriving), **({B: (widths[-1],)} if network.bias else {})}
    return found


def layer_sizes(cell: Cell, input_size: int, hidden_size: int) -> Mapping[str, int]:
    """Return the sizes of a cell by letter; a projection is half as wide as the hidden layer.

    Raises InputError for a cell with several inputs, a width other than I, H and P, or a state whose width no
    parameter has.
    """
    where = f"cell {cell.name!r}"
    if len(cell.inputs) > 1:
        raise InputError(where, "needs one input for numbers", " ".join(cell.inputs))
    sizes = {"I": input_size, "H": hidden_size, "P": max(1, hidden_size // 2), "1": 1}
    known = {family.rows for family in cell.families}
    for letter in cell.letters:
        if letter not in sizes:
            raise InputError(where, "needs widths I, H or P for numbers", repr(letter))
    for state in cell.states:
        if cell.width(state) not in known:
            raise InputError(where, "needs a parameter as wide as each state for numbers", state)
    return sizes


def _roles(network: Network) -> list[str]:
    first = ["vocabulary", "embedding"] if network.embedding else ["input"]
    layers = [f"layer {number}" for number in range(1, len(network.layers) + 1)]
    return [*first, *layers, *(["output"] if network.output_layer else [])]
