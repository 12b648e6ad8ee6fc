"""From what a user types to a cell: a name of the catalogue, or `file.py:Name`."""

from __future__ import annotations

import runpy
from pathlib import Path

from bptt.cells.cell import Cell
from bptt.deferred import deferred
from bptt.errors import InputError

# A cell of a run folder is there as equations.
_get = deferred("bptt.cells.catalogue", "get")


def as_cell(cell: Cell | str) -> Cell:
    """Return a cell itself, or the one of this name: see `load`. Raises InputError for anything else."""
    if isinstance(cell, Cell):
        return cell
    if not isinstance(cell, str):
        rule = "a cell is a name of the catalogue, file.py:Name, or a Cell"
        raise InputError(
            "cell", rule, f"{type(cell).__name__} {str(cell)[:60]}", "For several layers: num_layers=2"
        )
    return load(cell)


def load(spec: str | Cell) -> Cell:
    """Return the cell named by `spec`, or `spec` itself. A file is run as Python, so it must be trusted.

    Raises InputError when there is no such name or file, the file fails, or the name is no Cell.
    """
    if isinstance(spec, Cell):
        return spec
    path, separator, name = spec.rpartition(":")
    if not separator or not path.endswith(".py"):
        shipped: Cell = _get(spec)
        return shipped
    if not Path(path).is_file():
        raise InputError(f"cell {spec}", "the file must exist", path)
    try:
        found = runpy.run_path(path)
    except InputError as error:
        raise InputError(f"{path}: {error.where}", error.rule, error.got, error.cure) from error
    except (Exception, SystemExit) as error:
        raise InputError(path, "the file of a cell must run", f"{type(error).__name__}: {error}") from error
    cells = [n for n, value in found.items() if isinstance(value, Cell)]
    if not isinstance(found.get(name), Cell):
        cure = f"Cells in it: {', '.join(cells)}" if cells else "Write Name = Cell.define(...)"
        raise InputError(f"cell {spec}", f"{path} must define a Cell of that name", repr(name), cure)
    cell: Cell = found[name]
    return cell
