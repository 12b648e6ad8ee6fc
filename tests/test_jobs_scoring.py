"""Scores: a probability over all sentences, equal to a loop over single tokens, batched or not."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from language_models import TEXT, make_task, trained

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language import scoring
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.language.scoring import LineScore, Totals, base_logarithm, score_lines

LINES = ["the cat 7 sat on", "", "z", "the mat, né 床前", "w" * 90, "a", "the the the", "前床"] * 3


def loop(model, tokens: list[int], mode: str) -> list[float]:
    """ln P of each token, read one by one: a sentence after nothing, a line of a text after another's end."""
    states, before, found = (), NOTHING if mode == "sentences" else END, []
    for token in tokens:
        logits, states = model(torch.tensor([[before]]), states)
        found.append(logits[0, 0].log_softmax(0)[token].item())
        before = token
    return found


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
@pytest.mark.parametrize("mode", ["continuous", "sentences"])
def test_scores_are_those_of_a_loop_over_single_tokens(level: str, mode: str) -> None:
    options = VocabularyOptions(level=level, max_size=300)
    task = make_task(data=DataOptions(mode, 3), vocabulary=options, dtype=torch.float32, spread=3.0)
    scores = list(score_lines(trained(task), LINES, batch_size=5))
    assert len(scores) == len(LINES)
    for line, score in zip(LINES, scores, strict=True):
        tokens = task.vocabulary.encode(line + "\n").tolist()
        expected = loop(task.model, tokens, mode)
        assert list(score.tokens) == tokens
        assert score.log_probabilities == pytest.approx(expected, abs=1e-5)
        assert score.log_probability == pytest.approx(sum(expected), abs=1e-5 * len(tokens))
        assert score.characters == len(line) + 1


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_batch_size_changes_nothing(size: int, monkeypatch) -> None:
    task = make_task(spread=3.0)
    expected = list(score_lines(trained(task), LINES))
    # Windows of a few lines, logits of a few steps at a time.
    monkeypatch.setattr(scoring, "_WINDOW", 10)
    monkeypatch.setattr(scoring, "_LOGITS", 5 * task.vocabulary.size)
    found = list(score_lines(trained(task), iter(LINES), size))
    for one, other in zip(found, expected, strict=True):
        assert one.tokens == other.tokens
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-12)


def test_the_probabilities_of_all_sentences_sum_to_one() -> None:
    task = make_task("ab\n" * 20, spread=4.0)
    assert task.vocabulary.size == 4
    # z stands for <unk>: with a, b and <eos> the whole vocabulary.
    upto = ["".join(letters) for length in range(4) for letters in product("abz", repeat=length)]
    longer = ["".join(letters) for letters in product("abz", repeat=4)]
    ended = sum(math.exp(score.log_probability) for score in score_lines(trained(task), upto))
    begun = sum(math.exp(sum(score.log_probabilities[:-1])) for score in score_lines(trained(task), longer))
    assert 0.01 < ended < 0.99
    assert ended + begun == pytest.approx(1.0, rel=1e-12)


def test_totals_count_every_token_and_the_unknown_ones_apart() -> None:
    scores = [
        LineScore((3, UNKNOWN, END), (-1.0, -5.0, -0.5), 8),
        LineScore((END,), (-2.0,), 1),
    ]
    totals = Totals()
    for score in scores:
        totals = totals.add(score)
    assert totals == Totals(2, 4, 1, 9, -8.5, -3.5)
    assert totals.perplexity == pytest.approx(math.exp(8.5 / 4))
    assert totals.known_perplexity == pytest.approx(math.exp(3.5 / 3))
    assert totals.bits_per_character == pytest.approx(8.5 / math.log(2) / 9)


def test_a_score_knows_what_is_unknown() -> None:
    (score,) = score_lines(trained(make_task()), ["the 猫 sat"])
    assert score.unknown == 1


def test_characters_are_those_that_the_vocabulary_keeps() -> None:
    task = make_task(vocabulary=VocabularyOptions(punctuation=False))
    (score,) = score_lines(trained(task), ["the, mat."])
    assert score.characters == len("the mat") + 1
    assert len(score.tokens) == 8


def test_bases() -> None:
    assert [math.log(8) / base_logarithm(base) for base in ("e", "2", "10")] == pytest.approx(
        [math.log(8), 3, math.log10(8)]
    )
    with pytest.raises(InputError, match="base: is one of e, 2, 10, got '3'"):
        base_logarithm("3")


def test_no_line_is_no_score_and_two_lines_are_no_line() -> None:
    assert list(score_lines(trained(make_task()), [])) == []
    with pytest.raises(InputError, match="no newline"):
        list(score_lines(trained(make_task()), ["a\nb"]))
    with pytest.raises(InputError, match="batch_size: is a whole number of at least 1"):
        list(score_lines(trained(make_task()), ["a"], 0))


def test_scoring_leaves_the_model_as_it_was() -> None:
    task = make_task(TEXT, model=ModelOptions(hidden_size=7, dropout=0.5))
    given = trained(task)
    task.model.train()
    first, second = (list(score_lines(given, LINES)) for _ in range(2))
    assert first == second
    assert task.model.training
