"""The comparison of sentences (L4 in docs/equations.md): ln P of each word, and differences as odds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, fsum, log

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END
from bptt.jobs.language.scoring import LineScore

# The logarithm of the odds from which a power of ten is printed: more digits would be meaningless.
_LARGE = log(1e6)


@dataclass(frozen=True)
class Word:
    """A word, or `<eos>`, and the sum of ln P of its tokens, each given the tokens before it."""

    text: str
    log_probability: float


def words(vocabulary: Vocabulary, score: LineScore) -> Iterator[Word]:
    """Yield the words of a line, `<eos>` the last. Their ln P sum to that of the line.

    A word extends from a token that begins with a space to the next such token. In a line without spaces, as
    in Chinese, and with a vocabulary of words, every token is a word.
    """
    begins = [_begins(vocabulary, token) for token in score.tokens]
    spaced = any(begins[1:-1])
    starts = [i for i, begin in enumerate(begins) if i == 0 or begin or not spaced]
    for start, end in pairwise([*starts, len(begins)]):
        text = _show(vocabulary, score.tokens[start:end])
        yield Word(text, fsum(score.log_probabilities[start:end]))


def odds(difference: float) -> str:
    """Write the odds P / P' for ln P - ln P' = `difference`; as a power of ten if they are large."""
    if difference < _LARGE:
        return f"{exp(difference):.4g}"
    return f"10^{difference / log(10):.1f}"


def _show(vocabulary: Vocabulary, tokens: tuple[int, ...]) -> str:
    """Write tokens as text; bytes that form no complete character are escaped."""
    if tokens == (END,):
        return vocabulary.show(END)
    return b"".join(vocabulary.pieces[token] for token in tokens).decode("utf-8", "backslashreplace").strip()


def _begins(vocabulary: Vocabulary, token: int) -> bool:
    alone = token == END or vocabulary.unit == "words"
    return alone or vocabulary.pieces[token].startswith(b" ")
