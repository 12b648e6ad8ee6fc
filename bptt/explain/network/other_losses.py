"""Losses of trained models that a network on paper does not offer, with the δ of the output for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from bptt.derive.adjoint import DELTA
from bptt.explain.criteria.label_alignments import alignment_parts, occupancy_parts
from bptt.explain.criteria.tag_sequences import loss_parts, marginal_parts
from bptt.explain.document import Equations, Part, Section, Stage, say
from bptt.explain.formula_tree import (
    COMMA,
    HADAMARD,
    MINUS,
    Digits,
    Fenced,
    Formula,
    Fraction,
    MathName,
    Operator,
    Raised,
    Row,
    SumOver,
    beside,
    derivative,
)
from bptt.explain.network.loss import over_examples, over_time
from bptt.explain.network.output import O_I, Z_J, linear_map_gradients, softmax_slope
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.widths import OUTPUTS
from bptt.explain.network.writing import (
    HALF,
    ONE,
    added,
    call,
    element,
    equal,
    line,
    minus,
    transposed,
)


class OtherLoss(str, Enum):
    """A loss by the name that a model gives it."""

    CRF = "crf"
    CTC = "ctc"
    PROBABILITIES = "squared-probabilities"
    SQUARED = "mean-squared"
    ABSOLUTE = "mean-absolute"
    HUBER = "mean-huber"
    QUANTILE = "mean-quantile"


# The functions of the output layers; None for scores, which are no answers yet.
FUNCTIONS: Mapping[OtherLoss, str | None] = {
    **dict.fromkeys(OtherLoss, ""),
    OtherLoss.PROBABILITIES: "softmax",
    OtherLoss.CRF: None,
    OtherLoss.CTC: "softmax",
}
_MEAN = Fraction(ONE, MathName(OUTPUTS))
_O, _Y, _D, _LEVEL = element("o", "i"), element("y", "i"), MathName("d"), MathName("τ")
_ERROR = Row((_O, MINUS, _Y))


@dataclass(frozen=True)
class _Written:
    """A loss on paper: the loss of a step, and the δ of the sums of the output layer."""

    loss: Callable[[NetworkNotation], Iterator[Part]]
    delta: Callable[[NetworkNotation], Iterator[Part]]


def other_loss_sections(notation: NetworkNotation, loss: OtherLoss, standardised: bool) -> Iterator[Section]:
    """Yield the sections on the loss and on the δ of the output; `standardised` says so of the targets."""
    if loss is OtherLoss.CRF:
        yield Section(Stage.LOSS, "The loss: a conditional random field", tuple(loss_parts()))
        parts = (*marginal_parts(), *_marginals(notation), *linear_map_gradients(notation))
        yield Section(Stage.OUTPUT, "The δ of the output", parts)
        return
    if loss is OtherLoss.CTC:
        yield Section(Stage.LOSS, "The loss: connectionist temporal classification", alignment_parts())
        parts = (*occupancy_parts(), *_occupancies(notation), *linear_map_gradients(notation))
        yield Section(Stage.OUTPUT, "The δ of the output", parts)
        return
    written = _WRITTEN[loss]
    parts = (*written.loss(notation), *_targets(standardised), *over_time(notation), *over_examples(notation))
    yield Section(Stage.LOSS, "The loss", parts)
    delta = (*written.delta(notation), *linear_map_gradients(notation))
    yield Section(Stage.OUTPUT, "The δ of the output, step by step", delta)


def _targets(standardised: bool) -> Iterator[Part]:
    if standardised:
        yield say(
            "The targets are standardised: the mean and the deviation of the training data are taken out."
        )


def _step(notation: NetworkNotation, *right: Formula) -> Equations:
    return Equations((line(MathName("E", index=notation.loss_time), *right),))


def _delta(notation: NetworkNotation, *right: Formula) -> Equations:
    return Equations((line(notation.outer("z", DELTA), *right),))


def _error(notation: NetworkNotation) -> Formula:
    return Row((notation.outer("o"), MINUS, notation.outer("y")))


def _more(notation: NetworkNotation, more: str, less: str) -> Formula:
    """Write 1[o > y], element by element."""
    inner = Row((notation.outer(more), Operator(">"), notation.outer(less)))
    return Row((Digits("1"), Fenced(inner, "[", "]")))


def _marginals(notation: NetworkNotation) -> Iterator[Part]:
    output, target, tag = notation.outer("o"), notation.outer("y"), MathName("k")
    chance = Row((MathName("P"), Fenced(equal(target, tag))))
    yield say(
        "The scores {} are the elements of {}. With the vector {} of the probabilities {} of all tags at step"
        " {}, and the right tag as a one-hot vector {}:",
        Row((MathName("u", index="t"), Fenced(tag, "[", "]"))),
        notation.outer("z"),
        output,
        chance,
        MathName("t"),
        target,
    )
    yield _delta(notation, _error(notation))


def _occupancies(notation: NetworkNotation) -> Iterator[Part]:
    output, occupied, tag = notation.outer("o"), notation.outer("q"), MathName("k")
    yield say(
        "The scores {} are the elements of {}, the probabilities {} those of {}. With the vector {} of the"
        " occupancies of every class, summed over its states:",
        Row((MathName("u", index="t"), Fenced(tag, "[", "]"))),
        notation.outer("z"),
        Row((MathName("y", index="t"), Fenced(tag, "[", "]"))),
        output,
        occupied,
    )
    yield _delta(notation, Row((output, MINUS, occupied)))


def _probabilities_loss(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The loss is half the squared distance of the probabilities to the one-hot target:")
    yield _step(notation, beside(HALF, SumOver("i"), Raised(Fenced(_ERROR), "2")))


def _probabilities_delta(notation: NetworkNotation) -> Iterator[Part]:
    yield say(
        "The derivative by the outputs is {}. Each depends on all sums; with the derivative of the softmax,"
        " {}, and summed over all outputs:",
        _error(notation),
        equal(derivative(O_I, Z_J), softmax_slope()),
    )
    output, error = notation.outer("o"), Fenced(_error(notation))
    whole = Fenced(beside(transposed(output), error))
    yield Equations(
        (line(notation.outer("z", DELTA), Row((output, HADAMARD, error)), minus(beside(output, whole))),)
    )


def _squared_loss(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The loss is the mean of the squared errors of all {} outputs:", MathName(OUTPUTS))
    yield _step(notation, beside(_MEAN, SumOver("i"), Raised(Fenced(_ERROR), "2")))


def _squared_delta(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The square is differentiated:")
    twice = Fraction(Digits("2"), MathName(OUTPUTS))
    yield _delta(notation, beside(twice, Fenced(_error(notation))))


def _absolute_loss(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The loss is the mean of the absolute errors of all {} outputs:", MathName(OUTPUTS))
    yield _step(notation, beside(_MEAN, SumOver("i"), Fenced(_ERROR, "|", "|")))


def _absolute_delta(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The derivative of an absolute value is its sign, 0 at 0:")
    sign = Fenced(added(_more(notation, "o", "y"), minus(_more(notation, "y", "o"))))
    yield _delta(notation, beside(_MEAN, sign))


def _huber_loss(notation: NetworkNotation) -> Iterator[Part]:
    cut = element("c", "i")
    yield say("The error of each output, cut off at {} and at {}:", Row((MINUS, _D)), _D)
    yield Equations((line(cut, _cut_off(_ERROR)),))
    yield say("The loss is a mean over all {} outputs:", MathName(OUTPUTS))
    parts = added(beside(cut, Fenced(_ERROR)), minus(beside(HALF, Raised(cut, "2"))))
    yield _step(notation, beside(_MEAN, SumOver("i"), Fenced(parts)))
    square = beside(HALF, Raised(Fenced(_ERROR), "2"))
    linear = added(beside(_D, Fenced(_ERROR, "|", "|")), minus(beside(HALF, Raised(_D, "2"))))
    yield say("Up to {} in absolute value an error contributes {}, beyond it {}.", _D, square, linear)


def _cut_off(error: Formula) -> Formula:
    lower = call("min", Row((_D, COMMA, error)), r"\min")
    return call("max", Row((Row((MINUS, _D)), COMMA, lower)), r"\max")


def _huber_delta(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The derivative is the error that is cut off:")
    yield _delta(notation, beside(_MEAN, _cut_off(_error(notation))))


def _quantile_loss(notation: NetworkNotation) -> Iterator[Part]:
    level, above = element("τ", "i"), Fenced(Row((_Y, MINUS, _O)))
    yield say(
        "Output {} is the quantile of level {} of its target {}. The loss is the mean of the pinball losses"
        " of all {} outputs:",
        _O,
        level,
        _Y,
        MathName(OUTPUTS),
    )
    pair = Row((beside(level, above), COMMA, beside(Fenced(added(level, minus(ONE))), above)))
    yield _step(notation, beside(_MEAN, SumOver("i"), call("max", pair, r"\max")))


def _quantile_delta(notation: NetworkNotation) -> Iterator[Part]:
    yield say("The derivative of the larger of both terms:")
    yield _delta(notation, beside(_MEAN, Fenced(added(_more(notation, "o", "y"), minus(_LEVEL)))))


_WRITTEN: Mapping[OtherLoss, _Written] = {
    OtherLoss.PROBABILITIES: _Written(_probabilities_loss, _probabilities_delta),
    OtherLoss.SQUARED: _Written(_squared_loss, _squared_delta),
    OtherLoss.ABSOLUTE: _Written(_absolute_loss, _absolute_delta),
    OtherLoss.HUBER: _Written(_huber_loss, _huber_delta),
    OtherLoss.QUANTILE: _Written(_quantile_loss, _quantile_delta),
}
