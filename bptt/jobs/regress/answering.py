"""The answers of a regressor as records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bptt.data.examples import Example
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.measured import Measured
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.regress.trained import NumberPrediction, TrainedRegressor
from bptt.options.choices import Choices

# A number, or a number for each step.
Found = float | Sequence[float]


@dataclass(frozen=True)
class NumberAnswer(Answer):
    """The prediction for each target by name, a number or one for each step.

    With the ends of intervals and quantiles, if the model has any; `given` are the numbers in the input file.
    """

    given: Mapping[str, Found] | None
    numbers: Mapping[str, Found]
    low: Mapping[str, Found] | None
    high: Mapping[str, Found] | None
    quantiles: Mapping[str, Mapping[str, Found]] | None


ANSWERS = {"predict": (NumberAnswer,)}


class RegressorAsking(Asking):
    """A regressor that answers with numbers."""

    def __init__(self, trained: TrainedRegressor, choices: Choices) -> None:
        self._trained, self._names = trained, trained.config.source.targets
        self._shows_input = trained.config.source.kind == "text"

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how texts are read."""
        return self._trained.notes

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a text."""
        return self._trained.reads_lines(first, said)

    def read(self, source: Source, said: Said) -> Measured:
        """Return all inputs of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read_asked(source, said)

    def answer(self, examples: Measured) -> Iterator[NumberAnswer]:
        """Yield the numbers of each input."""
        found = self._trained.predict(examples.inputs, examples.places)
        for row, each in zip(examples.rows, found, strict=True):
            given = None if row.target is None else self._named(row.target)
            low, high = (None if end is None else self._named(end) for end in (each.low, each.high))
            yield NumberAnswer(given, self._named(each.values), low, high, self._quantiles(each))

    def lines(self, answer: NumberAnswer, example: Example[Any, Any], number: int) -> list[Line]:
        """Return the numbers, each with its interval, and the input or its name; one line for each step."""
        shown = (example.input,) if self._shows_input else (example.name or example.place,)
        if not self._trained.config.source.every_step:
            return [(*self._cells(answer, None), *shown)]
        steps = len(next(iter(answer.numbers.values())))  # type: ignore[arg-type]
        return [(*self._cells(answer, step), *shown, str(step + 1)) for step in range(steps)]

    def _cells(self, answer: NumberAnswer, step: int | None) -> Iterator[str]:
        for name in self._names:
            for values in (answer.numbers, answer.low, answer.high):
                if values is not None:
                    value = values[name]
                    yield f"{value if step is None else value[step]:.7g}"  # type: ignore[index]

    def _named(self, values: Any) -> dict[str, Found]:
        """Return numbers (M,) or (T, M) by the names of the targets."""
        return {name: values[..., k].tolist() for k, name in enumerate(self._names)}

    def _quantiles(self, found: NumberPrediction) -> dict[str, dict[str, Found]] | None:
        levels = self._trained.model.output.options.levels
        if not levels:
            return None
        return {
            name: {f"{level:g}": found.quantiles[..., k, q].tolist() for q, level in enumerate(levels)}
            for k, name in enumerate(self._names)
        }
