"""An adaptive softmax on top of a network: its sections, its parameters, and its part in the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bptt.explain.criteria.word_clusters import (
    CLUSTER,
    HEAD,
    MATRIX,
    PROJECTION,
    C,
    ClusterNotation,
    L,
    cluster_deltas,
    cluster_equations,
    cluster_gradients,
    cluster_loss,
    cluster_shapes,
    cluster_sizes,
    head_shapes,
    of_cluster,
)
from bptt.explain.document import Equations, Part, Section, Sentence, Stage, say
from bptt.explain.formula_tree import Formula, MathName, SumOver, beside
from bptt.explain.network.loss import of_the_next_token, over_examples, over_time
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.widths import SizeRow, handed_on, shape
from bptt.explain.network.writing import equal, line, transposed
from bptt.explain.sizes import number


@dataclass(frozen=True)
class AdaptiveOutput:
    """The output layer of a network whose words lie in a shortlist and clusters.

    It reads a vector of a `width`; `inner` has the words and the width of each cluster. `embeds` says that
    the network reads a word by the rows that predict it.
    """

    network: NetworkNotation
    width: int
    shortlist: int
    inner: tuple[tuple[int, int], ...]
    embeds: bool = False

    @property
    def notation(self) -> ClusterNotation:
        """The symbols of the layer, over what the network hands on."""
        return ClusterNotation(self.network.hidden, self.network.hidden_error, self.network.loss_time)

    def input(self) -> Iterator[Part]:
        """Yield what the first layer reads, if that is made of the parameters of the layer."""
        if not self.embeds:
            return
        word, own = self._read
        yield say(
            "The word of step {} is read by the rows that predict it. For a word of the shortlist {} is"
            " one-hot: 1 at its class in the head. For one of the cluster {}, {} is one-hot: 1 for the word"
            " there. All others are 0.",
            MathName("t"),
            word,
            CLUSTER,
            own,
        )
        row = beside(SumOver("c"), transposed(PROJECTION), transposed(MATRIX), own)
        yield Equations((line(self.network.bottom.input, beside(transposed(HEAD), word), row),))

    def forward(self) -> Iterator[Part]:
        """Yield the equations of the layer."""
        yield say("The output layer is an adaptive softmax.")
        yield from cluster_equations(self.notation)

    def sizes(self) -> Iterator[SizeRow]:
        """Yield its parameters with their shapes, in letters and in numbers."""
        across, width = handed_on(self.network), self.width
        classes = self.shortlist + len(self.inner)
        named = list(head_shapes(across))
        counts: list[tuple[int, ...]] = [(classes, width), (classes,)]
        for place, (words, inner) in enumerate(self.inner, 1):
            named += cluster_shapes(across, str(place))
            counts += [(inner, width), (words, inner), (words,)]
        for (name, sides), counted in zip(named, counts, strict=True):
            yield say("{}", name), say("{}", shape(*sides)), counted

    def letters(self) -> Sentence:
        """Say what the letters of these shapes stand for."""
        sizes = (L, self.shortlist), (C, len(self.inner))
        return cluster_sizes(*(equal(letter, number(size)) for letter, size in sizes))

    def sections(self) -> Iterator[Section]:
        """Yield the sections on the loss and on the δ of the layer."""
        network = self.network
        loss = (*cluster_loss(self.notation), *over_time(network), of_the_next_token())
        yield Section(Stage.LOSS, "The loss", (*loss, *over_examples(network)))
        yield Section(Stage.OUTPUT, "The δ of the output", tuple(cluster_deltas(self.notation)))

    def gradients(self) -> Iterator[Part]:
        """Yield the gradients of its parameters."""
        yield say("The output layer:")
        if not self.embeds:
            yield from cluster_gradients(self.notation)
            return
        word, own = self._read
        down = transposed(self.network.bottom.input_error)
        more: dict[MathName, Formula] = {
            HEAD: beside(word, down),
            MATRIX: beside(own, down, transposed(PROJECTION)),
            PROJECTION: beside(transposed(MATRIX), own, down),
        }
        yield from cluster_gradients(self.notation, more)

    @property
    def _read(self) -> tuple[MathName, MathName]:
        """The symbols of a word that is read: in the head, and in a cluster."""
        return self.network.one_hot, replace(of_cluster("e"), index=self.network.time)
