"""Sources that a user names: a file or folder, or a text; and the columns of a source that has some."""

from __future__ import annotations

from pathlib import Path

from bptt.data.deferred import deferred
from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.grid import Grid
from bptt.data.readers.objects import is_json, read_json
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.errors import InputError

# A file or folder, or a text that came another way.
Source = Path | Document

_read_parquet = deferred("bptt.data.readers.parquet", "read_parquet")


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
    if isinstance(source, Path) and read_bytes(source).startswith(PARQUET):
        grid: Grid = _read_parquet(source)
        return grid
    document = document_of(source)
    return read_json(document) if is_json(document) else read_delimited(document)
