"""Sources that a user names: a file or folder, or a text; and the columns of a source that has some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.readers.document import Document, read_document
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.grid import Grid

# A file or folder, or a text that came another way.
Source = Path | Document

_read_grid = deferred("bptt.data.readers.grids", "read_grid")


def document_of(source: Source) -> Document:
    """Return the text of a source. Raises as `read_text` does."""
    return source if isinstance(source, Document) else read_document(source)


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
