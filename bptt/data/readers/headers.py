"""Whether the first row of a file names its columns: one rule for the detector and for every reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.languages import language_in, script_of
from bptt.data.readers.numbers import is_number
from bptt.data.readers.records import RECORDS, ascends

Row = Sequence[str]

TEXTS = tuple(
    "text sentence review content tweet message utterance question sequence comment body document"
    " 文本 内容 评论 句子 文本内容 评论内容 正文 消息 文章 序列 文本內容 內容 評論"
    " paragraphs para 段落".split()
)
# Of texts; a column of a table that is called so is as often a measured number.
TEXT_LABELS = (
    *LABELS,
    *"stars rating polarity emotion language lang genre 星级 评分 极性 情绪 语言 体裁".split(),
)
SOURCES = tuple("source src input 原文 源文 源 源句 源语言 源文本 输入".split())
TARGETS = tuple(
    "target trg tgt translation output 译文 目标文 目标 目标句 目标语言 目标文本 翻译 输出 譯文".split()
)
IDS = tuple("id series series_id case case_id sample 编号 序列编号 样本 样本编号".split())
TIMES = tuple("t time step timestamp index 时间 时刻 步 步数 时间步".split())
_NAMES = frozenset(
    name.casefold() for name in (*TEXTS, *TEXT_LABELS, *SOURCES, *TARGETS, *IDS, *TIMES, *RECORDS)
)
# A name is short, and no sentence.
_LONGEST = 40
_SENTENCE = frozenset('.!?。！？,，;；:："')
# Marks that end a sentence, and marks that may close it behind that.
_ENDS = tuple(".!?。！？…")
_CLOSING = " \"'”’»)」』）"
# Number of rows below a header that show what is in a column.
_ENOUGH = 4
# A header of languages is above rows of which at most one in three names languages too.
_MOST_ALIKE = 3
# A name has few words; a text that is as short as one is no sign of a header.
_MOST_WORDS = 4


def with_header_of(grid: Grid, columns: Columns, usual: Sequence[str]) -> tuple[Grid, tuple[str, ...]]:
    """Return the grid, its first row as the header if it is one, and notes for the user about a guess.

    `usual` are the names that the reader looks for.
    """
    if grid.header:
        return grid, ()
    reason = find_header(grid.head.rows, columns, usual)
    if reason is None:
        return grid, ()
    named = grid.with_header()
    if reason:
        return named, (f"header: {', '.join(named.header)} ({reason}; `no_header` if it is an example)",)
    return named, ()


def find_header(rows: Sequence[Row], columns: Columns, usual: Sequence[str]) -> str | None:
    """Return why the first row names the columns, "" if it is known to; None if it is an example like the
    others.

    It does if the user says so, or if it holds a name that the user has given, or a `usual` one that is no
    cell below it, or nothing but names of columns. Else the rows below show it: all have numbers where the
    first has none, or all labels occur several times but that of the first row, which occurs once; or all
    have sentences, or texts of another script, where the first has a name; or its cells name languages, or
    are words joined by underscores.
    """
    if columns.header is not None:
        return "" if columns.header else None
    if not holds_names(rows, columns, usual):
        return _shown(rows)
    return "its cells name languages" if _names_languages(rows) else ""


def holds_names(rows: Sequence[Row], columns: Columns, usual: Sequence[str]) -> bool:
    """Return whether the first row holds a name that the user has given, or is made of names of columns, or
    begins with one of records above their numbers.
    """
    first = [cell.strip(' "').casefold() for cell in rows[0]]
    # A number is that of a column without a name.
    named = (name for name in (columns.input, columns.target) if name and not name.isdecimal())
    given = {name.casefold() for name in named}
    if given:
        return not given.isdisjoint(first)
    usual_names = {name.casefold() for name in (*columns.learned, *usual) if name and not name.isdecimal()}
    found = [i for i, name in enumerate(first) if name in usual_names]
    if len(found) == 1:
        return not _occurs_below(rows, found[0])
    if found or (len(first) > 1 and set(first) <= _NAMES) or _names_languages(rows):
        return True
    return len(rows) > 1 < len(first) and first[0] in RECORDS and ascends([row[0] for row in rows[1:]])


def names_texts(line: str, columns: Columns) -> bool:
    """Return whether a line is the name of a column of texts, by `holds_names`."""
    return holds_names([(line,)], columns, (*TEXTS, *SOURCES))


def _names_languages(rows: Sequence[Row]) -> bool:
    """Return whether a cell of the first row names a language, the others name columns or an index, and the
    rows below do not do so too, as in a dictionary of languages.
    """
    first, *below = rows
    names = [cell.strip(' "').casefold() for cell in first]
    spoken = [i for i, name in enumerate(names) if name not in _NAMES and language_in(name)]
    others = {name for i, name in enumerate(names) if i not in spoken}
    if not spoken or len(first) < 2 or not others <= {*_NAMES, ""}:
        return False
    if "" in others and (names.index("") or not ascends([row[0] for row in below])):
        return False
    alike = sum(all(i < len(row) and language_in(row[i]) for i in spoken) for row in below)
    return _MOST_ALIKE * alike <= len(below)


def _occurs_below(rows: Sequence[Row], column: int) -> bool:
    name = rows[0][column].strip().casefold()
    return any(column < len(row) and row[column].strip().casefold() == name for row in rows[1:])


def _shown(rows: Sequence[Row]) -> str | None:
    """Return why the rows below show that the first names columns; None if they do not."""
    first, *below = rows
    if len(below) < _ENOUGH or any(len(row) != len(first) for row in below):
        return None
    if not all(map(_is_name, first)) or any(_occurs_below(rows, i) for i, cell in enumerate(first) if cell):
        return None
    for name, cells in zip(map(str.strip, first), zip(*below, strict=True), strict=True):
        if not name and ascends(cells):
            return "a cell is empty, and below it are the numbers of the rows"
        if not is_number(name) and all(cell.strip() and is_number(cell) for cell in cells):
            return f'"{name}" is no number, and all below it are'
        counts = Counter(cell.strip() for cell in cells)
        if not is_number(name) and len(counts) > 1 and min(counts.values()) > 1:
            return f'"{name}" occurs once, and all below it occur several times'
    if (contrast := _contrast(first, below)) is not None:
        return contrast
    joined = all(map(str.isidentifier, map(str.strip, first))) and any("_" in cell for cell in first)
    return "its cells are words joined by underscores" if joined else None


def _is_name(cell: str) -> bool:
    return len(cell.strip()) <= _LONGEST and not _SENTENCE & set(cell.strip(' "'))


def _contrast(first: Row, below: Sequence[Row]) -> str | None:
    """Return why a cell of the first row is a name: it is short, and all below it are sentences, or
    texts of another script. Texts that were cut at their commas go on behind a space, and are no columns.
    """
    if any(len(cell.split()) > _MOST_WORDS for cell in first) or any(
        cell[:1].isspace() for row in below for cell in row
    ):
        return None
    for name, cells in zip(first, zip(*below, strict=True), strict=True):
        script = script_of(name)
        if script and all((other := script_of(cell)) and other != script for cell in cells):
            return f'"{name}" is of another script than all below it'
    texts = [cell for row in below for cell in row if not is_number(cell)]
    if len(first) > 1 and len(texts) >= len(below) and all(map(_is_sentence, texts)):
        return "its cells are no sentences, and all below them are"
    return None


def _is_sentence(cell: str) -> bool:
    return cell.rstrip(_CLOSING)[-1:] in _ENDS
