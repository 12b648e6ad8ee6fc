"""Every kind of derivation that bptt writes, by name: what a translation has to cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from bptt.cells import CATALOGUE, Cell, get
from bptt.derive.network import Loss
from bptt.explain import derivation
from bptt.explain.annotate import with_kernel_lines
from bptt.explain.criteria.label_in_numbers import label_in_numbers
from bptt.explain.criteria.registry import CRITERIA
from bptt.explain.document import Derivation, Stage
from bptt.explain.drawn import architecture_of, with_diagrams
from bptt.explain.kernel_section import kernel_section
from bptt.explain.network.whole_network import derive_cells
from bptt.explain.network_options import NetworkOptions, network_of
from bptt.explain.numbers.document import numbers_document
from bptt.explain.numbers.node_document import node_document
from bptt.explain.numbers.nodes import has_nodes
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.worked import work
from bptt.explain.unrolled.document import unrolled


def _of_cell(cell: Cell) -> Derivation:
    document = with_kernel_lines(derivation(cell), cell)
    return replace(document, sections=(*document.sections, kernel_section(document)))


def _in_numbers(names: str, network: NetworkOptions, numbers: NumbersOptions) -> Derivation:
    worked = work([get(name) for name in names.split(",")], network, numbers)
    return node_document(worked) if has_nodes(worked.updated.before) else numbers_document(worked)


IN_NUMBERS = {
    "one node": ("dense", NetworkOptions(sizes="2,1"), NumbersOptions(minus_delta=False)),
    "nodes": ("dense", NetworkOptions(sizes="3,4,2"), NumbersOptions()),
    "nodes without biases": ("dense", NetworkOptions(), NumbersOptions()),
    "one layer": ("elman-tanh", NetworkOptions(), NumbersOptions()),
    "stack": ("lstm,gru", NetworkOptions(loss=Loss.LOGISTIC), NumbersOptions(minus_delta=True)),
    "embedding": ("gru", NetworkOptions(embedding=True, loss=Loss.SQUARED), NumbersOptions(steps=1)),
}

NETWORKS = {
    "softmax": ("elman-tanh", NetworkOptions(loss=Loss.SOFTMAX, rows=True, sizes="3,4,2"), None),
    "logistic": ("lstm,gru", NetworkOptions(loss=Loss.LOGISTIC, rows=True, embedding=True), None),
    "squared": ("dense,dense", NetworkOptions(loss=Loss.SQUARED, rows=True, sizes="3,4,2"), None),
    "squared of states": ("gru", NetworkOptions(loss=Loss.SQUARED), None),
    "dense and softmax": ("dense", NetworkOptions(loss=Loss.SOFTMAX), None),
    "gates and softmax": ("lstm,gru", NetworkOptions(loss=Loss.SOFTMAX), None),
    "without a loss": ("lstm-layernorm,elman-relu", NetworkOptions(rows=True), None),
    "deep dense": ("dense,dense,dense", NetworkOptions(sizes="2,3,2,1"), None),
    "stacked cell": ("lstm", NetworkOptions(sizes="3,4"), Stage.STACKED),
    "rows of a cell": ("gru", NetworkOptions(), Stage.ROWS),
    "rows of a layer": ("dense", NetworkOptions(), Stage.ROWS),
}


def _of_network(names: str, options: NetworkOptions, stage: Stage | None) -> Derivation:
    return derive_cells(tuple(map(get, names.split(","))), options, stage)


def _drawn(names: str, options: NetworkOptions) -> Derivation:
    cells = tuple(map(get, names.split(",")))
    whole = derive_cells(cells, options, None)
    return with_diagrams(whole, cells, architecture_of(network_of(cells, options))).only(Stage.DIAGRAMS)


UNROLLED = ("elman-tanh", "lstm", "gru")
DRAWN = {
    "lstm,gru": NetworkOptions(loss=Loss.SOFTMAX, embedding=True),
    "dense": NetworkOptions(loss=Loss.LOGISTIC),
}

DERIVATIONS: Mapping[str, Callable[[], Derivation]] = {
    **{name: partial(_of_cell, cell) for name, cell in CATALOGUE.items()},
    **{f"network, {name}": partial(_of_network, *given) for name, given in NETWORKS.items()},
    **{f"{name} in numbers": partial(_in_numbers, *given) for name, given in IN_NUMBERS.items()},
    **{f"{name} unrolled": partial(unrolled, get(name), 2, (), Loss.SOFTMAX) for name in UNROLLED},
    **{f"{name} drawn": partial(_drawn, name, options) for name, options in DRAWN.items()},
    **CRITERIA,
    "label in numbers": lambda: label_in_numbers(NumbersOptions()),
}
