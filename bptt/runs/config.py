"""Configurations, dataclasses of a cell and of options, as the sections of config.json and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from bptt.cells.cell import Cell
from bptt.cells.load import Cells, from_data, to_data
from bptt.errors import InputError
from bptt.options.sections import check_keys, is_optional, read_section, section, to_section
from bptt.runs.run_folder import CONFIG, read_config

Config = TypeVar("Config")

NOTHING_DERIVED: Mapping[str, type] = MappingProxyType({})

# Keys of config.json that are no sections of a job's configuration.
_OTHERS = {"format", "bptt", "task", "title", "unit", "training", "files"}


def to_sections(config: object) -> dict[str, Any]:
    """Return a section for each field."""
    values = {name: getattr(config, name) for name in get_type_hints(type(config))}
    found = {name: to_data(v) if name == "cell" else to_section(v) for name, v in values.items()}
    return {name: v for name, v in found.items() if v or not is_optional(type(values[name]))}


def read_sections(
    kind: type[Config], run: Path, task: str, derived: Mapping[str, type] = NOTHING_DERIVED
) -> Config:
    """Read the configuration of the run of a task. Raises InputError if it is of another task, or damaged.

    `derived` has classes of sections, by their names, that take the place of those that `kind` declares.
    """
    config, where = read_config(run), str(run / CONFIG)
    if config.get("task") != task:
        raise InputError(where, f'"task" must be "{task}"', repr(config.get("task")))
    declared = get_type_hints(kind)
    hints = {name: derived.get(name, hint) for name, hint in declared.items()}
    later = {name for name, hint in hints.items() if isinstance(hint, type) and _is_later(hint)}
    check_keys({key: v for key, v in config.items() if key not in _OTHERS}, set(hints), where, later)
    return kind(
        **{
            name: _read_cells(config, where)
            if hint in (Cell, Cells)
            else read_section(hint, config, name, where)
            for name, hint in hints.items()
        }
    )


def _read_cells(config: dict[str, Any], where: str) -> Cells:
    """Read the cell under "cell", or the list of each layer's. Raises InputError naming what is wrong."""
    found = config.get("cell")
    try:
        return from_data(found if isinstance(found, list) else section(config, "cell", where))
    except InputError as error:
        raise InputError(f"{where}: {error.where}", error.rule, error.got, error.cure) from error


def _is_later(kind: type) -> bool:
    """Return whether older files lack a section of this kind."""
    return is_dataclass(kind) and is_optional(kind)
