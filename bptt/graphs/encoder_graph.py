"""Input parts and encoders in ONNX: from the tensors of a batch to a vector for each step or row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from bptt.errors import InputError
from bptt.graphs.network_parts import look_up, one_hot
from bptt.graphs.onnx_graph import FLOAT, INT, OnnxGraph, Shape
from bptt.graphs.recurrent_graph import Padding, padding, write_stack
from bptt.models.codecs.codec import Padded
from bptt.models.dna_input import DnaInput
from bptt.models.encoder import Encoder
from bptt.models.inputs import InputPart, SeriesInput, TokenInput
from bptt.models.spelled_words import SpelledWordInput
from bptt.models.stacked_input import StackedInput
from bptt.nn.pooling import Pooling

_ACTIVATIONS = {nn.ReLU: "Relu", nn.Tanh: "Tanh", nn.Sigmoid: "Sigmoid"}
# Characters of a word, in examples that graphs are compared on.
_SPELLED = 5


def declared(part: InputPart) -> Mapping[str, tuple[str, Shape]]:
    """Return the tensors that a part takes by name: the type and the shape of each.

    Raises InputError for a part that has no graph.
    """
    match part:
        case TokenInput():
            return {"tokens": (INT, ("time", "batch"))}
        case DnaInput():
            return {"letters": (INT, ("time", "batch"))}
        case SeriesInput():
            return {"series": (FLOAT, ("time", "batch", part.output_size))}
        case StackedInput():
            return {"series": (FLOAT, ("time", "batch", part.output_size))}
        case SpelledWordInput():
            spelled = (INT, ("time", "batch", "characters"))
            return {"words": (INT, ("time", "batch")), "characters": spelled}
    rule = "an exported network reads tokens, words, letters of DNA, or numbers"
    raise InputError("export", rule, type(part).__name__)


def declare(graph: OnnxGraph, part: InputPart) -> tuple[list[str], Padding]:
    """Add the inputs of a part, and `lengths` (B,) int64, to a graph; return the tensors and the padding."""
    inputs = [graph.input(name, kind, shape) for name, (kind, shape) in declared(part).items()]
    lengths = graph.input("lengths", INT, ("batch",))
    return inputs, padding(graph, inputs[0], lengths)


def write_part(graph: OnnxGraph, part: InputPart, inputs: Sequence[str]) -> str:
    """Return the vectors (T, B, I) of a part for its inputs."""
    match part:
        case TokenInput() if not part.options.embedding_size:
            return one_hot(graph, inputs[0], part.vocabulary_size)
        case TokenInput():
            others = [part.others] if part.num_others else []
            return look_up(graph, inputs[0], torch.cat([part.embedding, *others]))
        case DnaInput():
            return look_up(graph, inputs[0], part.probabilities)
        case SpelledWordInput():
            words = write_part(graph, part.words, inputs[:1])
            return graph.concat([words, _spelled(graph, part, inputs[1])], 2)
        case SeriesInput():
            centred = graph.op("Sub", inputs[0], graph.constant(part.mean, "mean"))
            scaled = graph.op("Div", centred, graph.constant(part.deviation, "deviation"))
            return graph.op("Where", graph.op("IsNaN", inputs[0]), graph.constant(0.0), scaled)
        case StackedInput():
            return _stacked(graph, part, inputs[0])
    declared(part)
    raise AssertionError("a part that is declared is written")


def _stacked(graph: OnnxGraph, part: StackedInput, steps: str) -> str:
    time, batch = graph.size(steps, 0), graph.size(steps, 1)
    rows = graph.op("Mul", batch, graph.integers(part.count))
    width = part.frame.output_size
    frames = graph.op("Reshape", steps, graph.sizes(time, rows, width))
    read = write_part(graph, part.frame, [frames])
    return graph.op("Reshape", read, graph.sizes(time, batch, part.output_size))


def _spelled(graph: OnnxGraph, part: SpelledWordInput, characters: str) -> str:
    """Return the final states (T, B, 2 H) of the reader of characters (T, B, W)."""
    time, batch, length = (graph.size(characters, axis) for axis in range(3))
    count = graph.op("Mul", time, batch)
    flat = graph.op("Reshape", characters, graph.sizes(count, length))
    spelled = graph.op("Transpose", flat, perm=[1, 0])
    is_there = graph.cast(graph.op("GreaterOrEqual", flat, graph.integer(0)), INT)
    padded = padding(graph, spelled, graph.reduce("ReduceSum", is_there, 1))
    read = write_part(graph, part.characters, [spelled])
    _, final = write_stack(graph, part.speller, read, padded, None)
    joined = graph.concat([graph.squeeze(states[0], 0) for states in final], 1)
    width = 2 * part.speller.hidden_size
    return graph.op("Reshape", joined, graph.sizes(time, batch, width))


def write_feed_forward(graph: OnnxGraph, layers: nn.Sequential, value: str) -> str:
    """Return the output of feed-forward layers in evaluation."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            value = graph.linear(value, layer.weight, layer.bias, "feed_forward")
        elif type(layer) in _ACTIVATIONS:
            value = graph.op(_ACTIVATIONS[type(layer)], value)
    return value


