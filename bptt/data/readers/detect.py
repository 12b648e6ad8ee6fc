"""Which form a user's examples have, told from their file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bptt.data.nucleotides import LETTERS
from bptt.data.readers.conll_layout import holds_entities
from bptt.data.readers.delimited import delimiter, even_rows
from bptt.data.readers.dna import FASTA, FASTQ
from bptt.data.readers.document import Document
from bptt.data.readers.folder_form import folder_form
from bptt.data.readers.forms import FORMS, Kind, Source, document_of, is_typed, read_grid
from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.headers import (
    IDS,
    SOURCES,
    TARGETS,
    TEXT_LABELS,
    TEXTS,
    TIMES,
    find_header,
    holds_names,
)
from bptt.data.readers.label_place import label_leads, may_be_table
from bptt.data.readers.numbers import is_number
from bptt.data.readers.objects import is_json
from bptt.data.readers.row_names import find_row_names
from bptt.data.readers.tables import is_long
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET, ZIP, markup_of, signature_of
from bptt.errors import InputError

# A form that a text shows, where, and in words.
_SIGNS = (
    ("ts", re.compile(r"(?im)^@data[ \t]*$"), "it has a line @data"),
    ("fasta", FASTA, "its first line begins with >"),
    ("fastq", FASTQ, "its first record is @, letters, +"),
    ("fasttext", re.compile(r"\A\s*__label__\S"), "its first line begins with __label__"),
)
# Ten letters: fewer may be a word.
_UCI = re.compile(rf"(?i)[^,]+,[^,]+,\s*[{LETTERS}]{{10,}}\s*")
_FORMATS = "Convert it to TSV, CSV or JSON lines; for its lines as they are, give --input lines"
_NAMES = (*TEXTS, *TEXT_LABELS, *SOURCES, *TARGETS, *IDS, *TIMES)


@dataclass(frozen=True)
class Detected:
    """The name of a form in `FORMS`, and what in the file says so."""

    form: str
    reason: str

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind


_LINES = Detected("lines", "its first line has no separator of columns")


def detect(source: Source, columns: Columns, labelled: bool = True) -> Detected:
    """The form of the examples of a file, a folder or a text, from what is in it.

    `columns` are those that the user has named. Without `labelled`, for examples to be given a label,
    a text without a header is lines, though they may hold commas. Raises InputError if the source is
    missing or cannot be read as what it seems to be.
    """
    if isinstance(source, Path):
        if source.is_dir():
            return Detected(*folder_form(source, _of_file))
        data = read_bytes(source)
        if data.startswith(ZIP) and signature_of(data) is None:
            return Detected("npz", "it is a zip file, as numpy.savez writes it")
        if data.startswith(PARQUET):
            return _of_header(read_grid(source), columns)
    document = document_of(source)
    markup = None if is_typed(source) else markup_of(document.text)
    if markup is not None:
        raise InputError(document.name, "must be in a form that is read here", markup, _FORMATS)
    for form, sign, reason in _SIGNS:
        if sign.search(document.text):
            return Detected(form, reason)
    if all(_UCI.fullmatch(line) for line in document.lines if line.strip()):
        return Detected("uci", "its lines are CLASS, NAME, SEQUENCE")
    if is_json(document):
        return _of_header(read_grid(document), columns)
    return _of_columns(document, columns, labelled)


def _of_file(path: Path) -> tuple[str, str]:
    """The form of a file in a folder; a text may begin with a word that is a name of columns."""
    found = detect(path, Columns(header=False), labelled=False)
    rows = even_rows(document_of(path)) if found.form == "lines" else ()
    if len(rows) > 1 and find_header(rows, Columns(), _NAMES) is not None:
        return "columns", f"its first line is a header: {', '.join(rows[0])}"
    return found.form, found.reason


def _of_header(grid: Grid, columns: Columns) -> Detected:
    """The form of a file that names its columns."""
    return _by_names(grid.header, columns) or _by_numbers(
        [grid.header, *grid.rows], Detected("columns", f"it has the columns {', '.join(grid.header)}")
    )


def _of_columns(document: Document, columns: Columns, labelled: bool) -> Detected:
    mark = delimiter(document)
    if not mark:
        return _by_spaces(document) if labelled else _of_one_column(document, columns)
    cut = [line.split(mark) for line in document.lines if line.strip()]
    rows = even_rows(document) or cut
    header = [cell.strip(' "') for cell in rows[0]]
    why = find_header(rows, columns, _NAMES)
    found = None if why is None else _by_names(header, columns)
    if found:
        return found
    if mark == "\t" and _is_ucr(rows):
        return Detected("ucr", "its lines are a label and numbers, between tabs")
    text = Detected("lines", "its first line is no header")
    if why is not None:
        text = Detected("columns", f"its first line is a header: {', '.join(header)}")
    elif labelled and holds_entities(document):
        rule, cure = "must be examples with a label each", "Learn them by `bptt train tag`"
        raise InputError(document.name, rule, "words with the tags of entities", cure)
    elif labelled and all(len(row) > 1 for row in rows):
        text = Detected(
            "columns", "each of its lines has a tab" if mark == "\t" else f"each of its lines has a {mark}"
        )
    return _by_numbers(rows, text)


def _of_one_column(document: Document, columns: Columns) -> Detected:
    """Lines; or texts to be answered, below the name of their column."""
    rows = [(line,) for line in document.lines if line.strip()]
    named = holds_names(rows, columns, TEXTS) if columns.header is None else columns.header
    if len(rows) > 1 and named:
        return Detected("columns", f"its first line is a header: {rows[0][0]}")
    return _LINES


def _by_names(header: Sequence[str], columns: Columns) -> Detected | None:
    names = [name.casefold() for name in header]
    known = (columns.input or "", *columns.learned[:1], *TEXTS)
    text = next((name for name in known if name.casefold() in names), None)
    if text:
        return Detected("columns", f"it has a column {text}")
    if is_long(header):
        return Detected("long", f"it has columns of an id and a time: {', '.join(header)}")
    return None


def _by_numbers(rows: Sequence[Sequence[str]], otherwise: Detected) -> Detected:
    """A table if all but the label, and the names of the rows, are numbers in each row below the first."""
    names = [cell.strip(' "') for cell in rows[0]]
    if any(len(row) != len(names) for row in rows[1:]):
        return otherwise
    small = [name.casefold() for name in names]
    label = next((small.index(name) for name in LABELS if name in small), None)
    body = rows[1:] or rows
    ids = _row_names(names, rows, body, label)
    if ids is not None:
        body = [(*row[:ids], *row[ids + 1 :]) for row in body]
        label = None if label is None else label - (ids < label)
    if may_be_table(body, label):
        return Detected("table", f"all of its {len(names)} columns but the label are numbers")
    return otherwise


def _row_names(
    names: Sequence[str], rows: Sequence[Sequence[str]], body: Sequence[Sequence[str]], label: int | None
) -> int | None:
    """The column that names the rows, below a header or without one; None of two columns."""
    if len(names) < 3:
        return None
    found = find_row_names(names, body, {label})
    return find_row_names((), rows, {label}) if found is None else found


def _is_ucr(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows are a label and numbers, and not numbers and a label behind them."""
    if not all(len(row) > 2 and _are_numbers(row[1:]) for row in rows):
        return False
    return not _are_numbers([row[0] for row in rows]) or label_leads(rows) is not False


def _by_spaces(document: Document) -> Detected:
    """UCR's series of before 2015, in which spaces stand between numbers; else lines of text."""
    rows = [line.split() for line in document.lines if line.strip()]
    if all(len(row) > 2 and _are_numbers(row) for row in rows) and label_leads(rows):
        return Detected("ucr", "its lines are a label and numbers, between spaces")
    return _LINES


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(is_number(cell) for cell in cells)
