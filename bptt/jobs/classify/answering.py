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


@dataclass(frozen=True)
class LabelOverTime(Answer):
    """The label of a clip from second `start` on, and its probability where it begins."""

    start: float
    label: str
    probability: float


ANSWERS = {"predict": (LabelAnswer, LabelOverTime)}


class ClassifierAsking(Asking):
    """A classifier that answers with labels."""

    follows_inputs = True

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

    def over_time(self, examples: Labelled) -> Iterator[tuple[Example[Any, Any], LabelOverTime]]:
        """Yield the label of the last seconds of each clip, whenever that changes."""
        for row in examples.rows:
            before, label = 0.0, None
            for end, window in self._trained.codec.windows(row.input, self._asked.window):
                (found,) = self._trained.predict([window], [row.place])
                if found.label != label:
                    label = found.label
                    yield row, LabelOverTime(round(before, 3), label, found.probability)
                before = end

    def answer(self, examples: Labelled) -> Iterator[LabelAnswer]:
        """Yield the label of each input."""
        answers = self._trained.predict(examples.inputs, examples.places)
        for row, found in zip(examples.rows, answers, strict=True):
            scores = dict(zip(self._trained.labels, found.probabilities, strict=True))
            yield LabelAnswer(row.target, found.label, found.probability, scores)

    def conclude(self) -> list[str]:
        """Return lines for the user on how inputs were read."""
        return self._trained.codec.conclude()

    def lines(
        self, answer: LabelAnswer | LabelOverTime, example: Example[Any, Any], number: int
    ) -> list[Line]:
        """Return label, probability, input and record name, the most probable label first; the probability of
        every label; or the second at which a label begins, with it.
        """
        if isinstance(answer, LabelOverTime):
            named = example.name or example.place
            return [(f"{answer.start:.2f}", answer.label, f"{answer.probability:.6f}", named)]
        if self._asked.probabilities:
            return [tuple(f"{p:.6f}" for p in answer.probabilities.values())]
        names = (example.name,) if example.name else ()
        about = (example.input, *names) if self._shows_input else (example.name or example.place,)
        if self._asked.top == 1:
            return [(answer.label, f"{answer.probability:.6f}", *about)]
        likeliest = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])[: self._asked.top]
        return [(label, f"{p:.6f}", *about) for label, p in likeliest]
