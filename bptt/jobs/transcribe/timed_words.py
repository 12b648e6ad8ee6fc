"""Words with their times and confidences, from the steps at which their symbols were found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum

from bptt.data.vocabulary import Vocabulary
from bptt.nn.prefix_beam import HeardSymbol
from bptt.notebook import ShownRow


@dataclass(frozen=True)
class TimedWord(ShownRow):
    """A word, when it was said, in seconds from the start, and the probability that the model gives it.

    `confidence` is the geometric mean of the probabilities of its symbols, each at its strongest step.
    """

    word: str
    start: float
    end: float
    confidence: float

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        times = {"start, s": f"{self.start:.2f}", "end, s": f"{self.end:.2f}"}
        return {"word": self.word, **times, "confidence": f"{self.confidence:.3f}"}


def timed_words(
    places: Sequence[HeardSymbol], vocabulary: Vocabulary, seconds: float, spaces: bool
) -> tuple[TimedWord, ...]:
    """Return the words that symbols spell; without `spaces` between words, each symbol is one.

    `seconds` is the duration of a step.
    """
    return tuple(
        TimedWord(
            word,
            round(parts[0].first * seconds, 3),
            round((parts[-1].last + 1) * seconds, 3),
            min(1.0, exp(fsum(part.peak for part in parts) / len(parts))),
        )
        for word, parts in _grouped(places, vocabulary, spaces)
    )


def _grouped(
    places: Sequence[HeardSymbol], vocabulary: Vocabulary, spaces: bool
) -> Iterator[tuple[str, list[HeardSymbol]]]:
    """Yield each word with its symbols. A token may begin with the space before it."""
    word, parts = "", list[HeardSymbol]()
    for place, piece in zip(places, vocabulary.spell([place.symbol for place in places]), strict=True):
        if parts and (not spaces or piece[:1].isspace()):
            yield word, parts
            word, parts = "", []
        if piece.strip() or not piece:
            word += piece.strip()
            parts.append(place)
    if word:
        yield word, parts
