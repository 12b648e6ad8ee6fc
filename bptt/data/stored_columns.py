"""Columns of rows that stay in their file: what is few enough of them to be in memory, as numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import eq
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Integers = npt.NDArray[Any]

# A column with more values than this is read when it is asked for: these are no labels.
_MOST_VALUES = 2**16 - 1
# More values than a byte distinguishes.
_BYTE = 2**8


class View(Sequence[T], ABC, Generic[T]):
    """A sequence whose items are made when they are asked for."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self._item(range(len(self))[index])

    @abstractmethod
    def take(self, numbers: Iterable[int]) -> View[T]:
        """Return the items of these numbers."""

    @abstractmethod
    def _item(self, number: int) -> T:
        """Return one item."""


@dataclass(frozen=True, eq=False)
class Coded(View[T]):
    """A column of few different `values`, each row's by its number in `codes` (N,)."""

    values: tuple[T, ...]
    codes: Integers

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[T]:
        return map(self.values.__getitem__, self.codes)

    def take(self, numbers: Iterable[int]) -> Coded[T]:
        """Return the values of rows of these numbers."""
        return replace(self, codes=self.codes[as_numbers(numbers)])

    def _item(self, number: int) -> T:
        return self.values[int(self.codes[number])]


@dataclass(frozen=True, eq=False)
class CodedSequences(View[tuple[T, ...]]):
    """A column of sequences of few different `values`, whose numbers are in `codes`: of each row `sizes` (N,)
    from `starts` (N,) on.
    """

    values: tuple[T, ...]
    codes: Integers
    starts: Integers
    sizes: Integers

    @classmethod
    def of(cls, sequences: Iterable[Sequence[T]]) -> CodedSequences[T]:
        """Return these sequences, whose values are numbered as they occur."""
        numbers, codes, sizes = dict[T, int](), array("I"), array("I")
        for sequence in sequences:
            sizes.append(len(sequence))
            codes.extend(numbers.setdefault(value, len(numbers)) for value in sequence)
        return cls.joined(tuple(numbers), np.array(codes, np.min_scalar_type(len(numbers))), np.array(sizes))

    @classmethod
    def joined(cls, values: tuple[T, ...], codes: Integers, sizes: Integers) -> CodedSequences[T]:
        """Return the sequences that follow each other in `codes`."""
        return cls(values, codes, np.cumsum(sizes, dtype=np.int64) - sizes, sizes)

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __iter__(self) -> Iterator[tuple[T, ...]]:
        return map(self._item, range(len(self)))

    def take(self, numbers: Iterable[int]) -> CodedSequences[T]:
        """Return the sequences of rows of these numbers."""
        chosen = as_numbers(numbers)
        return replace(self, starts=self.starts[chosen], sizes=self.sizes[chosen])

    def _item(self, number: int) -> tuple[T, ...]:
        start, size = self.starts[number], self.sizes[number]
        return tuple(map(self.values.__getitem__, self.codes[start : start + size].tolist()))


@dataclass(frozen=True, eq=False)
class ArrayRows(View[Any]):
    """The rows of an array in memory, (N, ...) `values`."""

    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def take(self, numbers: Iterable[int]) -> ArrayRows:
        """Return the rows of these numbers."""
        return ArrayRows(self.values[as_numbers(numbers)])

    def _item(self, number: int) -> Any:
        return self.values[number]


class FewValues:
    """Numbers the values of a column until there are too many; of a column of tuples, the values in these."""

    def __init__(self) -> None:
        self._codes, self._numbers = array("B"), dict[Hashable, int]()
        self._sizes: array[int] | None = None

    def add(self, value: Hashable) -> None:
        """Add the value of a further row."""
        if isinstance(value, tuple):
            self._sizes = array("I") if self._sizes is None else self._sizes
            self._sizes.append(len(value))
            for each in value:
                self._add(each)
        else:
            self._add(value)

    def _add(self, value: Hashable) -> None:
        if len(self._numbers) <= _MOST_VALUES:
            number = self._numbers.setdefault(value, len(self._numbers))
            if number == _BYTE and self._codes.typecode == "B":
                self._codes = array("H", self._codes)
            self._codes.append(min(number, _MOST_VALUES))

    def column(self) -> View[Any] | None:
        """Return the column; None if it has too many values."""
        if len(self._numbers) > _MOST_VALUES:
            return None
        values, codes = tuple(self._numbers), np.array(self._codes)
        if self._sizes is None:
            return Coded(values, codes)
        return CodedSequences.joined(values, codes, np.array(self._sizes))


def as_numbers(numbers: Iterable[int]) -> Integers:
    """Return the numbers of rows as an array."""
    return numbers if isinstance(numbers, np.ndarray) else np.fromiter(numbers, np.int64)
