"""The problems are what the papers pose, and the same from the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bptt.data.problems import ASK, BLANK, LETTERS, adding, copying
from bptt.errors import InputError

COUNT = 2000


def test_adding_marks_a_number_in_either_half_and_wants_their_sum() -> None:
    examples = adding(11, COUNT, seed=0)
    for row in examples.rows[:200]:
        numbers, marks = row.input.T
        first, second = np.flatnonzero(marks)
        assert row.input.shape == (11, 2) and set(marks) == {0.0, 1.0}
        assert first < 5 <= second
        assert row.target == pytest.approx(float(numbers[first]) + float(numbers[second]), abs=0)
        assert numbers.min() >= 0 and numbers.max() < 1


def test_who_knows_only_the_mean_of_the_sums_errs_by_a_sixth() -> None:
    """The variance of the sum of two numbers even in [0, 1]; its own deviation is √(κ - 1)/√N of it."""
    targets = np.array(adding(20, COUNT, seed=1).targets)
    # The fourth moment of a triangular distribution is 2.4 times its variance squared.
    assert targets.var() == pytest.approx(1 / 6, rel=4 * math.sqrt(1.4 / COUNT))


def test_copying_wants_the_letters_after_the_question() -> None:
    for row in copying(5, 3, 50, seed=0).rows:
        assert row.target is not None
        assert len(row.input) == len(row.target) == 5 + 2 * 3
        assert set(row.input[:3]) <= set(LETTERS)
        assert row.input[3:] == (*4 * (BLANK,), ASK, *3 * (BLANK,))
        assert row.target == (*8 * (BLANK,), *row.input[:3])


def test_each_letter_is_as_frequent() -> None:
    drawn = [word for row in copying(1, 2, COUNT, seed=0).rows for word in row.input[:2]]
    expected = 2 * COUNT / len(LETTERS)
    counts = [drawn.count(letter) for letter in LETTERS]
    assert all(abs(count - expected) < 5 * math.sqrt(expected) for count in counts)


def test_a_seed_gives_the_same_and_another_seed_others() -> None:
    assert all(map(np.array_equal, adding(8, 5, 3).inputs, adding(8, 5, 3).inputs))
    assert not np.array_equal(adding(8, 5, 3).inputs[0], adding(8, 5, 4).inputs[0])
    assert copying(4, 9, 5, 3).inputs == copying(4, 9, 5, 3).inputs != copying(4, 9, 5, 4).inputs


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(InputError, match="lag: is a whole number of at least 2"):
        adding(1, 5, 0)
    with pytest.raises(InputError, match="symbols: is a whole number of at least 1"):
        copying(4, 0, 5, 0)
