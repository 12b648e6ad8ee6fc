"""Rows that stay in their files: an index of where the records of each are, and what makes a row of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np

from bptt.data.large_text import LargeText, PlacedLine, spans
from bptt.data.long_reading import followed
from bptt.data.reading import LARGE
from bptt.data.stored_columns import ArrayRows, FewValues, Integers, View, as_numbers

T = TypeVar("T")
U = TypeVar("U")

# Cuts the lines of a text into records, each from its first line to its last.
Cut = Callable[[Iterator[PlacedLine]], Iterator[tuple[PlacedLine, PlacedLine]]]


@dataclass(frozen=True, eq=False)
class Records(View[str]):
    """The texts of records of a file, `sizes` (N,) bytes from `starts` (N,) on."""

    file: LargeText
    starts: Integers
    sizes: Integers

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[str]:
        for group in spans(map(int, self.starts), map(int, self.sizes)):
            first = group[0][0]
            data = self.file.read(first, sum(group[-1]) - first)
            for start, size in group:
                yield self.file.text(data[start - first : start - first + size])

    def take(self, numbers: Iterable[int]) -> Records:
        """Return the records of these numbers."""
        chosen = as_numbers(numbers)
        return replace(self, starts=self.starts[chosen], sizes=self.sizes[chosen])

    def _item(self, number: int) -> str:
        return self.file.text(self.file.read(int(self.starts[number]), int(self.sizes[number])))


@dataclass(frozen=True, eq=False)
class RowPlaces(View[str]):
    """The place of each row, file:line."""

    name: str
    numbers: Integers

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        return (f"{self.name}:{number}" for number in self.numbers)

    def take(self, numbers: Iterable[int]) -> RowPlaces:
        """Return the places of rows of these numbers."""
        return replace(self, numbers=self.numbers[as_numbers(numbers)])

    def _item(self, number: int) -> str:
        return f"{self.name}:{self.numbers[number]}"


class RowFacts(NamedTuple):
    """The facts about rows that are examples: numbers that are equal for equal inputs, (N,) int64, and the
    columns of few values by their names.
    """

    keys: Integers
    columns: dict[str, View[Any]]

    def take(self, numbers: Iterable[int]) -> RowFacts:
        """Return the facts about rows of these numbers."""
        chosen = as_numbers(numbers)
        columns = {name: column.take(chosen) for name, column in self.columns.items()}
        return RowFacts(self.keys[chosen], columns)


class StoredRows(View[T], Generic[T]):
    """Rows that `make` makes of the texts of their records, one of each of `records`, and of their places; or
    of rows of arrays in memory, `ArrayRows`.
    """

    def __init__(
        self,
        records: tuple[Records | ArrayRows, ...],
        places: RowPlaces,
        make: Callable[[tuple[Any, ...], str], T],
        survey: RowFacts | None = None,
    ) -> None:
        self.records, self.places, self._make, self._survey = records, places, make, survey

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> StoredRows[T]: ...

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[T]:
        rows = map(self._make, zip(*self.records, strict=True), self.places)
        return followed(rows, self.places.name, len(self))

    def take(self, numbers: Iterable[int]) -> StoredRows[T]:
        """Return the rows of these numbers."""
        chosen = as_numbers(numbers)
        records = tuple(each.take(chosen) for each in self.records)
        survey = self._survey and self._survey.take(chosen)
        return StoredRows(records, self.places.take(chosen), self._make, survey)

    def _item(self, number: int) -> T:
        return self._make(tuple(each[number] for each in self.records), self.places[number])

    def map(self, change: Callable[[T, str], U]) -> StoredRows[U]:
        """Return rows that `change` makes of these and of their places."""
        make = self._make
        return StoredRows(self.records, self.places, lambda texts, place: change(make(texts, place), place))

    def beside(self, other: StoredRows[U]) -> StoredRows[tuple[T, U]]:
        """Return pairs of rows, one of each; the places are those of these."""
        count, (ours, theirs) = len(self.records), (self._make, other._make)

        def make(texts: tuple[Any, ...], place: str) -> tuple[T, U]:
            return ours(texts[:count], place), theirs(texts[count:], place)

        return StoredRows((*self.records, *other.records), self.places, make)

    def surveyed(self, keep: Callable[[T], bool]) -> tuple[StoredRows[T], RowPlaces]:
        """Read each row once. Return those to `keep`, which are examples, with what a training asks of all
        of them; and the places of the others.
        """
        kept, keys = array("q"), array("q")
        columns = {name: FewValues() for name in ("target", "group", "part")}
        for number, row in enumerate(self):
            if keep(row):
                kept.append(number)
                keys.append(key_number(getattr(row, "input")))  # noqa: B009
                for name, column in columns.items():
                    column.add(getattr(row, name))
        chosen = np.frombuffer(kept, np.int64)
        few = {name: found for name, each in columns.items() if (found := each.column()) is not None}
        rows = self if len(chosen) == len(self) else self.take(chosen)
        left_out = np.ones(len(self), bool)
        left_out[chosen] = False
        survey = RowFacts(np.frombuffer(keys, np.int64), few)
        others = self.places.take(left_out.nonzero()[0])
        return StoredRows(rows.records, rows.places, rows._make, survey), others

    def with_targets(self, targets: ArrayRows) -> StoredRows[Any]:
        """Return the rows, which are examples, with targets that are in memory."""
        make, survey = self._make, self._survey
        assert survey is not None
        facts = survey._replace(columns={**survey.columns, "target": targets})

        def example(each: tuple[Any, ...], place: str) -> Any:
            return replace(make(each[:-1], place), target=each[-1])  # type: ignore[type-var]

        return StoredRows((*self.records, targets), self.places, example, facts)

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for the user on where the rows are, if they are in a file."""
        files = [each.file for each in self.records if isinstance(each, Records)]
        named = " and ".join(f"{file.name} ({file.size >> 20:,} MB)" for file in files)
        said = f"rows stay in the file, read for each batch, as of all over {LARGE >> 20} MB: {named}"
        return (said,) if files else ()

    @property
    def keys(self) -> Integers:
        """Numbers (N,) that are equal for equal inputs."""
        assert self._survey is not None
        return self._survey.keys

    def column(self, name: str) -> Sequence[Any]:
        """Return an attribute of each row."""
        if name == "place":
            return self.places
        if self._survey is not None and name in self._survey.columns:
            return self._survey.columns[name]
        return self.map(lambda row, _: getattr(row, name))


