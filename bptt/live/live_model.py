"""The data of a live page of a language model: cells as JavaScript, weights in float16, the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import Tensor

from bptt.cells.adjusted import adjusted
from bptt.cells.cell import Cell
from bptt.cells.expression import Symbol, add, multiply, to_text
from bptt.codegen.javascript.cell_object import javascript
from bptt.codegen.layout import member
from bptt.codegen.plan import plan
from bptt.data.vocabulary import Vocabulary
from bptt.derive.normal_form import normal_form
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.models.heads.full import FullSoftmax
from bptt.nn.initial import initial_names
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack
from bptt.report.payload import Json, Payload

# The largest finite float16.
_LARGEST = 65504.0


def cells_text(stack: Stack) -> str:
    """Return the cells of a stack as an array of JavaScript: each with its equations, and adjusted."""
    texts = [
        f"{{ plain: {javascript(cell)},\n adjusted: {javascript(adjusted(cell))},\n"
        f" written: {json.dumps(_written(cell), ensure_ascii=False)} }}"
        for cell in _cells(stack)
    ]
    return f"[{', '.join(texts)}]"


def _cells(stack: Stack) -> list[Cell]:
    """Return the cells of the layers, each once."""
    return list(dict.fromkeys(layer.cell for layer in stack.layers))


def _written(cell: Cell) -> Json:
    """Return the equations of a step, forward and backward, in parts that numbers can be put into.

    A product names its matrix as a family and the place in it.
    """

    def part(matrix: str, vector: str) -> Json:
        family, place = member(cell, matrix)
        return {"matrix": matrix, "family": family, "place": place, "vector": vector}

    forward = [
        {
            "target": step.target,
            "products": [part(p.matrix, p.vector) for p in step.products],
            "rest": to_text(step.rest),
        }
        for step in normal_form(cell).steps
    ]
    found = plan(cell)
    backward: list[Json] = []
    for each in (*found.backward_loop, *found.backward_after):
        products = []
        for gather in each.gathers:
            members = next(f.members for f in cell.families if f.name == gather.rows.family)
            named = members[gather.rows.first : gather.rows.first + gather.rows.count]
            products += [part(m, d) for m, d in zip(named, gather.deltas, strict=True)]
        rest = to_text(add(*(multiply(Symbol(t.delta), t.coefficient) for t in each.terms)))
        backward.append(
            {"target": each.target, "products": products, "rest": f"sum({rest})" if each.row else rest}
        )
    vectors = {name: member(cell, name) for name in cell.vectors}
    return {
        "forward": forward,
        "backward": backward,
        "vectors": {name: {"family": family, "place": place} for name, (family, place) in vectors.items()},
        "constants": dict(cell.constants),
    }


def language_data(trained: Trained, title: str, example: str) -> str:
    """Return the data of the page of a language model, in letters that mean nothing to HTML.

    Raises InputError for an output layer of a package, and for words that jieba cuts.
    """
    model, vocabulary, config = trained
    if not isinstance(model.output, FullSoftmax):
        rule = "a page computes the full softmax only"
        raise InputError("html", rule, type(model.output).__name__, "Use `bptt sample` or `bptt next`")
    payload = Payload()
    page: Json = {
        "title": title,
        "example": example,
        "facts": _facts(trained),
        "vocabulary": _vocabulary(vocabulary),
        "before": config.data.before_line,
        "layers": layers_data(model.recurrent, payload),
        "embedding": None if model.table is None else half(model.table, payload),
        "output": {
            "matrix": None if model.tied is not None else half(model.output.matrix(None), payload),
            "bias": half(model.output.bias, payload),
        },
    }
    return payload.text(page)


def layers_data(stack: Stack, payload: Payload) -> list[Json]:
    """Encode the layers in torch's order: sizes, parameters by family, initial states."""
    cells = _cells(stack)
    return [
        {
            "cell": cells.index(layer.cell),
            "reverse": layer.reverse,
            "sizes": dict(layer.sizes),
            "parameters": {
                family.name: half(tensor, payload)
                for family, tensor in zip(layer.cell.families, layer.families(stack), strict=True)
            },
            "initial": _initial(stack, layer, payload),
        }
        for layer in stack.layers
    ]


def _initial(stack: Stack, layer: Layer, payload: Payload) -> Json:
    """Encode learned initial states; others are zero."""
    if stack.initial != "learned":
        return {}
    names = zip(layer.cell.states, initial_names(layer), strict=True)
    return {state: half(getattr(stack, name), payload) for state, name in names}


def half(tensor: Tensor, payload: Payload) -> Json:
    """Add a tensor in float16."""
    numbers = tensor.detach().cpu().float().numpy()
    return payload.store("u16", np.clip(numbers, -_LARGEST, _LARGEST).astype("<f2").view("<u2"))


def _vocabulary(vocabulary: Vocabulary) -> Json:
    """Return what cuts a text into tokens. Raises InputError for words that jieba cuts."""
    options = vocabulary.options
    if options.level == "jieba":
        cure = "Train with `level` character or word"
        raise InputError("html", "a page cuts a text without a dictionary", "level jieba", cure)
    merges: Sequence[Any] = []
    if options.level == "bpe":
        merges = json.loads(vocabulary.to_bytes())["model"]["merges"]
    return {
        **{name: value for name, value in asdict(options).items() if name in _CUTTING},
        "whiteSpace": options.keeps_white_space,
        "opening": vocabulary.level.opening,
        "tokens": vocabulary.tokens,
        "merges": merges,
        "unit": vocabulary.unit,
    }


_CUTTING = ("level", "lowercase", "digits", "punctuation", "normalise")


def _facts(trained: Trained) -> list[str]:
    model, vocabulary, config = trained
    weights = sum(parameter.numel() for parameter in model.parameters())
    names = ", ".join(dict.fromkeys(layer.cell.name for layer in model.recurrent.layers))
    return [
        f"{config.model.num_layers} x {config.model.hidden_size} {names}",
        f"{weights:,} weights",
        f"{vocabulary.size:,} {vocabulary.unit}",
    ]
