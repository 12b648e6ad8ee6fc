"""The graphs of a model: files of ONNX, and inputs on which they can be compared with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy

Arrays = Mapping[str, "numpy.ndarray[Any, Any]"]


@dataclass(frozen=True)
class GraphExample:
    """Inputs of the model in the file `file`, and the outputs of ours, by name."""

    file: str
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class WrittenGraphs:
    """The models by the names of their files, and examples of them.

    `settings` are what the program beside them has to know, `files` those that it reads. `perplexity` returns
    that of a text per token by the given models; None if they read no text.
    """

    models: Mapping[str, bytes]
    examples: Callable[[], Iterable[GraphExample]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    perplexity: Callable[[Mapping[str, bytes], str], float] | None = None
