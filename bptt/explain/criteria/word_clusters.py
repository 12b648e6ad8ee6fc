"""The adaptive softmax: probabilities by clusters, the loss, its gradients, and the best cut-offs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bptt.derive.adjoint import DELTA
from bptt.explain.document import (
    Derivation,
    EquationLine,
    Equations,
    Fact,
    Part,
    Section,
    Sentence,
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

S, HEAD, HEAD_BIAS = (MathName(name) for name in "sVb")
E, CLUSTER, CLASS = (MathName(name) for name in "Eck")
N, L, C, D, FIRST, LAST = (MathName(name) for name in ("N", "L", "C", "D", "m", "n"))
TITLE = "Adaptive softmax"


@dataclass(frozen=True)
class ClusterNotation:
    """The symbols of an adaptive softmax that reads `hidden`, whose derivative is `hidden_error`.

    The head has V, b, the scores z, the probabilities o and the target y; a cluster c the projection P, M, d,
    the projected output r, the scores u, the probabilities q and the target y, all with a superscript. χ is 1
    if the target lies in the cluster, else 0. Values have the index `time`, parameters have none.
    """

    hidden: MathName
    hidden_error: Formula
    time: str = ""

    def head(self, name: str, mark: str = "") -> MathName:
        """Return the symbol of a value of the head."""
        return MathName(name, index=self.time, mark=mark)

    def inner(self, name: str, mark: str = "") -> MathName:
        """Return the symbol of a value of a cluster."""
        return replace(of_cluster(name), index=self.time, mark=mark)


def of_cluster(name: str, number: str = "") -> MathName:
    """Return a symbol of cluster c, or of that with a number, by its superscript."""
    return MathName(name, layer=f"c{number}")


PROJECTION, MATRIX, BIAS, WORDS, WIDTH = (of_cluster(name) for name in "PMdNK")


def adaptive_derivation() -> Derivation:
    """Return the derivation of `bptt.models.heads.adaptive.AdaptiveSoftmax`."""
    notation = ClusterNotation(S, derivative(E, S))
    sections = (
        Section(Stage.EQUATIONS, "The head and a cluster", tuple(cluster_equations(notation))),
        Section(Stage.LOSS, "The loss", tuple(cluster_loss(notation))),
        Section(
            Stage.ADJOINT,
            "The δ of both softmaxes, and what goes on to the layers below",
            tuple(cluster_deltas(notation)),
        ),
        Section(Stage.GRADIENTS, "The gradients of the parameters", tuple(cluster_gradients(notation))),
        Section(Stage.STORAGE, "The cost of an update, and the best cut-offs", tuple(_costs())),
    )
    return Derivation(TITLE, tuple(_facts()), sections).numbered()


def _facts() -> Iterator[Fact]:
    yield Fact(
        "source", (say("{}", "Grave, Joulin, Cissé, Grangier & Jégou 2017, Efficient softmax approximation"),)
    )
    yield Fact("input", (say("{}, the output of the layers below at one step", beside(S, Fenced(D))),))
    names = (say("{}", beside(name, Fenced(_commas(shape)))) for name, shape in head_shapes(D))
    inner = (say("{}", beside(name, Fenced(_commas(shape)))) for name, shape in cluster_shapes(D))
    yield Fact("parameters", (listing([*names, *inner]),))
    yield Fact("sizes", (cluster_sizes(),))


def head_shapes(width: Formula) -> Iterator[tuple[MathName, tuple[Formula, ...]]]:
    """Yield the parameters of the head with their shapes, for outputs of a width."""
    yield HEAD, (added(L, C), width)
    yield HEAD_BIAS, (added(L, C),)


def cluster_shapes(width: Formula, number: str = "") -> Iterator[tuple[MathName, tuple[Formula, ...]]]:
    """Yield the parameters of a cluster with their shapes."""
    words, inner = of_cluster("N", number), of_cluster("K", number)
    yield of_cluster("P", number), (inner, width)
    yield of_cluster("M", number), (words, inner)
    yield of_cluster("d", number), (words,)


def cluster_sizes(shortlist: Formula = L, clusters: Formula = C) -> Sentence:
    """Say what the letters of the shapes stand for."""
    return say(
        "The shortlist has {} words, the number of clusters is {}; cluster {} has {} words and the width {}.",
        shortlist,
        clusters,
        CLUSTER,
        WORDS,
        WIDTH,
    )


def _commas(parts: tuple[Formula, ...]) -> Row:
    return Row(tuple(each for part in parts for each in (COMMA, part))[1:])


def cluster_equations(notation: ClusterNotation) -> Iterator[Part]:
    """Yield the equations from what the layer reads to the probability of each word."""
    scores, within = notation.head("z"), notation.inner("u")
    yield say(
        "Words are numbered by falling frequency. The head has a class for each of the {} most frequent"
        " words, and one for each cluster of rarer ones:",
        L,
    )
    yield Equations(
        (
            line(scores, beside(HEAD, notation.hidden), HEAD_BIAS),
            line(notation.head("o"), call("softmax", scores)),
        )
    )
    yield say(
        "A cluster {} projects the output to its own, smaller width {}, for rare words have few occurrences"
        " to learn from, and has a softmax over its words alone:",
        CLUSTER,
        WIDTH,
    )
    narrow = notation.inner("r")
    yield Equations(
        (
            line(narrow, beside(PROJECTION, notation.hidden)),
            line(within, beside(MATRIX, narrow), BIAS),
            line(notation.inner("q"), call("softmax", within)),
        )
    )
    yield say(
        "A word {} of the shortlist has the probability of its class {}; a word {} of the cluster with the"
        " class {} has that of the cluster, times its own in it:",
        element("w", "i"),
        MathName("i"),
        element("w", "j"),
        CLASS,
    )
    chance, own = _chance(element("w", "j")), replace(of_cluster("q"), index="j")
    yield Equations(
        (
            line(_chance(element("w", "i")), element("o", "i")),
            line(chance, beside(element("o", "k"), own)),
        )
    )
    yield say("The probabilities of a cluster add up to that of its class, and so all of them to 1:")
    yield Equations(
        (
            line(beside(SumOver("j"), chance), beside(SumOver("j"), element("o", "k"), own)),
            then(beside(element("o", "k"), SumOver("j"), own)),
            then(element("o", "k")),
        )
    )


def _chance(word: Formula) -> Row:
    return Row((MathName("P"), Fenced(word)))


def cluster_loss(notation: ClusterNotation) -> Iterator[Part]:
    """Yield the loss of a step."""
    inside = notation.inner("χ")
    yield say(
        "The target {} of the head is one-hot: 1 for the class of the right word, or of its cluster. {} is 1"
        " if the word lies in the cluster {}, else 0; there {} is one-hot: 1 for the word. The loss is minus"
        " the logarithm of the probability of the word, a term for each of its factors:",
        notation.head("y"),
        inside,
        CLUSTER,
        notation.inner("y"),
    )
    outer = beside(SumOver("i"), element("y", "i"), ln(element("o", "i")))
    target, chance = (replace(of_cluster(name), index="j") for name in "yq")
    within = beside(SumOver("c"), inside, SumOver("j"), target, ln(chance))
    yield Equations((line(replace(E, index=notation.time), minus(outer), minus(within)),))
    yield say("A word lies in one cluster at most: for one of the shortlist the second term is 0.")


def cluster_deltas(notation: ClusterNotation) -> Iterator[Part]:
    """Yield the δ of the scores, of what is projected and of what the layer reads."""
    yield say(
        "Each of both terms is the cross-entropy of a softmax. Its δ is the probabilities minus the one-hot"
        " target:"
    )
    error = Fenced(added(notation.inner("q"), minus(notation.inner("y"))))
    yield Equations(
        (
            line(notation.head("z", DELTA), notation.head("o"), minus(notation.head("y"))),
            line(notation.inner("u", DELTA), beside(notation.inner("χ"), error)),
            line(notation.inner("r", DELTA), beside(transposed(MATRIX), notation.inner("u", DELTA))),
        )
    )
    yield say("The output reaches the loss by the head, and by the projection of the cluster:")
    head = beside(transposed(HEAD), notation.head("z", DELTA))
    inner = beside(SumOver("c"), transposed(PROJECTION), notation.inner("r", DELTA))
    yield Equations((line(notation.hidden_error, head, inner),))
    yield say(
        "At most one term of the sum is not 0. A target of the shortlist has the first term alone: no cluster"
        " is computed."
    )


def cluster_gradients(
    notation: ClusterNotation, more: Mapping[MathName, Formula] | None = None
) -> Iterator[Part]:
    """Yield the gradients of the parameters.

    `more` has second terms by parameter, those of the words that the network reads by the layer.
    """
    if more is None:
        yield say(
            "The head sums over all steps. A cluster sums over the steps whose targets lie in it: if there"
            " are none, its parameters have no gradient, and an update leaves them as they are."
        )
    else:
        yield say(
            "The first terms are of the targets, the second ones of the words that are read. The head sums"
            " over all steps, a cluster over those whose targets, or whose words, lie in it."
        )
    inner = notation.inner("u", DELTA)
    rows = (
        (HEAD, beside(notation.head("z", DELTA), transposed(notation.hidden))),
        (HEAD_BIAS, notation.head("z", DELTA)),
        (MATRIX, beside(inner, transposed(notation.inner("r")))),
        (BIAS, inner),
        (PROJECTION, beside(notation.inner("r", DELTA), transposed(notation.hidden))),
    )
    second = more or {}
    yield Equations(tuple(_summed(name, term, second.get(name)) for name, term in rows))


def _summed(parameter: MathName, *terms: Formula | None) -> EquationLine:
    whole = [beside(SumOver("t"), each) for each in terms if each is not None]
    return line(replace(parameter, mark=GRADIENT), *whole)


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
