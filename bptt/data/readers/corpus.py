"""A text to be modelled, from files: plain text as it is, of files with columns the column of the text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bptt.data.readers.delimited import even_rows
from bptt.data.readers.document import read_document
from bptt.data.readers.forms import read_grid
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.headers import TEXTS, holds_names
from bptt.data.readers.objects import is_json, texts_in
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.data.text import Corpus
from bptt.errors import InputError

# In files that are called so, separators are those of columns.
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


class Plain(NamedTuple):
    """A text, and notes about it for the user, a line each."""

    text: str
    notes: tuple[str, ...] = ()


def read_plain(path: Path) -> Plain:
    """Read the text of a file; of Parquet, JSON, and TSV or CSV with a header, that of the column of the
    text. A text in JSON may be a list of its lines, as poems are; a list of texts, or of such lists, is
    text as a whole. Blank lines separate texts of several lines.

    Raises InputError if no column has a usual name of a text (`TEXTS`), so that no braces, labels and
    separators are taken for text; and as `read_text` does.
    """
    if read_bytes(path).startswith(PARQUET):
        return _of_column(read_grid(path))
    document = read_document(path)
    if is_json(document):
        lines = texts_in(document)
        return _of_column(read_grid(document)) if lines is None else _of_lines(document.name, lines)
    rows = even_rows(document)
    is_table = path.name.lower().endswith(_TABLES)
    if rows and holds_names(rows, Columns(), TEXTS):
        grid = read_grid(document).with_header()
        if is_table or grid.find(None, TEXTS) is not None:
            return _of_column(grid)
    elif rows and is_table:
        cells = ", ".join(cell[:20] for cell in rows[0])
        raise _no_text(str(path), f"{len(rows[0])} columns, the first row being {cells}")
    return Plain(document.text)


def read_corpus(paths: Sequence[Path]) -> Corpus:
    """Read the texts of files one after the other, each ending in a newline. Raises as `read_plain` does."""
    found = [read_plain(path) for path in paths]
    whole = "".join(each.text if each.text.endswith("\n") else each.text + "\n" for each in found)
    notes = tuple(note for each in found for note in each.notes)
    return Corpus(whole, tuple(path.name for path in paths), notes)


def _of_column(grid: Grid) -> Plain:
    grid.check_widths()
    text = grid.find(None, TEXTS)
    if text is None:
        raise _no_text(grid.name, f"the columns {', '.join((*grid.header, *grid.unreadable))}")
    texts = [row[text] for row in grid.rows if row[text].strip()]
    if not texts:
        raise InputError(grid.name, "must hold text", f'a column "{grid.header[text]}" of nothing')
    note = f'{grid.name}: {len(texts):,} texts of its column "{grid.header[text]}", one after the other'
    # A blank line shows a model where a poem ends.
    between = "\n" if grid.header[text] in grid.in_lines else ""
    return Plain(between.join(text.rstrip("\n") + "\n" for text in texts), (note,))


def _of_lines(name: str, lines: Sequence[str] | Sequence[Sequence[str]]) -> Plain:
    groups = [[each] if isinstance(each, str) else each for each in lines]
    between = "" if isinstance(lines[0], str) else "\n"
    text = between.join("".join(line.rstrip("\n") + "\n" for line in group) for group in groups if group)
    if not text.strip():
        raise InputError(name, "must hold text", "a list of nothing")
    return Plain(text, (f"{name}: a list of {len(lines):,} texts, one after the other",))


def _no_text(name: str, came: str) -> InputError:
    cure = f"Name its column {TEXTS[0]} in a header, or give the text alone in a file without other columns"
    return InputError(name, "must be a text, or have a column of it", came, cure)
