"""The data of a live page: cells as JavaScript, weights in float16, and what the job says of its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from bptt.cells.adjusted import adjusted
from bptt.cells.cell import Cell
from bptt.cells.expression import Symbol, add, multiply, to_text
from bptt.codegen.javascript.cell_object import javascript
from bptt.codegen.layout import member
from bptt.codegen.plan import plan
from bptt.derive.normal_form import normal_form
from bptt.jobs.model_page import ModelPage
from bptt.languages.available import Language
from bptt.languages.phrase import Phrase, phrase, table_of, translate
from bptt.nn.initial import initial_names
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack
from bptt.report.payload import Json, Payload

# The largest finite float16.
_LARGEST = 65504.0


def cells_text(page: ModelPage) -> str:
    """Return the cells of a model as an array of JavaScript: each with its equations, and adjusted."""
    texts = [
        f"{{ plain: {javascript(cell)},\n adjusted: {javascript(adjusted(cell))},\n"
        f" written: {json.dumps(_written(cell), ensure_ascii=False)} }}"
        for cell in _cells(page)
    ]
    return f"[{', '.join(texts)}]"


def _cells(page: ModelPage) -> list[Cell]:
    """Return the cells of all stacks of a model, each once."""
    return list(dict.fromkeys(layer.cell for stack in _stacks(page.data) for layer in stack.layers))


def _stacks(value: Any) -> Iterator[Stack]:
    if isinstance(value, Stack):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _stacks(each)


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


def page_data(page: ModelPage, title: str, language: Language) -> str:
    """Return the data of the page of a model, in letters that mean nothing to HTML."""
    facts = [translate(fact, table_of(language)) for fact in _facts(page)]
    payload = Payload()
    model = encoded(page, lambda tensor: half(tensor, payload))
    return payload.text({"title": title, "example": page.example, "facts": facts, **model})


def encoded(page: ModelPage, store: Callable[[Tensor], Any]) -> Json:
    """Return the data of a model as plain data: `store` makes it of a tensor, a stack becomes its layers."""
    cells = _cells(page)

    def plain(value: Any) -> Any:
        if isinstance(value, Tensor):
            return store(value.detach().cpu())
        if isinstance(value, Stack):
            return [layer_data(value, layer) for layer in value.layers]
        if isinstance(value, Mapping):
            return {name: plain(each) for name, each in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    def layer_data(stack: Stack, layer: Layer) -> Json:
        families = zip(layer.cell.families, layer.families(stack), strict=True)
        return {
            "cell": cells.index(layer.cell),
            "reverse": layer.reverse,
            "sizes": dict(layer.sizes),
            "parameters": {family.name: store(tensor.detach().cpu()) for family, tensor in families},
            "initial": initial(stack, layer),
        }

    def initial(stack: Stack, layer: Layer) -> Json:
        """Return learned initial states; others are zero."""
        if stack.initial != "learned":
            return {}
        names = zip(layer.cell.states, initial_names(layer), strict=True)
        return {state: plain(getattr(stack, name)) for state, name in names}

    found: Json = plain(page.data)
    return found


def half(tensor: Tensor, payload: Payload) -> Json:
    """Add a tensor in float16."""
    numbers = tensor.float().numpy()
    return payload.store("u16", np.clip(numbers, -_LARGEST, _LARGEST).astype("<f2").view("<u2"))


def _facts(page: ModelPage) -> list[Phrase]:
    layers = page.stack.layers
    weights: list[int] = []
    encoded(page, lambda tensor: weights.append(tensor.numel()))
    names = ", ".join(dict.fromkeys(layer.cell.name for layer in layers))
    sizes = (str(page.stack.num_layers), str(page.stack.hidden_size), names)
    both = any(layer.reverse for layer in layers)
    return [
        phrase("{} x {} {}, in both directions", *sizes) if both else phrase("{} x {} {}", *sizes),
        phrase("{} weights", f"{sum(weights):,}"),
        *page.facts,
    ]
