"""A tagger as a graph: sentences to the best tags, those of a CRF found inside the graph."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bptt.graphs.encoder_graph import (
    arrays_of,
    as_weights,
    declare,
    random_batch,
    write_encoder,
    write_read,
)
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of
from bptt.graphs.onnx_graph import BOOL, FLOAT, INT, OnnxGraph
from bptt.graphs.reading_settings import reading_of
from bptt.graphs.recurrent_graph import Padding
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.tag.trained import TrainedTagger
from bptt.nn.crf import CRF

FILE = "model.onnx"


def write(trained: TrainedTagger, opset: int) -> WrittenGraphs:
    """Return the graph of a tagger: `scores` (T, B, K) of the tags, and `tags` (T, B) int64, the best ones.

    With a CRF they are the best sequence, found in the graph; -1 is padding.
    """
    network, graph = trained.model, OnnxGraph(opset)
    inputs, padded = declare(graph, network.encoder.part)
    read = write_read(graph, network.encoder, inputs, padded)
    encoded = write_encoder(graph, network.encoder, read, padded)
    scores = graph.linear(encoded, network.output.weight, network.output.bias, "output")
    graph.output("scores", scores, FLOAT, ("time", "batch", len(trained.tags.tags)))
    if network.crf is None:
        tags = graph.op("ArgMax", scores, axis=2, keepdims=0)
    else:
        tags = write_viterbi(graph, network.crf, scores, padded)
    valid = graph.squeeze(padded.valid, 2)
    graph.output("tags", graph.op("Where", valid, tags, graph.integer(-1)), INT, ("time", "batch"))
    facts = {"equations": equations_text(cells_of(network)), "tags": "\n".join(trained.tags.tags)}
    reading, files = reading_of(trained.codec)
    settings = {**reading, "tags": list(trained.tags.tags)}
    return WrittenGraphs({FILE: graph.model("tagger", facts)}, lambda: _examples(trained), settings, files)


def write_viterbi(graph: OnnxGraph, crf: CRF, scores: str, padded: Padding) -> str:
    """Return the most probable tags (T, B) int64 for scores (T, B, K), undefined in the padding.

    A first loop finds the best sequence that ends in each tag, and its origin; a second one goes back.
    Source: Viterbi 1967.
    """
    count = crf.num_tags
    start, transitions, end = (graph.constant(each, "crf") for each in crf.scores())
    batch = graph.size(scores, 1)
    steps = graph.op("Range", graph.integer(0), graph.op("Squeeze", graph.size(scores, 0)), graph.integer(1))
    first = graph.op("Reshape", graph.op("Equal", steps, graph.integer(0)), graph.integers(-1, 1, 1))
    numbers = graph.op("Expand", graph.integers(*range(count)), graph.sizes(batch, count))
    body = graph.body()
    best = body.input(body.fresh("best"), FLOAT, None)
    score, here = body.input(body.fresh("score"), FLOAT, None), body.input(body.fresh("valid"), BOOL, None)
    opening = body.input(body.fresh("first"), BOOL, None)
    reached = body.op("Add", body.unsqueeze(best, 2), transitions)  # (B, K, K)
    moved = body.op("Add", body.reduce("ReduceMax", reached, 1), score)
    going = body.op("Where", here, moved, best)
    new = body.op("Where", opening, body.op("Add", start, score), going)
    goes = body.op("And", here, body.op("Not", opening))
    origin = body.op("Where", goes, body.op("ArgMax", reached, axis=1, keepdims=0), numbers)
    body.output(body.fresh("best"), new, FLOAT, None)
    body.output(body.fresh("origin"), origin, INT, None)
    final, origins = graph.scan(
        body, [graph.zeros(batch, count)], [scores, padded.valid, first], reverse=False
    )
    last = graph.op("ArgMax", graph.op("Add", final, end), axis=1, keepdims=1)
    back = graph.body()
    tag, came = back.input(back.fresh("tag"), INT, None), back.input(back.fresh("origin"), INT, None)
    before = back.op("GatherElements", came, tag, axis=1)
    back.output(back.fresh("before"), before, INT, None)
    back.output(back.fresh("tag"), tag, INT, None)
    return graph.squeeze(graph.scan(back, [last], [origins], reverse=True)[1], 2)


def _examples(trained: TrainedTagger) -> Iterator[GraphExample]:
    network, part = trained.model, trained.model.encoder.part
    generator = torch.Generator().manual_seed(0)
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        batch = random_batch(part, steps, rows, generator)
        scores: Tensor = network(as_weights(batch, network.output.weight))
        tags = torch.full((steps, rows), -1)
        for row, found in enumerate(network.decode(scores, batch.lengths)):
            tags[: len(found), row] = torch.tensor(found, dtype=torch.int64)
        given = arrays_of(part, batch)
        yield GraphExample(FILE, given, {"scores": scores.float().numpy(), "tags": tags.numpy()})
