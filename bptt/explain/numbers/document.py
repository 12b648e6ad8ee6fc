"""A small network with all its numbers as a document: both passes, the sums over the steps, an update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA, FROM_NEXT
from bptt.derive.network_pass import EMBEDDING, OUTPUT, TABLE, B, NestedNumbers, NetworkPass, V
from bptt.explain.document import (
    Derivation,
    EquationLine,
    Equations,
    Part,
    Section,
    Stage,
    Table,
    aligned,
    say,
)
from bptt.explain.figures import TIMES, as_factor, as_term, figure
from bptt.explain.formula_tree import (
    EQUALS,
    MINUS,
    Fenced,
    Formula,
    MathName,
    Raised,
    Row,
    Term,
    beside,
    derivative,
    total,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.numbers.facts import facts, title
from bptt.explain.numbers.jacobian_parts import jacobian_lines
from bptt.explain.numbers.layer_parts import backward_lines, forward_lines, summand_terms
from bptt.explain.numbers.output_parts import OutputAtStep
from bptt.explain.numbers.step_notation import StepNotation, parameter_symbol, step_index
from bptt.explain.numbers.worked import Worked
from bptt.explain.numbers.written_numbers import term, written

_RATE, _E = MathName("η"), MathName("E")


def numbers_document(worked: Worked) -> Derivation:
    """Return the document of a network of any cells, equation by equation with vectors and matrices."""
    before = worked.updated.before
    sections = (
        Section(Stage.SHAPES, "The given numbers", tuple(_given(before))),
        Section(Stage.NORMAL, "The forward pass", tuple(_forward(before))),
        Section(Stage.ADJOINT, "The backward pass", tuple(_backward(before))),
        *_jacobians(before),
        Section(Stage.GRADIENTS, "The gradients, summed over the steps", tuple(_gradients(before))),
        Section(Stage.NUMBERS, "The update", tuple(_update(worked))),
    )
    numbered = tuple(replace(section, number=k) for k, section in enumerate(sections, 1))
    return Derivation(title(worked), tuple(facts(worked)), numbered)


def _given(before: NetworkPass) -> Iterator[Part]:
    yield say("Numbers are shown with four significant digits; they are computed with all.")
    if StepNotation(before, 1, 1).layer:
        yield say(
            "A superscript in parentheses is the number of a layer. The input of a layer is the output of the"
            " layer below."
        )
    for place, names in before.parameters.items():
        yield from _headed(before, place)
        yield Equations(
            tuple(
                EquationLine(parameter_symbol(before, place, name), (term(array),))
                for name, array in names.items()
            )
        )
    steps = range(len(before.example.inputs))
    inputs, targets = before.example.inputs, before.example.targets
    head = (say("step"), say("input {}", _input(before)), say("target {}", MathName("y")))
    rows = tuple(
        (say("{}", str(k + 1)), say("{}", written(inputs[k])), say("{}", written(targets[k]))) for k in steps
    )
    yield Table(head, rows, numeric_from=3)
    if before.network.is_recurrent:
        yield say("All states at step 0 are zero.")


def _forward(before: NetworkPass) -> Iterator[Part]:
    for step in range(1, len(before.example.inputs) + 1):
        if before.network.embedding:
            table = before.parameters[EMBEDDING][TABLE]
            one_hot, row = before.example.inputs[step - 1], before.embedded[step - 1]
            yield say("Step {}, embedding: the token chooses its row.", str(step))
            table_symbol = parameter_symbol(before, EMBEDDING, TABLE)
            right = beside(Raised(table_symbol, "T"), _read(before, step))
            numbers = beside(Raised(written(table), "T"), written(one_hot))
            rows = ((Term(False, numbers),), (term(row),))
            yield Equations(
                (EquationLine(StepNotation(before, 1, step).input, (Term(False, right),), "", rows),)
            )
        for number in range(1, len(before.layers) + 1):
            yield _place(before, step, number)
            yield from aligned(forward_lines(before, number, step))
        yield say("Step {}, output:", str(step))
        yield from aligned(OutputAtStep(before, step).forward())
    losses = before.output.losses
    if len(losses) > 1:
        yield say("The loss of the sequence is the sum of the losses of its steps:")
        parts = tuple(Term(False, MathName("E", index=str(k))) for k in range(1, len(losses) + 1))
        both = (tuple(map(as_term, losses)), (as_term(before.error),))
        yield Equations((EquationLine(_E, parts, "", both),))


def _backward(before: NetworkPass) -> Iterator[Part]:
    minus, last = before.sign < 0, len(before.layers)
    yield _meaning(minus)
    if before.network.is_recurrent:
        yield _handed_back(before)
    for step in range(len(before.example.inputs), 0, -1):
        yield say("Step {}, output:", str(step))
        yield from aligned(OutputAtStep(before, step).backward(minus))
        for number in range(last, 0, -1):
            yield _place(before, step, number)
            yield from aligned(backward_lines(before, number, step))


def _meaning(minus: bool) -> Part:
    value, gradient = MathName("v", mark=DELTA), derivative(_E, MathName("v"))
    if minus:
        return say(
            "Here {} is minus the derivative, {}, as in Mitchell (1997): weights move along it. The last"
            " step comes first.",
            value,
            Row((MINUS, gradient)),
        )
    return say("Here {} is the derivative {}. The last step comes first.", value, gradient)


def _handed_back(before: NetworkPass) -> Part:
    """Explain the δ that a step hands to the step before it."""
    number = max(k for k, layer in enumerate(before.layers, 1) if layer.cell.states)
    symbols = StepNotation(before, number, 1)
    back = symbols.name(FROM_NEXT + symbols.cell.states[0])
    last = str(len(before.output.losses))
    return say(
        "{} is the part that step {} hands back to step {}; no step follows step {}, whose part is 0.",
        back,
        "2",
        "1",
        last,
    )


def _jacobians(before: NetworkPass) -> Iterator[Section]:
    """Yield the section on the Jacobians of the recurrent layers, if there are any."""
    recurrent = [number for number, layer in enumerate(before.layers, 1) if layer.cell.states]
    parts: list[Part] = [
        say(
            "The derivatives of the states of a step by those of the step before. Their transposes carry {}"
            " back through time; their product over many steps is what vanishes or explodes.",
            MathName("", mark=DELTA),
        )
    ]
    for step in range(1, len(before.example.inputs) + 1):
        for number in recurrent:
            parts += [_place(before, step, number), *aligned(jacobian_lines(before, number, step))]
    if recurrent:
        yield Section(Stage.JACOBIAN, "The Jacobian of each step", tuple(parts))


def _gradients(before: NetworkPass) -> Iterator[Part]:
    if len(before.example.inputs) > 1:
        yield say(
            "All steps share the weights, so each gradient is a sum with a term for each step, from step 1 to"
            " step {}: first in symbols, then in numbers, then their sum.",
            str(len(before.example.inputs)),
        )
    for place, names in before.summands.items():
        yield from _headed(before, place)
        yield Equations(
            tuple(
                EquationLine(
                    _gradient(before, place, name),
                    _summands(before, place, name),
                    "",
                    (tuple(map(term, parts)), (term(before.gradients[place][name]),))
                    if len(parts) > 1
                    else ((term(before.gradients[place][name]),),),
                )
                for name, parts in names.items()
            )
        )


def _summands(before: NetworkPass, place: str, name: str) -> tuple[Term, ...]:
    """Write the gradient of a parameter as a sum over the steps."""
    if place not in (EMBEDDING, OUTPUT):
        return summand_terms(before, int(place), name)
    terms = []
    for step in range(1, len(before.example.inputs) + 1):
        output = OutputAtStep(before, step)
        delta = replace(output.net, mark=DELTA)
        x = replace(StepNotation(before, 1, step).input, mark=DELTA)
        products = {
            B: delta,
            V: beside(delta, Raised(output.state, "T")),
            TABLE: beside(_read(before, step), Raised(x, "T")),
        }
        terms.append(Term(False, products[name]))
    return tuple(terms)


def _update(worked: Worked) -> Iterator[Part]:
    before, after, rate = worked.updated.before, worked.updated.after, worked.updated.rate
    rule = Row((MathName("w"), MINUS, beside(_RATE, MathName("w", mark=GRADIENT))))
    yield say(
        "A step of gradient descent with the learning rate {}: {} for every weight.",
        Row((_RATE, EQUALS, figure(rate))),
        Row((MathName("w", ("new",)), EQUALS, rule)),
    )
    for place, names in before.parameters.items():
        yield from _headed(before, place)
        yield Equations(tuple(_moved(worked, place, name, array) for name, array in names.items()))
    yield say("The loss after the update is {}; before it was {}.", figure(after.error), figure(before.error))


def _moved(worked: Worked, place: str, name: str, array: NestedNumbers) -> EquationLine:
    """Write the update of a parameter: W − η ∇W, or W + η (−∇W) where δ is minus the derivative."""
    updated = worked.updated
    symbol, negative = parameter_symbol(updated.before, place, name), updated.before.sign > 0
    gradient = updated.before.gradients[place][name]
    step = beside(_RATE, _gradient(updated.before, place, name, fenced=True))
    numbers = Row((as_factor(updated.rate), TIMES, written(gradient)))
    return EquationLine(
        replace(symbol, subscripts=(*symbol.subscripts, "new")),
        (Term(False, symbol), Term(negative, step)),
        "",
        (
            (term(array), Term(negative, numbers)),
            (term(updated.after.parameters[place][name]),),
        ),
    )


def _gradient(before: NetworkPass, place: str, name: str, fenced: bool = False) -> Formula:
    """Write ∇W, or −∇W if every δ is minus the derivative."""
    gradient = replace(parameter_symbol(before, place, name), mark=GRADIENT)
    if before.sign > 0:
        return gradient
    negative = total((Term(True, gradient),))
    return Fenced(negative) if fenced else negative


def _headed(before: NetworkPass, place: str) -> Iterator[Part]:
    """Yield the heading of a layer where there are several places."""
    if len(before.parameters) == 1:
        return
    if place == EMBEDDING:
        yield say("The embedding:")
    elif place == OUTPUT:
        yield say("The output layer:")
    elif len(before.layers) == 1:
        yield say("The layer:")
    else:
        yield say("Layer {}:", place)


def _place(before: NetworkPass, step: int, number: int) -> Part:
    if len(before.layers) == 1:
        return say("Step {}, layer:", str(step))
    return say("Step {}, layer {}:", str(step), str(number))


def _input(before: NetworkPass) -> MathName:
    """Return the symbol of the input, without its step."""
    return replace(_read(before, 1), index="")


def _read(before: NetworkPass, step: int) -> MathName:
    """Return the symbol of the input of a step: a one-hot vector where an embedding reads it."""
    if before.network.embedding:
        return MathName("e", index=step_index(before, step))
    return StepNotation(before, 1, step).input
