"""The one door to onnxruntime: models that were written run beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from bptt.errors import InputError
from bptt.graphs.written import Arrays, GraphExample

try:
    import onnxruntime
except ImportError:
    onnxruntime = None


def check_runtime(option: str) -> None:
    """Raise InputError if onnxruntime is not installed, which an option needs."""
    if onnxruntime is None:
        cure = "Install it: pip install 'bptt[onnx]'"
        raise InputError(option, "needs onnxruntime", "no such package", cure)


class Session:
    """A model in onnxruntime, on one thread."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        # Warnings of initialisers that a smaller graph does not need.
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, inputs: Arrays) -> dict[str, Any]:
        """Return the outputs by name."""
        return dict(zip(self._outputs, self._session.run(None, dict(inputs)), strict=True))


def largest_difference(models: Mapping[str, bytes], examples: Iterable[GraphExample]) -> float:
    """Return the largest difference between outputs of the models and the expected ones.

    Numbers beyond 1 count by their share of the expected one; whole numbers that differ, and outputs of
    another shape, count as infinity.
    """
    sessions = {name: Session(data) for name, data in models.items()}
    largest = 0.0
    for example in examples:
        found = sessions[example.file](example.inputs)
        for name, expected in example.outputs.items():
            largest = max(largest, _difference(found[name], expected))
    return largest


def _difference(found: Any, expected: Any) -> float:
    if found.shape != expected.shape:
        return float("inf")
    if not numpy.issubdtype(expected.dtype, numpy.floating):
        return 0.0 if (found == expected).all() else float("inf")
    same = (found == expected) | (numpy.isnan(found) & numpy.isnan(expected))
    away = numpy.abs(found.astype(float) - expected) / numpy.maximum(1, numpy.abs(expected))
    return float(numpy.max(numpy.where(same, 0.0, away), initial=0.0))
