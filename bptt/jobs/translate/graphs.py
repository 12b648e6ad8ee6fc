"""A translator as two graphs: an encoder, and one step of the decoder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import torch
from torch import nn

from bptt.errors import InputError
from bptt.graphs.encoder_graph import (
    arrays_of,
    as_weights,
    declare,
    random_batch,
    write_encoder,
    write_part,
)
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import cells_of, look_up, write_logits
from bptt.graphs.onnx_graph import BOOL, FLOAT, INT, OnnxGraph
from bptt.graphs.reading_settings import reading_of, vocabulary_settings
from bptt.graphs.recurrent_graph import join_states, read_states, state_shapes, write_stack
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.translate.network import Translator
from bptt.jobs.translate.translator import TARGET_FILE, TrainedTranslator
from bptt.nn.attention import Attention
from bptt.nn.decoder import Bridge, DecoderState

ENCODER, STEP = "encoder.onnx", "decoder_step.onnx"


def write(trained: TrainedTranslator, opset: int) -> WrittenGraphs:
    """Return the graphs of a translator.

    `encoder.onnx` maps inputs and lengths to the states of the decoder, with attention to `keys`, `values`
    (B, S, ...) and `is_there` (B, S). `decoder_step.onnx` maps `token` (B,) int64, -1 the first, the states,
    the `output` before, and what the encoder gave, to `log_probabilities` (B, V), the states and output after
    it, and `weights` (B, S). Raises InputError for a model that does not read sequences.
    """
    network = trained.model
    if not isinstance(network, Translator):
        rule = "an exported translator reads sequences"
        raise InputError("export", rule, "a vector, such as a class")
    vocabulary = trained.vocabulary
    facts = {"equations": equations_text(cells_of(network)), "vocabulary_sha256": vocabulary.sha256}
    reading, files = reading_of(trained.codec, trained.config.data.max_length)
    settings: dict[str, Any] = {
        **reading,
        "target_vocabulary": vocabulary_settings(vocabulary.options),
        "states": list(state_shapes(network.decoder.recurrent)),
        "output_size": network.decoder.output_size,
        "limit": [trained.config.limit.constant, trained.config.limit.factor],
    }
    models = {ENCODER: _encoder(network, opset, facts), STEP: _step(network, opset, facts)}
    written = {**files, TARGET_FILE: vocabulary.to_bytes()}
    return WrittenGraphs(models, lambda: _examples(network), settings, written)


def _encoder(network: Translator, opset: int, facts: dict[str, str]) -> bytes:
    graph, encoder, decoder = OnnxGraph(opset), network.encoder, network.decoder
    inputs, padded = declare(graph, encoder.part)
    value = write_part(graph, encoder.part, inputs)
    read, final = write_stack(graph, encoder.recurrent, value, padded, None)
    states = _bridge(graph, network.bridge, join_states(graph, encoder.recurrent, final))
    for (name, shape), state in zip(state_shapes(decoder.recurrent).items(), states, strict=True):
        graph.output(name, state, FLOAT, shape)
    if decoder.attention is not None:
        output = write_encoder(graph, encoder, read, padded)
        values = graph.op("Transpose", output, perm=[1, 0, 2])
        keys = values
        if decoder.attention.score != "dot":
            keys = graph.linear(values, decoder.attention.key_weight, None, "key")
        graph.output("keys", keys, FLOAT, ("batch", "time", decoder.attention.width))
        graph.output("values", values, FLOAT, ("batch", "time", decoder.attention.key_width))
        there = graph.op("Transpose", graph.squeeze(padded.valid, 2), perm=[1, 0])
        graph.output("is_there", there, BOOL, ("batch", "time"))
    return graph.model("encoder", facts)


def _bridge(graph: OnnxGraph, bridge: Bridge, final: list[str]) -> list[str]:
    """Return the tensors of the decoder's initial states for those of the encoder's final ones."""
    rows: list[list[str]] = [[] for _ in bridge.source.widths]
    for value, tensor in zip(final, bridge.source.tensors, strict=True):
        for row, part in zip(tensor.rows, graph.split(value, [1] * len(tensor.rows), 0), strict=True):
            rows[row].append(part)
    count = bridge.num_directions
    joined = [graph.concat([*chain(*rows[k : k + count])], 2) for k in range(0, len(rows), count)]
    parts = []
    for linear, source, widths in zip(bridge.maps, bridge.sources, bridge.target.handed_widths, strict=True):
        assert isinstance(linear, nn.Linear)
        mapped = graph.op("Tanh", graph.linear(joined[source], linear.weight, linear.bias, "bridge"))
        parts.append(graph.split(mapped, widths, 2))
    tensors = bridge.target.tensors
    return [graph.concat([parts[row][tensor.index] for row in tensor.rows], 0) for tensor in tensors]


def _step(network: Translator, opset: int, facts: dict[str, str]) -> bytes:
    graph, decoder = OnnxGraph(opset), network.decoder
    stack, shapes = decoder.recurrent, state_shapes(decoder.recurrent)
    token = graph.input("token", INT, ("batch",))
    given = [graph.input(name, FLOAT, shape) for name, shape in shapes.items()]
    x = graph.unsqueeze(look_up(graph, token, network.table), 0)
    if decoder.input_feeding:
        before = graph.input("output", FLOAT, ("batch", decoder.output_size))
        x = graph.concat([x, graph.unsqueeze(before, 0)], 2)
    read, final = write_stack(graph, stack, x, None, read_states(graph, stack, given))
    output = graph.squeeze(read, 0)
    if decoder.attention is not None:
        context, weights = _attend(graph, decoder.attention, output)
        joined = graph.concat([context, output], 1)
        output = graph.op("Tanh", graph.linear(joined, decoder.combine.weight, None, "combine"))
        graph.output("weights", weights, FLOAT, ("batch", "time"))
    found = graph.op("LogSoftmax", write_logits(graph, network, output), axis=-1)
    graph.output("log_probabilities", found, FLOAT, ("batch", network.vocabulary_size))
    graph.output("final_output", output, FLOAT, ("batch", decoder.output_size))
    for (name, shape), value in zip(shapes.items(), join_states(graph, stack, final), strict=True):
        graph.output(f"final_{name}", value, FLOAT, shape)
    return graph.model("decoder-step", facts)


def _attend(graph: OnnxGraph, attention: Attention, query: str) -> tuple[str, str]:
    """Return the context (B, K) and the weights (B, S) of a query (B, Q)."""
    keys = graph.input("keys", FLOAT, ("batch", "time", attention.width))
    values = graph.input("values", FLOAT, ("batch", "time", attention.key_width))
    there = graph.input("is_there", BOOL, ("batch", "time"))
    if attention.score == "additive":
        projected = graph.unsqueeze(graph.linear(query, attention.query_weight, None, "query"), 1)
        hidden = graph.op("Tanh", graph.op("Add", projected, keys))
        scores = graph.op("MatMul", hidden, graph.constant(attention.vector.detach()[:, None], "vector"))
    else:
        scores = graph.op("MatMul", keys, graph.unsqueeze(query, 2))
    lowest = graph.constant(torch.finfo(torch.float32).min)
    weights = graph.op("Softmax", graph.op("Where", there, graph.squeeze(scores, 2), lowest), axis=1)
    weights = graph.op("Where", there, weights, graph.constant(0.0))
    context = graph.op("MatMul", graph.unsqueeze(weights, 1), values)
    return graph.squeeze(context, 1), weights


def _examples(network: Translator) -> Iterator[GraphExample]:
    part, decoder = network.encoder.part, network.decoder
    names = list(state_shapes(decoder.recurrent))
    generator = torch.Generator().manual_seed(0)
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        batch = random_batch(part, steps, rows, generator)
        begun = network.start(*as_weights(batch, next(network.parameters())))
        yield GraphExample(ENCODER, arrays_of(part, batch), _arrays(begun, names))
        # From a step after the first, whose output is not zero.
        token = torch.randint(network.vocabulary_size, (rows,), generator=generator)
        _, state, _ = network.step(token, begun)
        given = {"token": token.numpy(), **_arrays(state, names)}
        if decoder.input_feeding:
            given["output"] = state.output.float().numpy()
        found, after, weights = network.step(token, state)
        wanted = {"log_probabilities": found.float().numpy(), "final_output": after.output.float().numpy()}
        wanted |= {f"final_{n}": s.float().numpy() for n, s in zip(names, after.recurrent, strict=True)}
        if decoder.attention is not None:
            wanted["weights"] = weights.float().numpy()
        yield GraphExample(STEP, given, wanted)


def _arrays(state: DecoderState, names: list[str]) -> dict[str, Any]:
    """Return a state of the decoder as the arrays that its step takes."""
    found = {name: each.float().numpy() for name, each in zip(names, state.recurrent, strict=True)}
    if state.memory is None:
        return found
    memory = state.memory
    there = (~memory.padding).numpy()
    return {
        **found,
        "keys": memory.keys.float().numpy(),
        "values": memory.values.float().numpy(),
        "is_there": there,
    }
