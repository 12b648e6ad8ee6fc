"""The scores of tags: by hand, and by seqeval, which papers cite."""

from __future__ import annotations

import numpy as np
import pytest

from bptt.data.schemes import SCHEMES, convert
from bptt.data.stored_columns import CodedSequences
from bptt.errors import InputError
from bptt.jobs.mark.metrics import base_scores
from bptt.jobs.tag import seqeval
from bptt.jobs.tag.metrics import Score, accuracy, entity_scores, tag_scores
from bptt.jobs.tag.seqeval import INSTALLED, seqeval_scores

needs_seqeval = pytest.mark.skipif(not INSTALLED, reason="needs seqeval")


def drawn(scheme: str, seed: int) -> list[tuple[str, ...]]:
    """Sentences of tags at random, so that many break the scheme."""
    one = SCHEMES[scheme]
    letters = sorted({"B", one.begin, one.inside, one.end, one.single})
    tags = ["O", *(f"{letter}-{kind}" for letter in letters for kind in ("PER", "LOC"))]
    draw = np.random.default_rng(seed)
    return [tuple(draw.choice(tags, length)) for length in draw.integers(1, 12, size=200)]


def test_scores_by_hand() -> None:
    gold = [("B-PER", "I-PER", "O", "B-LOC"), ("O", "B-ORG")]
    found = [("B-PER", "I-PER", "O", "B-PER"), ("O", "O")]
    scores = entity_scores(gold, found)
    # Two found, one of them right; three are there.
    assert scores.whole == pytest.approx(Score(1 / 2, 1 / 3, 0.4, 3))
    assert scores.types == {
        "LOC": Score(0.0, 0.0, 0.0, 1),
        "ORG": Score(0.0, 0.0, 0.0, 1),
        "PER": pytest.approx(Score(0.5, 1.0, 2 / 3, 1)),
    }
    assert accuracy(gold, found) == pytest.approx(4 / 6)
    assert entity_scores([("O",)], [("O",)]).whole == Score(0.0, 0.0, 0.0, 0)


@needs_seqeval
@pytest.mark.parametrize("scheme", SCHEMES)
def test_entities_are_those_of_seqeval(scheme: str) -> None:
    """Also in tags that break the scheme."""
    gold, found = drawn(scheme, 0), drawn(scheme, 0)
    for n, other in enumerate(drawn(scheme, 1)):
        found[n] = other if n % 3 == 0 else found[n]
    found = [tags[: len(gold[n])] + ("O",) * (len(gold[n]) - len(tags)) for n, tags in enumerate(found)]
    default, strict = seqeval_scores(gold, found, SCHEMES[scheme])
    own = entity_scores(gold, found)
    assert own.whole == pytest.approx(default.whole)
    assert own.types == {kind: pytest.approx(score) for kind, score in default.types.items()}
    assert strict.whole.entities < own.whole.entities or scheme == "IOB1"


@needs_seqeval
@pytest.mark.parametrize("scheme", SCHEMES)
def test_in_tags_that_keep_to_the_scheme_both_modes_find_the_same(scheme: str) -> None:
    gold = [convert(tags, SCHEMES[scheme]) for tags in drawn(scheme, 0)]
    found = [(*tags[:-1], "O") for tags in gold]
    found = [convert(tags, SCHEMES[scheme]) for tags in found]
    default, strict = seqeval_scores(gold, found, SCHEMES[scheme])
    assert strict.whole == pytest.approx(default.whole)
    assert 0 < strict.whole.f1 < 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_of_coded_tags_are_those_of_tuples_to_the_last_digit(scheme: str) -> None:
    """Also of sentences that were coded in another order, as batches have one."""
    gold, draw = drawn(scheme, 0), np.random.default_rng(2)
    found = [tuple(tag if draw.random() < 0.6 else "O" for tag in tags) for tags in gold]
    losses = [None if draw.random() < 0.1 else draw.exponential() for _ in gold]
    order = draw.permutation(len(gold))
    coded = CodedSequences.of(found[n] for n in order).take(np.argsort(order))
    truth = tag_scores(gold, found, losses, 3, True)
    own = tag_scores(CodedSequences.of(gold), coded, losses, 3, True)
    assert (own.metrics, own.entities) == (truth.metrics, truth.entities)
    assert (list(own.gold), list(own.found)) == (gold, found)
    assert base_scores(own.gold, own.found) == base_scores(gold, found)
    if INSTALLED:
        of = SCHEMES[scheme]
        assert seqeval_scores(own.gold, own.found, of) == seqeval_scores(gold, found, of)


@pytest.mark.parametrize(("count", "size"), [(2, 1), (2**8 - 1, 1), (2**8 + 1, 2), (2**16 + 1, 4)])
def test_any_number_of_tags_is_coded(count: int, size: int) -> None:
    """In as few bytes as their numbers take; an empty sentence is one."""
    sentences = [(), tuple(map(str, range(count))), ("1", "0"), ()]
    coded = CodedSequences.of(sentences)
    assert list(coded) == sentences and coded == sentences and coded != sentences[:3]
    assert coded != [(), *sentences[:3]]
    assert coded.codes.itemsize == size


def test_without_seqeval_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqeval, "seqeval", None)
    with pytest.raises(InputError, match=r"needs seqeval.*pip install 'bptt\[metrics\]'"):
        seqeval_scores([("O",)], [("O",)], SCHEMES["BIO"])
