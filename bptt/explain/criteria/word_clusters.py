"""The adaptive softmax: probabilities by clusters, the loss, its gradients, and the best cut-offs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA
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
    Fenced,
    Formula,
    MathName,
    Row,
    SumOver,
    beside,
    derivative,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.writing import ONE, added, call, element, line, ln, minus, then, transposed

# The head: V, b and the classes z, p. A cluster: the projection P, and M, d and the words u, q in it.
S, HEAD, HEAD_BIAS, Z, CLASSES = (MathName(name) for name in "sVbzp")
PROJECTION, NARROW, MATRIX, BIAS, U, WORDS = (MathName(name) for name in "PrMduq")
CLASS, WORD, E = MathName("y"), MathName("w"), MathName("E")
N, L, C, D, K, FIRST, LAST = (MathName(name) for name in ("N", "L", "C", "D", "K", "m", "n"))
TITLE = "Adaptive softmax"


def adaptive_derivation() -> Derivation:
    """Return the derivation of `bptt.models.heads.adaptive.AdaptiveSoftmax`."""
    sections = (
        Section(Stage.EQUATIONS, "The head and a cluster", tuple(_equations())),
        Section(Stage.LOSS, "The loss", tuple(_loss())),
        Section(
            Stage.ADJOINT, "The δ of both softmaxes, and what goes on to the layers below", tuple(_deltas())
        ),
        Section(Stage.GRADIENTS, "The gradients of the parameters", tuple(_gradients())),
        Section(Stage.STORAGE, "The cost of an update, and the best cut-offs", tuple(_costs())),
    )
    return Derivation(TITLE, tuple(_facts()), sections).numbered()


def _facts() -> Iterator[Fact]:
    yield Fact(
        "source", (say("{}", "Grave, Joulin, Cissé, Grangier & Jégou 2017, Efficient softmax approximation"),)
    )
    yield Fact("input", (say("{}, the output of the layers below at one step", beside(S, Fenced(D))),))
    sizes = (
        (HEAD, (added(L, C), D)),
        (HEAD_BIAS, (added(L, C),)),
        (PROJECTION, (K, D)),
        (MATRIX, (MathName("W"), K)),
        (BIAS, (MathName("W"),)),
    )
    names = (say("{}", beside(name, Fenced(_commas(shape)))) for name, shape in sizes)
    yield Fact("parameters", (listing(names),))
    yield Fact(
        "sizes",
        (
            say(
                "{} words in the shortlist, {} clusters, {} words in the cluster at hand, of the width {}",
                L,
                C,
                MathName("W"),
                K,
            ),
        ),
    )


def _commas(parts: tuple[Formula, ...]) -> Row:
    return Row(tuple(each for part in parts for each in (COMMA, part))[1:])


def _softmax(argument: Formula) -> Row:
    return call("softmax", argument)


def _times(matrix: Formula, vector: Formula) -> Formula:
    return beside(matrix, vector)


def _equations() -> Iterator[Part]:
    yield say(
        "Words are numbered by falling frequency. The head has a class for each of the {} most frequent"
        " words, and one for each cluster of rarer ones:",
        L,
    )
    yield Equations((line(Z, _times(HEAD, S), HEAD_BIAS), line(CLASSES, _softmax(Z))))
    yield say(
        "A cluster projects the output to its own, smaller width {}, for rare words have few occurrences to"
        " learn from, and has a softmax over its words alone:",
        K,
    )
    yield Equations(
        (
            line(NARROW, _times(PROJECTION, S)),
            line(U, _times(MATRIX, NARROW), BIAS),
            line(WORDS, _softmax(U)),
        )
    )
    yield say(
        "A word {} of the shortlist has the probability of its class {}; a word {} of the cluster with the"
        " class {} has that of the cluster, times its own in it:",
        element("w", "i"),
        MathName("i"),
        element("w", "j"),
        MathName("c"),
    )
    chance = _chance(element("w", "j"))
    yield Equations(
        (
            line(_chance(element("w", "i")), element("p", "i")),
            line(chance, beside(element("p", "c"), element("q", "j"))),
        )
    )
    yield say("The probabilities of a cluster add up to that of its class, and so all of them to 1:")
    within = beside(SumOver("j"), element("p", "c"), element("q", "j"))
    yield Equations(
        (
            line(beside(SumOver("j"), chance), within),
            then(beside(element("p", "c"), SumOver("j"), element("q", "j"))),
            then(element("p", "c")),
        )
    )


def _chance(word: Formula) -> Row:
    return Row((MathName("P"), Fenced(word)))


def _loss() -> Iterator[Part]:
    yield say(
        "With the class {} of the target in the head, and for a target in a cluster its place {} there:",
        CLASS,
        WORD,
    )
    yield Equations((line(E, minus(ln(element("p", "y")))),))
    yield say("for a target of the shortlist, and for one in a cluster")
    yield Equations((line(E, minus(ln(element("p", "y"))), minus(ln(element("q", "w")))),))


def _one_hot(index: str) -> MathName:
    return element("e", index)


def _delta(vector: MathName) -> MathName:
    return replace(vector, mark=DELTA)


def _deltas() -> Iterator[Part]:
    yield say(
        "Each of both terms is the cross-entropy of a softmax. Its δ is the probabilities minus the one-hot"
        " target {}, {}:",
        _one_hot("y"),
        _one_hot("w"),
    )
    yield Equations(
        (
            line(_delta(Z), CLASSES, minus(_one_hot("y"))),
            line(_delta(U), WORDS, minus(_one_hot("w"))),
            line(_delta(NARROW), _times(transposed(MATRIX), _delta(U))),
        )
    )
    yield say("The output reaches the loss by the head, and by the projection of the cluster:")
    inner = _times(transposed(PROJECTION), _delta(NARROW))
    yield Equations((line(derivative(E, S), _times(transposed(HEAD), _delta(Z)), inner),))
    yield say("A target of the shortlist has the first term alone: no cluster is computed.")


def _gradients() -> Iterator[Part]:
    yield say(
        "The head sums over all steps. A cluster sums over the steps whose targets lie in it: if there are"
        " none, its parameters have no gradient, and an update leaves them as they are."
    )
    rows = (
        (HEAD, _times(_delta(Z), transposed(S))),
        (HEAD_BIAS, _delta(Z)),
        (MATRIX, _times(_delta(U), transposed(NARROW))),
        (BIAS, _delta(U)),
        (PROJECTION, _times(_delta(NARROW), transposed(S))),
    )
    yield Equations(tuple(_summed(parameter, term) for parameter, term in rows))


def _summed(parameter: MathName, term: Formula) -> EquationLine:
    return line(replace(parameter, mark=GRADIENT), beside(SumOver("t"), term))


def _costs() -> Iterator[Part]:
    share, cluster, after = MathName("π"), MathName("c"), added(MathName("c"), ONE)
    yield say(
        "Let {} be the time of an update for a cluster of the words from {} to {}, of which {} of the {}"
        " targets are: {} softmaxes over {} words, of the measured time of a product and of a logit, and"
        " the update of its weights.",
        _called("G", cluster, FIRST, LAST),
        FIRST,
        added(LAST, minus(ONE)),
        beside(share, N),
        N,
        beside(share, N),
        added(LAST, minus(FIRST)),
    )
    yield say(
        "The best clusters from word {} on are one cluster up to some word {}, and the best ones from"
        " there, which take no time if {} is the end of the vocabulary. The least is taken over all {}"
        " above {}:",
        FIRST,
        LAST,
        LAST,
        LAST,
        FIRST,
    )
    best = added(_called("G", cluster, FIRST, LAST), _called("F", after, LAST))
    minimum = call("min", best, r"\min")
    yield Equations((line(_called("F", cluster, FIRST), minimum),))
    yield say(
        "The cut-offs are found from the last word back, by dynamic programming; the shortlist is that with"
        " the least sum of its own time and of {}.",
        _called("F", ONE, L),
    )


def _called(function: str, *arguments: Formula) -> Row:
    return Row((MathName(function), Fenced(_commas(arguments))))
