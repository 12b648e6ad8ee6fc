"""A small trained language model as a network in numbers: its own weights, on the tokens of a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from bptt.cells.cell import Cell
from bptt.derive.network import Loss
from bptt.derive.network_pass import TABLE, B, V
from bptt.errors import InputError
from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.reading import NumberSource, key
from bptt.explain.numbers.worked import MOST_UNITS, Sources
from bptt.jobs.language.evaluation import encode_text
from bptt.jobs.loading import load
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.output_layer import OutputLayer
from bptt.models.token_network import TokenNetwork
from bptt.nn.stack import Stack
from bptt.runs.run_folder import read_held_out

_CURE = "`numbers` alone shows a step of it"

Given = tuple[tuple[Cell, ...], NetworkOptions, Sources]


def run_in_numbers(run: Path, text: str | None, steps: int) -> Given:
    """Return the cells of a run, its network, and its weights, with `steps` tokens of a text.

    The target of a token is the next one. None is the text that the run has held out. Raises InputError for a
    run that is no language model with a softmax of its own matrix, and for a text that is too short.
    """
    trained = load(run)
    model = trained.model
    stack, output = getattr(model, "recurrent", None), getattr(model, "output", None)
    if not (isinstance(model, TokenNetwork) and isinstance(stack, Stack) and isinstance(output, FullSoftmax)):
        rule = "is worked through if it is a language model with the full softmax"
        layer = getattr(trained.config.model, "output_layer", None)
        found = f"the output layer {layer}" if isinstance(output, OutputLayer) else trained.task
        raise InputError(str(run), rule, found, _CURE)
    if output.shape.tied:
        rule = "is worked through if its output layer has a matrix of its own"
        raise InputError(str(run), rule, "the embedding, by `tied`", _CURE)
    given = read_held_out(run) if text is None else text
    tokens = encode_text(trained.vocabulary, trained.config.data, given).tokens.tolist()
    if len(tokens) <= steps:
        rule = f"needs {steps + 1} tokens for {steps} steps, each with the next for its target"
        raise InputError("text", rule, f"{len(tokens)}", "Give a longer `text`, or fewer `steps`")
    reads, size = tokens[:steps], trained.vocabulary.size
    shown = list(map(trained.vocabulary.show, tokens[: steps + 1]))
    layers, table = stack.layers, model.table
    hidden = (layer.sizes["H"] for layer in layers)
    widths = [size, *([] if table is None else [table.shape[1]]), *hidden, size]
    if max(widths) > MOST_UNITS:
        rule = f"at most {MOST_UNITS} tokens, and units in a layer, are written out"
        cure = "Train one with fewer units and a smaller embedding, on a text of few characters"
        raise InputError(str(run), rule, f"the widths {', '.join(map(str, widths))}", cure)
    if table is None:
        reads = [[float(token == k) for k in range(size)] for token in reads]
    network = NetworkOptions(Loss.SOFTMAX, table is not None, sizes=",".join(map(str, widths)))
    sources = Sources(
        NumberSource(str(run), json.dumps(_weights(stack, output, table))),
        NumberSource(" ".join(shown[:-1]), json.dumps(reads)),
        NumberSource(" ".join(shown[1:]), json.dumps(tokens[1 : steps + 1])),
    )
    return tuple(layer.cell for layer in layers), network, sources


def _weights(stack: Stack, output: FullSoftmax, table: Tensor | None) -> dict[str, Any]:
    """Return all weights under the names that a file of them has."""
    count = len(stack.layers)
    found = {V: output.matrix(None), B: output.bias.data}
    found |= {} if table is None else {TABLE: table}
    for number, layer in enumerate(stack.layers, 1):
        found |= {key(str(number), name, count): value for name, value in layer.members(stack).items()}
    return {name: value.double().tolist() for name, value in found.items()}
