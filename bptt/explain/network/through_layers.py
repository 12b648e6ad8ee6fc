"""Back-propagation through the layers of a network, and the gradients of all its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import Digits, Formula, MathName, SumOver, beside, derivative
from bptt.explain.gradients import GRADIENT, gradient_terms
from bptt.explain.network.output import output_gradients
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
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
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
    shared = MathName("W")
    if notation.time:
        yield say(
            "All steps use the same parameters, and the loss is a sum: {}. Every gradient is therefore a sum"
            " over the steps, and so is the change {} that it causes, for a learning rate {}.",
            equal(MathName("E"), beside(SumOver("t"), MathName("E", index="t"))),
            equal(
                MathName("W", mark="Δ"),
                added(minus(beside(MathName("η"), MathName("W", mark=GRADIENT)))),
                added(
                    minus(beside(MathName("η"), SumOver("t"), derivative(MathName("E", index="t"), shared)))
                ),
            ),
            MathName("η"),
        )
    if notation.has_output:
        yield say("The output layer:")
        yield Equations(tuple(output_gradients(notation)))
    for k, layer in reversed(list(enumerate(notation.layers, 1))):
        if layer.cell.families:
            yield say("Layer {}:", Digits(str(k)))
            yield Equations(tuple(_of_layer(notation, layer)))
    yield from _embedding(notation)


def _of_layer(notation: NetworkNotation, layer: LayerNotation) -> Iterator[EquationLine]:
    found = gradient_terms(layer.form, layer, over_time=bool(notation.time))
    for name, terms in found.items():
        yield EquationLine(layer.marked(GRADIENT, name), terms)


def _embedding(notation: NetworkNotation) -> Iterator[Part]:
    if not notation.network.embedding:
        return
    matrix, one_hot = MathName("M", mark=GRADIENT), notation.outer("e")
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
