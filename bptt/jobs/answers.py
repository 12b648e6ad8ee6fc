"""Answers and evaluations of all jobs as plain records: data for programs, lines for users."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from bptt.errors import InputError
from bptt.notebook import list_html, metrics_html, table_html, text_html

if TYPE_CHECKING:
    from torch import Tensor

    from bptt.data.audio.options import RawFormat
    from bptt.data.examples import Example, Examples
    from bptt.data.readers.asked import Said
    from bptt.data.readers.document import Document
    from bptt.data.readers.forms import Source

# The cells of a line; or text of one or several lines that is printed unchanged.
Line = tuple[str, ...] | str
# A cell of a table of scores.
Cell = str | float


@dataclass(frozen=True)
class Answer:
    """The answer of a model to one input; a field that is None has no value."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields with a value as plain data, ready for JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: plain_data(value) for name, value in values.items() if value is not None}

    def _repr_html_(self) -> str:
        """Return the fields with a value for a notebook."""
        return table_html(("", ""), [(name, str(value)) for name, value in self.to_dict().items()])


def plain_data(value: Any) -> Any:
    """Return a record, or a value in one, as plain data: mappings and lists."""
    if isinstance(value, Answer):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain_data(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain_data(each) for name, each in value.items()}
    return [plain_data(each) for each in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True)
class AskedInput:
    """The input that an answer belongs to: its `row`, from 1, its `name` in the file, and its `place`.

    `input` is the text, its words, or the name of the file; None for numbers.
    """

    row: int
    name: str | None
    place: str
    input: str | tuple[str, ...] | None


def record_of(row: int, example: Example[Any, Any], answer: Answer) -> dict[str, Any]:
    """Return the answer to input number `row`, from 1, as `bptt predict` prints it as JSON."""
    given = example.input
    if not isinstance(given, str | tuple):
        path = getattr(given, "path", None)
        given = None if path is None else str(path)
    about = AskedInput(row, example.name or None, example.place, given)
    return {**plain_data(about), **answer.to_dict()}


class Arriving(ABC):
    """A trained model that answers the words of a text that arrives in pieces."""

    @abstractmethod
    def push(self, text: str) -> Iterator[tuple[Example[str, Any], Answer] | None]:
        """Yield each word that is known after a further piece of text with its answer; None after a line."""

    @abstractmethod
    def close(self) -> Iterator[tuple[Example[str, Any], Answer] | None]:
        """Yield what is left at the end of the text."""

    @abstractmethod
    def lines(self, answer: Any, example: Example[str, Any], number: int) -> list[Line]:
        """Return an answer as lines for the user; `number` is that of the word `example`, from 1."""


@dataclass(frozen=True)
class PartialAnswer(Answer):
    """The text so far of what goes on; its first `stable` characters will not change."""

    partial: str
    stable: int


@dataclass(frozen=True)
class FinalAnswer(Answer):
    """The text of what has ended."""

    text: str


class Listening(ABC):
    """A trained model that answers sound while it arrives.

    It says what is known only when that has changed: any number of partial answers, and a final one, for each
    piece of the sound that belongs together. `notes` are lines for the user about how it hears.
    """

    notes: Sequence[str] = ()

    @abstractmethod
    def push(self, samples: Tensor) -> Iterator[PartialAnswer | FinalAnswer]:
        """Yield what is known after further samples (N,) in ±1."""

    @abstractmethod
    def close(self) -> Iterator[PartialAnswer | FinalAnswer]:
        """Yield the final answer at the end of the sound, if anything is left."""


class Asking(ABC):
    """A trained model that answers the inputs of one source, or of several that arrive one after the other.

    With `needs_all`, the first answer needs all inputs. With `follows_inputs`, parts of an input have
    answers, too. `header` names the columns of lines. `picture` is data of the first answer for the drawing
    function of the job, or None.
    """

    needs_all: bool = False
    follows_inputs: bool = False
    header: Line | None = None
    picture: Any = None

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user about how answers are found."""
        return ()

    @abstractmethod
    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is an input."""

    @abstractmethod
    def read(self, source: Source, said: Said) -> Examples[Any, Any]:
        """Return all inputs of a source. Raises InputError with file and line if one cannot be read."""

    @abstractmethod
    def answer(self, examples: Examples[Any, Any]) -> Iterator[Answer]:
        """Yield an answer for each input, in order."""

    @abstractmethod
    def lines(self, answer: Any, example: Example[Any, Any], number: int) -> list[Line]:
        """Return an answer as lines for the user; `number` is that of the input `example`, from 1."""

    def parts(self, answer: Any, example: Example[Any, Any]) -> Sequence[tuple[str, int | None]]:
        """Return an input in parts, each with the number of its colour or None, for a terminal; or ()."""
        return ()

    def stream(self, said: Said) -> Arriving:
        """Return the model as it answers word by word. Raises InputError if its answers need whole inputs."""
        rule, cure = "needs a tagger, which answers word by word", "Leave `stream` out: a line is an input"
        raise InputError("stream", rule, "a model that answers when it has read all of an input", cure)

    def over_time(self, examples: Examples[Any, Any]) -> Iterator[tuple[Example[Any, Any], Answer]]:
        """Yield answers to parts of each input while it is read, with the input; none by default."""
        return iter(())

    def raw_format(self) -> RawFormat | None:
        """Return the form of bare samples of the sound that it hears; None if it hears none."""
        return None

    def listen(self, rate: int) -> Listening:
        """Return the model as it answers sound that arrives, of `rate` samples a second.

        Raises InputError if its answers need whole inputs.
        """
        raise InputError("stream", "needs a model that hears sound", "another")

    def conclude(self) -> Sequence[str]:
        """Return lines for the user to print after the last answer."""
        return ()


@dataclass(frozen=True)
class ScoreTable:
    """A table: rows below a header, with text above (`title`) and below (`foot`)."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    foot: str = ""

    def _repr_html_(self) -> str:
        """Return the table, with the texts above and below, for a notebook."""
        html = table_html(self.header, [tuple(map(str, row)) for row in self.rows])
        return f"<p>{text_html(self.title)}</p>{html}<p>{text_html(self.foot)}</p>"


@dataclass(frozen=True)
class EvaluationRecord:
    """The result of an evaluation: metrics by name, tables, and notes about the data or the metrics."""

    metrics: Mapping[str, float]
    tables: tuple[ScoreTable, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class EvaluationReport:
    """The result of an evaluation: `metrics` by name, and tables.

    `notes` are lines for the user about the data or the metrics. `picture` is data for the drawing function
    of the job, or None; `picture_name` is the name of its file.
    """

    metrics: Mapping[str, float]
    tables: tuple[ScoreTable, ...] = ()
    notes: tuple[str, ...] = ()
    picture: Any = None
    picture_name: str = ""

    def _repr_html_(self) -> str:
        """Return the metrics, the tables and the notes for a notebook."""
        tables = "".join(each._repr_html_() for each in self.tables)
        return metrics_html(self.metrics) + tables + list_html(self.notes)

    @property
    def record(self) -> EvaluationRecord:
        """The record that `bptt evaluate` prints as JSON."""
        return EvaluationRecord(self.metrics, self.tables, self.notes)
