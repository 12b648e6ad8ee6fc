"""JSON: objects, one a line or in one list, as rows of cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bptt.data.json_text import parse_json
from bptt.data.readers.grid import Grid, cell_of, grid_of
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.document import Document

# How an object begins, also a broken one, and one over several lines; a text may begin with a brace too.
_OBJECT = re.compile(r'\{\s*("(?:[^"\\\n]|\\.)*"\s*:|\}\s*$|$)', re.MULTILINE)
_LIST_OF_OBJECTS = re.compile(r"\[\s*\{")

# Cells of a table that do no harm; beyond them, how many of them one has to be given.
_HARMLESS, _SPARSE = 10_000_000, 50
_RULE = "must be one JSON object a line"


def is_json(document: Document) -> bool:
    """Return whether a text is JSON: it begins as an object or a list of objects, or it is another list."""
    text = document.text.lstrip()
    if text.startswith("{"):
        return bool(_OBJECT.match(text)) and not _goes_on(text.split("\n", 1)[0])
    return text.startswith("[") and bool(_LIST_OF_OBJECTS.match(text) or _are_lists(document))


def read_objects(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of JSON lines, or of one list, each with its place. Raises InputError naming the
    place.
    """
    if (entries := _whole(document)) is not None:
        found = ((f"{document.name}: entry {n}", entry) for n, entry in enumerate(entries, 1))
        rule = "must be a list of JSON objects"
    else:
        lines = ((place, line) for place, line in document.numbered() if line.strip())
        found, rule = ((place, _parse(line, place)) for place, line in lines), _RULE
    for place, entry in found:
        yield place, _as_object(entry, place, rule)


def object_of(line: str, place: str) -> dict[str, Any]:
    """Return the object that a line is. Raises InputError if it is none."""
    return _as_object(_parse(line, place), place, _RULE)


def cells_of(found: Mapping[str, Any], header: Sequence[str], place: str) -> tuple[str, ...]:
    """Return an object as a row under these columns. Raises InputError for a list or an object in one."""
    return tuple(cell_of(name, found.get(name), place, _cell) for name in header)


def _as_object(entry: Any, place: str, rule: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InputError(place, rule, json.dumps(entry, ensure_ascii=False)[:40])
    return entry


def texts_in(document: Document) -> Sequence[str] | Sequence[Sequence[str]] | None:
    """Return the entries of a list of texts, or of lists of texts; None if the text is another JSON."""
    if not document.text.lstrip().startswith("["):
        return None
    found = _whole(document)
    groups = [] if not found else [[each] if isinstance(each, str) else each for each in found]
    of_texts = all(isinstance(group, list) and all(isinstance(x, str) for x in group) for group in groups)
    return found if groups and of_texts and len(set(map(type, found or ()))) == 1 else None


def read_json(document: Document) -> Grid:
    """Return the objects of JSON lines, or of a list, as rows; the columns are the keys of all, as they come.

    Texts, numbers, true and false are cells; what is null or missing is an empty one. Columns with lists
    or objects are unreadable.
    """
    pairs = list(read_objects(document))
    if not pairs:
        raise InputError(document.name, "must hold JSON objects", "none")
    keys = dict.fromkeys(key for _, found in pairs for key in found)
    cells, given = len(keys) * len(pairs), sum(len(found) for _, found in pairs)
    if cells > max(_HARMLESS, _SPARSE * given):
        came = f"{len(keys):,} keys in {len(pairs):,} objects"
        raise InputError(document.name, "must have the same keys in each object", came)
    columns = {key: [found.get(key) for _, found in pairs] for key in keys}
    return grid_of(document.name, [place for place, _ in pairs], columns, _cell)


def _parse(line: str, place: str) -> Any:
    if line.strip() == "{":
        cure = "Write each object on a line of its own, or all into one list"
        raise InputError(place, _RULE, "an object over several lines", cure)
    return parse_json(line, place, _RULE)


def _whole(document: Document) -> list[Any] | None:
    """Return the entries of a text that is one list, or the one object that it is over several lines; None
    for one on each line. Raises InputError if a list of objects is broken.
    """
    text = document.text.strip()
    if text.startswith("{"):
        return _one_object(text)
    try:
        found = parse_json(document.text, document.name, "must be a list of JSON objects")
    except InputError:
        if not _LIST_OF_OBJECTS.match(text):
            return None
        raise
    assert isinstance(found, list)
    return found


def _one_object(text: str) -> list[Any] | None:
    try:
        return [parse_json(text, "", _RULE)] if text.split("\n", 1)[0].rstrip() == "{" else None
    except InputError:
        return None


def _are_lists(document: Document) -> bool:
    """Return whether a text is a list, or lists of several entries, one a line."""
    try:
        return isinstance(json.loads(document.text), list)
    except (ValueError, RecursionError):
        pass
    try:
        found = [json.loads(line) for line in document.lines[:9] if line.strip()]
    except (ValueError, RecursionError):
        return False
    return all(isinstance(each, list) and len(each) > 1 for each in found)


def _goes_on(line: str) -> bool:
    """Return whether something other than white space follows a whole object on its line."""
    try:
        _, end = json.JSONDecoder().raw_decode(line)
    except (ValueError, RecursionError):
        return False
    return bool(line[end:].strip())


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
