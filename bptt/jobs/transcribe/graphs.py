"""A transcriber as a graph: features and lengths to ln P of each symbol at each step."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bptt.data.vocabulary import FILE as TOKENIZER
from bptt.graphs.encoder_graph import (
    arrays_of,
    as_weights,
    declare,
    random_batch,
    write_feed_forward,
    write_read,
)
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of
from bptt.graphs.onnx_graph import FLOAT, OnnxGraph
from bptt.graphs.reading_settings import vocabulary_settings
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.transcribe.network import LookAhead
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.jobs.transcribe.trained import TrainedTranscriber

FILE = "model.onnx"


def write(trained: TrainedTranscriber, opset: int) -> WrittenGraphs:
    """Return the graph of a transcriber: `log_probabilities` (T, B, V) of the symbols at each step.

    Its input is `series` (T, B, N D): N frames of features a step, side by side, as the job computes them.
    """
    network, graph = trained.model, OnnxGraph(opset)
    inputs, padded = declare(graph, network.encoder.part)
    read = write_read(graph, network.encoder, inputs, padded)
    if network.look_ahead is not None:
        read = _look_ahead(graph, network.look_ahead, read)
    finished = write_feed_forward(graph, network.encoder.feed_forward, read)
    logits = graph.linear(finished, network.output.weight, network.output.bias, "output")
    found = graph.op("LogSoftmax", logits, axis=-1)
    graph.output("log_probabilities", found, FLOAT, ("time", "batch", network.output.out_features))
    vocabulary = trained.vocabulary
    facts = {"equations": equations_text(cells_of(network)), "vocabulary_sha256": vocabulary.sha256}
    settings = {
        "vocabulary": vocabulary_settings(vocabulary.options),
        "reads": "series",
        "max_length": 0,
        "frames_per_step": network.frames_per_step,
        "blank": BLANK,
        "spaces": bool(trained.config.text.spaces),
    }
    files = {TOKENIZER: vocabulary.to_bytes()}
    return WrittenGraphs(
        {FILE: graph.model("transcriber", facts)}, lambda: _examples(trained), settings, files
    )


def _look_ahead(graph: OnnxGraph, layer: LookAhead, values: str) -> str:
    """Return Σ_j w_j ⊙ h_{t+j} (T, B, width); behind its end a sequence is zero."""
    time, batch, width = graph.size(values, 0), graph.size(values, 1), layer.weight.shape[1]
    longer = graph.concat([values, graph.zeros(layer.steps, batch, width)], 0)
    found = ""
    for j, weight in enumerate(layer.weight):
        end = graph.op("Add", time, graph.integers(j))
        part = graph.op("Slice", longer, graph.integers(j), end, graph.integers(0))
        term = graph.op("Mul", part, graph.constant(weight, "look_ahead"))
        found = graph.op("Add", found, term) if found else term
    return found


def _examples(trained: TrainedTranscriber) -> Iterator[GraphExample]:
    network, part = trained.model, trained.model.encoder.part
    generator = torch.Generator().manual_seed(0)
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        batch = random_batch(part, steps, rows, generator)
        logits = network(as_weights(batch, network.output.weight))
        found = logits.log_softmax(-1).float().numpy()
        yield GraphExample(FILE, arrays_of(part, batch), {"log_probabilities": found})
