"""The loss of a linear-chain conditional random field: score, partition function, marginals, gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.explain.document import (
    Derivation,
    EquationLine,
    Equations,
    Fact,
    Part,
    Section,
    Stage,
    listing,
    say,
)
from bptt.explain.formula_tree import (
    COMMA,
    Digits,
    Fenced,
    Formula,
    MathName,
    Operator,
    Raised,
    Row,
    SumOver,
    beside,
    derivative,
)
from bptt.explain.network.writing import ONE, added, by, equal, exp, indicator, line, ln, minus, then

T, K, Z, E, J, K_TAG = (MathName(name) for name in "TKZEjk")
SCORE, TAGS, OTHERS = MathName("s"), MathName("y"), MathName("y′")
TRANSITIONS, START, END = MathName("A"), MathName("a"), MathName("c")
Y_T, Y_NEXT, Y_1, Y_LAST = (MathName("y", index=index) for index in ("t", "t+1", "1", "T"))


def crf_derivation() -> Derivation:
    """Return the derivation of the loss of `bptt.nn.CRF`."""
    sections = (
        Section(Stage.EQUATIONS, "The score and the probability of a sequence of tags", tuple(_score())),
        Section(Stage.NORMAL, "The partition function by the forward recursion", tuple(_forward())),
        Section(Stage.LOSS, "The loss", tuple(_loss())),
        Section(Stage.ADJOINT, "The backward recursion and the marginals", tuple(_backward())),
        Section(Stage.GRADIENTS, "The gradient: expected minus observed", tuple(_gradient())),
    )
    return Derivation("Linear-chain conditional random field", tuple(_facts()), sections).numbered()


def loss_parts() -> tuple[Part, ...]:
    """Return the score of tags, their probability by the forward recursion, and the loss."""
    return (*_score(), *_forward(), *_loss())


def marginal_parts() -> tuple[Part, ...]:
    """Return the marginals by the backward recursion, and the gradient by every score."""
    return (*_backward(), *_gradient())


def at(values: str, *indices: Formula, step: str = "", mark: str = "") -> Row:
    """Write an entry: uₜ[k], A[j, k]."""
    inner = Row(tuple(part for index in indices for part in (COMMA, index))[1:])
    return Row((MathName(values, index=step, mark=mark), Fenced(inner, "[", "]")))


def _facts() -> Iterator[Fact]:
    yield Fact(
        "source",
        (say("{}", "Lafferty, McCallum & Pereira 2001, Conditional random fields; Lample et al. 2016"),),
    )
    yield Fact("input", (say("{}, the score of every tag at every step, from a network", _U),))
    names = (say("{}", beside(name, Fenced(size))) for name, size in _PARAMETERS)
    yield Fact("parameters", (listing(names),))
    yield Fact("sizes", (say("{} tags, {} time steps", K, T),))


# The number of sequences: K · ⋯ · K.
_EVERY = Row((K, Operator("·"), Digits("⋯"), Operator("·"), K))
_U = beside(MathName("u", index="t"), Fenced(K))
_PARAMETERS = ((TRANSITIONS, Row((K, COMMA, K))), (START, K), (END, K))


def _score() -> Iterator[Part]:
    yield say(
        "{} is the score of tag {} at step {}, {} that of tag {} after tag {}, {} and {} are those of a tag"
        " at the start and at the end. The score of the tags {} is the sum along them:",
        at("u", K_TAG, step="t"),
        K_TAG,
        MathName("t"),
        at("A", J, K_TAG),
        K_TAG,
        J,
        at("a", K_TAG),
        at("c", K_TAG),
        equal(TAGS, Row((Y_1, COMMA, Digits("⋯"), COMMA, Y_LAST))),
    )
    whole = (
        at("a", Y_1),
        beside(SumOver("t"), at("u", Y_T, step="t")),
        beside(SumOver("t<T"), at("A", Y_T, Y_NEXT)),
        at("c", Y_LAST),
    )
    yield Equations((line(_of(SCORE, TAGS), *whole),))
    yield say("The probability of the tags is a softmax over all sequences {}:", OTHERS)
    yield Equations(
        (
            line(_of(MathName("P"), TAGS), by(exp(_of(SCORE, TAGS)), Z)),
            line(Z, beside(SumOver("y′"), exp(_of(SCORE, OTHERS)))),
        )
    )


def _of(function: MathName, argument: Formula) -> Row:
    return Row((function, Fenced(argument)))


def _step(earlier: Formula, later: Formula) -> Row:
    """Write the factor exp(A[j, k] + uₜ₊₁[k]) of one step."""
    return exp(added(at("A", earlier, later), at("u", later, step="t+1")))


def _forward() -> Iterator[Part]:
    yield say(
        "{} has {} terms, with a factor for every step: too many to be added one by one. Let {} be the sum of"
        " {} over all beginnings up to step {} whose last tag is {}, where {} is their score so far.",
        Z,
        _EVERY,
        at("α", K_TAG, step="t"),
        exp(MathName("s", index="t")),
        MathName("t"),
        K_TAG,
        MathName("s", index="t"),
    )
    yield say("At the first step there is one such beginning:")
    first = exp(added(at("a", K_TAG), at("u", K_TAG, step="1")))
    yield Equations((line(at("α", K_TAG, step="1"), first),))
    yield say(
        "A beginning up to step {} is a beginning {} up to step {} with one more tag. Its score has two terms"
        " more; the exponential of a sum is a product; and the factor that depends on the last two tags alone"
        " comes out of the sum:",
        added(MathName("t"), ONE),
        TAGS,
        MathName("t"),
    )
    so_far = MathName("s", index="t")
    those_in_j = beside(SumOver("y"), indicator(Y_T, J), exp(so_far))
    longer = exp(added(so_far, at("A", Y_T, K_TAG), at("u", K_TAG, step="t+1")))
    yield Equations(
        (
            line(at("α", K_TAG, step="t+1"), beside(SumOver("y"), longer)),
            then(beside(SumOver("j"), Fenced(those_in_j), _step(J, K_TAG))),
            then(beside(SumOver("j"), at("α", J, step="t"), _step(J, K_TAG))),
        )
    )
    yield say("At the end the scores of the last tags are added, and all last tags are summed over:")
    yield Equations((line(Z, beside(SumOver("k"), at("α", K_TAG, step="T"), exp(at("c", K_TAG)))),))
    yield say(
        "These are {} products instead of {} terms. On logarithms, so that no number leaves its range:",
        beside(T, Raised(K, "2")),
        _EVERY,
    )
    inside = added(ln(at("α", J, step="t")), at("A", J, K_TAG))
    yield Equations(
        (
            line(
                ln(at("α", K_TAG, step="t+1")),
                at("u", K_TAG, step="t+1"),
                ln(beside(SumOver("j"), exp(inside))),
            ),
        )
    )


def _loss() -> Iterator[Part]:
    yield say("The loss is minus the logarithm of the probability of the right tags {}:", TAGS)
    yield Equations(
        (
            line(E, minus(ln(_of(MathName("P"), TAGS)))),
            then(ln(Z), minus(_of(SCORE, TAGS))),
        )
    )


def _pair() -> Row:
    return Row((equal(Y_T, J), COMMA, equal(Y_NEXT, K_TAG)))


def _backward() -> Iterator[Part]:
    beta_next = at("β", K_TAG, step="t+1")
    yield say(
        "Let {} be the sum over all ends after step {}, given that the tag there is {}. The same argument"
        " from the other side:",
        at("β", K_TAG, step="t"),
        MathName("t"),
        K_TAG,
    )
    yield Equations(
        (
            line(at("β", K_TAG, step="T"), exp(at("c", K_TAG))),
            line(at("β", J, step="t"), beside(SumOver("k"), _step(J, K_TAG), beta_next)),
        )
    )
    yield say(
        "This is back-propagation through the forward recursion: {} is linear in {} with the factor {}, so"
        " that {}.",
        at("α", K_TAG, step="t+1"),
        at("α", J, step="t"),
        _step(J, K_TAG),
        equal(
            by(MathName("Z", mark="∂"), at("α", J, step="t", mark="∂")),
            at("β", J, step="t"),
        ),
    )
    yield say(
        "Every beginning that ends in {} goes with every end that follows {}: the product of both sums is the"
        " sum over all sequences with this tag at step {}. Divided by {}, which is the sum of these products"
        " over all tags, at any step, that is the probability of the tag:",
        K_TAG,
        K_TAG,
        MathName("t"),
        Z,
    )
    both = beside(at("α", K_TAG, step="t"), at("β", K_TAG, step="t"))
    pair = beside(at("α", J, step="t"), _step(J, K_TAG), beta_next)
    yield Equations(
        (
            line(Z, beside(SumOver("k"), both)),
            line(_of(MathName("P"), equal(Y_T, K_TAG)), by(both, Z)),
            line(_of(MathName("P"), _pair()), by(pair, Z)),
        )
    )


def _gradient() -> Iterator[Part]:
    theta = MathName("θ")
    score, right = (
        by(_of(replace(SCORE, mark="∂"), tags), replace(theta, mark="∂")) for tags in (OTHERS, TAGS)
    )
    yield say(
        "For any score {}, an entry of {}, {}, {} or {}: the logarithm brings {} below, the exponential"
        " reproduces itself, and its share of {} is a probability:",
        theta,
        MathName("u"),
        TRANSITIONS,
        START,
        END,
        Z,
        Z,
    )
    yield Equations(
        (
            line(derivative(E, theta), beside(by(ONE, Z), derivative(Z, theta)), minus(right)),
            then(beside(SumOver("y′"), by(exp(_of(SCORE, OTHERS)), Z), score), minus(right)),
            then(beside(SumOver("y′"), _of(MathName("P"), OTHERS), score), minus(right)),
        )
    )
    yield say(
        "The score is a sum of entries, so its derivative by an entry counts how often the tags use it: 1 or"
        " 0 for {}, a number of steps for {}. The first sum is the expected count, the second term the"
        " observed one. The expected counts are sums of the marginals:",
        at("u", K_TAG, step="t"),
        at("A", J, K_TAG),
    )
    both = Row((MathName("P"), Fenced(_pair())))
    observed = beside(indicator(Y_T, J), indicator(Y_NEXT, K_TAG))
    yield Equations(
        (
            _counted("u", "t", Y_T),
            line(
                by(MathName("E", mark="∂"), at("A", J, K_TAG, mark="∂")),
                beside(SumOver("t<T"), Fenced(added(both, minus(observed)))),
            ),
            _counted("a", "", Y_1),
            _counted("c", "", Y_LAST),
        )
    )
    yield say(
        "The first line is the {} that the network below receives at step {}. It is that of a softmax, with"
        " the marginal of a tag in the place of its probability at that step alone.",
        MathName("", mark="δ"),
        MathName("t"),
    )


def _counted(values: str, step: str, tag: MathName) -> EquationLine:
    """Write ∂E/∂u[k] = P(y = k) − 1[y = k]."""
    entry = by(MathName("E", mark="∂"), at(values, K_TAG, step=step, mark="∂"))
    return line(entry, _of(MathName("P"), equal(tag, K_TAG)), minus(indicator(tag, K_TAG)))