def index_records(file: LargeText, cut: Cut, make: Callable[[str, str], T]) -> StoredRows[T]:
    """Read a file once, and return rows that `make` makes of the text and the place of each record.

    Raises InputError with the line for bytes that are no text, and what `cut` raises.
    """
    starts, sizes, numbers = array("q"), array("I"), array("I")
    for first, last in cut(file.lines()):
        starts.append(first.start)
        sizes.append(last.start + last.size - first.start)
        numbers.append(first.number)
    where, many, lines = (np.array(each) for each in (starts, sizes, numbers))
    return StoredRows(
        (Records(file, where, many),), RowPlaces(file.name, lines), lambda texts, place: make(texts[0], place)
    )


def each_line(lines: Iterator[PlacedLine]) -> Iterator[tuple[PlacedLine, PlacedLine]]:
    """Make each line a record that is not blank."""
    return ((line, line) for line in lines if line.text.strip())


def every_line(lines: Iterator[PlacedLine]) -> Iterator[tuple[PlacedLine, PlacedLine]]:
    """Make each line a record, a blank one too."""
    return ((line, line) for line in lines)


def key_number(value: Hashable) -> int:
    """Return a number by which equal inputs are found: two of a billion others collide once in 37 times, and
    are then on one side of a split.
    """
    if not isinstance(value, bytes):
        value = (value if isinstance(value, str) else repr(value)).encode("utf-8", "surrogatepass")
    digest = blake2b(value, digest_size=8)
    return int.from_bytes(digest.digest(), "little", signed=True)
