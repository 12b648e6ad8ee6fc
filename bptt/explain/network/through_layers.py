"""Back-propagation through the layers of a network, and the gradients of all its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import Digits, Formula, MathName, SumOver, beside, derivative
from bptt.explain.gradients import GRADIENT, gradient_terms
from bptt.explain.network.output import output_gradients
from bptt.explain.network.pooling_steps import pooling_backward, pooling_gradients
from bptt.explain.network.symbols import LayerNotation, NetworkNotation
from bptt.explain.network.writing import ONE, added, equal, indicator, line, minus, transposed


def layers_section(notation: NetworkNotation) -> Section:
    """Return the section with the backward equations of every layer, from the last to the first."""
    parts = (*_reading(notation), *_layers(notation))
    return Section(Stage.LAYERS, "Back-propagation through all layers", parts)


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
        MathName("T"),
        ONE,
        state,
        MathName("", mark=DELTA),
        added(MathName("t"), ONE),
    )


def _layers(notation: NetworkNotation) -> Iterator[Part]:
    if notation.is_pooled_last:
        yield from pooling_backward(notation, notation.hidden, notation.hidden_error)
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
        if notation.pooled is not None and k == notation.pooled.after < len(notation.layers):
            after = notation.layers[k]
            error = after.marked(DELTA, after.cell.inputs[0])
            yield from pooling_backward(notation, after.input, error)
        yield say("Layer {}, with a line for every linear map and every nonlinearity:", Digits(str(k)))
        forward = layer.form.steps
        yield from aligned(EquationLine(layer.name(s.target), layer.right_side(s)) for s in forward)
        yield say("Back through it, beginning with {} from above:", layer.from_above)
        steps = layer.backward
        yield from aligned(EquationLine(layer.name(s.target), layer.right_side(s)) for s in steps)
        down = layer.marked(DELTA, layer.cell.inputs[0])
        back = [say("{}", layer.name(DELTA + previous)) for previous in layer.form.previous]
        if back and k > 1:
            yield say("To the layer below goes {}, to the step before {}.", down, listing(back))
        elif back:
            yield say("To the input goes {}, to the step before {}.", down, listing(back))


def sums_section(notation: NetworkNotation) -> Section:
    """Return the section with the gradient of every parameter, and what a step of descent changes."""
    return Section(Stage.SUMS, "The gradients of all parameters", tuple(_sums(notation)))


def _sums(notation: NetworkNotation) -> Iterator[Part]:
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
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
        if layer.cell.families:
            yield say("Layer {}:", Digits(str(k)))
            yield Equations(tuple(_of_layer(notation, layer)))
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


def _of_layer(notation: NetworkNotation, layer: LayerNotation) -> Iterator[EquationLine]:
    found = gradient_terms(layer.form, layer, over_time=bool(layer.index))
    for name, terms in found.items():
        yield EquationLine(layer.marked(GRADIENT, name), terms)


def _embedding(notation: NetworkNotation) -> Iterator[Part]:
    if not notation.network.embedding:
        return
    matrix, one_hot = MathName("M", mark=GRADIENT), notation.one_hot
    down: Formula = notation.bottom.marked(DELTA, notation.bottom.cell.inputs[0])
    word, token = MathName("w", index="t"), MathName("w")
    yield say("The embedding, of which step {} uses the row of its token:", MathName("t"))
    outer = beside(SumOver("t"), one_hot, transposed(down))
    yield Equations((line(matrix, outer),))
    row = replace(MathName("M", index="w"), mark=GRADIENT)
    yield say(
        "The row of a token {} is the sum of {} over the steps whose token {} it is; rows of tokens that are"
        " not read have no gradient:",
        token,
        down,
        word,
    )
    yield Equations((line(row, beside(SumOver("t"), indicator(word, token), transposed(down))),))
