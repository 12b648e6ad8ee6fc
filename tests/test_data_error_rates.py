"""Alignments have the edit distance and the fewest substitutions, as brute force and jiwer find them."""

from __future__ import annotations

import numpy as np
import pytest

from bptt.data import error_rates
from bptt.data.error_rates import UNITS, Alignment, align, aligned, pool


def drawn(count: int, seed: int = 2) -> list[list[list[str]]]:
    """References and hypotheses of three words, up to five each."""
    draw = np.random.default_rng(seed)
    return [[list(draw.choice(list("abc"), draw.integers(6))) for _ in range(count)] for _ in range(2)]


def fewest(reference: list[str], hypothesis: list[str]) -> tuple[int, int]:
    """The fewest errors and, of these alignments, the fewest substitutions, by their definition."""
    if not reference or not hypothesis:
        return len(reference) + len(hypothesis), 0
    errors, replaced = fewest(reference[1:], hypothesis[1:])
    differ = reference[0] != hypothesis[0]
    gaps = fewest(reference[1:], hypothesis), fewest(reference, hypothesis[1:])
    return min((errors + differ, replaced + differ), *((e + 1, r) for e, r in gaps))


def test_alignments_have_the_edit_distance_and_the_fewest_substitutions() -> None:
    texts = drawn(60)
    for reference, hypothesis, found in zip(*texts, align(*texts), strict=True):
        assert (found.errors, found.substitutions) == fewest(reference, hypothesis)
        assert found.words == len(reference)
        assert found.hits + found.substitutions + found.insertions == len(hypothesis)


def test_pairs_of_an_alignment_are_the_two_texts_and_its_counts() -> None:
    texts = drawn(30, seed=5)
    for reference, hypothesis, found in zip(*texts, align(*texts), strict=True):
        pairs = aligned(reference, hypothesis)
        assert [one for one, _ in pairs if one is not None] == reference
        assert [other for _, other in pairs if other is not None] == hypothesis
        assert sum(one != other for one, other in pairs) == found.errors
        assert sum(other is None for _, other in pairs) == found.deletions


def test_errors_are_those_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    spoken = [pair for pair in zip(*drawn(200, seed=7), strict=True) if pair[0]]
    references, hypotheses = ([" ".join(words) for words in side] for side in zip(*spoken, strict=True))
    found = pool(align(*([text.split() for text in side] for side in (references, hypotheses))))
    assert found.error_rate == pytest.approx(jiwer.wer(references, hypotheses), rel=1e-12)


def test_rates_are_pooled_over_words() -> None:
    """By hand: (1 + 2 + 1) errors of 2 + 6 words; a mean of rates would be (1/2 + 2/6) / 2."""
    texts = ["a b", "a b c d e f"], ["a x", "a c d e f g"]
    found = align(*([text.split() for text in side] for side in texts))
    assert found == [Alignment(1, 1, 0, 0), Alignment(5, 0, 1, 1)]
    assert pool(found) == Alignment(6, 1, 1, 1)
    assert pool(found).error_rate == 3 / 8
    assert align([], []) == []


def test_where_nothing_was_said_every_word_is_inserted() -> None:
    assert align([[], [], ["a"]], [["x", "y"], [], []]) == [
        Alignment(insertions=2),
        Alignment(),
        Alignment(deletions=1),
    ]
    assert Alignment(insertions=2).error_rate == float("inf") and Alignment().error_rate == 0


def test_spaces_are_no_characters() -> None:
    assert UNITS["character"](" 中\u3000文 a") == ("中", "文", "a")
    assert UNITS["word"]("\u3000 中 文") == ("中", "文")


def test_pairs_beyond_the_memory_are_aligned_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = drawn(50, seed=3)
    whole = align(*texts)
    monkeypatch.setattr(error_rates, "_CELLS", 100)
    assert align(*texts) == whole
