"""The answers of a tagger as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from bptt.data.cutting import SAID
from bptt.data.examples import Example, Words
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.tag.options import TagAnswerOptions
from bptt.jobs.tag.tag_set import Tagged
from bptt.jobs.tag.trained import TrainedTagger
from bptt.jobs.tag.word_by_word import ArrivingTags, WordTag
from bptt.options.choices import Choices


@dataclass(frozen=True)
class TagsAnswer(Answer):
    """A tag for each word with its probability; `given` are the tags in the input file, if any."""

    given: Words | None
    tags: Words
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class TagSequence:
    """The tags of a whole sentence, and their probability."""

    tags: Words
    probability: float


@dataclass(frozen=True)
class TagAlternativesAnswer(Answer):
    """The most probable sequences of tags, best first."""

    given: Words | None
    alternatives: tuple[TagSequence, ...]


ANSWERS = {"predict": (TagsAnswer, TagAlternativesAnswer, WordTag)}


class TaggerAsking(Asking):
    """A tagger that answers with tags."""

    def __init__(self, trained: TrainedTagger, choices: Choices) -> None:
        self._asked = choices.make(TagAnswerOptions)
        self._trained = trained.cutting_by(self._asked.level)

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how plain text is cut, and how words are read."""
        level = self._trained.config.tags.cutting.level
        cut = f"plain text is cut {SAID[level]} (`level` says otherwise)"
        return (*([] if level == "whitespace" else [cut]), *self._trained.codec.notes)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a sentence."""
        return self._trained.reads_lines(first, said)

    def stream(self, said: Said) -> ArrivingTags:
        """Return the tagger as it answers word by word.

        Raises InputError if it reads in both directions or has a CRF, and for options of whole sentences.
        """
        if self._asked.n_best is not None:
            raise InputError("n_best", "needs whole sentences", "`stream`", "Leave one of them out")
        if said not in (Said(), Said(form="lines")):
            rule, came = "reads plain text, a sentence a line", "options of other formats"
            raise InputError("stream", rule, came, "Leave out `input`, the columns and `header`")
        return ArrivingTags(self._trained, self._asked.probabilities)

    def read(self, source: Source, said: Said) -> Tagged:
        """Return all sentences of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read_asked(source, said)

    def answer(self, examples: Tagged) -> Iterator[TagsAnswer | TagAlternativesAnswer]:
        """Yield the tags of each sentence; with `n_best`, that number of alternatives."""
        if self._asked.n_best is None:
            for row, found in zip(examples.rows, self._trained.predict(examples.inputs), strict=True):
                yield TagsAnswer(row.target, found.tags, found.probabilities)
            return
        several = self._trained.predict_nbest(examples.inputs, self._asked.n_best)
        for row, alternatives in zip(examples.rows, several, strict=True):
            each = tuple(TagSequence(one.tags, exp(one.log_probability)) for one in alternatives)
            yield TagAlternativesAnswer(row.target, each)

    def lines(
        self, answer: TagsAnswer | TagAlternativesAnswer, example: Example[Any, Any], number: int
    ) -> list[Line]:
        """Return CoNLL columns: the word, its given tag if any, the predicted tag, perhaps its probability.

        With alternatives, return the sentence once for each, below a comment.
        """
        given = (example.input, *([answer.given] if answer.given is not None else []))
        if isinstance(answer, TagsAnswer):
            shown = [tuple(f"{p:.6f}" for p in answer.probabilities)] if self._asked.probabilities else []
            return _sentence([*given, answer.tags, *shown])
        found: list[Line] = []
        count = len(answer.alternatives)
        for rank, one in enumerate(answer.alternatives, 1):
            found.append(f"# {rank} of {count}, probability {one.probability:.6f}")
            found += _sentence([*given, one.tags])
        return found


def _sentence(columns: Sequence[Words]) -> list[Line]:
    """Return one line for each word with its columns, and an empty line."""
    return [*zip(*columns, strict=True), ""]
