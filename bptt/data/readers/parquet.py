"""The one door to pyarrow: the columns of a Parquet file."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.grid import Grid, grid_of
from bptt.data.reading import read_bytes
from bptt.errors import InputError

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None


def read_parquet(path: Path) -> Grid:
    """The rows of a Parquet file as cells; a row is named by its number, from 1 on.

    Raises InputError if pyarrow is not installed, or the file is not of Parquet.
    """
    if pyarrow is None:
        cure = "Install it: pip install 'bptt[parquet]'"
        raise InputError(str(path), "reading Parquet needs pyarrow", "no such package", cure)
    data = read_bytes(path)
    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(data))
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(str(path), "must be a Parquet file", error) from error
    places = [f"{path}: row {i}" for i in range(1, table.num_rows + 1)]
    columns = dict(zip(table.column_names, (column.to_pylist() for column in table.columns), strict=True))
    return grid_of(str(path), places, columns, str)
