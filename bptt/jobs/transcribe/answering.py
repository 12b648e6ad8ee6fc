"""The answers of a transcriber as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bptt.data.examples import Example, Examples
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.transcribe.timed_words import TimedWord
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.options.choices import Choices


@dataclass(frozen=True)
class TranscriptAnswer(Answer):
    """The text of a recording, with ln P, the confidence per symbol, and the words with their times."""

    text: str
    confidence: float
    log_probability: float
    words: tuple[TimedWord, ...]


class TranscriberAsking(Asking):
    """A transcriber that answers with texts."""

    def __init__(self, trained: TrainedTranscriber, choices: Choices) -> None:
        self._trained = trained

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how recordings are read."""
        return self._trained.notes

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return False: a recording is no line of text."""
        return False

    def read(self, source: Source, said: Said) -> Examples[Any, Any]:
        """Return all recordings of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read(source, labelled=False, said=said)

    def answer(self, examples: Examples[Any, Any]) -> Iterator[TranscriptAnswer]:
        """Yield what was said in each recording."""
        for (found,) in self._trained.search(examples.inputs, places=examples.places):
            yield TranscriptAnswer(found.text, found.confidence, found.log_probability, found.words)

    def lines(self, answer: TranscriptAnswer, example: Example[Any, Any], number: int) -> list[Line]:
        """Return the text, its confidence, and the name of the recording."""
        return [(answer.text, f"{answer.confidence:.4f}", example.name or example.place)]
