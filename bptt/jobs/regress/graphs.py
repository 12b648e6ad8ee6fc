"""A regressor as a graph: inputs and lengths to numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from bptt.graphs.encoder_graph import (
    arrays_of,
    as_weights,
    declare,
    random_batch,
    write_encoder,
    write_feed_forward,
    write_part,
    write_pooling,
    write_read,
)
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of
from bptt.graphs.onnx_graph import FLOAT, OnnxGraph
from bptt.graphs.reading_settings import reading_of
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.regress.network import NumberReader, Regressor
from bptt.jobs.regress.trained import TrainedRegressor
from bptt.models.heads.number_output import NumberOutput
from bptt.models.inputs import InputPart
from bptt.nn.pooling import Pooling

FILE = "model.onnx"


def write(trained: TrainedRegressor, opset: int) -> WrittenGraphs:
    """Return the graph of a regressor: `numbers` (B, M, Q), or (T, B, M, Q) at every step.

    They are M targets with Q quantiles of each, or one point, in the units of the training data.
    """
    source = trained.config.source
    reading, files = reading_of(trained.codec, trained.config.data.max_length)
    settings = {**reading, "targets": list(source.targets), "every_step": bool(source.every_step)}
    return write_numbers(trained.model, opset, settings, files)


def write_numbers(
    network: Regressor, opset: int, settings: Mapping[str, Any], files: Mapping[str, bytes]
) -> WrittenGraphs:
    """Return the graph of a network that answers with numbers, as `write` describes it."""
    graph, body, output = OnnxGraph(opset), network.body, network.output
    every_step = isinstance(body, NumberReader) and not isinstance(body.pooling, Pooling)
    inputs, padded = declare(graph, _part(network))
    if not isinstance(body, NumberReader):
        row = graph.squeeze(graph.cut(write_part(graph, body.part, inputs), 0, 0, 1), 0)
        vectors = write_feed_forward(graph, body.feed_forward, row)
    else:
        read = write_read(graph, body.encoder, inputs, padded)
        if isinstance(body.pooling, Pooling):
            pooled = write_pooling(graph, body.pooling, read, padded)
            vectors = write_feed_forward(graph, body.encoder.feed_forward, pooled)
        else:
            vectors = write_encoder(graph, body.encoder, read, padded)
    sizes = (output.targets, output.options.width)
    leading = ("time", "batch") if every_step else ("batch",)
    graph.output("numbers", _numbers(graph, output, vectors, every_step), FLOAT, (*leading, *sizes))
    facts = {"equations": equations_text(cells_of(network)), "targets": "\n".join(settings["targets"])}
    margins = output.margin.tolist() if int(output.calibrated) or output.options.levels else None
    said = {**settings, "point": output.options.point, "ends": output.options.ends, "margins": margins}
    return WrittenGraphs({FILE: graph.model("numbers", facts)}, lambda: _examples(network), said, files)


def _numbers(graph: OnnxGraph, output: NumberOutput, vectors: str, every_step: bool) -> str:
    """Return the numbers (..., M, Q) in their units, the quantiles in rising order."""
    width = output.options.width
    found = graph.linear(vectors, output.linear.weight, output.linear.bias, "output")
    leading = (0, 0) if every_step else (0,)
    found = graph.op("Reshape", found, graph.integers(*leading, output.targets, width))
    scaled = graph.op("Mul", found, graph.constant(output.deviation[:, None], "deviation"))
    values = graph.op("Add", scaled, graph.constant(output.mean[:, None], "mean"))
    if width == 1:
        return values
    return graph.ops("TopK", [values, graph.integers(width)], 2, axis=-1, largest=0, sorted=1)[0]


def _part(network: Regressor) -> InputPart:
    body = network.body
    found: InputPart = body.encoder.part if isinstance(body, NumberReader) else body.part
    return found


def _examples(network: Regressor) -> Iterator[GraphExample]:
    part, generator = _part(network), torch.Generator().manual_seed(0)
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        steps = steps if isinstance(network.body, NumberReader) else 1
        batch = random_batch(part, steps, rows, generator)
        found = network.output.read(network(as_weights(batch, network.output.linear.weight)))
        yield GraphExample(FILE, arrays_of(part, batch), {"numbers": found.float().numpy()})
