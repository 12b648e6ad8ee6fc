"""From what a user types to cells: one for all layers of a stack, or one for each."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bptt.cells.cell import Cell
from bptt.cells.plain_data import FIELDS
from bptt.deferred import deferred
from bptt.errors import InputError

# A cell of a run folder is there as equations.
_get = deferred("bptt.cells.catalogue", "get")
# One cell for all layers, or one for each layer, the lowest first.
Cells = Cell | tuple[Cell, ...]
_BETWEEN = ","


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


def as_cells(given: Cell | str | Sequence[Cell | str]) -> Cells:
    """Return the cells that a user names: `lstm`, `lstm,gru`, ["lstm", "gru"], or Cells themselves.

    A list of one is that cell; of several, each layer has its own. Raises InputError as `as_cell` does, and
    for an empty list.
    """
    if isinstance(given, str):
        named: Sequence[Cell | str] = _separate(given)
    else:
        named = given if isinstance(given, list | tuple) else [given]  # type: ignore[list-item]
    if not named:
        raise InputError("cell", "names a cell, or one for each layer", "an empty list")
    cells = tuple(map(as_cell, named))
    return cells[0] if len(cells) == 1 else cells


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


def _separate(names: str) -> list[str]:
    """Separate names at commas, but those in the name of a file."""
    if Path(names.rpartition(":")[0]).is_file():
        return [names]
    return [name.strip() for name in names.split(_BETWEEN)]


def per_layer(cells: Cells, num_layers: int) -> tuple[Cell, ...]:
    """Return the cell of each layer."""
    return cells if isinstance(cells, tuple) else (cells,) * num_layers


def layers_of(where: str, cells: Cells, num_layers: int, usual: int) -> int:
    """Return the number of layers: that of the cells if there is one for each layer.

    Raises InputError if `num_layers` is neither that number nor the `usual` one.
    """
    if not isinstance(cells, tuple) or num_layers == len(cells):
        return num_layers
    if num_layers != usual:
        rule = f"{len(cells)} cells, {_BETWEEN.join(c.name for c in cells)}, are for {len(cells)} layers"
        raise InputError(where, rule, f"{num_layers} layers", "Name a cell for each layer")
    return len(cells)


def own_layers(cells: Cells) -> dict[str, Any]:
    """Return the option num_layers that follows from the cells; nothing for one cell."""
    return {"num_layers": len(cells)} if isinstance(cells, tuple) else {}


def check_layers(cells: Cells, num_layers: int) -> None:
    """Raise InputError naming the option unless there is one cell, or a cell for each layer."""
    layers_of("num_layers", cells, num_layers, len(per_layer(cells, num_layers)))


def names_of(cells: Cells) -> str:
    """Return the name of the cell, or the names of all layers' cells, `lstm,gru`, where they differ."""
    names = [cell.name for cell in cells] if isinstance(cells, tuple) else [cells.name]
    return names[0] if len(set(names)) == 1 else _BETWEEN.join(names)


def to_data(cells: Cells) -> Any:
    """Return the cells as plain data: an object, or a list of one for each layer."""
    return [cell.to_dict() for cell in cells] if isinstance(cells, tuple) else cells.to_dict()


def from_data(data: Any) -> Cells:
    """Read `to_data` back. Raises InputError as `Cell.from_dict` does."""
    if not isinstance(data, list):
        return Cell.from_dict(data)
    if len(data) < 2 or not all(isinstance(each, dict) for each in data):
        raise InputError("cell", f"{FIELDS}, or a list of them for several layers", f"{len(data)} values")
    return tuple(map(Cell.from_dict, data))
