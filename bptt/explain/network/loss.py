"""The loss of a whole network: of a step, summed over steps, averaged over examples."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.derive.network import Loss
from bptt.explain.document import EquationLine, Equations, Part, Section, Sentence, Stage, say
from bptt.explain.formula_tree import (
    MINUS,
    Digits,
    Fenced,
    Formula,
    Fraction,
    MathName,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
)
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.writing import (
    HALF,
    ONE,
    added,
    element,
    equal,
    half_square,
    line,
    ln,
    minus,
    plus,
)


def loss_section(notation: NetworkNotation, loss: Loss) -> Section:
    """Return the section that says what is minimised."""
    parts = (*_of_a_step(notation, loss), *over_time(notation), *over_examples(notation))
    return Section(Stage.LOSS, "The loss", parts)


def step_loss(loss: Loss) -> tuple[Term, ...]:
    """Write the loss of one step, element by element, without the index of time."""
    output, target = element("o", "i"), element("y", "i")
    match loss:
        case Loss.SOFTMAX:
            return (minus(beside(SumOver("i"), target, ln(output))),)
        case Loss.LOGISTIC:
            positive = beside(target, ln(output))
            negative = beside(_rest(target), ln(added(ONE, minus(output))))
            return (minus(beside(SumOver("i"), Fenced(added(positive, negative)))),)
    return (plus(beside(HALF, SumOver("i"), Raised(Fenced(added(output, minus(target))), "2"))),)


def _rest(target: Formula) -> Formula:
    return Fenced(added(ONE, minus(target)))


def _of_a_step(notation: NetworkNotation, loss: Loss) -> Iterator[Part]:
    output, target = notation.outer("o"), notation.outer("y")
    if not notation.has_output:
        yield say(
            "{} is the output of the network, {} its target.",
            equal(output, notation.top.output),
            target,
        )
    match loss:
        case Loss.SOFTMAX:
            yield say(
                "The target {} is one-hot, 1 for the right label and 0 elsewhere; the output {} is a"
                " probability for every label. The loss is the cross-entropy, minus the logarithm of the"
                " probability of the right label:",
                target,
                output,
            )
        case Loss.LOGISTIC:
            yield say(
                "Each element of the target {} is 1 for a label that is true, else 0; each element of the"
                " output {} is the probability that it is true. The loss is the cross-entropy of every label,"
                " summed:",
                target,
                output,
            )
        case Loss.SQUARED:
            yield say("The loss is half the squared distance of the output {} to its target:", output)
    yield Equations((EquationLine(MathName("E", index=notation.loss_time), step_loss(loss)),))


def over_time(notation: NetworkNotation) -> Iterator[Part]:
    """Yield that the loss of a sequence is the sum over its steps, if there are steps."""
    if not notation.loss_time:
        return
    step = MathName("E", index="t")
    yield say(
        "The elements are those of step {}; that index is left out. The loss of the sequence is the sum over"
        " its steps:",
        MathName("t"),
    )
    whole = (MathName("E", index="1"), MathName("E", index="2"), Digits("⋯"), MathName("E", index="T"))
    yield Equations((line(MathName("E"), beside(SumOver("t"), step)), line(MathName(""), *whole)))
    yield say("A step without a target contributes nothing: its {} is 0, and so are its derivatives.", step)
    if notation.network.loss is Loss.SOFTMAX:
        yield of_the_next_token()


def of_the_next_token() -> Sentence:
    """Say what the loss of a sequence is where the targets are its next tokens."""
    return say(
        "Where the target of a step is the next token, {} is minus the logarithm of the probability of"
        " the whole sequence: the least loss is the greatest likelihood.",
        MathName("E"),
    )


def over_examples(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the loss of several examples."""
    count, example = MathName("m"), MathName("E", index="k")
    means: list[Formula] = [beside(Fraction(ONE, count), SumOver("k"), example)]
    if notation.network.loss is Loss.SQUARED and not notation.loss_time:
        error = Row((MathName("o", index="k"), MINUS, MathName("y", index="k")))
        square = half_square(error).parts[1]
        means.append(beside(Fraction(ONE, beside(Digits("2"), count)), SumOver("k"), square))
    yield say(
        "Over {} examples the loss is the mean {}, where {} is the loss of example {}. Every gradient below"
        " is that of one example; that of the mean is the mean of them.",
        count,
        equal(MathName("L"), *means),
        example,
        MathName("k"),
    )
