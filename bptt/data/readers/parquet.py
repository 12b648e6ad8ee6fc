"""The one door to pyarrow: the columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from bptt.data.memory import check_memory
from bptt.data.readers.grid import Grid, grid_of
from bptt.data.reading import open_file
from bptt.errors import BpttError, InputError

# Bytes of a row with its place, and of a cell as a value and as text, which are at least these.
_ROW, _CELL = 150, 100
# Rows that are read at a time.
_ROWS = 4096

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
    _check_installed(str(path))
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


def read_column(
    file: BinaryIO, where: str, choose: Callable[[Sequence[str]], str]
) -> tuple[str, Iterator[Any]]:
    """Return the name of the column that is chosen from all names, and its values, a few rows at a time.

    Raises InputError if pyarrow is not installed, or the file is not of Parquet, or damaged.
    """
    _check_installed(where)
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        names = list(parquet.schema_arrow.names)
    except Exception as error:
        raise InputError(where, "must be a Parquet file", error) from error
    column = choose(names)
    return column, _values(parquet, where, column)


def _values(parquet: Any, where: str, column: str) -> Iterator[Any]:
    row = 0
    try:
        for batch in parquet.iter_batches(_ROWS, columns=[column]):
            yield from batch.column(0).to_pylist()
            row += batch.num_rows
    except Exception as error:
        raise InputError(f"{where}: after row {row}", "must be a whole Parquet file", error) from error


def _check_installed(where: str) -> None:
    if pyarrow is None:
        cure = "Install it: pip install 'bptt[parquet]'"
        raise InputError(where, "reading Parquet needs pyarrow", "no such package", cure)


def _columns(file: BinaryIO, where: str) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns and the values of each, if memory holds them."""
    parquet = pyarrow.parquet.ParquetFile(file)
    found = parquet.metadata
    packed = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    check_memory(where, 2 * packed + found.num_rows * (_ROW + _CELL * found.num_columns))
    table = parquet.read()
    return table.column_names, [column.to_pylist() for column in table.columns]
