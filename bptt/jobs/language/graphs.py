"""A language model as graphs: one that reads on from its states, and one that scores whole lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from bptt.cells.load import per_layer
from bptt.data.vocabulary import FILE
from bptt.data.vocabulary_options import END
from bptt.graphs.eight_bits import graph_perplexity
from bptt.graphs.equations_text import equations_text
from bptt.graphs.network_parts import embed_by_clusters, look_up, one_hot, write_logits
from bptt.graphs.onnx_graph import FLOAT, INT, OnnxGraph
from bptt.graphs.reading_settings import vocabulary_settings
from bptt.graphs.recurrent_graph import join_states, read_states, state_shapes, write_stack
from bptt.graphs.written import GraphExample, WrittenGraphs
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.models.heads.adaptive import AdaptiveSoftmax
from bptt.nn.initial import initial_states

STEP, SCORE = "model.onnx", "score.onnx"


def write(trained: TrainedLanguageModel, opset: int) -> WrittenGraphs:
    """Return the graphs of a language model.

    `model.onnx` maps tokens (T, B) int64 and states to logits (T, B, V) and states: -1 is the input before
    any token. `score.onnx` maps x (B, T) int64 and x_lens (B,) to nll (B,), the sum of -ln P of the tokens of
    each row and of `<eos>`, in nats, read as a line is.
    """
    network, vocabulary, config = trained
    facts = {
        "equations": equations_text(per_layer(config.cell, config.model.num_layers)),
        "vocabulary_sha256": vocabulary.sha256,
        "vocab_size": str(vocabulary.size),
        "sos_id": str(config.data.before_line),
        "eos_id": str(END),
    }
    settings: dict[str, Any] = {
        "vocabulary": vocabulary_settings(vocabulary.options),
        "start": start_states(network),
        "goes_on": config.data.mode != "sentences",
    }
    models = {
        STEP: step_graph(network, opset, facts),
        SCORE: _score(network, config.data.before_line, opset, facts),
    }

    def perplexity(found: Mapping[str, bytes], text: str) -> float:
        return graph_perplexity(found[STEP], vocabulary, settings["start"], text)

    files = {FILE: vocabulary.to_bytes()}
    return WrittenGraphs(models, lambda: _examples(trained), settings, files, perplexity)


def _embedded(graph: OnnxGraph, network: LanguageModel, tokens: str) -> str:
    if network.output.embeds and isinstance(network.output, AdaptiveSoftmax):
        with torch.no_grad():
            return embed_by_clusters(graph, network.output, tokens)
    if network.table is None:
        return one_hot(graph, tokens, network.vocabulary_size)
    return look_up(graph, tokens, network.table)


def step_graph(network: LanguageModel, opset: int, facts: dict[str, str]) -> bytes:
    """Return the graph that reads on from its states, as `write` describes it."""
    graph, stack = OnnxGraph(opset), network.recurrent
    tokens = graph.input("tokens", INT, ("time", "batch"))
    shapes = state_shapes(stack)
    states = [graph.input(name, FLOAT, shape) for name, shape in shapes.items()]
    x = _embedded(graph, network, tokens)
    output, final = write_stack(graph, stack, x, None, read_states(graph, stack, states))
    logits = write_logits(graph, network, output)
    graph.output("logits", logits, FLOAT, ("time", "batch", network.vocabulary_size))
    for (name, shape), value in zip(shapes.items(), join_states(graph, stack, final), strict=True):
        graph.output(f"final_{name}", value, FLOAT, shape)
    return graph.model("language-model", facts)


def _score(network: LanguageModel, before: int, opset: int, facts: dict[str, str]) -> bytes:
    graph = OnnxGraph(opset)
    x = graph.input("x", INT, ("batch", "time"))
    lengths = graph.input("x_lens", INT, ("batch",))
    tokens = graph.op("Transpose", x, perm=[1, 0])
    row = graph.sizes(1, graph.size(x, 0))
    opening = graph.op("Expand", graph.integer(before), row)
    read = graph.concat([opening, tokens], 0)
    output, _ = write_stack(graph, network.recurrent, _embedded(graph, network, read), None, None)
    found = graph.op("LogSoftmax", write_logits(graph, network, output), axis=-1)
    # One step more than the row has tokens: the last target is <eos>.
    steps = graph.op("Add", graph.size(x, 1), graph.integer(1))
    positions = graph.op("Range", graph.integer(0), graph.op("Squeeze", steps), graph.integer(1))
    at, ends = graph.unsqueeze(positions, 1), graph.unsqueeze(lengths, 0)
    padded = graph.concat([tokens, graph.op("Expand", graph.integer(END), row)], 0)
    inside = graph.op("Less", at, ends)
    targets = graph.op("Where", inside, padded, graph.integer(END))
    each = graph.op("GatherElements", found, graph.unsqueeze(targets, 2), axis=2)
    counted = graph.op("Not", graph.op("Greater", at, ends))
    kept = graph.op("Where", counted, graph.squeeze(each, 2), graph.constant(0.0))
    graph.output("nll", graph.op("Neg", graph.reduce("ReduceSum", kept, 0)), FLOAT, ("batch",))
    return graph.model("language-model-score", facts)


def start_states(network: LanguageModel) -> dict[str, list[list[list[float]]]]:
    """Return the initial states of a text, (rows, 1, width) each."""
    stack = network.recurrent
    like = next(stack.parameters())
    rows = [initial_states(stack, layer, stack.initial, 1, like) for layer in stack.layers]
    names = [tensor.name for tensor in stack.state_form.tensors]
    return {name: each.tolist() for name, each in zip(names, stack.state_form.join(rows), strict=True)}


def step_examples(network: LanguageModel) -> Iterator[GraphExample]:
    """Yield inputs and outputs of the graph that reads on."""
    stack = network.recurrent
    generator = torch.Generator().manual_seed(0)
    dtype, names = next(stack.parameters()).dtype, list(state_shapes(stack))
    for steps, rows in ((1, 1), (7, 3), (40, 2)):
        tokens = torch.randint(-1, network.vocabulary_size, (steps, rows), generator=generator)
        states = [
            torch.randn(len(t.rows), rows, t.width, generator=generator) for t in stack.state_form.tensors
        ]
        logits, final = network(tokens, tuple(state.to(dtype) for state in states))
        given = {name: state.numpy() for name, state in zip(names, states, strict=True)}
        ended = {f"final_{name}": state.float().numpy() for name, state in zip(names, final, strict=True)}
        yield GraphExample(
            STEP, {"tokens": tokens.numpy(), **given}, {"logits": logits.float().numpy(), **ended}
        )


def _examples(trained: TrainedLanguageModel) -> Iterator[GraphExample]:
    yield from step_examples(trained.model)
    vocabulary = trained.vocabulary
    # Tokens are read from text again: two that follow each other may be spelled as a third.
    lines = [
        line for line in ("", *vocabulary.tokens[2:5], "".join(vocabulary.tokens[2:40])) if "\n" not in line
    ]
    encoded = [vocabulary.encode(line).long() for line in lines]
    x = torch.nn.utils.rnn.pad_sequence(encoded, batch_first=True)
    lengths = torch.tensor([len(each) for each in encoded])
    nll = torch.tensor([-score.log_probability for score in score_lines(trained, lines)])
    yield GraphExample(SCORE, {"x": x.numpy(), "x_lens": lengths.numpy()}, {"nll": nll.numpy()})
