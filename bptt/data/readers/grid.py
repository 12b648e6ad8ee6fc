"""Rows of cells under columns: CSV, TSV and JSON lines, brought into one form."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bptt.data.json_text import parse_json
from bptt.data.readers.document import Document
from bptt.errors import InputError

LABELS = ("label", "labels", "category", "class", "target", "sentiment", "intent", "topic", "y")


@dataclass(frozen=True)
class Columns:
    """The columns that a user names: of the input, of the target, and of the numbers that a model was
    trained on. What is not named is looked for under its usual names.
    """

    input: str | None = None
    target: str | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Cells as text, and the place of each row. `header` is () while nobody has said that the first row
    is one.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [name.casefold() for name in self.header]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(self.name, "each column has a name of its own", ", ".join(twice))
        if not self.rows:
            raise InputError(self.name, "must hold rows", "none")

    def with_header(self) -> Grid:
        """The same with its first row as the header."""
        header = tuple(cell.strip() for cell in self.rows[0])
        return replace(self, header=header, rows=self.rows[1:], places=self.places[1:])

    def with_header_of(self, names: Sequence[str]) -> Grid:
        """The same; if it has no header yet, and its first row holds one of `names`, that is the header."""
        known = {name.casefold() for name in names}
        is_header = not self.header and any(cell.strip().casefold() in known for cell in self.rows[0])
        return self.with_header() if is_header else self

    def check_widths(self) -> None:
        """Raise InputError at the first row that is not as wide as the header, or as the first row."""
        width = len(self.header or self.rows[0])
        for row, place in zip(self.rows, self.places, strict=True):
            if len(row) != width:
                cure = "Quote cells that hold the separator, or use tabs"
                raise InputError(place, f"must have {width} columns as the first row", len(row), cure)

    def find(self, wanted: str | None, usual: Sequence[str]) -> int | None:
        """The number of the column that the user has named, or of the first of the `usual` names.

        Capitals do not count. None if there is no usual one. Raises InputError if the wanted one is
        not there.
        """
        names = [name.casefold() for name in self.header]
        for name in (wanted,) if wanted else usual:
            if name.casefold() in names:
                return names.index(name.casefold())
        if wanted:
            columns = ", ".join(self.header) or "no header"
            raise InputError(self.name, f"must have a column {wanted}", columns)
        return None


def delimiter(document: Document) -> str:
    """The separator of columns: a tab if the first line has one, else a comma, else a semicolon; "" if
    the first line has none of them.
    """
    first = next(line for line in document.lines if line.strip())
    return next((mark for mark in "\t,;" if mark in first), "")


def read_delimited(document: Document) -> Grid:
    """The rows of a TSV or CSV file without blank lines, the header still among them.

    Between tabs, quotes are characters like any other; with commas and semicolons they are those of
    RFC 4180. Raises InputError with the line if they are not.
    """
    mark = delimiter(document)
    found = list(_tabs(document) if mark == "\t" else _quoted(document, mark or ","))
    return Grid(document.name, (), tuple(row for row, _ in found), tuple(place for _, place in found))


def _tabs(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    for place, line in document.numbered():
        if line.strip():
            yield tuple(line.split("\t")), place


def _quoted(document: Document, mark: str) -> Iterator[tuple[tuple[str, ...], str]]:
    reader = csv.reader(io.StringIO(document.text), delimiter=mark, strict=True)
    while True:
        place = f"{document.name}:{reader.line_num + 1}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            cure = "Double the quotes inside a quoted cell, or give a TSV or JSON lines"
            raise InputError(place, "must be CSV as in RFC 4180", error, cure) from error
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield tuple(row), place


def read_objects(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of JSON lines, each with its place. Raises InputError with the line."""
    for place, line in document.numbered():
        if not line.strip():
            continue
        found = parse_json(line, place, "must be one JSON object a line")
        if not isinstance(found, dict):
            raise InputError(place, "must be one JSON object a line", line[:40])
        yield place, found


def read_json_lines(document: Document) -> Grid:
    """The objects of JSON lines as rows; the columns are the keys of the first one that hold a text, a
    number, true, false or null. What is null or not there is an empty cell.
    """
    places, objects = zip(*read_objects(document), strict=True)
    header = tuple(key for key, value in objects[0].items() if not isinstance(value, dict | list))
    rows = tuple(
        tuple(_cell(found.get(key), key, place) for key in header)
        for place, found in zip(places, objects, strict=True)
    )
    return Grid(document.name, header, rows, places)


def _cell(value: object, key: str, place: str) -> str:
    if isinstance(value, dict | list):
        raise InputError(place, f'"{key}" must be a text or a number', type(value).__name__)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
