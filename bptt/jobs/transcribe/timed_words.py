"""Words with their times and confidences, from the steps at which their symbols were found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp, fsum, log

from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.jobs.transcribe.symbol_paths import BLANK


@dataclass(frozen=True)
class SymbolPlace:
    """A symbol of a path: its steps, from `first` to before `end`, and its largest probability there."""

    symbol: int
    first: int
    end: int
    probability: float


@dataclass(frozen=True)
class TimedWord:
    """A word, when it was said, in seconds from the start, and the probability that the model gives it.

    `confidence` is the geometric mean of the probabilities of its symbols, each at its strongest step.
    """

    word: str
    start: float
    end: float
    confidence: float


def places_of(path: Sequence[int], log_probabilities: Tensor) -> list[SymbolPlace]:
    """Return the symbols of a path (T,), given ln P of all symbols at each step, (T, V)."""
    found, start = [], 0
    for symbol, run in groupby(path):
        end = start + sum(1 for _ in run)
        if symbol != BLANK:
            strongest = float(log_probabilities[start:end, symbol].max())
            found.append(SymbolPlace(symbol, start, end, min(1.0, exp(strongest))))
        start = end
    return found


def timed_words(
    places: Sequence[SymbolPlace], vocabulary: Vocabulary, seconds: float, spaces: bool
) -> tuple[TimedWord, ...]:
    """Return the words that symbols spell; without `spaces` between words, each symbol is one.

    `seconds` is the duration of a step.
    """
    return tuple(
        TimedWord(
            word,
            round(parts[0].first * seconds, 3),
            round(parts[-1].end * seconds, 3),
            confidence_of([part.probability for part in parts]),
        )
        for word, parts in _grouped(places, vocabulary, spaces)
    )


def confidence_of(probabilities: Sequence[float]) -> float:
    """Return the geometric mean of probabilities; 0 if one of them is."""
    if not all(probabilities):
        return 0.0
    return exp(fsum(map(log, probabilities)) / len(probabilities))


def _grouped(
    places: Sequence[SymbolPlace], vocabulary: Vocabulary, spaces: bool
) -> Iterator[tuple[str, list[SymbolPlace]]]:
    """Yield each word with its symbols. A token may begin with the space before it."""
    word, parts = "", list[SymbolPlace]()
    for place, piece in zip(places, vocabulary.spell([place.symbol for place in places]), strict=True):
        if parts and (not spaces or piece[:1].isspace()):
            yield word, parts
            word, parts = "", []
        if piece.strip() or not piece:
            word += piece.strip()
            parts.append(place)
    if word:
        yield word, parts
