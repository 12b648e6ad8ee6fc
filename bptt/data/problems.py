"""Two problems that ask how far a network remembers, drawn from a seed."""

from __future__ import annotations

import numpy as np

from bptt.data.examples import Array, Example, Examples, Words
from bptt.options.checks import check_least

# The words of a copy that stand for nothing to remember, and for the question.
BLANK, ASK = "_", "?"
LETTERS = tuple("abcdefgh")


def adding(steps: int, count: int, seed: int) -> Examples[Array, float]:
    """Return series (T, 2), T = `steps`, each with the sum of two of its numbers.

    The first column holds numbers drawn evenly from 0 to 1. The second is 1 beside two of them, one in
    either half, and else 0; their sum is wanted at the end. Source: Hochreiter & Schmidhuber 1997,
    experiment 4, as Le, Jaitly & Hinton 2015 pose it. Raises InputError naming the option.
    """
    check_least("lag", steps, 2)
    check_least("examples", count, 1)
    draw = np.random.default_rng(seed)
    numbers = draw.random((count, steps), dtype=np.float32)
    places = np.stack([draw.integers(0, steps // 2, count), draw.integers(steps // 2, steps, count)], 1)
    marks = np.zeros_like(numbers)
    np.put_along_axis(marks, places, 1.0, 1)
    sums = np.take_along_axis(numbers, places, 1).sum(1, dtype=np.float64)
    series = np.stack([numbers, marks], 2)
    rows = [
        Example(one, float(total), f"adding:{n}")
        for n, (one, total) in enumerate(zip(series, sums, strict=True), 1)
    ]
    return Examples(tuple(rows), ("number", "mark"))


def copying(lag: int, symbols: int, count: int, seed: int) -> Examples[Words, Words]:
    """Return sentences that begin with K = `symbols` letters, each with a tag for every word.

    The letters are drawn evenly from eight; `lag` - 1 blanks follow, a question mark, and K blanks more.
    The tags are blank up to the question mark, with it, and then the letters in their order: the first is
    wanted K + `lag` steps after it was read, and so is each. Source: Hochreiter & Schmidhuber 1997 as
    Arjovsky, Shah & Bengio 2016 pose it, 4.1. Raises InputError naming the option.
    """
    check_least("lag", lag, 1)
    check_least("symbols", symbols, 1)
    check_least("examples", count, 1)
    drawn = np.random.default_rng(seed).integers(0, len(LETTERS), (count, symbols))
    rows = []
    for n, numbers in enumerate(drawn, 1):
        letters = tuple(LETTERS[number] for number in numbers)
        words = (*letters, *(lag - 1) * (BLANK,), ASK, *symbols * (BLANK,))
        rows.append(Example(words, (*(symbols + lag) * (BLANK,), *letters), f"copy:{n}"))
    return Examples(tuple(rows))
