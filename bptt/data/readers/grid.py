"""Rows of cells under columns, whatever file they come from, and what is known about the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from bptt.errors import InputError

LABELS = tuple(
    "label labels category class target sentiment intent topic y"
    " 标签 标注 类别 类型 分类 情感 意图 主题 目标 標籤 類別 類型 分類".split()
)

# How the parts of data are called, in files and folders.
_PART_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("dev", "devel", "valid", "validation", "val"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "eval"), "test"),
}
# Columns of the part of the data that an example is in, and of what a split must not cut.
_PARTS = frozenset("split part partition subset set fold".split())
_GROUPS = frozenset("group subject actor person speaker performer signer patient participant take".split())
# Columns in which a list of texts is one text, and these are its lines, as in collections of poems; and
# those of labels, of which an example may have several.
IN_LINES = frozenset(("paragraphs", "para", "content", "段落", "正文", "内容", *LABELS))
# No file has columns whose number has this many digits.
_LONG = 9
# Rows that show what the columns of a large file hold.
_HEAD = 10_000
# Values that are no text, and whose spelling in Python is none either.
_NO_CELLS = (dict, list, tuple, set, bytes, bytearray, memoryview)


def part_of(name: str) -> str:
    """Return the part of the data that a name speaks of: train, dev or test; "" if it speaks of none, or of
    two.
    """
    words = re.split(r"[\W_\d]+", name.casefold())
    found = {_PART_NAMES[word] for word in words if word in _PART_NAMES}
    return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True)
class Naming:
    """The words of the user on groups, parts and labels; None where the file shows it or has none.

    `group` and `part` are columns. `group_pattern` and `label_pattern` are regular expressions that are
    searched in the name of an example, its path below the folder that was given; the group named `group` or
    `label`, else the first group, else the whole match, is what they find.
    """

    group: str | None = None
    part: str | None = None
    group_pattern: str | None = None
    label_pattern: str | None = None


NOTHING_NAMED = Naming()


@dataclass(frozen=True)
class Columns:
    """The facts about the columns of a file that are known before it is read.

    `input` and `target` are the names that the user has given, `features` the numbers that a model was
    trained on; what is not named is looked for under the names of the training file, `learned`, and then
    under its usual names. `header` says whether the first row names the columns (None: as the rows show).
    `classes` are the labels that a model knows. Without `labelled`, examples are read to be answered: they
    need no target, and none is left out. With `several`, a target names any number of labels, also none.
    `naming` is what the user has said about the group, the part and the label of each example.
    """

    input: str | None = None
    target: str | None = None
    features: tuple[str, ...] = ()
    header: bool | None = None
    learned: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    labelled: bool = True
    several: bool = False
    naming: Naming = NOTHING_NAMED

    def are_numbered(self, width: int) -> bool:
        """Return whether the columns of the training file are numbers, all of them of a row of this width."""
        numbers = [name for name in self.learned if name]
        return (
            bool(numbers)
            and all(name.isdecimal() and len(name) < _LONG for name in numbers)
            and (max(map(int, numbers)) <= width)
        )


class Unreadable(NamedTuple):
    """The first cell of a column that is neither a text nor a number: its `place`, and `what` it holds."""

    place: str
    what: str


@dataclass(frozen=True)
class Grid:
    """Cells as text, and the place of each row. `header` is () while nobody has said that the first row
    is one. `unreadable` are the columns that hold lists, objects or bytes; `in_lines` those whose texts came
    as lists of their lines. The rows of a file too large for memory are read when they are asked for.
    """

    name: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    places: Sequence[str]
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)
    in_lines: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = Counter(name.casefold() for name in self.header if name)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise InputError(self.name, "each column has a name of its own", ", ".join(twice))
        if not self.rows:
            raise InputError(self.name, "must hold rows", "none")

    @property
    def head(self) -> Grid:
        """The rows by which columns are found: all that are in memory, else the first 10,000."""
        if isinstance(self.rows, tuple):
            return self
        return replace(self, rows=tuple(self.rows[:_HEAD]), places=tuple(self.places[:_HEAD]))

    def with_header(self) -> Grid:
        """Return the same with its first row as the header."""
        header = tuple(cell.strip() for cell in self.rows[0])
        return replace(self, header=header, rows=self.rows[1:], places=self.places[1:])

    def check_widths(self) -> None:
        """Raise InputError at the first row that is not as wide as the header, or as the first row."""
        width = len(self.header or self.rows[0])
        for row, place in zip(self.rows, self.places, strict=True):
            check_width(row, place, width)

    def find(self, wanted: str | None, usual: Sequence[str]) -> int | None:
        """Return the number of the column that the user has named, or of the first of the `usual` names.

        Capitals do not count; without a header, columns are named 1, 2, and so on. None if there is no
        usual one. Raises InputError if the wanted column is not there, or holds no texts or numbers.
        """
        names = [name.casefold() for name in self.header or map(str, range(1, len(self.rows[0]) + 1))]
        named = usual if self.header else [name for name in usual if name.isdecimal()]
        for name in (wanted,) if wanted else named:
            if name and name.casefold() in names:
                return names.index(name.casefold())
            self._check_readable(name)
        if wanted:
            columns = ", ".join(self.header) or "no header"
            cure = "" if self.header else "If the first row is one, give `header`"
            raise InputError(self.name, f"must have a column {wanted}", columns, cure)
        return None

    def group_and_part(self, columns: Columns) -> tuple[int | None, int | None]:
        """Return the columns of the group and of the part of an example, as far as the user has named some.

        Raises InputError if one is not there, unless the examples are to be answered, which need neither.
        """
        named = (columns.naming.group, columns.naming.part)
        group, part = (
            self.find(name if columns.labelled else None, (name,)) if name else None for name in named
        )
        return group, part

    def note_unnamed(self, columns: Columns) -> tuple[str, ...]:
        """Return notes on columns that look like the part and the group of the examples to learn from, and
        are not named as such: without them, a person who was learned from is in the test.
        """
        if not columns.labelled or any(columns.learned):
            return ()
        values = {
            name: [row[i].strip() for row in self.rows if row[i].strip()]
            for i, name in enumerate(self.header)
            if name.casefold() in (*_PARTS, *_GROUPS)
        }
        found = []
        for name, cells in values.items():
            count = len(set(cells))
            if (
                columns.naming.part is None
                and name.casefold() in _PARTS
                and cells
                and all(map(part_of, cells))
            ):
                said = ", ".join(f"{cell} {n:,}" for cell, n in Counter(cells).most_common())
                found.append(f'column "{name}" says {said}, and is not used: `split_column` {name} does')
            by_person = name.casefold() in _GROUPS and 2 <= count <= len(cells) / 2
            if columns.naming.group is None and columns.naming.group_pattern is None and by_person:
                held = f"`held_out_groups` {cells[0]} holds one out"
                use = f"`group_column` {name} keeps the examples of each together, {held}"
                found.append(f'column "{name}" has {count:,} values, and is not used: {use}')
        return tuple(found)

    def learned(self, columns: Columns) -> tuple[str, ...]:
        """Return the columns of the training file: their names; without a header their numbers, if all are
        here.
        """
        return columns.learned if self.header or columns.are_numbered(len(self.rows[0])) else ()

    def _check_readable(self, name: str) -> None:
        for column, (place, what) in self.unreadable.items():
            if column.casefold() == name.casefold():
                raise InputError(place, f'"{column}" must be a text or a number', what)


def check_width(row: Sequence[str], place: str, width: int) -> None:
    """Raise InputError unless a row has as many cells as the first one."""
    if len(row) != width:
        cure = "Quote cells that hold the separator, or use tabs"
        raise InputError(place, f"must have {width} columns as the first row", len(row), cure)


def cell_of(key: str, value: Any, place: str, spell: Callable[[Any], str]) -> str:
    """Return a value of a column as the cell that `grid_of` makes of it. Raises InputError for one that is
    unreadable.
    """
    if _are_in_lines(key, (value,)):
        value = _joined(value)
    if isinstance(value, _NO_CELLS):
        raise InputError(place, f'"{key}" must be a text or a number', type(value).__name__)
    return "" if value is None else spell(value)


def grid_of(
    name: str, places: Sequence[str], columns: Mapping[str, Sequence[Any]], spell: Callable[[Any], str]
) -> Grid:
    """Return columns of values as a grid of the cells that `spell` makes of them: texts, numbers, dates.

    A null is an empty cell, and a list of texts in a column of `IN_LINES` their lines; a column that holds
    another list, an object or bytes is unreadable.
    """
    in_lines = frozenset(key for key, values in columns.items() if _are_in_lines(key, values))
    columns = {key: list(map(_joined, columns[key])) if key in in_lines else columns[key] for key in columns}
    unreadable = {key: bad for key, values in columns.items() if (bad := _unreadable(places, values))}
    kept = {key: values for key, values in columns.items() if key not in unreadable}
    if unreadable and not kept:
        column, (place, what) = next(iter(unreadable.items()))
        raise InputError(place, f'"{column}" must be a text or a number', what)
    cells = [["" if value is None else spell(value) for value in values] for values in kept.values()]
    rows = tuple(zip(*cells, strict=True)) if cells else ((),) * len(places)
    return Grid(name, tuple(kept), rows, tuple(places), unreadable, in_lines)


def _are_in_lines(key: str, values: Sequence[Any]) -> bool:
    lists = [value for value in values if isinstance(value, list)]
    return key.casefold() in IN_LINES and bool(lists) and all(isinstance(x, str) for v in lists for x in v)


def _joined(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) else value


def _unreadable(places: Sequence[str], values: Sequence[Any]) -> Unreadable | None:
    for place, value in zip(places, values, strict=True):
        if isinstance(value, _NO_CELLS):
            return Unreadable(place, type(value).__name__)
    return None
