"""The loss of connectionist temporal classification: alignments, both recursions, occupancy, gradient."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.explain.criteria.tag_sequences import at
from bptt.explain.document import Derivation, Equations, Fact, Part, Section, Stage, say
from bptt.explain.formula_tree import (
    COMMA,
    Digits,
    Fenced,
    Formula,
    MathName,
    Operator,
    ProductOver,
    Row,
    SumOver,
    beside,
)
from bptt.explain.network.writing import (
    ONE,
    added,
    by,
    equal,
    exp,
    indicator,
    line,
    ln,
    minus,
    then,
)

T, K, L, E, P, J, K_CLASS, STATE = (MathName(name) for name in ("T", "K", "L", "E", "P", "j", "k", "s"))
LABEL, BLANK, PATH, TIME, LAST = MathName("l"), MathName("b"), MathName("π"), MathName("t"), MathName("S")
TWO = Digits("2")
SYMBOL_OF_STATE = MathName("l′", index="s")
SKIP = MathName("m", index="s")


def ctc_derivation() -> Derivation:
    """Return the derivation of the loss of `bptt.nn.ctc_loss`."""
    sections = (
        Section(Stage.EQUATIONS, "Alignments and the probability of a label", tuple(_alignments())),
        Section(Stage.NORMAL, "The sum over alignments by the forward recursion", tuple(_forward())),
        Section(Stage.LOSS, "The loss", tuple(_loss())),
        Section(Stage.ADJOINT, "The backward recursion and the occupancy", tuple(_backward())),
        Section(Stage.GRADIENTS, "The gradient: softmax minus occupancy", tuple(_gradient())),
    )
    return Derivation(TITLE, tuple(_facts()), sections).numbered()


TITLE = "Connectionist temporal classification"


def alignment_parts() -> tuple[Part, ...]:
    """Return the probability of a label by the forward recursion, and the loss."""
    return (*_alignments(), *_forward(), *_loss())


def occupancy_parts() -> tuple[Part, ...]:
    """Return the occupancy by the backward recursion, and the gradient by the scores."""
    return (*_backward(), *_gradient())


def _facts() -> Iterator[Fact]:
    yield Fact(
        "source", (say("{}", "Graves, Fernández, Gomez & Schmidhuber 2006, eq. 3 to 15; Graves 2012, ch. 7"),)
    )
    score = beside(MathName("u", index="t"), Fenced(K))
    yield Fact(
        "input", (say("{}, the score of every symbol and of the blank at every step, from a network", score),)
    )
    yield Fact(
        "sizes", (say("{} classes, among them the blank {}; {} symbols; {} time steps", K, BLANK, L, T),)
    )


def _less(number: Formula) -> Formula:
    return added(STATE, minus(number))


def _more(number: Formula) -> Formula:
    return added(STATE, number)


def _alignments() -> Iterator[Part]:
    yield say("At every step a softmax makes probabilities of the scores:")
    whole = beside(SumOver("j"), exp(at("u", J, step="t")))
    yield Equations((line(at("y", K_CLASS, step="t"), by(exp(at("u", K_CLASS, step="t")), whole)),))
    yield say(
        "An alignment {} has a class for every step. Its label is found in two moves: repeats become one,"
        " then blanks are removed. So {} alignments with {} steps give the label of one symbol {}, such as"
        " {}. The label {} is known, its alignment is not: the probability of the label is the sum over all"
        " of them.",
        PATH,
        by(beside(T, Fenced(added(T, ONE))), TWO),
        T,
        MathName("a"),
        Row(tuple(part for name in "baab" for part in (COMMA, MathName(name)))[1:]),
        LABEL,
    )
    chance = beside(ProductOver("t"), at("y", MathName("π", index="t"), step="t"))
    yield Equations((line(P, beside(SumOver("π"), chance)),))
    yield say(
        "{} runs over the alignments of {}. A label with an equal symbol after another needs a blank between"
        " them, or they would become one: with fewer steps than symbols and such blanks no alignment exists,"
        " {} is 0 and the loss infinite.",
        PATH,
        LABEL,
        P,
    )


def _forward() -> Iterator[Part]:
    first, second, last = (MathName("l", index=index) for index in ("1", "2", "L"))
    extended = Row(
        (BLANK, COMMA, first, COMMA, BLANK, COMMA, second, COMMA, Digits("⋯"), COMMA, last, COMMA, BLANK)
    )
    yield say(
        "The extended label {} has {} states: a blank before, between and behind the symbols. An alignment"
        " begins in one of the first two, ends in one of the last two, and from step to step it stays,"
        " moves by one, or skips a blank between two symbols that differ. {} says whether state {} is such a"
        " symbol:",
        equal(MathName("l′"), extended),
        equal(LAST, added(beside(TWO, L), ONE)),
        SKIP,
        STATE,
    )
    before = MathName("l′", index="s−2")
    yield Equations(
        (
            line(
                SKIP,
                beside(_differs(SYMBOL_OF_STATE, BLANK), _differs(SYMBOL_OF_STATE, before)),
            ),
        )
    )
    yield say(
        "Let {} be the sum over all beginnings of alignments up to step {} that end in state {}. At the first"
        " step there are two; a state before the first counts as 0:",
        at("α", STATE, step="t"),
        TIME,
        STATE,
    )
    yield Equations(
        (
            line(at("α", ONE, step="1"), at("y", BLANK, step="1")),
            line(at("α", TWO, step="1"), at("y", first, step="1")),
        )
    )
    yield say("A longer beginning is a shorter one with one more step, whose factor comes out of the sum:")
    ways = added(
        at("α", STATE, step="t−1"),
        at("α", _less(ONE), step="t−1"),
        beside(SKIP, at("α", _less(TWO), step="t−1")),
    )
    yield Equations(
        (line(at("α", STATE, step="t"), beside(at("y", SYMBOL_OF_STATE, step="t"), Fenced(ways))),)
    )
    yield say("At the last step the alignment has arrived in the last symbol or in the blank behind it:")
    yield Equations((line(P, at("α", LAST, step="T"), at("α", added(LAST, minus(ONE)), step="T")),))
    yield say(
        "These are {} sums of three terms. The kernel computes them in numbers that have an exponent of their"
        " own, so that none leaves its range, without logarithms.",
        beside(T, LAST),
    )


def _differs(left: Formula, right: Formula) -> Row:
    """Write 1[left ≠ right]."""
    return Row((ONE, Fenced(Row((left, Operator("≠"), right)), "[", "]")))


def _loss() -> Iterator[Part]:
    yield say("The loss is minus the logarithm of the probability of the label {}:", LABEL)
    yield Equations((line(E, minus(ln(P))),))


def _entering(state: Formula, symbol: str) -> Row:
    """Write yₜ₊₁[l′] βₜ₊₁[s]."""
    return beside(at("y", MathName("l′", index=symbol), step="t+1"), at("β", state, step="t+1"))


def _backward() -> Iterator[Part]:
    yield say(
        "Let {} be the sum over all ends of alignments after step {}, given state {} there. The same argument"
        " from the other side; a state behind the last counts as 0:",
        at("β", STATE, step="t"),
        TIME,
        STATE,
    )
    after = MathName("m", index="s+2")
    yield Equations(
        (
            line(at("β", LAST, step="T"), ONE),
            line(at("β", added(LAST, minus(ONE)), step="T"), ONE),
            line(
                at("β", STATE, step="t"),
                _entering(STATE, "s"),
                _entering(_more(ONE), "s+1"),
                beside(after, _entering(_more(TWO), "s+2")),
            ),
        )
    )
    yield say(
        "In the paper {} has the factor {} of its own step too; products of both sums are then divided by it."
        " Here it is what back-propagation through the forward recursion finds: {}.",
        at("β", STATE, step="t"),
        at("y", SYMBOL_OF_STATE, step="t"),
        equal(
            by(MathName("P", mark="∂"), at("α", STATE, step="t", mark="∂")),
            at("β", STATE, step="t"),
        ),
    )
    yield say(
        "Every beginning that ends in state {} goes with every end that follows: the product of both sums is"
        " the sum over all alignments through this state at step {}. Its share of {} is the occupancy, the"
        " probability of the state given the label:",
        STATE,
        TIME,
        P,
    )
    both = beside(at("α", STATE, step="t"), at("β", STATE, step="t"))
    yield Equations(
        (
            line(P, beside(SumOver("s"), both)),
            line(at("γ", STATE, step="t"), by(both, P)),
        )
    )


def _gradient() -> Iterator[Part]:
    one = indicator(SYMBOL_OF_STATE, K_CLASS)
    both = beside(at("α", STATE, step="t"), at("β", STATE, step="t"))
    yield say(
        "{} is {} times a sum over earlier steps, {} a sum over later ones. So the derivative of {} by a"
        " probability divides the products of its states by it; the logarithm brings {} below:",
        at("α", STATE, step="t"),
        at("y", SYMBOL_OF_STATE, step="t"),
        at("β", STATE, step="t"),
        P,
        P,
    )
    y_k, y_j = (at("y", k, step="t") for k in (K_CLASS, J))
    by_y = by(MathName("E", mark="∂"), at("y", K_CLASS, step="t", mark="∂"))
    yield Equations((line(by_y, minus(beside(by(ONE, beside(P, y_k)), SumOver("s"), one, both))),))
    yield say("Every probability of a step depends on every score:")
    slope = by(at("y", J, step="t", mark="∂"), at("u", K_CLASS, step="t", mark="∂"))
    yield Equations((line(slope, beside(y_j, Fenced(added(indicator(J, K_CLASS), minus(y_k))))),))
    yield say(
        "Both in the chain rule: each state has one symbol, so the sum over {} leaves that over the states,"
        " and all occupancies of a step add up to 1:",
        J,
    )
    by_u = by(MathName("E", mark="∂"), at("u", K_CLASS, step="t", mark="∂"))
    by_y_j = by(MathName("E", mark="∂"), at("y", J, step="t", mark="∂"))
    gamma = at("γ", STATE, step="t")
    yield Equations(
        (
            line(by_u, beside(SumOver("j"), by_y_j, slope)),
            then(
                minus(beside(SumOver("s"), gamma, Fenced(added(one, minus(y_k))))),
            ),
            then(y_k, minus(beside(SumOver("s"), one, gamma))),
        )
    )
    yield say(
        "This is the {} that the network below receives at step {}: the probability of a class minus the"
        " probability of being in one of its states given the label. It is that of a softmax whose target is"
        " the occupancy. A class that does not occur in the label has only the first term.",
        MathName("", mark="δ"),
        TIME,
    )
