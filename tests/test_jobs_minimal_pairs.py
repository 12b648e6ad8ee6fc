"""Minimal pairs: differences are those of a loop over tokens, prefixes those of a sum over what follows."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from language_models import make_task, trained

from bptt.data.readers.document import Document
from bptt.data.readers.minimal_pairs import MinimalPair, Prefix, holds_minimal_pairs
from bptt.data.vocabulary_options import END, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language import minimal_pairs
from bptt.jobs.language.minimal_pairs import (
    Judged,
    Tally,
    beginning_log_probabilities,
    judge_pairs,
    summarise,
)
from bptt.report.agreement import AgreementPoint, draw_agreement

TEXT = "the cat was full. the cat's fun\nthe cats were full, they're well\n" * 20


def pair(good: str, bad: str, prefix: Prefix | None = None) -> MinimalPair:
    return MinimalPair(good, bad, "agreement", None, prefix, "pairs.jsonl:1")


PAIRS = (
    pair("the cat was full", "the cat were full", Prefix("the cat", "was", "were")),
    pair("they were full", "they was full", Prefix("they", "were", "was")),
    pair("cats were full 猫", "cats was full 猫"),
    pair("the dog", "the 犬", Prefix("the", "dog", "犬")),
)


def loop(model, tokens: list[int]) -> tuple[float, torch.Tensor]:
    """ln P of tokens read one by one after the end of a line, and of each that may follow them."""
    states, before, total = (), END, 0.0
    for token in tokens:
        logits, states = model(torch.tensor([[before]]), states)
        total += logits[0, 0].log_softmax(0)[token].item()
        before = token
    logits, _ = model(torch.tensor([[before]]), states)
    return total, logits[0, 0].log_softmax(0)


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
def test_differences_are_those_of_a_loop_over_tokens(level: str) -> None:
    task = make_task(TEXT, spread=3.0, vocabulary=VocabularyOptions(level=level, max_size=280))

    def score(line: str) -> float:
        return loop(task.model, task.vocabulary.encode(line + "\n").tolist())[0]

    for each, judged in zip(PAIRS, judge_pairs(trained(task), PAIRS), strict=True):
        assert judged.difference == pytest.approx(score(each.good) - score(each.bad), abs=1e-9)
        assert judged.paradigm == "agreement"
    assert [each.before for each in judge_pairs(trained(task), PAIRS)] == [2, 1, 1, 1]


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
def test_a_beginning_ends_with_its_word(level: str) -> None:
    """P(begins with the cat) is the sum over all that may follow but a letter or an apostrophe."""
    task = make_task(TEXT, spread=3.0, vocabulary=VocabularyOptions(level=level, max_size=280))
    vocabulary, texts = task.vocabulary, ["the cat", "they", "the cats were full", "cat"]
    found = beginning_log_probabilities(trained(task), texts, batch_size=3)
    # Of the bytes in which BPE spells all texts, those above 127 are parts of letters, or might be.
    starts = [piece[:1] for piece in vocabulary.pieces]
    ends = [i for i, start in enumerate(starts) if start.isascii() and not start.isalnum() and start != b"'"]
    for text, value in zip(texts, found, strict=True):
        total, after = loop(task.model, vocabulary.encode(text).tolist())
        assert value == pytest.approx(total + after[ends].logsumexp(0).item(), abs=1e-9)


def test_prefixes_are_compared_where_the_file_gives_them() -> None:
    given = trained(make_task(TEXT, spread=3.0))
    judged = judge_pairs(given, PAIRS)
    one, other = beginning_log_probabilities(given, ["the cat was", "the cat were"])
    assert judged[0].prefix_difference == pytest.approx(one - other, abs=1e-9)
    assert judged[2].prefix_difference is None
    assert judge_pairs(given, PAIRS[2:3])[0].prefix_difference is None


def test_unknown_words_make_ties_and_are_told() -> None:
    task = make_task(TEXT, spread=3.0, dtype=torch.float32, vocabulary=VocabularyOptions(level="word"))
    judged = judge_pairs(trained(task), PAIRS)
    assert [each.unknown for each in judged] == [False, False, True, True]
    assert (judged[3].difference, judged[3].prefix_difference) == (0.0, 0.0)
    assert all(each.difference for each in judged[:3])
    with pytest.raises(InputError, match="case: is one of"):
        judge_pairs(trained(task), PAIRS, "small")


def test_the_same_tokens_are_a_tie_however_they_are_rounded(monkeypatch) -> None:
    """Kernels of other machines may round by the place in a batch."""
    noise = count(1e-7, 1e-8)
    for name in ("score_lines", "beginning_log_probabilities"):
        original = getattr(minimal_pairs, name)

        def noisy(*arguments, original=original):
            for found in original(*arguments):
                if isinstance(found, float):
                    yield found + next(noise)
                else:
                    first, *others = found.log_probabilities
                    yield replace(found, log_probabilities=(first + next(noise), *others))

        monkeypatch.setattr(minimal_pairs, name, noisy)
    tie = judge_pairs(trained(make_task(TEXT, vocabulary=VocabularyOptions(level="word"))), PAIRS[3:])[0]
    assert (tie.difference, tie.prefix_difference) == (0.0, 0.0)


def test_the_case_is_that_asked_for() -> None:
    given = trained(make_task(TEXT, spread=3.0))
    loud = [pair("THE CAT WAS FULL", "THE CAT WERE FULL", Prefix("THE CAT", "WAS", "WERE"))]
    (found,), expected = judge_pairs(given, loud, "lower"), judge_pairs(given, PAIRS)[0]
    assert found.difference == pytest.approx(expected.difference)
    assert found.prefix_difference == pytest.approx(expected.prefix_difference)


def test_counts_by_hand() -> None:
    judged = [
        Judged("x", 2, 1.0, 0.5, False),
        Judged("x", 2, -1.0, None, False),
        Judged("x", 1, 0.0, 0.0, True),
        Judged("x", 10, 0.1, -3.0, True),
    ]
    found = summarise(judged)
    assert found.whole == Tally(4, 2, 1)
    assert found.known == Tally(2, 1, 0)
    assert found.prefix == Tally(3, 1, 1)
    assert list(found.by_distance.items()) == [(1, Tally(1, 0, 1)), (2, Tally(2, 1, 0)), (10, Tally(1, 1, 0))]
    assert found.whole.accuracy == 0.5


def test_the_interval_is_wilsons() -> None:
    """Its ends p solve (p - accuracy)² = z² p (1 - p) / n, its definition."""
    for right, pairs in ((8, 10), (0, 5), (5, 5), (500, 1000)):
        tally = Tally(pairs, right, 0)
        for end in tally.interval:
            assert (end - right / pairs) ** 2 == pytest.approx(
                1.959964**2 * end * (1 - end) / pairs, abs=1e-12
            )
        assert 0 <= tally.interval[0] <= right / pairs <= tally.interval[1] <= 1
    low, high = Tally(10, 8, 0).interval
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert Tally(0, 0, 0).accuracy != Tally(0, 0, 0).accuracy


def test_pairs_are_known_by_their_first_line() -> None:
    assert holds_minimal_pairs(Document("x", '\n{"sentence_good": "a", "sentence_bad": "b"}\n'))
    assert not holds_minimal_pairs(Document("x", 'a text\n{"sentence_good": "a"}\n'))
    assert not holds_minimal_pairs(Document("x", '{"text": "a"}\n{"sentence_good": "a"}\n'))
    assert not holds_minimal_pairs(Document("x", ""))


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    points = [AgreementPoint(n, 50, 0.8 - n / 20, (0.7 - n / 20, 0.9 - n / 20)) for n in range(1, 6)]
    draw_agreement(
        {"near $x": points, "猫": points[1:], "few": [AgreementPoint(1, 2, 1.0, (0.3, 1.0))]},
        tmp_path / "a.png",
    )
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
