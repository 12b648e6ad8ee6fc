"""The widths of a network: as letters with the number of their layer, and as numbers where they are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from bptt.cells.parameters import Family
from bptt.derive.network_shapes import layer_sizes, parameter_shapes
from bptt.explain.document import Sentence, Table, listing, say
from bptt.explain.formula_tree import COMMA, Digits, Fenced, Formula, MathName, Operator, Row
from bptt.explain.network.symbols import LayerNotation, NetworkNotation
from bptt.explain.sizes import number

# The number of outputs and that of tokens: letters that no cell uses.
OUTPUTS, TOKENS = "K", "N"
# A row of the table of parameters: the name, the shape in letters, and in numbers.
SizeRow = tuple[Sentence, Sentence, tuple[int, ...]]


@dataclass(frozen=True)
class Widths:
    """The widths of a network in numbers.

    `layers` maps the letters of each layer to numbers; `outputs` and `tokens` are None where the network has
    no output layer or no embedding.
    """

    layers: tuple[Mapping[str, int], ...]
    outputs: int | None = None
    tokens: int | None = None


def read_widths(notation: NetworkNotation, given: tuple[int, ...]) -> Widths | None:
    """Return the widths given from the input up; None if none are given.

    The first is the number of tokens if there is an embedding, the last that of outputs if there is an output
    layer. Raises InputError for widths that do not fit the network.
    """
    if not given:
        return None
    network = notation.network
    parameter_shapes(network, given)
    inner = given[network.embedding : len(given) - network.output_layer]
    layers = tuple(
        layer_sizes(layer.cell, *pair) for layer, pair in zip(notation.layers, pairwise(inner), strict=True)
    )
    outputs = given[-1] if network.output_layer else None
    return Widths(layers, outputs, given[0] if network.embedding else None)


def letter(notation: NetworkNotation, layer: LayerNotation, name: str) -> Formula:
    """Return the letter of a width in a layer; that of its input is the width of the layer below."""
    if name.isdecimal():
        return Digits(name)
    cell = layer.cell
    place = notation.layers.index(layer)
    if place and name == cell.width(cell.inputs[0]) and name != cell.width(cell.output):
        below = notation.layers[place - 1]
        handed = letter(notation, below, below.cell.width(below.cell.output))
        return Row((Digits("2"), Operator("·"), handed)) if below.both else handed
    return MathName(name, index=layer.layer if len(notation.layers) > 1 and name != "I" else "")


def handed_on(notation: NetworkNotation) -> Formula:
    """Return the letter of the width that the last layer hands on, that of both directions together."""
    top = notation.top
    across = letter(notation, top, top.cell.width(top.cell.output))
    return Row((Digits("2"), Operator("·"), across)) if top.both else across


def shape(*sides: Formula) -> Formula:
    """Write a shape: (4·H, I)."""
    return Fenced(Row(tuple(part for side in sides for part in (COMMA, side))[1:]))


def numbers(*sides: int) -> Formula:
    """Write a shape in numbers: (400, 10100), without separators of thousands, for commas part the sides."""
    return shape(*(Digits(str(side)) for side in sides))


def sizes_table(notation: NetworkNotation, widths: Widths | None, more: Iterable[SizeRow] = ()) -> Table:
    """Return the table of all parameters with their shapes, and the numbers of their weights.

    `more` has the rows of an output layer that is not one linear map.
    """
    rows = [*_rows(notation, widths), *more]
    head = (say("parameter"), say("shape"))
    if widths is None:
        return Table(head, tuple((name, size) for name, size, _ in rows), numeric_from=2)
    counts = [prod(counted) for _, _, counted in rows]
    shown = [
        (name, size, say("{}", numbers(*counted)), say("{}", number(count)))
        for (name, size, counted), count in zip(rows, counts, strict=True)
    ]
    together = (say("together"), say(""), say(""), say("{}", number(sum(counts))))
    return Table((*head, say("in numbers"), say("weights")), (*shown, together), numeric_from=2)


def _rows(notation: NetworkNotation, widths: Widths | None) -> Iterator[SizeRow]:
    """Yield each parameter with its shape in letters and in numbers, from the input up."""
    first, top = notation.bottom, notation.top
    read, handed = first.cell.width(first.cell.inputs[0]), top.cell.width(top.cell.output)
    wide: tuple[int, ...]
    if notation.network.embedding:
        wide = (widths.tokens or 0, widths.layers[0][read]) if widths else ()
        name = say("{}", MathName("M"))
        yield name, say("{}", shape(MathName(TOKENS), letter(notation, first, read))), wide
    for k, layer in enumerate(notation.layers):
        for family in layer.cell.families:
            wide = family.shape(widths.layers[k]) if widths else ()
            for index in (f"{layer.layer}→", f"{layer.layer}←") if layer.both else (layer.layer,):
                yield _members(layer, family, index), say("{}", _family_shape(notation, layer, family)), wide
    if notation.has_output:
        outputs, units = (widths.outputs or 0, widths.layers[-1][handed]) if widths else (0, 0)
        name = say("{}", MathName("V"))
        size = say("{}", shape(MathName(OUTPUTS), handed_on(notation)))
        yield name, size, (outputs, units * (1 + top.both))
        if notation.network.bias:
            yield say("{}", MathName("b")), say("{}", shape(MathName(OUTPUTS))), (outputs,)


def _members(layer: LayerNotation, family: Family, number: str) -> Sentence:
    """List the parameters of one shape, by the names that they have in the equations."""
    return listing(say("{}", replace(layer.names[member], layer=number)) for member in family.members)


def _family_shape(notation: NetworkNotation, layer: LayerNotation, family: Family) -> Formula:
    rows = letter(notation, layer, family.rows)
    if len(family.members) > 1:
        rows = Row((Digits(str(len(family.members))), Operator("·"), rows))
    return shape(rows, *([letter(notation, layer, family.columns)] if family.columns else []))