def write_read(graph: OnnxGraph, encoder: Encoder, inputs: Sequence[str], padded: Padding) -> str:
    """Return the output (T, B, read_size) of the recurrent layers."""
    value = write_part(graph, encoder.part, inputs)
    return write_stack(graph, encoder.recurrent, value, padded, None)[0]


def write_encoder(graph: OnnxGraph, encoder: Encoder, read: str, padded: Padding) -> str:
    """Return the output (T, B, output_size) for that of the recurrent layers; zero in the padding."""
    value = write_feed_forward(graph, encoder.feed_forward, read)
    return graph.op("Where", padded.valid, value, graph.constant(0.0))


def write_pooling(graph: OnnxGraph, pooling: Pooling, values: str, padded: Padding) -> str:
    """Return the vectors (B, width) for values (T, B, width), which are zero in the padding."""
    if pooling.kind == "mean":
        total = graph.reduce("ReduceSum", values, 0)
        counts = graph.op("Max", graph.unsqueeze(graph.cast(padded.counts, FLOAT), 1), graph.constant(1.0))
        return graph.op("Div", total, counts)
    if pooling.kind == "max":
        low = graph.op("Where", padded.valid, values, graph.constant(float("-inf")))
        some = graph.unsqueeze(graph.op("Greater", padded.counts, graph.constant(0, "zero", numpy.int32)), 1)
        return graph.op("Where", some, graph.reduce("ReduceMax", low, 0), graph.constant(0.0))
    if pooling.kind == "attention":
        hidden = graph.op("Tanh", graph.linear(values, pooling.weight, pooling.bias, "pooling"))
        scores = graph.op("MatMul", hidden, graph.constant(pooling.query.detach()[:, None], "query"))
        lowest = graph.constant(torch.finfo(torch.float32).min)
        weights = graph.op("Softmax", graph.op("Where", padded.valid, scores, lowest), axis=0)
        kept = graph.op("Where", padded.valid, weights, graph.constant(0.0))
        return graph.reduce("ReduceSum", graph.op("Mul", kept, values), 0)
    last = _last(graph, values, padded)
    if not pooling.bidirectional:
        return last
    half = pooling.width // 2
    first = graph.squeeze(graph.cut(values, 0, 0, 1), 0)
    return graph.concat([graph.cut(last, 1, 0, half), graph.cut(first, 1, half, 2 * half)], 1)


def _last(graph: OnnxGraph, values: str, padded: Padding) -> str:
    """Return the last valid step of each row, zero for a row without one."""
    one_less = graph.op("Sub", graph.cast(padded.counts, INT), graph.integer(1))
    steps = graph.op("Squeeze", graph.size(values, 0))
    positions = graph.op("Range", graph.integer(0), steps, graph.integer(1))
    here = graph.op("Equal", graph.unsqueeze(positions, 1), graph.unsqueeze(one_less, 0))
    chosen = graph.op("Where", graph.unsqueeze(here, 2), values, graph.constant(0.0))
    return graph.reduce("ReduceSum", chosen, 0)


def random_batch(part: InputPart, steps: int, rows: int, generator: torch.Generator) -> Padded:
    """Return inputs of a part with random values and lengths; the first row has all steps, the last none."""
    lengths = torch.randint(steps + 1, (rows,), generator=generator)
    lengths[-1], lengths[0] = 0, steps
    sizes = {"time": steps, "batch": rows, "characters": _SPELLED}
    tensors = []
    for name, (kind, shape) in declared(part).items():
        known = [sizes[each] if isinstance(each, str) else each for each in shape]
        if kind == FLOAT:
            tensors.append(torch.randn(known, generator=generator))
        else:
            tensors.append(torch.randint(_highest(part, name), known, generator=generator))
    return Padded(tuple(tensors), lengths)


def _highest(part: InputPart, name: str) -> int:
    """Return the number of values that an input of whole numbers may have."""
    match part:
        case SpelledWordInput():
            return _highest(part.words if name == "words" else part.characters, name)
        case TokenInput():
            return part.vocabulary_size + part.num_others
    return 4


def arrays_of(part: InputPart, batch: Padded) -> dict[str, Any]:
    """Return a batch as the arrays that a graph takes."""
    names = [*declared(part), "lengths"]
    return {name: each.numpy() for name, each in zip(names, (*batch.tensors, batch.lengths), strict=True)}


def as_weights(batch: Padded, like: Tensor) -> Padded:
    """Return a batch with its numbers in the dtype of the weights."""
    tensors = tuple(each.to(like.dtype) if each.is_floating_point() else each for each in batch.tensors)
    return Padded(tensors, batch.lengths)
