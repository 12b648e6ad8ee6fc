"""The forward equations of a whole network, from the input to the output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bptt.explain.document import EquationLine, Equations, Fact, Part, Section, Sentence, Stage, say
from bptt.explain.formula_tree import COMMA, Digits, Fenced, Formula, MathName, Row, beside
from bptt.explain.losses import NAMES
from bptt.explain.network.pooling_steps import pooling_forward
from bptt.explain.network.symbols import Below, LayerNotation, NetworkNotation
from bptt.explain.network.widths import OUTPUTS, TOKENS, SizeRow, Widths, sizes_table
from bptt.explain.network.writing import (
    ONE,
    ZERO,
    added,
    equal,
    line,
    minus,
    stacked,
    transposed,
)
from bptt.languages.phrase import phrase


def network_facts(notation: NetworkNotation) -> Iterator[Fact]:
    """Yield what is known before anything is derived: layers, input, output, loss."""
    layers = (
        say("{}: {}", Digits(str(k)), phrase(cell.title)) for k, cell in enumerate(notation.network.layers, 1)
    )
    yield Fact("layers", tuple(layers))
    yield Fact("input", (_input(notation),))
    yield Fact("output", (say("{}", _short(notation) if notation.has_output else notation.top.output),))
    if notation.network.loss is not None:
        yield Fact("loss", (NAMES[notation.network.loss],))


def network_section(
    notation: NetworkNotation,
    widths: Widths | None,
    title: str = "The whole network, forward",
    above: Iterable[Part] = (),
    remarks: Iterable[Part] = (),
    below: Iterable[Part] = (),
    sizes: Iterable[SizeRow] = (),
) -> Section:
    """Return the section with the forward equations of all layers, and the sizes of the parameters.

    `below` comes before the layers, `above` between them and the output layer, `remarks` at the end. `sizes`
    are those of an output layer that is not one linear map.
    """
    parts = (
        *_embedding(notation),
        *below,
        *_layers(notation),
        *above,
        *_output_layer(notation),
        *_parameters(notation, widths, sizes),
        *remarks,
    )
    return Section(Stage.NETWORK, title, parts)


def _input(notation: NetworkNotation) -> Sentence:
    if notation.network.embedding:
        return say("{}, the row of the token in the embedding {}", notation.row, notation.table)
    if notation.around.one_hot:
        return say("{}, the one-hot vector of the token", notation.bottom.input)
    return say("{}", notation.bottom.input)


def _embedding(notation: NetworkNotation) -> Iterator[Part]:
    if notation.around.one_hot:
        yield say(
            "The input {} is one-hot: 1 at the number of the token of step {}, 0 elsewhere.",
            notation.bottom.input,
            MathName("t"),
        )
    if not notation.network.embedding:
        return
    dots = Digits("⋯")
    one_hot = Fenced(Row((ZERO, COMMA, dots, COMMA, ONE, COMMA, dots, COMMA, ZERO)))
    yield say(
        "The token of step {} is a one-hot vector {}: 1 at the number of the token, 0 elsewhere. The input is"
        " the row with this number of the embedding matrix {}, so that nothing has to be multiplied:",
        MathName("t"),
        equal(notation.one_hot, transposed(one_hot)),
        notation.table,
    )
    yield Equations((line(notation.row, beside(transposed(notation.table), notation.one_hot)),))
    match notation.around.below:
        case Below.LAST_OUTPUT:
            yield say(
                "Below it the first layer reads {}, what the output layer has read one step before; at the"
                " first step it is 0:",
                notation.below,
            )
        case Below.CHARACTERS:
            yield say(
                "Below it the first layer reads {}: the last outputs of an LSTM that has read the characters"
                " of the token in both directions.",
                notation.below,
            )
    if notation.around.below:
        yield Equations((line(notation.bottom.input, stacked(notation.row, notation.below)),))


def _layers(notation: NetworkNotation) -> Iterator[Part]:
    below: LayerNotation | None = None
    for k, layer in enumerate(notation.layers, 1):
        if notation.pooled is not None and k == notation.pooled.after + 1:
            yield from pooling_forward(notation, layer.input)
            below = None
        yield say("Layer {}, {}:", Digits(str(k)), phrase(layer.cell.title))
        handed = (line(layer.input, stacked(*below.outputs)),) if below else ()
        own = (EquationLine(layer.name(e.target), layer.terms(e.expression)) for e in layer.cell.equations)
        yield Equations((*handed, *own))
        below = layer
    if notation.both == len(notation.layers) and notation.pooled is None:
        yield Equations((line(notation.top.joined, stacked(*notation.top.outputs)),))
    if notation.both:
        yield _directions()
    if notation.is_pooled_last:
        yield from pooling_forward(notation, notation.hidden)
    if len(notation.layers) > 1:
        yield say(
            "A superscript in parentheses is the number of a layer. The input of a layer is the output of the"
            " layer below."
        )
    if notation.network.is_recurrent:
        yield say(
            "The equations hold for every step from {} to {}; the states at {} are given.",
            equal(MathName("t"), ONE),
            notation.last,
            equal(MathName("t"), ZERO),
        )


def _directions() -> Sentence:
    arrows = MathName("→"), MathName("←")
    return say(
        "{} marks the direction from the first step to the last, {} the other one, which has parameters of"
        " its own. Its equations are the same with {} in the place of {}.",
        *arrows,
        added(MathName("t"), ONE),
        added(MathName("t"), minus(ONE)),
    )


def _output_layer(notation: NetworkNotation) -> Iterator[Part]:
    if not notation.has_output:
        return
    output, net = notation.outer("o"), notation.outer("z")
    if notation.around.tied:
        yield say(
            "The output layer, a linear map and a function {}. The embedding is its matrix, too: {}.",
            MathName("g"),
            equal(MathName("V"), notation.table),
        )
    elif notation.function is not None:
        yield say("The output layer, a linear map and a function {}:", MathName("g"))
    else:
        yield say("The output layer, a linear map:")
    if notation.around.answers is None:
        yield Equations((line(net, linear_map(notation)),))
        return
    yield Equations((line(net, linear_map(notation)), line(output, function_of(notation, net))))
    yield say("In short, {}.", _short(notation))


def _short(notation: NetworkNotation) -> Formula:
    result = notation.outer("z" if notation.around.answers is None else "o")
    return equal(result, function_of(notation, linear_map(notation)))


def linear_map(notation: NetworkNotation) -> Formula:
    """Write V s + b, where s is what the output layer reads."""
    product = beside(MathName("V"), notation.hidden)
    return added(product, MathName("b")) if notation.network.bias else product


def function_of(notation: NetworkNotation, argument: Formula) -> Formula:
    """Write g of an argument; of the squared error, the argument itself."""
    function = notation.function
    return argument if function is None else Row((function, Fenced(argument)))


def _parameters(notation: NetworkNotation, widths: Widths | None, more: Iterable[SizeRow]) -> Iterator[Part]:
    yield say("The parameters, members of one shape stacked:")
    yield sizes_table(notation, widths, more)
    if notation.has_output:
        yield say("{} is the number of outputs.", MathName(OUTPUTS))
    if notation.network.embedding:
        yield say("{} is the number of tokens.", MathName(TOKENS))
