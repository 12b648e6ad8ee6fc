"""The columns of a file that has some: Parquet, JSON, TSV or CSV."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.grid import Grid
from bptt.data.readers.objects import is_json, read_json
from bptt.data.readers.sources import Source, document_of, is_large, large_text
from bptt.data.reading import starts_as
from bptt.data.signatures import PARQUET
from bptt.deferred import deferred

_note_whole = deferred("bptt.data.long_reading", "note_whole")
_read_parquet = deferred("bptt.data.readers.parquet", "read_parquet")
_stored_grid = deferred("bptt.data.readers.stored_grid", "stored_grid")


def read_grid(source: Source) -> Grid:
    """Return the columns of a Parquet, JSON, TSV or CSV file. Raises InputError naming the line."""
    if isinstance(source, Path) and starts_as(source, PARQUET):
        if is_large(source):
            _note_whole(str(source), source.stat().st_size)
        grid: Grid = _read_parquet(source)
        return grid
    document = document_of(source)
    return read_json(document) if is_json(document) else read_delimited(document)


def read_rows(source: Source) -> Grid:
    """Return the same, but the rows of a text file too large for memory are read when they are asked for."""
    large = large_text(source)
    found: Grid | None = None if large is None else _stored_grid(large)
    return read_grid(source) if found is None else found
