"""Answers and evaluations as plain records, whatever the job: data for a program, lines for a person."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from bptt.data.examples import Example, Examples
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source

# The cells of a line; or text that is printed as it is, of one line or several.
Line = tuple[str, ...] | str


@dataclass(frozen=True)
class Answer:
    """The answer of a model to one input. The fields that are not None are its data."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, those without a value left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Answer):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


class Asking(ABC):
    """A trained model that is asked about one source, or about several that arrive one after the other.

    With `needs_all` nothing is answered before all inputs are there. `header` names the columns of lines.
    `picture` is data of the first answer for the function of the job that draws, None for none.
    """

    needs_all: bool = False
    header: Line | None = None
    picture: Any = None

    @property
    def notes(self) -> Sequence[str]:
        """Lines for the user on how answers are found."""
        return ()

    @abstractmethod
    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether a source that begins with this line is lines, an input each."""

    @abstractmethod
    def read(self, source: Source, said: Said) -> Examples[Any, Any]:
        """Return the inputs of a source, none left out. Raises InputError naming file and line."""

    @abstractmethod
    def answer(self, examples: Examples[Any, Any]) -> Iterator[Answer]:
        """Yield an answer for each input, in order."""

    @abstractmethod
    def lines(self, answer: Any, example: Example[Any, Any], number: int) -> list[Line]:
        """Return an answer for a person; `example` is the input, whose `number` counts from 1."""

    def conclude(self) -> Sequence[str]:
        """Return lines for the user after the last answer."""
        return ()


@dataclass(frozen=True)
class ScoreTable:
    """Rows below a header, with a line or more above and below."""

    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    title: str = ""
    foot: str = ""


@dataclass(frozen=True)
class EvaluationReport:
    """How well a model does: `metrics` by name, and tables.

    `notes` are lines for the user about the data or the measure. `picture` is data for the function of the
    job that draws it, None for none; `picture_name` is the name of its file.
    """

    metrics: Mapping[str, float]
    tables: tuple[ScoreTable, ...] = ()
    notes: tuple[str, ...] = ()
    picture: Any = None
    picture_name: str = ""
