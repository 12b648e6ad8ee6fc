"""Weights in 8 bits: models quantised by onnxruntime, and what that costs a language model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import NOTHING
from bptt.graphs.runtime_check import Session

try:
    from onnxruntime.quantization import QuantType, quantize_dynamic
except ImportError:
    quantize_dynamic = None

# The operators that onnxruntime has in 8 bits; it has no GRU, and reads no body of a Scan.
_OPERATORS = ["LSTM", "MatMul"]
# Tokens of the held-out text that perplexity is measured on.
_MEASURED = 20_000


def in_eight_bits(models: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return models whose LSTMs and matrix products have weights of 8 bits; activations are scaled at each
    call.
    """
    found = {}
    # It advises to simplify the graph first, which has nothing to simplify.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        for name, data in models.items():
            source.write_bytes(data)
            quantize_dynamic(source, target, op_types_to_quantize=_OPERATORS, weight_type=QuantType.QInt8)
            found[name] = target.read_bytes()
    logging.disable(before)
    return found


def graph_perplexity(
    model: bytes, vocabulary: Vocabulary, start: Mapping[str, list[list[list[float]]]], text: str
) -> float:
    """Return the perplexity per token of the beginning of a text, by the graph of a language model."""
    targets = vocabulary.encode(text)[:_MEASURED].numpy()
    tokens = numpy.concatenate([[NOTHING], targets[:-1]]).astype(numpy.int64)[:, None]
    states = {name: numpy.array(value, numpy.float32) for name, value in start.items()}
    logits = Session(model)({"tokens": tokens, **states})["logits"][:, 0].astype(float)
    highest = logits.max(1)
    totals = highest + numpy.log(numpy.exp(logits - highest[:, None]).sum(1))
    return float(numpy.exp((totals - logits[numpy.arange(len(targets)), targets]).mean()))
