"""The answers of a marker as records, and as lines of BED."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptt.data.examples import Example, Words
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.schemes import spans
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.mark.trained import MarkedStretch, TrainedMarker
from bptt.jobs.tag.tag_set import Tagged
from bptt.jobs.tag.trained import TrainedTagger
from bptt.options.choices import Choices


@dataclass(frozen=True)
class GivenStretch:
    """A stretch in the input file."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class StretchesAnswer(Answer):
    """The stretches of a sequence; `given` are those in the input file, if any."""

    given: tuple[GivenStretch, ...] | None
    stretches: tuple[MarkedStretch, ...]


ANSWERS = {"predict": (StretchesAnswer,)}


class MarkerAsking(Asking):
    """A marker that answers with stretches."""

    # A comment in BED, which tools skip.
    header = ("#name", "start", "end", "label", "probability", "letters")

    def __init__(self, trained: TrainedTagger, choices: Choices) -> None:
        assert isinstance(trained, TrainedMarker)
        self._trained = trained
        self._sequences = self._stretches = self._bare = self._letters = 0
        self._unknown: Counter[str] = Counter()

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a sequence."""
        return self._trained.reads_lines(first, said)

    def read(self, source: Source, said: Said) -> Tagged:
        """Return all sequences of a source. Raises InputError with file and line if one cannot be read."""
        return self._trained.read_asked(source, said)

    def answer(self, examples: Tagged) -> Iterator[StretchesAnswer]:
        """Yield the stretches of each sequence."""
        for row, found in zip(examples.rows, self._trained.mark(examples.inputs), strict=True):
            self._sequences += 1
            self._letters += len(row.input)
            self._unknown.update(each for each in row.input if not self._trained.codec.knows(each))
            self._stretches += len(found)
            self._bare += not found
            given = None if row.target is None else tuple(GivenStretch(*each) for each in spans(row.target))
            yield StretchesAnswer(given, found)

    def lines(self, answer: StretchesAnswer, example: Example[Words, Words], number: int) -> list[Line]:
        """Return a line of BED for each stretch: name, start, end, label, probability; and its letters."""
        name = example.name or str(number)
        return [
            (name, str(each.start), str(each.end), each.label, f"{each.probability:.6f}", each.letters)
            for each in answer.stretches
        ]

    def parts(
        self, answer: StretchesAnswer, example: Example[Words, Words]
    ) -> Sequence[tuple[str, int | None]]:
        """Return the letters of a sequence in parts, those of a stretch with the number of its label."""
        labels = sorted({tag.partition("-")[2] for tag in self._trained.tags.tags if "-" in tag})
        letters, parts, start = "".join(example.input), list[tuple[str, int | None]](), 0
        for each in answer.stretches:
            parts += [(letters[start : each.start], None), (each.letters, labels.index(each.label))]
            start = each.end
        return [*parts, (letters[start:], None)]

    def conclude(self) -> Sequence[str]:
        """Say how many stretches were found, how they are counted, and which letters were unknown."""
        found = f"{self._stretches:,} stretches in {self._sequences:,} sequences, {self._bare:,} without one"
        counted = f"{found}; start and end as in BED: from 0, the end not included"
        if not self._unknown:
            return (counted,)
        share = f"{self._unknown.total():,} of {self._letters:,} are <unk>"
        return counted, f"letters: {share}, the model does not know {', '.join(sorted(self._unknown))}"
