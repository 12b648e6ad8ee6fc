"""Whether the first row of a file names its columns: one rule for the detector and for every reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.numbers import is_number

Row = Sequence[str]

TEXTS = tuple(
    "text sentence review content tweet message utterance question sequence comment body document"
    " 文本 内容 评论 句子".split()
)
# Of texts; a column of a table that is called so is as often a measured number.
TEXT_LABELS = (*LABELS, *"stars rating polarity emotion language lang genre 标签 类别 情感".split())
SOURCES = ("source", "src", "input")
TARGETS = ("target", "trg", "tgt", "translation", "output")
IDS = ("id", "series", "series_id", "case", "case_id", "sample")
TIMES = ("t", "time", "step", "timestamp", "index")
# Columns that name a record, so that its answer can be joined to it.
RECORDS = ("id", "idx", "index", "key", "uid", "guid", "name")

_LANGUAGES = (
    "ar ara arabic bg cs ces czech da dan danish de deu ger german el en eng english es spa spanish et fa fi"
    " fin fr fra fre french he heb hebrew hi hin hindi hu it ita italian ja jpn japanese ko kor korean la lat"
    " latin nl nld dutch no pl pol polish pt por portuguese ro ru rus russian sv swe swedish th tr tur"
    " turkish uk ukr vi vie vietnamese zh zho chi cmn chinese mandarin 中文 汉语 英文 英语 日语 法语 德语"
).split()
_NAMES = frozenset(
    name.casefold()
    for name in (*TEXTS, *TEXT_LABELS, *SOURCES, *TARGETS, *IDS, *TIMES, *RECORDS, *_LANGUAGES)
)
# A name is short, and no sentence.
_LONGEST = 40
_SENTENCE = frozenset('.!?。！？,，;；:："')
# Number of rows below a header that show what is in a column.
_ENOUGH = 4


def with_header_of(grid: Grid, columns: Columns, usual: Sequence[str]) -> tuple[Grid, tuple[str, ...]]:
    """The grid, its first row as the header if it is one, and what to tell the user about a guess.

    `usual` are the names that the reader looks for.
    """
    if grid.header:
        return grid, ()
    reason = find_header(grid.rows, columns, usual)
    if reason is None:
        return grid, ()
    named = grid.with_header()
    if reason:
        return named, (f"header: {', '.join(named.header)} ({reason}; --no-header if it is an example)",)
    return named, ()


def find_header(rows: Sequence[Row], columns: Columns, usual: Sequence[str]) -> str | None:
    """Why the first row names the columns, "" if it is known to; None if it is an example like the others.

    It does if the user says so, or if it holds a name that the user has given, or a `usual` one that is no
    cell below it, or nothing but names of columns. Else the rows below show it: all have numbers where the
    first has none, or all labels occur several times but that of the first row, which occurs once; or its
    cells are words joined by underscores.
    """
    if columns.header is not None:
        return "" if columns.header else None
    return "" if holds_names(rows, columns, usual) else _shown(rows)


def holds_names(rows: Sequence[Row], columns: Columns, usual: Sequence[str]) -> bool:
    """Whether the first row holds a name that the user has given, or is made of names of columns."""
    first = [cell.strip(' "').casefold() for cell in rows[0]]
    given = {name.casefold() for name in (columns.input, columns.target) if name}
    if given:
        return not given.isdisjoint(first)
    usual_names = {name.casefold() for name in (*columns.learned, *usual) if name}
    found = [i for i, name in enumerate(first) if name in usual_names]
    if len(found) == 1:
        return not _occurs_below(rows, found[0])
    return bool(found) or (len(first) > 1 and set(first) <= _NAMES)


def _occurs_below(rows: Sequence[Row], column: int) -> bool:
    name = rows[0][column].strip().casefold()
    return any(column < len(row) and row[column].strip().casefold() == name for row in rows[1:])


def _shown(rows: Sequence[Row]) -> str | None:
    """What in the rows below the first says that it names them."""
    first, *below = rows
    if len(below) < _ENOUGH or any(len(row) != len(first) for row in below):
        return None
    if not all(map(_is_name, first)) or any(_occurs_below(rows, i) for i, cell in enumerate(first) if cell):
        return None
    for name, cells in zip(map(str.strip, first), zip(*below, strict=True), strict=True):
        if not is_number(name) and all(cell.strip() and is_number(cell) for cell in cells):
            return f'"{name}" is no number, and all below it are'
        counts = Counter(cell.strip() for cell in cells)
        if len(counts) > 1 and min(counts.values()) > 1:
            return f'"{name}" occurs once, and all below it occur several times'
    joined = all(map(str.isidentifier, map(str.strip, first))) and any("_" in cell for cell in first)
    return "its cells are words joined by underscores" if joined else None


def _is_name(cell: str) -> bool:
    return len(cell.strip()) <= _LONGEST and not _SENTENCE & set(cell.strip(' "'))
