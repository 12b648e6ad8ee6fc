"""The δ of the output layer, derived line by line, and the gradients of its parameters."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.cell import Cell
from bptt.cells.expression import Call, Product, Symbol
from bptt.cells.functions import get_function
from bptt.derive.adjoint import DELTA
from bptt.derive.network import Loss
from bptt.derive.normal_form import normal_form
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, Table, say
from bptt.explain.formula_tree import (
    HADAMARD,
    Fenced,
    Formula,
    MathName,
    Raised,
    Row,
    SumOver,
    beside,
    derivative,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.writing import (
    ONE,
    ZERO,
    added,
    by,
    element,
    equal,
    exp,
    indicator,
    line,
    minus,
    then,
    transposed,
)
from bptt.explain.notation import Notation

E, _V = MathName("E"), MathName("V")
O_I, O_J, O_K, Y_I, Y_J = (element(*name) for name in ("oi", "oj", "ok", "yi", "yj"))
Z, Z_I, Z_J, Z_K = MathName("z"), element("z", "i"), element("z", "j"), element("z", "k")
# A cell with the names z and o, in which the derivatives of functions are written.
OUTPUT = Cell.define("output", "o = sigmoid(z)", inputs="z", widths={"z": "H"})
# The functions g that the table of the squared error lists: those that networks for numbers end in.
LISTED = ("sigmoid", "tanh", "relu")


def output_section(notation: NetworkNotation, loss: Loss) -> Section:
    """Return the section from the loss to what the output layer hands down."""
    derived = {Loss.SOFTMAX: _softmax, Loss.LOGISTIC: _logistic, Loss.SQUARED: _squared}[loss]
    parts = (*_setting(notation), *derived(notation), *linear_map_gradients(notation))
    return Section(Stage.OUTPUT, "The δ of the output, step by step", parts)


def _setting(notation: NetworkNotation) -> Iterator[Part]:
    if notation.loss_time:
        yield say(
            "One step is considered; its index {} is left out, and {} is the loss of that step.",
            MathName("t"),
            E,
        )


def _softmax(notation: NetworkNotation) -> Iterator[Part]:
    whole, same = MathName("S"), indicator(MathName("i"), MathName("j"))
    yield say("The softmax, with {} for its denominator:", whole)
    yield Equations((line(whole, beside(SumOver("k"), exp(Z_K))), line(O_I, by(exp(Z_I), whole))))
    yield say("By the quotient rule, where numerator and denominator both depend on {}:", Z_I)
    top, square = exp(Z_I), Raised(whole, "2")
    numerator = added(beside(top, whole), minus(beside(top, top)))
    own = (
        line(derivative(O_I, Z_I), by(numerator, square)),
        then(beside(by(top, whole), Fenced(added(ONE, minus(by(top, whole)))))),
        then(beside(O_I, Fenced(added(ONE, minus(O_I))))),
    )
    yield Equations(own)
    yield say("For a {} other than {} the numerator does not depend on {}:", *map(MathName, "ji"), Z_J)
    crossed = minus(beside(top, exp(Z_J)))
    yield Equations(
        (
            line(derivative(O_I, Z_J), by(added(beside(ZERO, whole), crossed), square)),
            then(minus(beside(O_I, O_J))),
        )
    )
    yield say("Both in one line, where {} is 1 for equal indices and else 0:", same)
    yield Equations((line(derivative(O_I, Z_J), softmax_slope()),))
    yield say("The cross-entropy depends on each output through one logarithm:")
    yield Equations((line(derivative(E, O_I), minus(by(Y_I, O_I))),))
    yield say("By the chain rule, summed over all outputs, for each depends on {}:", Z_J)
    yield Equations(
        (
            line(derivative(E, Z_J), beside(SumOver("i"), derivative(E, O_I), derivative(O_I, Z_J))),
            then(minus(beside(SumOver("i"), Fenced(by(Y_I, O_I)), softmax_slope()))),
            then(minus(beside(SumOver("i"), Y_I, Fenced(added(same, minus(O_J)))))),
            then(minus(Y_J), beside(O_J, SumOver("i"), Y_I)),
            then(O_J, minus(Y_J)),
        )
    )
    yield say("In the last line {}, for the target is one-hot. As a vector:", equal(_sum_of_targets(), ONE))
    yield _error_line(notation)


def softmax_slope() -> Formula:
    """Write ∂o_i/∂z_j of a softmax: o_i (1[i = j] − o_j)."""
    same = indicator(MathName("i"), MathName("j"))
    return beside(O_I, Fenced(added(same, minus(O_J))))


def _sum_of_targets() -> Formula:
    return beside(SumOver("i"), Y_I)


def _logistic(notation: NetworkNotation) -> Iterator[Part]:
    below = exp(Row((minus(Z_I).sign, Z_I)))
    denominator = added(ONE, below)
    yield say("Each output is the logistic function of its own sum; by the quotient rule:")
    yield Equations(
        (
            line(O_I, by(ONE, denominator)),
            line(derivative(O_I, Z_I), by(below, Raised(Fenced(denominator), "2"))),
            then(beside(by(ONE, denominator), by(below, denominator))),
            then(beside(O_I, Fenced(added(ONE, minus(O_I))))),
        )
    )
    yield say("The cross-entropy of one label, of which only its own output has a part:")
    without = added(ONE, minus(O_I))
    yield Equations(
        (
            line(derivative(E, O_I), minus(by(Y_I, O_I)), by(added(ONE, minus(Y_I)), without)),
            then(by(added(O_I, minus(Y_I)), beside(O_I, Fenced(without)))),
        )
    )
    yield say("By the chain rule the denominator cancels:")
    yield Equations(
        (
            line(derivative(E, Z_I), beside(derivative(E, O_I), derivative(O_I, Z_I))),
            then(O_I, minus(Y_I)),
        )
    )
    yield say("As a vector:")
    yield _error_line(notation)


def _squared(notation: NetworkNotation) -> Iterator[Part]:
    error = added(O_I, minus(Y_I))
    yield say("The square is differentiated; the factor 2 cancels the ½:")
    yield Equations((line(derivative(E, O_I), *(O_I, minus(Y_I))),))
    if not notation.has_output:
        output, target = notation.outer("o"), notation.outer("y")
        yield say(
            "As a vector, with which the last layer begins, and which its function {} then multiplies by its"
            " derivative:",
            MathName("f"),
        )
        yield Equations((line(notation.top.from_above, output, minus(target)),))
    else:
        yield say("Here the output is the sum itself, {}, so that its derivative is 1:", equal(O_I, Z_I))
        yield _error_line(notation)
    yield say(
        "With a function {} of the sum of each output, {}, the chain rule multiplies by its derivative, {}:",
        MathName("g"),
        equal(O_I, _function(Z_I)),
        equal(derivative(E, Z_I), beside(Fenced(error), _slope(Z_I))),
    )
    yield _functions()
    yield say(
        "An output of a softmax depends on the sums of all outputs: with {} from its quotient rule, {}.",
        equal(derivative(O_I, Z_J), softmax_slope()),
        equal(
            derivative(E, Z_J),
            beside(O_J, Fenced(added(O_J, minus(Y_J), minus(beside(SumOver("i"), Fenced(error), O_I))))),
        ),
    )


def _functions() -> Table:
    """List functions g with their derivatives and the δ that follows; the derivatives are those of cells."""
    notation = Notation(normal_form(OUTPUT), "")
    output, net = Symbol("o"), Symbol("z")
    error = added(MathName("o"), minus(MathName("y")))
    rows = [(say("{}", Z), say("{}", ONE), say("{}", error))]
    for name in LISTED:
        slope = get_function(name).partials[0](output, net)
        # A product, such as o ⊙ (1 − o), continues that of the error without parentheses.
        factor = notation.formula(slope) if isinstance(slope, Product) else notation.factor(slope)
        delta = Row((Fenced(error), HADAMARD, factor))
        value = notation.formula(Call(name, (net,)))
        rows.append((say("{}", value), say("{}", notation.formula(slope)), say("{}", delta)))
    head = (say("{}", _function(Z)), say("{}", _slope(Z)), say("{}", derivative(E, Z)))
    return Table(head, tuple(rows), numeric_from=3)


def _function(argument: Formula) -> Row:
    return Row((MathName("g"), Fenced(argument)))


def _slope(argument: Formula) -> Row:
    return Row((MathName("g′"), Fenced(argument)))


def _error_line(notation: NetworkNotation) -> Equations:
    """Write δz = o − y, with the index of time again."""
    net, output, target = notation.outer("z", DELTA), notation.outer("o"), notation.outer("y")
    return Equations((line(net, output, minus(target)),))


def linear_map_gradients(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the gradients of V and b, and what is handed down: to the last layer, a pooling, an attention."""
    if not notation.has_output:
        return
    hidden, bias = notation.hidden, notation.network.bias
    s_j, v_ij = element("s", "j"), element("V", "i", "j")
    net = [beside(SumOver("j"), v_ij, s_j), *([element("b", "i")] if bias else [])]
    yield say("Element by element, with {} for what the last layer hands on:", equal(MathName("s"), hidden))
    delta_i = element("z", "i", mark=DELTA)
    lines = [
        line(Z_I, *net),
        line(derivative(E, v_ij), beside(delta_i, s_j)),
        *([line(derivative(E, element("b", "i")), delta_i)] if bias else []),
        line(derivative(E, s_j), beside(SumOver("i"), v_ij, delta_i)),
    ]
    yield Equations(tuple(lines))
    if notation.loss_time:
        yield say("As matrices, summed over the steps, for every step uses the same {}:", _V)
    else:
        yield say("As matrices:")
    yield Equations(tuple(output_gradients(notation)))
    if notation.is_pooled_last:
        yield say("To the pooling the output layer hands down:")
    elif notation.around.attends:
        yield say("To the attention the output layer hands down:")
    else:
        yield say("To the last layer the output layer hands down:")
    yield Equations((line(notation.hidden_error, beside(transposed(_V), notation.outer("z", DELTA))),))


def output_gradients(notation: NetworkNotation) -> Iterator[EquationLine]:
    """Yield ∇V = Σ δz sᵀ and ∇b = Σ δz, with δz = o − y where the loss gives that."""
    over, error = [SumOver("t")] if notation.loss_time else [], notation.output_error
    yield line(MathName("V", mark=GRADIENT), beside(*over, error, transposed(notation.hidden)))
    if notation.network.bias:
        alone = error.inner if isinstance(error, Fenced) else error
        yield line(MathName("b", mark=GRADIENT), beside(*over, error) if over else alone)
