"""The head of the document on a small network: its layers, and the origin of its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.derive.network import Loss
from bptt.explain.document import Fact, Sentence, listing, say
from bptt.explain.figures import figure
from bptt.explain.formula_tree import EQUALS, MathName, Row
from bptt.explain.losses import NAMES
from bptt.explain.numbers.worked import Worked
from bptt.languages.phrase import phrase


def title(worked: Worked) -> str:
    """Return the title: the distinct cells, and the widths."""
    titles = dict.fromkeys(cell.title for cell in worked.updated.before.network.layers)
    named = phrase(" + ".join("{}" for _ in titles), *map(phrase, titles))
    return phrase("{}: {} in numbers", named, "-".join(map(str, worked.widths)))


def facts(worked: Worked) -> Iterator[Fact]:
    """Yield the network, its loss, the learning rate, and the origin of each kind of number."""
    before = worked.updated.before
    network = before.network
    yield Fact("layers", (listing(_layers(worked)),))
    yield Fact("loss", (NAMES[network.loss or Loss.SQUARED],))
    if len(before.example.inputs) > 1:
        yield Fact("steps", (say("{}", str(len(before.example.inputs))),))
    yield Fact("rate", (say("{}", Row((MathName("η"), EQUALS, figure(worked.updated.rate)))),))
    for name, where in worked.files.items():
        yield Fact(name, (say("from {}", where) if where else say("as given"),))
    if worked.drawn:
        names = listing(map(say, worked.drawn))
        yield Fact("drawn", (say("{}, with seed {}", names, str(worked.seed)),))


def _layers(worked: Worked) -> Iterator[Sentence]:
    network, widths = worked.updated.before.network, list(map(str, worked.widths))
    if network.embedding:
        yield say("embedding {} → {}", widths[0], widths[1])
        widths = widths[1:]
    for cell, below, width in zip(network.layers, widths, widths[1:], strict=False):
        yield say("{} {} → {}", cell.name, below, width)
    if network.output_layer:
        yield say("output {} → {}", widths[-2], widths[-1])
