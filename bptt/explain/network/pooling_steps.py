"""Pooling over the steps of a sequence, forward and backward: last, mean, max, attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import Equations, Part, say
from bptt.explain.formula_tree import (
    HADAMARD,
    Fenced,
    Formula,
    Fraction,
    MathName,
    Raised,
    Row,
    SumOver,
    beside,
    derivative,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.symbols import NetworkNotation, StepPooling
from bptt.explain.network.writing import (
    ONE,
    added,
    by,
    call,
    exp,
    indicator,
    line,
    minus,
    stacked,
    transposed,
)

_T, _SCORE, _WEIGHT = MathName("T"), MathName("a", index="t"), MathName("α", index="t")
_A, _QUERY, _BIAS, _UNITS = MathName("A"), MathName("q"), MathName("c"), MathName("u", index="t")
_SCORE_ERROR, _NET_ERROR = replace(_SCORE, mark=DELTA), MathName("m", index="t", mark=DELTA)
_MEAN = Fraction(ONE, _T)


def _step_output(notation: NetworkNotation) -> MathName:
    assert notation.pooled is not None
    return notation.layers[notation.pooled.after - 1].joined


def pooling_forward(notation: NetworkNotation, result: MathName) -> Iterator[Part]:
    """Yield the equations from the outputs of all steps to one vector."""
    assert notation.pooled is not None
    each = _step_output(notation)
    layer = notation.layers[notation.pooled.after - 1]
    if layer.both and not notation.is_last_step:
        yield say("The outputs of both directions, one above the other:")
        yield Equations((line(each, stacked(*layer.outputs)),))
    match notation.pooled.name:
        case StepPooling.LAST:
            ends = last_outputs(notation)
            if len(ends) == 1:
                yield say("The output of the last step alone is read on:")
                yield Equations((line(result, ends[0]),))
            else:
                yield say("The output of each direction at its last step alone is read on:")
                yield Equations((line(result, stacked(*ends)),))
        case StepPooling.MEAN:
            yield say("The mean of the outputs of all steps:")
            yield Equations((line(result, beside(_MEAN, SumOver("t"), each)),))
        case StepPooling.MAX:
            yield say("The largest output of all steps, unit by unit {}:", MathName("i"))
            yield Equations((line(_unit(result), call("max", _unit(each))),))
        case StepPooling.ATTENTION:
            yield say("A weighted mean of the outputs of all steps, whose weights are a softmax of scores:")
            scored = added(beside(_A, each), _BIAS)
            total = beside(SumOver("r"), exp(MathName("a", index="r")))
            yield Equations(
                (
                    line(_UNITS, call("tanh", scored)),
                    line(_SCORE, beside(transposed(_QUERY), _UNITS)),
                    line(_WEIGHT, by(exp(_SCORE), total)),
                    line(result, beside(SumOver("t"), _WEIGHT, each)),
                )
            )


def last_outputs(notation: NetworkNotation) -> tuple[MathName, ...]:
    """Return the output of the layer before the pooling at its last step; of both directions, two."""
    assert notation.pooled is not None
    layer = notation.layers[notation.pooled.after - 1]
    return layer.final(layer.output)


def _unit(name: MathName) -> MathName:
    return replace(name, subscripts=(*name.subscripts, "i"))


def pooling_backward(notation: NetworkNotation, result: MathName, error: Formula) -> Iterator[Part]:
    """Yield the error of the output of every step from that of the vector."""
    assert notation.pooled is not None
    layer = notation.layers[notation.pooled.after - 1]
    each, down = layer.joined, notation.error_of(layer)
    match notation.pooled.name:
        case StepPooling.LAST:
            yield say("Through the pooling, at the last step; at all others it is 0:")
            loss = MathName("E", index=notation.loss_time)
            ends = tuple(derivative(loss, end) for end in last_outputs(notation))
            yield Equations((line(stacked(*ends), error),))
        case StepPooling.MEAN:
            yield say("Through the pooling, the same at every step:")
            yield Equations((line(down, beside(_MEAN, error)),))
        case StepPooling.MAX:
            yield say(
                "Through the pooling, unit by unit, to the step whose output was the largest; at all others"
                " it is 0:"
            )
            largest = indicator(_unit(each), _unit(result))
            yield Equations((line(down, Row((largest, HADAMARD, error))),))
        case StepPooling.ATTENTION:
            yield from _attention_backward(each, result, down, error)


def _attention_backward(each: MathName, result: MathName, down: Formula, error: Formula) -> Iterator[Part]:
    """Yield the two ways of an output: through the weighted sum, and through its own weight."""
    score, net = _SCORE_ERROR, _NET_ERROR
    yield say(
        "Through the pooling: an output has a part in the weighted mean, and in its own score. The softmax of"
        " the scores gives, with the weighted mean {}:",
        result,
    )
    slope = Fenced(added(ONE, minus(Raised(_UNITS, "2"))))
    yield Equations(
        (
            line(score, beside(_WEIGHT, transposed(Fenced(added(each, minus(result)))), error)),
            line(net, beside(score, Row((_QUERY, HADAMARD, slope)))),
            line(down, beside(_WEIGHT, error), beside(transposed(_A), net)),
        )
    )
    yield say("{} is the {} of the sum inside the tanh.", net, MathName("", mark=DELTA))


def pooling_gradients(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the gradients of the parameters of an attention; the other kinds have none."""
    if notation.pooled is None or notation.pooled.name is not StepPooling.ATTENTION:
        return
    each, over = _step_output(notation), SumOver("t")
    yield say("The attention:")
    yield Equations(
        (
            line(replace(_A, mark=GRADIENT), beside(over, _NET_ERROR, transposed(each))),
            line(replace(_BIAS, mark=GRADIENT), beside(over, _NET_ERROR)),
            line(replace(_QUERY, mark=GRADIENT), beside(over, _SCORE_ERROR, _UNITS)),
        )
    )
