"""Back-propagation through the layers of a network, and the gradients of all its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import Digits, Formula, MathName, SumOver, beside, derivative
from bptt.explain.gradients import GRADIENT, gradient_terms
from bptt.explain.network.output import output_gradients
from bptt.explain.network.pooling_steps import pooling_backward, pooling_gradients
from bptt.explain.network.symbols import Below, LayerNotation, NetworkNotation
from bptt.explain.network.writing import ONE, added, equal, indicator, line, minus, stacked, transposed


def layers_section(
    notation: NetworkNotation,
    title: str = "Back-propagation through all layers",
    above: Iterable[Part] = (),
    below: Iterable[Part] = (),
) -> Section:
    """Return the section with the backward equations of every layer, from the last to the first.

    `above` comes before those of the last layer, `below` after those of the first.
    """
    parts = (*_reading(notation), *above, *_layers(notation), *below)
    return Section(Stage.LAYERS, title, parts)


def _reading(notation: NetworkNotation) -> Iterator[Part]:
    value, delta = MathName("v"), MathName("v", mark=DELTA)
    yield say("{} is short for {}.", delta, derivative(MathName("E"), value))
    if not notation.network.is_recurrent:
        yield say("The layers are gone through from the last to the first.")
        return
    state = MathName("s", index="t←t+1", mark=DELTA)
    yield say(
        "The steps are gone through from {} to {}, and at each step the layers from the last to the first."
        " {} is the part of the {} of a state that step {} of the same layer hands back, 0 at the last step.",
        notation.last,
        ONE,
        state,
        MathName("", mark=DELTA),
        added(MathName("t"), ONE),
    )
    if notation.around.source:
        yield say("A state that the decoder begins with has another part at the last step: see there.")


def _layers(notation: NetworkNotation) -> Iterator[Part]:
    if notation.is_pooled_last:
        yield from pooling_backward(notation, notation.hidden, notation.hidden_error)
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
        if notation.pooled is not None and k == notation.pooled.after < len(notation.layers):
            after = notation.layers[k]
            yield from pooling_backward(notation, after.input, after.input_error)
        if layer.both:
            yield from _both_directions(notation, layer)
        yield say("Layer {}, with a line for every linear map and every nonlinearity:", Digits(str(k)))
        forward = layer.form.steps
        yield from aligned(EquationLine(layer.name(s.target), layer.right_side(s)) for s in forward)
        yield say("Back through it, beginning with {} from above:", layer.from_above)
        steps = layer.backward
        yield from aligned(EquationLine(layer.name(s.target), layer.right_side(s)) for s in steps)
        if layer.both:
            yield from _sum_of_directions(layer)
        down = layer.input_error
        back = [say("{}", layer.name(DELTA + previous)) for previous in layer.form.previous]
        if back and k > 1:
            yield say("To the layer below goes {}, to the step before {}.", down, listing(back))
        elif back:
            yield say("To the input goes {}, to the step before {}.", down, listing(back))
    if notation.around.below:
        row, below = replace(notation.row, mark=DELTA), replace(notation.below, mark=DELTA)
        if notation.around.below is Below.LAST_OUTPUT:
            below = replace(below, index=f"{below.index}←t")
        yield say("The input has two parts, and so has its {}:", MathName("", mark=DELTA))
        yield Equations((line(stacked(row, below), notation.bottom.input_error),))


def _both_directions(notation: NetworkNotation, layer: LayerNotation) -> Iterator[Part]:
    """Yield the errors of both directions: the two halves of that of their output."""
    after = notation.layers.index(layer) + 1
    is_pooled = notation.pooled is not None and notation.pooled.after == after
    if is_pooled and notation.is_last_step:
        return
    if layer is notation.top or is_pooled:
        error = notation.error_of(layer)
    else:
        error = notation.layers[after].input_error
    loss = MathName("E", index=notation.loss_time)
    yield say("The error of the output has two halves, one for each direction:")
    yield Equations((line(stacked(*(derivative(loss, each) for each in layer.outputs)), error),))


def _sum_of_directions(layer: LayerNotation) -> Iterator[Part]:
    """Yield the δ of the input, which both directions read."""
    own = layer.marked(DELTA, layer.cell.inputs[0])
    yield say(
        "The other direction goes through the same equations from its own half, with {} and {} exchanged."
        " Both read the input:",
        added(MathName("t"), ONE),
        added(MathName("t"), minus(ONE)),
    )
    yield Equations((line(layer.input_error, own, layer.reversed(own)),))


def sums_section(notation: NetworkNotation, more: Iterable[Part] = (), above: Iterable[Part] = ()) -> Section:
    """Return the section with the gradient of every parameter, and what a step of descent changes.

    `above` are the gradients of an output layer that is not one linear map, `more` those beside all layers.
    """
    parts = (*_sums(notation, above), *more)
    return Section(Stage.SUMS, "The gradients of all parameters", parts)


def _sums(notation: NetworkNotation, above: Iterable[Part]) -> Iterator[Part]:
    if notation.loss_time:
        yield from _sum_of_losses()
    elif notation.time:
        yield say(
            "Every gradient of a layer that reads step after step is a sum over the steps, which use the same"
            " parameters."
        )
    if notation.has_output:
        yield say("The output layer:")
        yield Equations(tuple(output_gradients(notation)))
    yield from above
    yield from layer_sums(notation)


def layer_sums(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the gradients of all layers, of the pooling and of the embedding."""
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
        if layer.cell.families:
            yield say("Layer {}:", Digits(str(k)))
            yield Equations(tuple(_of_layer(layer)))
    yield from pooling_gradients(notation)
    yield from _embedding(notation)


def _sum_of_losses() -> Iterator[Part]:
    rate, shared = MathName("η"), MathName("W")
    each = beside(rate, SumOver("t"), derivative(MathName("E", index="t"), shared))
    whole = minus(beside(rate, MathName("W", mark=GRADIENT)))
    yield say(
        "All steps use the same parameters, and the loss is a sum: {}. Every gradient is therefore a sum over"
        " the steps, and so is the change {} that it causes, for a learning rate {}.",
        equal(MathName("E"), beside(SumOver("t"), MathName("E", index="t"))),
        equal(MathName("W", mark="Δ"), added(whole), added(minus(each))),
        rate,
    )


def _of_layer(layer: LayerNotation) -> Iterator[EquationLine]:
    found = gradient_terms(layer.form, layer, over_time=bool(layer.index))
    for name, terms in found.items():
        yield EquationLine(layer.marked(GRADIENT, name), terms)


def _embedding(notation: NetworkNotation) -> Iterator[Part]:
    if not notation.network.embedding:
        return
    matrix, one_hot = replace(notation.table, mark=GRADIENT), notation.one_hot
    down: Formula = replace(notation.row, mark=DELTA)
    word, token = MathName("w", index="t"), MathName("w")
    outer = beside(SumOver("t"), one_hot, transposed(down))
    if notation.around.tied:
        yield say("The embedding, which is the matrix of the output layer, too:")
        yield Equations((line(matrix, outer, MathName("V", mark=GRADIENT)),))
        return
    yield say("The embedding, of which step {} uses the row of its token:", MathName("t"))
    yield Equations((line(matrix, outer),))
    row = replace(matrix, index="w")
    yield say(
        "The row of a token {} is the sum of {} over the steps whose token {} it is; rows of tokens that are"
        " not read have no gradient:",
        token,
        down,
        word,
    )
    yield Equations((line(row, beside(SumOver("t"), indicator(word, token), transposed(down))),))
