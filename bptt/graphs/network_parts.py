"""Parts of networks in ONNX: inputs below a recurrent stack, output layers above it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bptt.cells.cell import Cell
from bptt.data.vocabulary_options import NOTHING
from bptt.errors import InputError
from bptt.graphs.onnx_graph import OnnxGraph
from bptt.models.heads.adaptive import AdaptiveSoftmax, Softmax
from bptt.models.heads.full import FullSoftmax
from bptt.models.token_network import TokenNetwork
from bptt.nn.stack import Stack


def look_up(graph: OnnxGraph, tokens: str, table: Tensor) -> str:
    """Return the rows (..., D) of `table` for tokens (...) int64, a zero vector for NOTHING."""
    # NOTHING is -1, and Gather counts negative indices from the end.
    rows = torch.cat([table, table.new_zeros(1, table.shape[1])])
    return graph.op("Gather", graph.constant(rows, "embedding"), tokens, axis=0)


def embed_by_clusters(graph: OnnxGraph, head: AdaptiveSoftmax, tokens: str) -> str:
    """Return the vectors (..., D) that a tied adaptive layer reads tokens (...) int64 by, zero for NOTHING.

    Each cluster adds its rows, and a row of zeros for a token of another one.
    """
    first, found = head.cutoffs[0], ""
    for begin, part in ((0, head.head), *zip(head.cutoffs, head.clusters, strict=True)):
        table = part.weight if begin else part.weight[:first]
        # -1 is the last row, the zeros: for tokens before the cluster, NOTHING included.
        own = graph.op("Sub", tokens, graph.integer(begin))
        own = graph.op("Max", graph.op("Min", own, graph.integer(len(table))), graph.integer(-1))
        rows = look_up(graph, own, table)
        if part.projection is not None:
            rows = graph.linear(rows, part.projection.t(), None, "projection")
        found = graph.op("Add", found, rows) if found else rows
    return found


def one_hot(graph: OnnxGraph, tokens: str, size: int) -> str:
    """Return one-hot vectors (..., size) for tokens (...) int64, a zero vector for NOTHING."""
    values = graph.constant([0.0, 1.0], "off_and_on")
    found = graph.op("OneHot", _clamped(graph, tokens), graph.integers(size), values, axis=-1)
    return graph.op("Where", _known(graph, tokens), found, graph.constant(0.0))


def _clamped(graph: OnnxGraph, tokens: str) -> str:
    return graph.op("Max", tokens, graph.integer(0))


def _known(graph: OnnxGraph, tokens: str) -> str:
    missing = graph.op("Equal", tokens, graph.integer(NOTHING))
    return graph.unsqueeze(graph.op("Not", missing), -1)


def write_logits(graph: OnnxGraph, network: TokenNetwork, output: str) -> str:
    """Return the logits (..., V) of an output layer for outputs (..., D). Raises InputError for one that is
    not known here.
    """
    head = network.output
    with torch.no_grad():
        if isinstance(head, FullSoftmax):
            return graph.linear(output, head.matrix(network.tied), head.bias, "output")
        if isinstance(head, AdaptiveSoftmax):
            return _adaptive(graph, head, output)
    rule = "an exported network ends in the output layer full or adaptive"
    raise InputError("export", rule, type(head).__name__)


def _adaptive(graph: OnnxGraph, head: AdaptiveSoftmax, output: str) -> str:
    """Return ln P (..., V): those of the shortlist, and of each cluster those within it after its own."""
    first = head.cutoffs[0]
    outer = _softmax(graph, head.head, output)
    parts = [graph.cut(outer, -1, 0, first)]
    for number, tail in enumerate(head.clusters, first):
        cluster = graph.cut(outer, -1, number, number + 1)
        parts.append(graph.op("Add", _softmax(graph, tail, output), cluster))
    return graph.concat(parts, -1)


def _softmax(graph: OnnxGraph, part: Softmax, output: str) -> str:
    if part.projection is not None:
        output = graph.linear(output, part.projection, None, "projection")
    return graph.op("LogSoftmax", graph.linear(output, part.weight, part.bias, "output"), axis=-1)


def cells_of(network: nn.Module) -> tuple[Cell, ...]:
    """Return the cells of all recurrent layers of a network."""
    stacks = (module for module in network.modules() if isinstance(module, Stack))
    return tuple(cell for stack in stacks for cell in stack.cells)
