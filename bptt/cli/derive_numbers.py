"""`bptt derive CELL --numbers`: a small network with numbers from files or from a seed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.cli.derive_alone import check_layer_options, given_in, refuse
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
_CURES = {"weights": "Name a JSON file of weights"}
_CURE = "Name a file, or write numbers such as 0.35,0.9"


def asks_for_network(choices: Choices) -> list[str]:
    """Return the options of a small network that are given."""
    return [each.field for each in choices.options.of("numbers") if choices.has(each.name)]


def check_numbers(choices: Choices, is_network: bool) -> None:
    """Raise InputError for options of a small network where none is worked through, and for two forms."""
    from bptt.errors import InputError

    given = given_in(choices, "numbers")
    if given and not is_network:
        raise InputError("bptt derive", f"`{given[0]}` goes with `numbers`", "it alone", "Add `numbers`")
    for other in ("unroll", "rows"):
        if is_network and choices.has(other):
            raise InputError("bptt derive", f"`{other}` goes without `numbers`", "both")
    if choices.make(NumbersOptions).csv:
        refuse(choices, "`csv` writes the whole table alone", ("latex", "html", "stage", "figures"))


def numbers_of(worked: Worked, stage: Stage | None) -> Derivation:
    """Return the document of a small network, or one section. Raises InputError for one that it lacks."""
    from bptt.errors import InputError
    from bptt.explain.numbers.document import numbers_document
    from bptt.explain.numbers.node_document import node_document
    from bptt.explain.numbers.nodes import has_nodes

    document = node_document(worked) if has_nodes(worked.updated.before) else numbers_document(worked)
    stages = {section.stage.value for section in document.sections}
    if stage is not None and stage.value not in stages:
        raise InputError(
            "bptt derive", f"a network in numbers has the stages {', '.join(sorted(stages))}", stage.value
        )
    return document if stage is None else document.only(stage)


def names_of(spec: str) -> list[str]:
    """Split a list of cells at its commas; the name of a file may have some."""
    file = spec.rpartition(":")[0]
    return [spec] if Path(file).is_file() else [name.strip() for name in spec.split(",")]


def work_cells(cells: tuple[Cell, ...], choices: Choices) -> Worked:
    """Return a small network of cells, worked through.

    Raises InputError for a file that cannot be read, and for numbers that do not fit the network.
    """
    from bptt.explain.numbers.worked import Sources, work

    check_layer_options(choices, cells[0].name)
    wanted = choices.make(NumbersOptions)
    named: Mapping[str, str | None] = {
        "weights": None if wanted.weights is None else str(wanted.weights),
        "inputs": wanted.inputs,
        "targets": wanted.targets,
    }
    sources = {name: _source(name, given) for name, given in named.items() if given is not None}
    return work(cells, choices.make(NetworkOptions), wanted, Sources(**sources))


def label_numbers(choices: Choices) -> Derivation:
    """Return the document of a small label of connectionist temporal classification.

    Raises InputError for targets that cannot be read or are no label.
    """
    from bptt.explain.criteria.label_in_numbers import label_in_numbers

    wanted = choices.make(NumbersOptions)
    return label_in_numbers(wanted, None if wanted.targets is None else _source("targets", wanted.targets))


def work_run(run: Path, choices: Choices) -> Worked:
    """Return the network of a trained language model, worked through on tokens of a text.

    Raises InputError for other models, and for one too large to be followed by hand.
    """
    from bptt.cli.machine import prepare

    prepare()
    from bptt.cli.sources import source_of
    from bptt.data.readers.sources import document_of
    from bptt.errors import InputError
    from bptt.explain.numbers.worked import STEPS, work
    from bptt.explanation.run_in_numbers import run_in_numbers

    wanted, asked = choices.make(NumbersOptions), choices.make(LayerOptions)
    own = ("weights", "inputs", "targets", "seed", "bias", "loss", "embedding", "sizes")
    for name in (each for each in own if choices.has(each)):
        raise InputError("bptt derive", f"`{name}` is for a cell: a run has its own", f"the run {run}")
    if asked != LayerOptions(text=asked.text):
        raise InputError("bptt derive", "a whole network in numbers takes `text` alone", "options of a layer")
    text = None if asked.text is None else document_of(source_of(asked.text)).text
    cells, network, sources = run_in_numbers(run, text, wanted.steps or STEPS)
    return work(cells, network, wanted, sources)


def _source(option: str, given: str) -> NumberSource:
    """Return the text of a file, or the numbers themselves. Raises InputError if the file is no text."""
    from bptt.data.reading import read_bytes
    from bptt.errors import InputError
    from bptt.explain.numbers.reading import NumberSource

    if option != "weights" and _NUMBERS.fullmatch(given) and not (given and os.path.exists(given)):
        return NumberSource(f"`{option}`", given, is_file=False)
    try:
        return NumberSource(given, read_bytes(Path(given), _CURES.get(option, _CURE)).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        came = f"the byte {error.object[error.start]:02x} at position {error.start + 1}"
        raise InputError(given, "needs text in UTF-8", came, "Save it as UTF-8") from error
