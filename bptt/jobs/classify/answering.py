"""The answers of a classifier as records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.classify.options import ClassifyAnswerOptions
from bptt.models.kinds.registry import find_kind

if TYPE_CHECKING:
    from bptt.data.examples import Example
    from bptt.data.readers.asked import Said
    from bptt.data.readers.document import Document
    from bptt.data.readers.forms import Source
    from bptt.jobs.classify.trained import Labelled, TrainedClassifier
    from bptt.options.choices import Choices


@dataclass(frozen=True)
class LabelAnswer(Answer):
    """A label with the probability of every label; `given` is the label in the input file, if any."""

    given: str | None
    label: str
    probability: float
    probabilities: Mapping[str, float]


class ClassifierAsking(Asking):
    """A classifier that answers with labels."""

    def __init__(self, trained: TrainedClassifier, choices: Choices) -> None:
        self._trained, self._asked = trained, choices.make(ClassifyAnswerOptions)
        self._shows_input = find_kind(trained.config.source.kind).is_text
        self.header = trained.labels if self._asked.probabilities else None

    @property
    def notes(self) -> Sequence[str]:
        """The decision thresholds in words, if the model has any."""
        return self._trained.notes

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a text."""
        return self._trained.reads_lines(first, said)

    def read(self, source: Source, said: Said) -> Labelled:
        """Return all inputs of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read_asked(source, said)

    def answer(self, examples: Labelled) -> Iterator[LabelAnswer]:
        """Yield the label of each input."""
        answers = self._trained.predict(examples.inputs, examples.places)
        for row, found in zip(examples.rows, answers, strict=True):
            scores = dict(zip(self._trained.labels, found.probabilities, strict=True))
            yield LabelAnswer(row.target, found.label, found.probability, scores)

    def conclude(self) -> list[str]:
        """Return lines for the user on how inputs were read."""
        return self._trained.codec.conclude()

    def lines(self, answer: LabelAnswer, example: Example[Any, Any], number: int) -> list[Line]:
        """Return label, probability, input and record name; or the probability of every label."""
        if self._asked.probabilities:
            return [tuple(f"{p:.6f}" for p in answer.probabilities.values())]
        named = (example.name,) if example.name else ()
        about = (example.input, *named) if self._shows_input else (example.name or example.place,)
        return [(answer.label, f"{answer.probability:.6f}", *about)]
