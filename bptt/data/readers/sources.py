"""Sources that a user names: a file or folder, or a text; and the columns of a source that has some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.readers.document import Document, read_document
from bptt.data.reading import LARGE
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.large_text import LargeText
    from bptt.data.readers.grid import Grid

# A file or folder, or a text that came another way.
Source = Path | Document

_note_whole = deferred("bptt.data.long_reading", "note_whole")
_text_in_parts = deferred("bptt.data.large_text", "text_in_parts")
_read_grid = deferred("bptt.data.readers.grids", "read_grid")
_read_rows = deferred("bptt.data.readers.grids", "read_rows")


def document_of(source: Source) -> Document:
    """Return the text of a source. Raises as `read_text` does."""
    if isinstance(source, Document):
        return source
    if is_large(source):
        _note_whole(str(source), source.stat().st_size)
    document = read_document(source)
    # Of a compressed file the content counts.
    if (size := len(document.text)) > LARGE:
        _note_whole(document.name, size)
    return document


def large_text(source: Source) -> LargeText | None:
    """Return the text of a file that is too large for memory, and of which parts can be read; None for any
    other source.
    """
    if not isinstance(source, Path) or not is_large(source):
        return None
    return _in_parts(source)


def large_texts(*sources: Source) -> tuple[LargeText, ...]:
    """Return the texts of files that belong together, one of which is too large for memory; () if none is, or
    if of one of them no parts can be read.
    """
    paths = [source for source in sources if isinstance(source, Path) and source.is_file()]
    if len(paths) < len(sources) or not any(map(is_large, paths)):
        return ()
    texts = [text for path in paths if (text := _in_parts(path)) is not None]
    return tuple(texts) if len(texts) == len(paths) else ()


def is_large(source: Source) -> bool:
    """Return whether a source is a file that is too large to be read into memory without need."""
    return isinstance(source, Path) and source.is_file() and source.stat().st_size > LARGE


def _in_parts(path: Path) -> LargeText | None:
    found = path.stat()
    text: LargeText | None = _text_in_parts(path, found.st_size, found.st_mtime_ns)
    return text


def path_of(source: Source) -> Path:
    """Return the path of a source. Raises InputError for a text that is no file."""
    if isinstance(source, Document):
        raise InputError(source.name, "must be a file or a folder", "a text")
    return source


def is_typed(source: Source) -> bool:
    """Return whether a text was typed, so that it is no file, whatever it looks like."""
    return isinstance(source, Document) and source.typed


def read_grid(source: Source) -> Grid:
    """Return the columns of a Parquet, JSON, TSV or CSV file. Raises InputError naming the line."""
    grid: Grid = _read_grid(source)
    return grid


def read_rows(source: Source) -> Grid:
    """Return the same, but the rows of a text file too large for memory are read when they are asked for."""
    grid: Grid = _read_rows(source)
    return grid
