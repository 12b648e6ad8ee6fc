"""A classifier as a graph: inputs and lengths to the probabilities of the labels."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bptt.graphs.encoder_graph import (
    arrays_of,
    as_weights,
    declare,
    random_batch,
    write_feed_forward,
    write_part,
    write_pooling,
    write_read,
)
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of
from bptt.graphs.onnx_graph import FLOAT, INT, OnnxGraph
from bptt.graphs.reading_settings import reading_of
from bptt.graphs.recurrent_graph import Padding
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.classify.network import Classifier, OneLabel, SequenceReader, SideBySide
from bptt.jobs.classify.trained import TrainedClassifier
from bptt.models.inputs import InputPart
from bptt.models.ngrams import FILE as NGRAMS
from bptt.models.ngrams import Bags

FILE = "model.onnx"
# N-grams of a row in examples that graphs are compared on.
_NGRAMS = 3


def write(trained: TrainedClassifier, opset: int) -> WrittenGraphs:
    """Return the graph of a classifier: `probabilities` (B, K), that of each label.

    Beside the inputs of the network, one with n-grams has `ngrams` (B, N) int64, their numbers, and
    `ngram_values` (B, N); a value of 0 is one that is not there.
    """
    network, graph = trained.model, OnnxGraph(opset)
    inputs, padded = declare(graph, part_of(network))
    body = _body(graph, network, inputs, padded)
    logits = graph.linear(body, network.output.weight, network.output.bias, "output")
    if network.ngrams is not None:
        logits = _with_ngrams(graph, network, logits)
    one = isinstance(network.labelling, OneLabel)
    found = graph.op("Softmax", logits, axis=-1) if one else graph.op("Sigmoid", logits)
    graph.output("probabilities", found, FLOAT, ("batch", len(trained.labels)))
    facts = {"equations": equations_text(cells_of(network)), "labels": "\n".join(trained.labels)}
    reading, files = reading_of(trained.codec, trained.config.data.max_length)
    settings = {
        **reading,
        "labels": list(trained.labels),
        "several": not one,
        "offsets": None if trained.offsets is None else trained.offsets.tolist(),
        "both_strands": trained.config.source.both_strands,
        "ngrams": trained.config.source.kind if trained.ngrams else None,
    }
    if trained.ngrams is not None:
        files = {**files, NGRAMS: trained.ngrams.to_bytes()}
    return WrittenGraphs(
        {FILE: graph.model("classifier", facts)}, lambda: _examples(trained), settings, files
    )


def part_of(network: Classifier) -> InputPart:
    """Return the input part of a classifier."""
    body = network.body
    return body.encoder.part if isinstance(body, SequenceReader) else body.part


def _body(graph: OnnxGraph, network: Classifier, inputs: list[str], padded: Padding) -> str:
    """Return the vectors (B, width) that the output layer reads."""
    body = network.body
    if isinstance(body, SequenceReader):
        read = write_read(graph, body.encoder, inputs, padded)
        pooled = write_pooling(graph, body.pooling, read, padded)
        return write_feed_forward(graph, body.encoder.feed_forward, pooled)
    values = write_part(graph, body.part, inputs)
    if isinstance(body, SideBySide):
        values = graph.op("Where", padded.valid, values, graph.constant(0.0))
        batch, width = graph.size(values, 1), body.part.output_size
        longer = graph.concat([values, graph.zeros(body.positions, batch, width)], 0)
        turned = graph.op("Transpose", graph.cut(longer, 0, 0, body.positions), perm=[1, 0, 2])
        row = graph.op("Reshape", turned, graph.integers(0, body.positions * width))
    else:
        row = graph.squeeze(graph.cut(values, 0, 0, 1), 0)
    return write_feed_forward(graph, body.feed_forward, row)


def _with_ngrams(graph: OnnxGraph, network: Classifier, logits: str) -> str:
    assert network.ngrams is not None
    numbers = graph.input("ngrams", INT, ("batch", "ngrams"))
    values = graph.input("ngram_values", FLOAT, ("batch", "ngrams"))
    rows = graph.op("Gather", graph.constant(network.ngrams.weight, "ngrams"), numbers, axis=0)
    weighted = graph.op("Mul", rows, graph.unsqueeze(values, 2))
    scores = graph.op(
        "Add", graph.reduce("ReduceSum", weighted, 1), graph.constant(network.ngrams.bias, "bias")
    )
    return graph.op("Add", scores, graph.op("Mul", logits, graph.constant(network.ngrams.share, "share")))


def _examples(trained: TrainedClassifier) -> Iterator[GraphExample]:
    network, part = trained.model, part_of(trained.model)
    generator = torch.Generator().manual_seed(0)
    weight = network.output.weight
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        if not isinstance(network.body, SequenceReader) and not isinstance(network.body, SideBySide):
            steps = 1
        batch = random_batch(part, steps, rows, generator)
        given = arrays_of(part, batch)
        bags = None
        if network.ngrams is not None:
            known = len(network.ngrams.weight)
            numbers = torch.randint(max(1, known), (rows, _NGRAMS), generator=generator)
            values = torch.rand(rows, _NGRAMS, generator=generator)
            given |= {"ngrams": numbers.numpy(), "ngram_values": values.numpy()}
            starts = torch.arange(0, rows * _NGRAMS, _NGRAMS)
            bags = Bags(numbers.flatten(), values.flatten(), starts)
        logits: Tensor = network.answer(network(as_weights(batch, weight)), bags)
        found = network.labelling.log_probabilities(logits).exp()
        yield GraphExample(FILE, given, {"probabilities": found.float().numpy()})
