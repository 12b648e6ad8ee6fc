"""`bptt derive CELL --numbers`: a small network with numbers from files or from a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.options import LayerOptions

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.explain.document import Derivation, Stage
    from bptt.explain.numbers.reading import NumberSource
    from bptt.explain.numbers.worked import Worked
    from bptt.options.choices import Choices

# Numbers given on the command line instead of a file.
_NUMBERS = re.compile(r"[-+.,;\s\deE]*")
_CURE = "Name a file, or write numbers such as 0.35,0.9"


def check_numbers(choices: Choices, of_a_cell: bool) -> None:
    """Raise InputError for options of a small network where none is worked through, and for two forms."""
    from bptt.errors import InputError

    given = [each.field for each in choices.options.of("numbers") if choices.has(each.name)]
    if given and not of_a_cell:
        raise InputError("bptt derive", f"`{given[0]}` goes with a cell and `numbers`", "no such network")
    for other in ("unroll", "rows"):
        if of_a_cell and choices.has(other):
            raise InputError("bptt derive", f"`{other}` goes without `numbers`", "both")
    if choices.make(NumbersOptions).csv and any(map(choices.has, ("latex", "html", "stage"))):
        raise InputError("bptt derive", "one of `csv`, `latex` and `html`, and the whole table with `csv`")


def numbers_of(cells: tuple[Cell, ...], choices: Choices, stage: Stage | None) -> Derivation:
    """Return the document of a small network of cells.

    Raises InputError for a file that cannot be read, and for numbers that do not fit the network.
    """
    from bptt.errors import InputError
    from bptt.explain.numbers.document import numbers_document
    from bptt.explain.numbers.node_document import node_document
    from bptt.explain.numbers.nodes import has_nodes

    worked = _work(cells, choices)
    document = node_document(worked) if has_nodes(worked.updated.before) else numbers_document(worked)
    stages = {section.stage.value for section in document.sections}
    if stage is not None and stage.value not in stages:
        raise InputError(
            "bptt derive", f"a network in numbers has the stages {', '.join(sorted(stages))}", stage.value
        )
    return document if stage is None else document.only(stage)


def csv_of(cells: tuple[Cell, ...], choices: Choices) -> str:
    """Return the CSV table of a small network. Raises InputError as `numbers_of` does."""
    from bptt.explain.numbers.csv_table import csv_table

    return csv_table(_work(cells, choices).updated)


def names_of(spec: str) -> list[str]:
    """Split a list of cells at its commas; the name of a file may have some."""
    file = spec.rpartition(":")[0]
    return [spec] if Path(file).is_file() else [name.strip() for name in spec.split(",")]


def _work(cells: tuple[Cell, ...], choices: Choices) -> Worked:
    from bptt.errors import InputError
    from bptt.explain.numbers.worked import Sources, work

    if choices.make(LayerOptions) != LayerOptions():
        raise InputError(
            "bptt derive", "units and texts are those of a run", cells[0].name, "Name its folder"
        )
    wanted = choices.make(NumbersOptions)
    named: Mapping[str, str | None] = {
        "weights": None if wanted.weights is None else str(wanted.weights),
        "inputs": wanted.inputs,
        "targets": wanted.targets,
    }
    sources = {name: _source(name, given) for name, given in named.items() if given is not None}
    return work(cells, choices.make(NetworkOptions), wanted, Sources(**sources))


def _source(option: str, given: str) -> NumberSource:
    """Return the text of a file, or the numbers themselves. Raises InputError if the file is no text."""
    from bptt.data.reading import read_bytes
    from bptt.errors import InputError
    from bptt.explain.numbers.reading import NumberSource

    if option != "weights" and _NUMBERS.fullmatch(given) and not Path(given).exists():
        return NumberSource(f"`{option}`", given, is_file=False)
    try:
        return NumberSource(given, read_bytes(Path(given), _CURE).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(given, "needs text in UTF-8", f"byte {error.start + 1} is none", _CURE) from error
