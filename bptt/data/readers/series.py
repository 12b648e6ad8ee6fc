"""Series of numbers with a class each: the `.ts` files of sktime and aeon, the TSV files of UCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bptt.data.examples import Array, Example, Examples, gather, numbered
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.data.readers.numbers import is_missing, is_number, note_missing, read_numbers
from bptt.errors import InputError

Header = dict[str, list[str]]

_ANY = Columns()
# Where test sets of sktime and aeon have no label.
_UNKNOWN = "?"


def read_ts(document: Document, columns: Columns = _ANY) -> Examples[Array, str]:
    """Read the series of a `.ts` file, (T, D) each, T as long as it is.

    Lines of # and % are comments. The lines of @ before @data say whether a class (@classLabel true a b c) or
    a number (@targetLabel true) follows the last dimension; colons separate dimensions, commas their values,
    ? is a missing one. Of series to be answered, the label may be ? too. Raises InputError with the line for
    a class that is not in the list, a series to learn from whose label is ?, another number of dimensions, or
    dimensions of unequal length.
    """
    lines = [(place, line) for place, line in document.numbered() if _is_content(line)]
    data = next((i for i, (_, line) in enumerate(lines) if line.strip().casefold() == "@data"), None)
    if data is None:
        raise InputError(document.name, "must have a line @data", "none")
    header = _header(lines[:data])
    if _is_true(header.get("timestamps", [])):
        cure = "Write the values alone, at equal distances, and @timeStamps false"
        raise InputError(document.name, "values must have no time stamps", "@timeStamps true", cure)
    rows = [_series(line, place, header, columns) for place, line in lines[data + 1 :]]
    return replace(
        _gather(document, rows, columns.labelled), quantities=_is_true(header.get("targetlabel", []))
    )


def read_ucr(document: Document) -> Examples[Array, str]:
    """Read the series of a UCR file, (T, 1) each: a line is the label and the values.

    Tabs or commas separate them or, in files of before 2015, spaces, where a label is written as
    1.0000000e+00, which is read as 1. NaN at the end fills up a shorter series and is cut off. Raises
    InputError with the line.
    """
    mark = _mark(document)
    rows = []
    for place, line in document.numbered():
        if not line.strip():
            continue
        label, *cells = line.split(mark) if mark else line.split()
        while cells and is_missing(cells[-1]):
            cells.pop()
        if not cells or not label.strip():
            rule = "must be a label and values, between tabs, commas or spaces"
            raise InputError(place, rule, repr(line[:60]))
        rows.append(Example(read_numbers(cells, place)[:, None], _class(label.strip()), place))
    return _gather(document, rows)


def _mark(document: Document) -> str:
    """Return the separator of label and values: a tab or comma, if the first line has one; "" for spaces."""
    first = next(line for line in document.lines if line.strip())
    return next((mark for mark in "\t," if mark in first.strip()), "")


def _class(label: str) -> str:
    """Return a label without the exponent that a number format has put there."""
    is_scientific = "e" in label.casefold() and is_number(label)
    if not is_scientific:
        return label
    number = float(label)
    # A target that is a number keeps all of its digits.
    return f"{number:g}" if number.is_integer() else repr(number)


def _is_content(line: str) -> bool:
    return line.lstrip()[:1] not in ("", "#", "%")


def _is_true(values: Sequence[str]) -> bool:
    return bool(values) and values[0].casefold() == "true"


def _header(lines: Sequence[tuple[str, str]]) -> Header:
    header = {}
    for place, line in lines:
        key, *values = line.split()
        if not key[1:] or key[0] != "@":
            raise InputError(
                place, "a line before @data is @KEY VALUES, or a comment of # or %", repr(line[:40])
            )
        header[key[1:].casefold()] = values
    return header


def _series(line: str, place: str, header: Header, columns: Columns) -> Example[Array, str]:
    cells = line.strip().split(":")
    label = None
    classes = header.get("classlabel", header.get("targetlabel", []))
    if _is_true(classes):
        label = _label(cells.pop().strip(), place, classes[1:], columns)
    if not cells:
        raise InputError(place, "must be values and their label, between colons", repr(line[:40]))
    wanted = header.get("dimensions", header.get("dimension", []))
    if wanted and wanted != [str(len(cells))]:
        raise InputError(place, f"must have {wanted[0]} dimensions as the header says", len(cells))
    dimensions = [read_numbers(cell.split(","), place) for cell in cells]
    lengths = sorted({len(values) for values in dimensions})
    if len(lengths) > 1:
        raise InputError(place, "all dimensions of a series have one length", lengths)
    return Example(np.stack(dimensions, axis=1), label, place)


def _label(cell: str, place: str, classes: Sequence[str], columns: Columns) -> str | None:
    """Return the label at the end of a series, one of `classes` if there are any; None if it is unknown."""
    if cell == _UNKNOWN and cell not in classes:
        if columns.labelled:
            raise InputError(place, "must have a label", _UNKNOWN, "Add it, or remove the series")
        return None
    if not cell or (classes and cell not in classes):
        raise InputError(place, f"ends in one of the labels {', '.join(classes)}", repr(cell))
    return cell


def _gather(
    document: Document, rows: Sequence[Example[Array, str]], labelled: bool = True
) -> Examples[Array, str]:
    width = rows[0].input.shape[1] if rows else 0
    other = next((row for row in rows if row.input.shape[1] != width), None)
    if other is not None:
        raise InputError(other.place, f"must have {width} dimensions as the first", other.input.shape[1])
    return gather(document.name, rows, numbered(width), note_missing(rows), labelled)
