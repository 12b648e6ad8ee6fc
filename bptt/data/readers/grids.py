"""The columns of a file that has some: Parquet, JSON, TSV or CSV."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.grid import Grid
from bptt.data.readers.objects import is_json, read_json
from bptt.data.readers.sources import Source, document_of
from bptt.data.reading import read_bytes
from bptt.data.signatures import PARQUET
from bptt.deferred import deferred

_read_parquet = deferred("bptt.data.readers.parquet", "read_parquet")


def read_grid(source: Source) -> Grid:
    """Return the columns of a Parquet, JSON, TSV or CSV file. Raises InputError naming the line."""
    if isinstance(source, Path) and read_bytes(source).startswith(PARQUET):
        grid: Grid = _read_parquet(source)
        return grid
    document = document_of(source)
    return read_json(document) if is_json(document) else read_delimited(document)
