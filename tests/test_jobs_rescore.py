"""Rescoring: ln P is that of a loop, errors are edit distances, weights those that brute force finds."""

from __future__ import annotations

from itertools import pairwise, product
from math import inf

import numpy as np
import pytest
import torch
from language_models import make_task, trained

from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.vocabulary_options import END, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.casing import detect_case
from bptt.jobs.rescore import rescoring
from bptt.jobs.rescore.rescoring import (
    Candidate,
    Weights,
    align_all,
    choose,
    error_rates,
    judge,
    split_lists,
)
from bptt.jobs.rescore.tuning import Line, envelope, lowest_step, tune

LISTS = NBest(
    "lists",
    (
        Utterance("a", (ScoredHypothesis("the cat", -1.0), ScoredHypothesis("the mat", -1.5)), "the mat"),
        Utterance("b", (ScoredHypothesis("sat 猫", -2.0), ScoredHypothesis("the cat", -2.0)), "sat on"),
        Utterance("c", (ScoredHypothesis("", -3.0),), ""),
    ),
)


def weigh(line: Line, x: float) -> float:
    return line.height + line.slope * x


def errors_at(utterances: list[list[Line]], x: float) -> int:
    """Of what is highest at x, which is no crossing; of lines that coincide the first."""
    return sum(max(lines, key=lambda line: weigh(line, x)).errors for lines in utterances)


def random_utterances(seed: int) -> list[list[Line]]:
    """Few different numbers, so that lines are parallel, coincide, and cross three at a point."""
    draw = np.random.default_rng(seed)
    return [
        [
            Line(float(draw.integers(-4, 5)), float(draw.integers(-3, 3)), int(draw.integers(4)))
            for _ in range(draw.integers(1, 7))
        ]
        for _ in range(draw.integers(1, 6))
    ]


def intervals(utterances: list[list[Line]], least: float) -> list[tuple[float, float]]:
    """Between neighbours of all crossings of any two lines, above `least`."""
    pairs = ((p, q) for lines in utterances for p, q in product(lines, lines) if p.slope > q.slope)
    crossings = {(q.height - p.height) / (p.slope - q.slope) for p, q in pairs}
    return list(pairwise([least, *sorted(x for x in crossings if x > least), inf]))


def within(start: float, end: float) -> float:
    return (max(start, -100.0) + min(end, 100.0)) / 2


@pytest.mark.parametrize("least", [0.0, -inf])
def test_a_line_search_finds_the_fewest_errors_there_are(least: float) -> None:
    for seed in range(200):
        utterances = random_utterances(seed)
        fewest = min(errors_at(utterances, within(*ends)) for ends in intervals(utterances, least))
        x = lowest_step(utterances, least)
        assert x > least
        assert errors_at(utterances, x) == fewest


@pytest.mark.parametrize("least", [0.0, -inf])
def test_the_envelope_is_the_highest_line_everywhere(least: float) -> None:
    for seed in range(200):
        for lines in random_utterances(seed):
            stretches = list(envelope(lines, least))
            starts = [start for start, _ in stretches]
            assert starts[0] == least and starts == sorted(starts)
            for (start, line), end in zip(stretches, [*starts[1:], inf], strict=True):
                x = within(start, end)
                highest = max(lines, key=lambda other: weigh(other, x))
                assert weigh(line, x) == pytest.approx(weigh(highest, x))
                if start < end:
                    assert line == highest


def test_of_steps_with_equal_errors_the_widest_that_ends_is_taken() -> None:
    # One line wins in [0, 1), [1, 3), [3, 10), [10, inf) each, made from where they meet.
    lines = [Line(0.0, 0.0, 1), Line(-1.0, 1.0, 0), Line(-4.0, 2.0, 2), Line(-14.0, 3.0, 0)]
    assert lowest_step([lines], 0.0) == 2.0
    assert lowest_step([[*lines[:3], Line(-14.0, 3.0, 1)], [Line(0.0, 0.0, 5)]], 0.0) == 2.0
    lines = [Line(0.0, 0.0, 0), Line(-1.0, 1.0, 1), Line(-4.0, 2.0, 0), Line(-14.0, 3.0, 1)]
    assert lowest_step([lines], 0.0) == 6.5
    # What never ends is entered by 1; where nothing changes, all is the same.
    assert lowest_step([[Line(0.0, 0.0, 1), Line(-5.0, 1.0, 0)]], 0.0) == 6.0
    assert lowest_step([[Line(0.0, 0.0, 0), Line(-5.0, 1.0, 1)]], -inf) == 4.0
    assert lowest_step([[Line(0.0, 0.0, 1)]], -inf) == 0.0


def test_tuning_finds_planted_weights() -> None:
    """The right hypothesis is the best by known weights, and not by the list or ln P alone."""
    planted = Weights(0.7, per_word=-1.2)
    draw = np.random.default_rng(5)
    candidates = tuple(
        tuple(Candidate(*draw.normal(-20, 6, 2), int(draw.integers(1, 9)), 9, 0) for _ in range(6))
        for _ in range(60)
    )
    errors = [[int(i != best) for i in range(6)] for best in choose(candidates, planted)]
    found = tune(candidates, errors)
    assert found.errors == 0
    assert choose(candidates, found.weights) == choose(candidates, planted)
    assert sum(some[0] for some in errors) > 30
    assert found == tune(candidates, errors)


