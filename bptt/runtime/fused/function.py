"""Layers of a plain cell as a node of autograd's graph: once differentiated by torch, then by our equations.

cuDNN has no second derivatives, and refuses a backward pass after a change of its results in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.differentiable import gradients_with_graph
from bptt.runtime.fused.layers import Layers, by_equations, call
from bptt.runtime.saved import save, saved
from bptt.runtime.versions import Versions


class LayersRun(NamedTuple):
    """The output (T, B, directions * width) of the last layer, and the final states (B, width) of each layer
    and direction.
    """

    output: Tensor
    final: tuple[tuple[Tensor, ...], ...]


def run_layers(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Sequence[Tensor]],
    parts: Sequence[Sequence[Sequence[Tensor]]],
    *,
    lengths: Tensor | None = None,
    directions: int = 1,
) -> LayersRun:
    """Run layers of a plain cell, which `dispatch.runs_fused` has accepted, over sequences x (T, B, I).

    `initial` has for each layer and direction, in torch's order, a tensor (B, width) for each of
    `cell.states`; `parts` for each of `cell.families` the tensors whose sum it is. The output is zero in the
    padding. All results are differentiable any number of times.
    """
    layers = Layers(cell, directions, lengths)
    states = [torch.stack(rows) for rows in zip(*map(tuple, initial), strict=True)]
    tensors = (x, *states, *(weight for each in parts for weight in layers.weights(each)))
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        found: tuple[Tensor, ...] = _Fused.apply(layers, *tensors)  # type: ignore[no-untyped-call]
    else:
        with torch.no_grad():
            found = call(layers, tensors)
    output, *final = found
    return LayersRun(output, tuple(zip(*(state.unbind(0) for state in final), strict=True)))


class _Graph(NamedTuple):
    """A call of torch's operator with its graph: its arguments as leaves, and its results."""

    leaves: list[Tensor]
    outputs: tuple[Tensor, ...]


class _Fused(torch.autograd.Function):
    """Layers by torch's operator, whose own graph is kept for one backward pass."""

    @staticmethod
    def forward(ctx: Any, layers: Layers, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the results of `call`, and keep their graph."""
        ctx.layers, ctx.asked = layers, ctx.needs_input_grad[1:]
        graph = _with_graph(layers, tensors, ctx.asked)
        # The first backward pass takes the graph, whose memory is then free; a later one runs the call again.
        ctx.graph, ctx.versions = iter([graph]), Versions(graph.outputs)
        ctx.set_materialize_grads(False)
        save(ctx, *tensors)
        return tuple(output.detach() for output in graph.outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
        layers: Layers = ctx.layers
        asked: tuple[bool, ...] = ctx.asked
        if all(g is None for g in gradients):
            return (None,) * (1 + len(asked))
        tensors: list[Tensor] = saved(ctx, f"layers of {layers.cell.name}")
        if torch.is_grad_enabled():
            return (None, *gradients_with_graph(by_equations(layers, tensors), gradients, tensors))
        graph: _Graph | None = next(ctx.graph, None)
        if graph is None or ctx.versions.changed:
            graph = _with_graph(layers, tensors, asked)
        if not are_batched(gradients):
            return (None, *_gradients(graph, gradients, retain=False))
        wanted = [t if a else None for t, a in zip(tensors, asked, strict=True)]
        return (None, *for_each(lambda each: _gradients(graph, each, retain=True), gradients, wanted))


def _with_graph(layers: Layers, tensors: Sequence[Tensor], asked: Sequence[bool]) -> _Graph:
    leaves = [t.detach().requires_grad_(a) for t, a in zip(tensors, asked, strict=True)]
    with torch.enable_grad():
        return _Graph(leaves, call(layers, leaves))


def _gradients(graph: _Graph, gradients: Sequence[Tensor | None], retain: bool) -> tuple[Tensor | None, ...]:
    """Return the gradients of the leaves, None for those that require none."""
    pairs = [
        (o, g) for o, g in zip(graph.outputs, gradients, strict=True) if g is not None and o.requires_grad
    ]
    wanted = [leaf for leaf in graph.leaves if leaf.requires_grad]
    if not pairs:
        # No row has a step: only the output, a constant then, has a gradient.
        return (None,) * len(graph.leaves)
    outputs, given = [o for o, _ in pairs], [g for _, g in pairs]
    result = iter(torch.autograd.grad(outputs, wanted, given, retain_graph=retain, allow_unused=True))
    return tuple(next(result) if leaf.requires_grad else None for leaf in graph.leaves)
