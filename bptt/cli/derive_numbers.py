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
    from bptt.explain.document import Derivation, Stage
    from bptt.explain.numbers.reading import NumberSource
    from bptt.explain.numbers.worked import Worked
    from bptt.options.choices import Choices

# Numbers given on the command line instead of a file.
_NUMBERS = re.compile(r"[-+.,;\s\deE]*")
_CURE = "Name a file, or write numbers such as 0.35,0.9"


def numbers_of(cell: str, choices: Choices, stage: Stage | None) -> Derivation:
    """Return the document of a small network of `cell`, a name or several separated by commas.

    Raises InputError for a file that cannot be read, and for numbers that do not fit the network.
    """
    from bptt.explain.numbers.document import numbers_document
    from bptt.explain.numbers.node_document import node_document
    from bptt.explain.numbers.nodes import has_nodes

    worked = _work(cell, choices)
    document = node_document(worked) if has_nodes(worked.updated.before) else numbers_document(worked)
    return document if stage is None else document.only(stage)


def csv_of(cell: str, choices: Choices) -> str:
    """Return the CSV table of a small network. Raises InputError as `numbers_of` does."""
    from bptt.explain.numbers.csv_table import csv_table

    return csv_table(_work(cell, choices).updated)


def _work(cell: str, choices: Choices) -> Worked:
    from bptt.cells import load
    from bptt.errors import InputError
    from bptt.explain.numbers.worked import Sources, work

    if choices.make(LayerOptions) != LayerOptions():
        raise InputError("bptt derive", "units and texts are those of a run", cell, "Name its folder")
    wanted = choices.make(NumbersOptions)
    named: Mapping[str, str | None] = {
        "weights": None if wanted.weights is None else str(wanted.weights),
        "inputs": wanted.inputs,
        "targets": wanted.targets,
    }
    sources = {name: _source(name, given) for name, given in named.items() if given is not None}
    cells = tuple(load(each.strip()) for each in cell.split(","))
    return work(cells, choices.make(NetworkOptions), wanted, Sources(**sources))


def _source(option: str, given: str) -> NumberSource:
    """Return the text of a file, or the numbers themselves. Raises InputError if the file is no text."""
    from bptt.data.reading import read_bytes
    from bptt.errors import InputError
    from bptt.explain.numbers.reading import NumberSource

    if option != "weights" and _NUMBERS.fullmatch(given) and not Path(given).exists():
        return NumberSource(f"`{option}`", given)
    try:
        return NumberSource(given, read_bytes(Path(given), _CURE).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(given, "needs text in UTF-8", f"byte {error.start + 1} is none", _CURE) from error
