"""The one door to pyarrow: the columns of a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from bptt.data.memory import check_memory
from bptt.data.readers.grid import Grid, grid_of
from bptt.data.reading import open_file
from bptt.errors import BpttError, InputError

# Bytes of a row with its place, and of a cell as a value and as text, which are at least these.
_ROW, _CELL = 150, 100

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None


def read_parquet(path: Path) -> Grid:
    """Read the rows of a Parquet file as cells; a row is named by its number, from 1 on.

    Raises InputError if pyarrow is not installed, or the file is not of Parquet; MachineError
    if memory does not hold it.
    """
    if pyarrow is None:
        cure = "Install it: pip install 'bptt[parquet]'"
        raise InputError(str(path), "reading Parquet needs pyarrow", "no such package", cure)
    with open_file(path) as file:
        try:
            names, values = _columns(file, str(path))
        except BpttError:
            raise
        except Exception as error:
            # Of damaged files: ArrowException, OSError, UnicodeDecodeError, OverflowError, ...
            raise InputError(str(path), "must be a Parquet file", error) from error
    places = [f"{path}: row {i}" for i in range(1, len(values[0]) + 1 if values else 1)]
    return grid_of(str(path), places, dict(zip(names, values, strict=True)), str)


def _columns(file: BinaryIO, where: str) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns and the values of each, if memory holds them."""
    parquet = pyarrow.parquet.ParquetFile(file)
    found = parquet.metadata
    packed = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    check_memory(where, 2 * packed + found.num_rows * (_ROW + _CELL * found.num_columns))
    table = parquet.read()
    return table.column_names, [column.to_pylist() for column in table.columns]
