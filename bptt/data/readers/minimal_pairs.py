"""Minimal pairs in the format of BLiMP (Warstadt et al. 2020): of two sentences, one is acceptable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bptt.data.readers.delimited import even_rows, read_delimited
from bptt.data.readers.document import Document
from bptt.data.readers.objects import is_json, read_objects
from bptt.errors import InputError

_GOOD, _DISTANCE = "sentence_good", "dependency_length"
# Of pairs whose file names no phenomenon.
NO_PARADIGM = "all"


@dataclass(frozen=True)
class Prefix:
    """Where the sentences part: after `text` one goes on with the word `good`, the other with `bad`."""

    text: str
    good: str
    bad: str


@dataclass(frozen=True)
class MinimalPair:
    """`paradigm` is the UID of the file, `NO_PARADIGM` if it has none. `distance` is its
    "dependency_length", None if it has none; BLiMP counts it otherwise in each paradigm, so it compares
    pairs of one. `prefix` is None for a pair that does not part at one word.
    """

    good: str
    bad: str
    paradigm: str
    distance: int | None
    prefix: Prefix | None
    place: str


def holds_minimal_pairs(document: Document) -> bool:
    """Return whether a text has pairs: its first JSON object, or the header of its columns, has
    "sentence_good".
    """
    if is_json(document):
        return _GOOD in next(read_objects(document), ("", {}))[1]
    rows = even_rows(document)
    return bool(rows) and _GOOD in (cell.strip() for cell in rows[0])


def read_minimal_pairs(document: Document) -> tuple[MinimalPair, ...]:
    """Read the pairs of JSON, TSV or CSV with "sentence_good", "sentence_bad", and perhaps "UID",
    "dependency_length", "one_prefix_prefix", "one_prefix_word_good", "one_prefix_word_bad".

    Raises InputError with the line if one is missing or of another kind, or both sentences are equal.
    """
    found = read_objects(document) if is_json(document) else _rows(document)
    return tuple(_pair(each, place) for place, each in found)


def _rows(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the rows of a table, empty cells left out, as objects with their places."""
    grid = read_delimited(document).with_header()
    grid.check_widths()
    for cells, place in zip(grid.rows, grid.places, strict=True):
        found: dict[str, Any] = {name: cell for name, cell in zip(grid.header, cells, strict=True) if cell}
        distance = found.get(_DISTANCE, "")
        yield place, found | ({_DISTANCE: int(distance)} if distance.isdecimal() else {})


def _pair(found: dict[str, Any], place: str) -> MinimalPair:
    good, bad = _text(found, _GOOD, place), _text(found, "sentence_bad", place)
    if good == bad:
        raise InputError(place, "the two sentences must differ", repr(good))
    distance = found.get(_DISTANCE)
    if not isinstance(distance, int | None) or isinstance(distance, bool):
        raise InputError(place, '"dependency_length" must be a whole number', repr(distance))
    prefix = None
    if "one_prefix_prefix" in found:
        keys = ("one_prefix_prefix", "one_prefix_word_good", "one_prefix_word_bad")
        prefix = Prefix(*(_text(found, key, place) for key in keys))
    paradigm = NO_PARADIGM if found.get("UID") is None else _text(found, "UID", place)
    return MinimalPair(good, bad, paradigm, distance, prefix, place)


def _text(found: dict[str, Any], key: str, place: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(place, f'"{key}" must be a text', repr(value))
    return value
