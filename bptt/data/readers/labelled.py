"""Texts with a class each: TSV, CSV, JSON lines, fastText; and plain lines, to be given one."""

from __future__ import annotations

import re

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.readers.document import Document
from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.errors import InputError

TEXTS = tuple("text sentence review content tweet message utterance question sequence".split())

_FASTTEXT = re.compile(r"__label__(\S+)\s*(.*)")


def read_lines(document: Document) -> Examples[str, str]:
    """Every line, also an empty one, is an input without a label: one answer a line."""
    rows: list[Example[str, str]] = [Example(line, None, place) for place, line in document.numbered()]
    return gather(document.name, rows)


def read_fasttext(document: Document) -> Examples[str, str]:
    """Lines of `__label__CLASS text`. Raises InputError with the line if there is none, or a second."""
    rows, empty = [], []
    for place, line in document.numbered():
        if not line.strip():
            continue
        match = _FASTTEXT.match(line.strip())
        if match is None or match[2].startswith("__label__"):
            raise InputError(place, "must begin with one __label__CLASS", repr(line[:40]))
        if match[2]:
            rows.append(Example(match[2], match[1], place))
        else:
            empty.append(place)
    return gather(document.name, rows, notes=note_left_out(empty, "hold no text"))


def read_labelled(grid: Grid, columns: Columns) -> Examples[str, str]:
    """The texts and labels of a grid.

    The first row is a header if one of its cells is a name of `columns`, or a usual name of a text or a
    label (`TEXTS`, `LABELS`). Under a header, the text is the column of such a name, or the only one
    beside the label; without a label, the targets are None. Without a header there are two columns,
    and the one with fewer different cells is the label (the second, if there are as many). Examples
    with no text are left out and counted. Raises InputError naming the line or the missing column.
    """
    chosen = [name for name in (columns.input, columns.target) if name]
    grid = grid.with_header_of(chosen or (*TEXTS, *LABELS))
    grid.check_widths()
    text, label, notes = _columns_of(grid, columns)
    rows, empty = [], []
    for cells, place in zip(grid.rows, grid.places, strict=True):
        target = None if label is None else cells[label].strip()
        if target == "":
            raise InputError(place, "must have a label", "an empty cell", "Add it, or remove the row")
        if cells[text].strip():
            rows.append(Example(cells[text], target, place))
        else:
            empty.append(place)
    return gather(grid.name, rows, notes=(*notes, *note_left_out(empty, "hold no text")))


def _columns_of(grid: Grid, columns: Columns) -> tuple[int, int | None, tuple[str, ...]]:
    """The column of the text, that of the label, and what to say about them."""
    if not grid.header:
        if columns.input or columns.target:
            grid.find(columns.input or columns.target, ())
        return _columns_by_cells(grid)
    label = grid.find(columns.target, LABELS)
    text = grid.find(columns.input, TEXTS)
    others = [i for i in range(len(grid.header)) if i != label]
    if len(others) == 1 and text is None:
        text = others[0]
    if text is None or text == label:
        cure = f"Name it, or call it {TEXTS[0]}"
        raise InputError(grid.name, "must say which column is the text", ", ".join(grid.header), cure)
    said = "none" if label is None else f'"{grid.header[label]}"'
    return text, label, (f'columns: text "{grid.header[text]}", label {said}',)


def _columns_by_cells(grid: Grid) -> tuple[int, int, tuple[str, ...]]:
    width = len(grid.rows[0])
    if width != 2:
        cure = "Add a header with the columns text and label"
        raise InputError(grid.places[0], "a file without a header has two columns", width, cure)
    first, second = (len({row[i].strip() for row in grid.rows}) for i in (0, 1))
    label = 0 if first < second else 1
    counts = f"{min(first, second):,} different cells against {max(first, second):,}"
    return 1 - label, label, (f"no header: column {label + 1} is the label ({counts})",)