def test_tuning_is_never_worse_than_the_lists() -> None:
    draw = np.random.default_rng(6)
    for _ in range(20):
        candidates = tuple(
            tuple(
                Candidate(*map(float, draw.normal(size=2)), *map(int, draw.integers(5, size=3)))
                for _ in range(3)
            )
            for _ in range(8)
        )
        errors = draw.integers(4, size=(8, 3)).tolist()
        found = tune(candidates, errors)
        first = choose(candidates, Weights(0.0))
        assert found.errors <= sum(some[i] for some, i in zip(errors, first, strict=True))
        chosen = choose(candidates, found.weights)
        assert found.errors == sum(some[i] for some, i in zip(errors, chosen, strict=True))


def test_the_score_is_the_sum_and_equal_ones_keep_their_order() -> None:
    candidate = Candidate(-3.0, -10.0, 4, 15, 1)
    assert candidate.score(Weights(0.5, 1.0, 0.1, -2.0)) == pytest.approx(-3 - 5 + 4 + 1.5 - 2)
    same = Candidate(-1.0, -2.0, 1, 1, 0)
    assert choose(((same, same), (candidate, same, same)), Weights(1.0)) == [0, 1]


def loop(model, tokens: list[int]) -> float:
    """ln P of a line after the end of another, token by token."""
    states, before, total = (), END, 0.0
    for token in tokens:
        logits, states = model(torch.tensor([[before]]), states)
        total += logits[0, 0].log_softmax(0)[token].item()
        before = token
    return total


def test_each_hypothesis_has_its_probability_and_each_text_is_read_once(monkeypatch) -> None:
    task = make_task(spread=3.0)
    read: list[str] = []
    original = rescoring.score_lines

    def spy(model, lines, batch_size):
        read.extend(lines)
        return original(model, lines, batch_size)

    monkeypatch.setattr(rescoring, "score_lines", spy)
    candidates = judge(trained(task), LISTS, batch_size=2)
    assert sorted(read) == ["", "sat 猫", "the cat", "the mat"]
    for utterance, some in zip(LISTS.utterances, candidates, strict=True):
        for hypothesis, candidate in zip(utterance.hypotheses, some, strict=True):
            tokens = task.vocabulary.encode(hypothesis.text + "\n").tolist()
            assert candidate.language == pytest.approx(loop(task.model, tokens), rel=1e-9)
            assert candidate.first == hypothesis.score
    lengths = [(each.words, each.characters, each.unknown) for some in candidates for each in some]
    assert lengths == [(2, 6, 0), (2, 6, 0), (2, 4, 1), (2, 6, 0), (0, 0, 0)]


def test_the_case_is_that_of_the_models_text() -> None:
    lower, upper = make_task("the cat sat\n" * 20), make_task("THE CAT SAT\n" * 20)
    assert detect_case(trained(lower), ["THE CAT", "A"]) == "lower"
    assert detect_case(trained(upper), ["the cat"]) == "upper"
    assert detect_case(trained(lower), ["the cat"]) == "keep"
    folded = make_task("The Cat\n" * 20, vocabulary=VocabularyOptions(lowercase=True))
    assert detect_case(trained(folded), ["THE CAT"]) == "keep"
    texts = NBest("x", (Utterance("a", (ScoredHypothesis("THE", 0.0),)),))
    assert judge(trained(lower), texts, "lower")[0][0].unknown == 0
    with pytest.raises(InputError, match="case: is one of keep, lower, upper, capital, got 'small'"):
        judge(trained(lower), texts, "small")


def test_first_chosen_and_best_hypotheses_are_counted() -> None:
    alignments = align_all(LISTS)
    assert [[each.errors for each in some] for some in alignments] == [[1, 0], [1, 2], [0]]
    rates = error_rates(alignments, [0, 1, 0])
    assert (rates.first.errors, rates.rescored.errors, rates.oracle.errors) == (2, 3, 1)
    assert rates.first.words == 4
    by_character = align_all(LISTS, "character")
    assert [each.errors for each in by_character[0]] == [1, 0]
    assert by_character[0][0].words == 6


def test_lists_are_split_by_utterance_and_seed() -> None:
    lists = NBest("x", tuple(Utterance(f"u{n}", (ScoredHypothesis("", 0.0),)) for n in range(20)))
    one, other = split_lists(lists, 0.3, 0)
    assert (len(one.utterances), len(other.utterances)) == (6, 14)
    assert {*one.utterances} | {*other.utterances} == {*lists.utterances}
    assert split_lists(lists, 0.3, 0) == (one, other) != split_lists(lists, 0.3, 1)


def test_errors_say_what_is_missing() -> None:
    silent = NBest("lists", (Utterance("a", (ScoredHypothesis("x", 0.0),), ""),))
    with pytest.raises(InputError, match="lists: the references must hold a word, got none"):
        align_all(silent)
    unsaid = NBest("lists", (Utterance("a", (ScoredHypothesis("x", 0.0),)),))
    with pytest.raises(InputError, match=r"lists: must say what was said .*, got nothing for a"):
        align_all(unsaid)
    with pytest.raises(InputError, match="weight: is a finite number of at least 0, got -1"):
        Weights(-1.0)
    with pytest.raises(InputError, match=r"per_word: is a finite number, got nan"):
        Weights(1.0, per_word=float("nan"))
