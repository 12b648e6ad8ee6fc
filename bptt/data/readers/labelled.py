"""Texts with a class each: TSV, CSV, JSON lines, fastText; and plain lines, to be given one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bptt.data.examples import Example, Examples, gather, kept, mapped, note_empty, note_left_out
from bptt.data.readers.grid import Columns, Grid, check_width
from bptt.data.readers.headers import TEXT_LABELS, TEXTS, with_header_of
from bptt.data.readers.lines import read_lines as read_lines
from bptt.data.readers.records import RECORDS, record_column
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.document import Document

_ANY = Columns()
_FASTTEXT = re.compile(r"__label__(\S+)\s*(.*)")
# Where the labels may be that no column is called after.
_UNNAMED = "Name their column (`target_column`), of {columns}; or call it label"


def read_fasttext(document: Document, columns: Columns = _ANY) -> Examples[str, str]:
    """Read lines of `__label__CLASS text`. Raises InputError with the line if there is none, or a second;
    where no label is needed, a line without one is a text.
    """
    rows: list[Example[str, str]] = []
    for place, line in document.numbered():
        match = _FASTTEXT.match(line.strip())
        if match and not match[2].startswith("__label__"):
            rows.append(Example(match[2], match[1], place))
        elif match or (line.strip() and columns.labelled):
            raise InputError(place, "must begin with one __label__CLASS", repr(line[:40]))
        elif not columns.labelled:
            rows.append(Example(line, None, place))
    return _of_texts(document.name, rows, columns)


def _of_texts(
    where: str, rows: Sequence[Example[str, str]], columns: Columns, *notes: str
) -> Examples[str, str]:
    """Return texts to learn from that are not empty; of texts to be answered all, their labels if each has
    one.
    """
    full, empty = kept(rows, lambda row: bool(row.input.strip()))
    if columns.labelled:
        return gather(where, full, notes=(*notes, *note_left_out(empty, "hold no text")))
    return gather(where, rows, notes=(*notes, *note_empty(empty)), labelled=False)


def read_labelled(grid: Grid, columns: Columns) -> Examples[str, str]:
    """Return the texts and labels of a grid, the first row being its header if `find_header` says so.

    Under a header, the text is the column that the user has named, or one of a usual name (`TEXTS`), or the
    only one beside the label; without a label, the targets are None. Else there are two columns, and the
    label is the one whose cells are all labels that are known, or the one with fewer different cells (the
    second, if there are as many). A record is named by its column of a usual name (`RECORDS`). Examples to
    learn from that have no text are left out and counted; others are kept. Raises InputError naming the
    line or the missing column.
    """
    grid, said = with_header_of(grid, columns, (*TEXTS, *TEXT_LABELS))
    head = grid.head
    head.check_widths()
    text, label, notes = _columns_of(head, columns)
    name = record_column(head)
    name = None if name in (text, label) else name
    others = (name, *grid.group_and_part(columns))
    width, needs_label = len(head.header or head.rows[0]), columns.labelled and not columns.several

    def example(cells: Sequence[str], place: str) -> Example[str, str]:
        check_width(cells, place, width)
        target = None if label is None else cells[label].strip()
        if target == "" and needs_label:
            raise InputError(place, "must have a label", "an empty cell", "Add it, or remove the row")
        more = ("" if column is None else cells[column].strip() for column in others)
        return Example(cells[text], target if columns.several else target or None, place, *more)

    rows = mapped(grid.rows, grid.places, example)
    found = _of_texts(grid.name, rows, columns, *said, *notes, *head.note_unnamed(columns))
    unlabelled = _UNNAMED.format(columns=", ".join(grid.header)) if label is None else ""
    return replace(found, found=_names(grid, text, label), unlabelled=unlabelled)


def _names(grid: Grid, text: int, label: int | None) -> tuple[str, ...]:
    """Return the names of the columns that were read."""
    return tuple(grid.header[i] for i in (text, label) if i is not None) if grid.header else ()


def _columns_of(grid: Grid, columns: Columns) -> tuple[int, int | None, tuple[str, ...]]:
    """Return the column of the text, that of the label, and notes about them."""
    learned = grid.learned(columns)
    label = grid.find(columns.target, (*learned[1:], *TEXT_LABELS))
    text = grid.find(columns.input, (*learned[:1], *TEXTS))
    if not grid.header:
        return _columns_by_cells(grid, columns, text, label)
    width, record = len(grid.header), grid.find(None, RECORDS)
    if text is None and label is None and width == 2:
        if record is None:
            return _columns_by_cells(grid, columns, None, None)
        text = 1 - record
    others = [i for i in range(width) if i not in (text, label, record, *grid.group_and_part(columns))]
    if text is None and len(others) == 1:
        text = others[0]
    elif label is None and len(others) == 1 and _repeats(grid, others[0]):
        label = others[0]
    if text is None or text == label:
        raise _unsaid(grid, "text")
    return text, label, (_said(grid, text, label),)


def _unsaid(grid: Grid, what: str) -> InputError:
    """Return the error that nothing says which column is the text, or the label."""
    came = ", ".join(grid.header) or f"{len(grid.rows[0])} columns without a header"
    usual = TEXTS[0] if what == "text" else TEXT_LABELS[0]
    option = "input_column" if what == "text" else "target_column"
    cure = f"Name it (`{option}`), or call it {usual}"
    if not grid.header:
        cure = f"Give its number (`{option}` {len(grid.rows[0])})"
    return InputError(grid.name, f"must say which column is the {what}", came, cure)


def _said(grid: Grid, text: int, label: int | None) -> str:
    said = "none" if label is None else f'"{grid.header[label]}"'
    return f'columns: text "{grid.header[text]}", label {said}'


def _repeats(grid: Grid, column: int) -> bool:
    """Return whether the cells of a column may be labels: each occurs twice on average."""
    return 2 * len({row[column].strip() for row in grid.rows}) <= len(grid.rows)


def _columns_by_cells(
    grid: Grid, columns: Columns, text: int | None, label: int | None
) -> tuple[int, int | None, tuple[str, ...]]:
    """Return the columns of a file whose names say nothing; `text` and `label` are those that the user has
    named.
    """
    if text is not None and text != label and (label is not None or _may_lack(grid, columns)):
        return text, label, ()
    if len(grid.rows[0]) != 2:
        if text is not None or label is not None:
            raise _unsaid(grid, "text" if text is None else "label")
        cure = "Add a header with the columns text and label, or give their numbers"
        came, options = len(grid.rows[0]), "(`input_column` 1 `target_column` 2)"
        raise InputError(grid.places[0], "a file without a header has two columns", came, f"{cure} {options}")
    if label is None:
        label, why = _label_by_cells(grid, columns) if text is None else (1 - text, "the other is the text")
    else:
        why = "as it was named"
    named = f'"{grid.header[label]}"' if grid.header else f"no header: column {label + 1}"
    return 1 - label, label, (f"{named} is the label ({why})",)


def _may_lack(grid: Grid, columns: Columns) -> bool:
    """Return whether texts are only to be answered, and it is open which of other columns would be their
    label.
    """
    return not columns.labelled and len(grid.rows[0]) > 2


def _label_by_cells(grid: Grid, columns: Columns) -> tuple[int, str]:
    first, second = ({row[i].strip() for row in grid.rows} for i in (0, 1))
    known = [i for i, cells in enumerate((first, second)) if cells <= set(columns.classes)]
    if len(known) == 1:
        return known[0], "its cells are labels that are known"
    if not columns.labelled:
        raise _unsaid(grid, "text")
    fewer, more = sorted((len(first), len(second)))
    return int(len(first) >= len(second)), f"{fewer:,} different cells against {more:,}"
