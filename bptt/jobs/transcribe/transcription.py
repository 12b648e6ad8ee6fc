"""The text found in a recording with its words, or the likeliest symbols of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Protocol

from torch import Tensor

from bptt.data.vocabulary import Vocabulary
from bptt.jobs.transcribe.symbol_paths import BLANK, decode
from bptt.jobs.transcribe.timed_words import TimedWord, timed_words
from bptt.nn.prefix_beam import CTCHypothesis
from bptt.notebook import ShownRow, rows_html


@dataclass(frozen=True)
class Transcription(ShownRow):
    """The text of a recording, its words with times and confidences, and ln P(text | recording) in nats.

    `confidence` is the probability per symbol, the geometric mean; of no symbol that of nothing being said.
    The search ranks by `score`.
    """

    text: str
    log_probability: float
    confidence: float
    score: float
    words: tuple[TimedWord, ...]

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        return {
            "text": self.text,
            "confidence": f"{self.confidence:.3f}",
            "ln P": f"{self.log_probability:.3f}",
        }

    def _repr_html_(self) -> str:
        """Return the text, and its words with their times, for a notebook."""
        return super()._repr_html_() + rows_html([each.as_row() for each in self.words])


@dataclass(frozen=True)
class TranscriptWriter:
    """Writes what a search has found in steps of `seconds`; without `spaces`, each symbol is a word."""

    vocabulary: Vocabulary
    seconds: float
    spaces: bool

    def write(self, found: CTCHypothesis, log_probability: float) -> Transcription:
        """Return symbols, whose text has the `log_probability`, as text and words."""
        return Transcription(
            decode(self.vocabulary, found.symbols),
            log_probability,
            min(1.0, exp(log_probability / max(1, len(found.heard)))),
            found.score,
            timed_words(found.heard, self.vocabulary, self.seconds, self.spaces),
        )


class Search(Protocol):
    """A search for texts in the probabilities of symbols."""

    def find(self, log_probabilities: Tensor, n: int = 1) -> Sequence[CTCHypothesis]:
        """Return the `n` best texts of a recording, for ln P (T, V), best first; fewer if there are fewer."""


@dataclass(frozen=True)
class HeardPath:
    """The loss of a recording's label in nats, and the likeliest symbol of each step."""

    loss: float
    path: list[int]

    @property
    def places(self) -> list[float]:
        """The places of the symbols found, from 0 to 1."""
        return [
            step / len(self.path)
            for step, symbol in enumerate(self.path)
            if symbol != BLANK and (not step or self.path[step - 1] != symbol)
        ]
