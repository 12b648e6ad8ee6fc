"""The answers of a translator as records."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bptt.data.examples import Example
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.translations import Pairs
from bptt.errors import InputError
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.language.sampling_options import SamplingOptions
from bptt.jobs.translate.options import TranslateAnswerOptions
from bptt.jobs.translate.translator import Search, TrainedTranslator, Translation
from bptt.options.choices import Choices


@dataclass(frozen=True)
class TextAnswer(Answer):
    """A text with its ln P, and the score by which the search ranked it."""

    text: str
    score: float
    log_probability: float


@dataclass(frozen=True)
class TextAlternativesAnswer(Answer):
    """The best texts, best first."""

    alternatives: tuple[TextAnswer, ...]


ANSWERS = {"predict": (TextAnswer, TextAlternativesAnswer)}


class TranslatorAsking(Asking):
    """A translator that answers with texts."""

    def __init__(self, trained: TrainedTranslator, choices: Choices) -> None:
        self._trained, self._asked = trained, choices.make(TranslateAnswerOptions)
        self._search = _search_of(self._asked)
        # A sample depends on the index of its input among all inputs.
        self.needs_all = self._asked.temperature is not None
        self._unknown = self._count = 0

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how texts are read."""
        return self._trained.codec.notes

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is an input."""
        return self._trained.reads_lines(first, said)

    def read(self, source: Source, said: Said) -> Pairs:
        """Return all inputs of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read_asked(source, said)

    def answer(self, examples: Pairs) -> Iterator[TextAnswer | TextAlternativesAnswer]:
        """Yield the best text for each input; with `n_best`, that number of texts."""
        unknown, count = self._trained.count_unknown(examples.inputs)
        self._unknown, self._count = self._unknown + unknown, self._count + count
        found = self._trained.search(examples.inputs, self._search)
        if self.picture is None:
            self.picture = attended(found[0][0])
        for texts in found:
            each = tuple(TextAnswer(t.text, t.score, t.log_probability) for t in texts)
            yield each[0] if self._asked.n_best is None else TextAlternativesAnswer(each)

    def lines(
        self, answer: TextAnswer | TextAlternativesAnswer, example: Example[Any, Any], number: int
    ) -> list[Line]:
        """Return the text; or each alternative after input number, score and ln P."""
        if isinstance(answer, TextAnswer):
            return [answer.text]
        return [
            f"{number}\t{one.score:.4f}\t{one.log_probability:.4f}\t{one.text}" for one in answer.alternatives
        ]

    def conclude(self) -> Sequence[str]:
        """Return a line for the user about unknown tokens in the inputs, if there are any."""
        if not self._unknown:
            return ()
        counts = f"{self._unknown:,} of its {self._count:,} tokens are <unk>"
        return (f"input: {counts}, the model does not know them",)


def _search_of(asked: TranslateAnswerOptions) -> Search:
    if asked.temperature is None:
        return asked.beam(asked.n_best)
    if asked.width is not None or asked.n_best is not None:
        cure = "Leave `width` and `n_best` out"
        raise InputError("temperature", "draws one text for each input", "a beam too", cure)
    return SamplingOptions(
        length=sys.maxsize,
        temperature=asked.temperature,
        refuse_unknown=asked.refuse_unknown,
        seed=asked.seed,
    )


@dataclass(frozen=True)
class AttentionPicture:
    """The attention weights (tokens, steps of the source) with which a text was written."""

    weights: list[list[float]]
    source: tuple[str, ...]
    tokens: tuple[str, ...]


def attended(found: Translation) -> AttentionPicture:
    """Return the data for the picture of a text's attention."""
    return AttentionPicture(found.attention.tolist(), found.source, found.tokens)
