"""The answers of a transcriber as records, and n-best lists as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bptt.data.audio.options import RawFormat
from bptt.data.examples import Example, Examples
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.files import check_new, write_new
from bptt.jobs.answers import Answer, Asking, Line, PartialAnswer
from bptt.jobs.transcribe.live import HeardUtterance, LiveTranscriber
from bptt.jobs.transcribe.options import TranscribeAnswerOptions
from bptt.jobs.transcribe.searching import SpeechSearch, nbest_json
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.jobs.transcribe.timed_words import TimedWord
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.jobs.transcribe.transcription import Transcription
from bptt.models.codecs.sound import SoundCodec
from bptt.options.choices import Choices


@dataclass(frozen=True)
class TranscriptAnswer(Answer):
    """The text of a recording, its confidence per symbol, its ln P, the score by which the search ranked it,
    and the words with their times in seconds.
    """

    text: str
    confidence: float
    log_probability: float
    score: float
    words: tuple[TimedWord, ...]


@dataclass(frozen=True)
class TranscriptAlternativesAnswer(Answer):
    """The best texts of a recording, best first."""

    alternatives: tuple[TranscriptAnswer, ...]


ANSWERS = {
    "predict": (TranscriptAnswer, TranscriptAlternativesAnswer),
    "stream": (PartialAnswer, HeardUtterance),
}


Found = TranscriptAnswer | TranscriptAlternativesAnswer


class TranscriberAsking(Asking):
    """A transcriber that answers with texts."""

    def __init__(self, trained: TrainedTranscriber, choices: Choices) -> None:
        self._trained, self._asked = trained, choices.make(TranscribeAnswerOptions)
        search = SpeechSearch(trained.vocabulary, BLANK, self._asked)
        self._search = search if search.has_beam else None
        self._notes = (*trained.notes, *search.notes)
        self._listed: list[Utterance] = []
        if self._asked.nbest is not None:
            # Checked now, so that a file that cannot be written fails before the work.
            check_new(self._asked.nbest)

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how recordings are read and searched."""
        return self._notes

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return False: a recording is no line of text."""
        return False

    def read(self, source: Source, said: Said) -> Examples[Any, Any]:
        """Return all recordings of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read(source, labelled=False, said=said)

    def answer(self, examples: Examples[Any, Any]) -> Iterator[Found]:
        """Yield the text of each recording; with `n_best`, that number of texts."""
        count = self._asked.count
        found = self._trained.search(examples.inputs, self._search, count, examples.places)
        for example, texts in zip(examples.rows, found, strict=True):
            if self._asked.nbest is not None:
                self._listed.append(_listed(example, texts))
            each = tuple(TranscriptAnswer(**vars(one)) for one in texts)
            yield each[0] if self._asked.n_best is None else TranscriptAlternativesAnswer(each)

    def lines(self, answer: Found, example: Example[Any, Any], number: int) -> list[Line]:
        """Return text, confidence and name; of alternatives the recording's number, score, ln P and text."""
        if isinstance(answer, TranscriptAnswer):
            return [(answer.text, f"{answer.confidence:.4f}", example.name or example.place)]
        return [
            f"{number}\t{one.score:.4f}\t{one.log_probability:.4f}\t{one.text}" for one in answer.alternatives
        ]

    def raw_format(self) -> RawFormat | None:
        """Return the form of bare samples that arrive; None for a transcriber of features in files."""
        codec = self._trained.codec
        return self._asked.raw(codec.options.rate) if isinstance(codec, SoundCodec) else None

    def listen(self, rate: int) -> LiveTranscriber:
        """Return the transcriber as it answers sound that arrives, of `rate` samples a second.

        Raises InputError if it reads in both directions, and for options of whole recordings.
        """
        for name, value in (("n_best", self._asked.n_best), ("nbest", self._asked.nbest)):
            if value is not None:
                raise InputError(name, "needs whole recordings", "`stream`", "Leave one of them out")
        return self._trained.stream(rate, self._search, self._asked)

    def conclude(self) -> Sequence[str]:
        """Write the n-best lists, if they were asked for, and return lines for the user."""
        path, said = self._asked.nbest, self._trained.codec.conclude()
        if path is None:
            return said
        write_new(path, nbest_json(NBest(str(path), tuple(self._listed))).encode("utf-8"))
        return (*said, f"n-best lists: {path} (`bptt rescore` reads them)")


def _listed(example: Example[Any, Any], texts: Sequence[Transcription]) -> Utterance:
    hypotheses = tuple(ScoredHypothesis(one.text, one.log_probability) for one in texts)
    return Utterance(example.name or example.place, hypotheses, example.target)
