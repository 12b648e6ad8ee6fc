"""Metrics of tagging: accuracy over words, and scores of entities by the rule of conlleval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

from bptt.data.examples import Words
from bptt.data.schemes import spans
from bptt.notebook import ShownMetrics


class Score(NamedTuple):
    """Precision, recall and F1 of entities, and the number of gold entities; a share is 0 if undefined."""

    precision: float
    recall: float
    f1: float
    entities: int


@dataclass(frozen=True)
class EntityScores:
    """The score over all entities (`whole`) and by type; `rule` names the program and mode of counting."""

    rule: str
    whole: Score
    types: Mapping[str, Score]


@dataclass(frozen=True)
class TagScores(ShownMetrics):
    """The metrics by name, the scores of entities, and the tags of each sentence.

    `entities` is None if tags spell no entities. `gold` and `found` are in the same scheme.
    """

    metrics: dict[str, float]
    entities: EntityScores | None
    gold: Sequence[Words]
    found: Sequence[Words]


def tag_scores(
    gold: Sequence[Words], found: Sequence[Words], losses: Sequence[float | None], strange: int, spelled: bool
) -> TagScores:
    """Return the scores of the predicted tags `found`, and of entities if tags spell some (`spelled`).

    `losses` are -ln P of the gold tags of each sentence, None if it has a tag that the model does not know;
    `strange` is the number of such tags. "loss" is the mean per word, in nats.
    """
    sizes = list(map(len, gold))
    words = sum(size for loss, size in zip(losses, sizes, strict=True) if loss is not None)
    metrics = {
        "loss": sum(loss for loss in losses if loss is not None) / words if words else nan,
        "accuracy": accuracy(gold, found),
    }
    entities = entity_scores(gold, found) if spelled else None
    if entities is not None:
        precision, recall, f1, _ = entities.whole
        metrics |= {"precision": precision, "recall": recall, "f1": f1}
    metrics |= {"sentences": len(gold), "words": sum(sizes), "strange_tags": strange}
    return TagScores(metrics, entities, gold, found)


def accuracy(gold: Sequence[Words], found: Sequence[Words]) -> float:
    """Return the share of words whose predicted tag is the gold one."""
    pairs = (pair for sentence in zip(gold, found, strict=True) for pair in zip(*sentence, strict=True))
    return sum(one == other for one, other in pairs) / sum(map(len, gold))


def entity_scores(gold: Sequence[Words], found: Sequence[Words]) -> EntityScores:
    """Return the scores of entities; an entity is correct if its span and its type are.

    Entities are read from tags as by `conlleval`, the script of the CoNLL-2000 shared task.
    """
    right, answered, there = Counter[str](), Counter[str](), Counter[str]()
    for sentence, answer in zip(gold, found, strict=True):
        wanted, given = set(spans(sentence)), set(spans(answer))
        there.update(span.type for span in wanted)
        answered.update(span.type for span in given)
        right.update(span.type for span in wanted & given)
    types = {kind: _score(right[kind], answered[kind], there[kind]) for kind in sorted(there | answered)}
    return EntityScores("conlleval", _score(right.total(), answered.total(), there.total()), types)


def _score(right: int, found: int, there: int) -> Score:
    f1 = 2 * right / (found + there) if found + there else 0.0
    return Score(right / found if found else 0.0, right / there if there else 0.0, f1, there)
