"""All numbers of one time step of one layer, while a model computes a loss: every value, and every δ.

Torch computes what goes into the step, and the losses after it; between the two the derived equations are
evaluated one by one, so that each δ that they name is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from bptt.derive.evaluate import Point
from bptt.derive.one_step import StepValues, evaluate_step
from bptt.errors import InputError
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack
from bptt.probe.calls import check_no_resets
from bptt.probe.undisturbed import undisturbed
from bptt.runtime.norms import Observer
from bptt.runtime.operators import Sequences, Storage

WHERE = "numbers of a step"
# The equations are evaluated number by number, each a Python float.
MOST_WEIGHTS = 2**24


def step_numbers(
    model: nn.Module, stack: Stack, loss: Callable[[], Tensor], step: int, layer: int = 0
) -> StepValues:
    """Compute the numbers of one step of one layer of `stack`, a part of `model`, for E = `loss()`.

    `loss` runs the model on one sequence, or on several copies of it, perhaps of different `lengths`: what it
    says of a step is added up over the copies. The stack may be called once, or for one stretch of the
    sequence after the other. The model is in evaluation mode meanwhile, and left as it was.

    Args:
        model: whose mode is to be set.
        stack: the recurrent layers that are looked at.
        loss: E, a scalar, differentiable.
        step: the number of the step, from 0: its place in the sequence, in whichever direction it is read.
        layer: the number of the layer and direction, from 0, in torch's order.

    Raises:
        InputError: there is no such layer or step, or the layer has too many weights.

    """
    if not 0 <= layer < len(stack.layers):
        raise InputError(WHERE, f"layer is from 0 to {len(stack.layers) - 1}", layer)
    weights = stack.layers[layer].cell.count(stack.layers[layer].sizes)
    if weights > MOST_WEIGHTS:
        raise InputError(WHERE, f"a layer has at most {MOST_WEIGHTS:,} weights", f"{weights:,}")
    with undisturbed(model), torch.enable_grad(), _recorded(stack, layer) as runs:
        total = loss()
        stretches = [_differentiate(stack, stack.layers[layer], total, run) for run in runs]
    first, chosen = 0, stack.layers[layer]
    for stretch in stretches:
        steps = len(stretch.x)
        if first <= step < first + steps:
            here = step - first
            return _evaluate(stack, chosen, stretch, steps - 1 - here if chosen.reverse else here)
        first += steps
    raise InputError(WHERE, f"step is from 0 to {first - 1}", step)


@dataclass(frozen=True)
class _Run:
    """The arguments of a layer, and its results with the states of all steps."""

    x: Tensor
    initial: tuple[Tensor, ...]
    lengths: Tensor | None
    found: Sequences


@dataclass(frozen=True)
class _Recording(Layer):
    """A layer that remembers its runs."""

    runs: list[_Run] = field(default_factory=list)

    def run(
        self,
        module: nn.Module,
        x: Tensor,
        initial: tuple[Tensor, ...],
        lengths: Tensor | None = None,
        all_states: bool = False,
        storage: Storage = "keep",
        observer: Observer | None = None,
        resets: Tensor | None = None,
        restart: tuple[Tensor, ...] = (),
    ) -> Sequences:
        """Run as a layer does, and record the run. Raises InputError if there are resets."""
        check_no_resets(resets)
        # Where nothing below needs a gradient, and the parameters are frozen, δ is wanted all the same.
        x = x if x.requires_grad else x.detach().requires_grad_()
        found = super().run(module, x, initial, lengths, True, storage, observer)
        self.runs.append(_Run(x, initial, lengths, found))
        return found


@contextmanager
def _recorded(stack: Stack, layer: int) -> Iterator[list[_Run]]:
    """Record the runs of a layer inside; the stack has its own layers again afterwards."""
    layers, own = stack.layers, stack.layers[layer]
    recording = _Recording(own.cell, own.sizes, own.names, own.suffix, own.reverse)
    stack.layers = (*layers[:layer], recording, *layers[layer + 1 :])
    try:
        yield recording.runs
    finally:
        stack.layers = layers


@dataclass(frozen=True)
class _Stretch:
    """A run of the longest copy of the sequence, in the order of reading.

    `x` (T, I), `initial` (width,) and `states` (T, width) by name; `loss` (T, width), by state and output, is
    what is said of a step's results from outside, `end` (T, width), by state, what is said of the state in
    which a copy ended.
    """

    x: Tensor
    initial: Mapping[str, Tensor]
    states: Mapping[str, Tensor]
    loss: Mapping[str, Tensor]
    end: Mapping[str, Tensor]


def _differentiate(stack: Stack, layer: Layer, total: Tensor, run: _Run) -> _Stretch:
    """Return a run, and the gradients of the losses by its results."""
    lengths = _lengths(stack, run)
    longest, steps = int(lengths.argmax()), int(lengths.max())
    results = _results(layer, run.found)
    wanted = [*results.values(), *run.found.final]
    found = torch.autograd.grad(total, wanted, retain_graph=True, allow_unused=True, materialize_grads=True)
    loss = {name: g[:steps].sum(1) for name, g in zip(results, found, strict=False)}
    end = {name: torch.zeros_like(run.found.states[k][:steps, 0]) for k, name in enumerate(layer.cell.states)}
    last = torch.zeros_like(lengths) if layer.reverse else lengths - 1
    for name, gradient in zip(layer.cell.states, found[len(results) :], strict=True):
        end[name].index_add_(0, last, gradient)

    def in_order(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: t.flip(0) if layer.reverse else t for name, t in tensors.items()}

    states = zip(layer.cell.states, run.found.states, strict=True)
    return _Stretch(
        in_order({"x": run.x[:steps, longest].detach()})["x"],
        {s: t[longest].detach() for s, t in zip(layer.cell.states, run.initial, strict=True)},
        in_order({s: t[:steps, longest].detach() for s, t in states}),
        in_order(loss),
        in_order(end),
    )


def _lengths(stack: Stack, run: _Run) -> Tensor:
    """Return the steps (R,) of each copy."""
    if run.lengths is None:
        return torch.full(run.x.shape[1:2], len(run.x), device=run.x.device)
    if stack.bidirectional and int(run.lengths.min()) < int(run.lengths.max()):
        rule = "copies of a sequence that is read in both directions have one length"
        raise InputError(WHERE, rule, run.lengths.tolist())
    return run.lengths.to(run.x.device, torch.int64)


def _results(layer: Layer, found: Sequences) -> dict[str, Tensor]:
    """Yield the sequences of the states, and of the output if it is none of them."""
    results = dict(zip(layer.cell.states, found.states, strict=True))
    return results | ({} if layer.cell.output in results else {layer.cell.output: found.output})


def _evaluate(stack: Stack, layer: Layer, stretch: _Stretch, step: int) -> StepValues:
    """Evaluate the equations of one step, from torch's values around it."""
    cell = layer.cell
    before = {s: t[step - 1] for s, t in stretch.states.items()} if step else stretch.initial
    members = layer.members(stack)
    point = Point(
        sequence=[{cell.inputs[0]: _list(stretch.x[step])}],
        initial={s: _list(t) for s, t in before.items()},
        matrices={m: _list(t) for m, t in members.items() if m in cell.matrices},
        vectors={m: _list(t) for m, t in members.items() if m in cell.vectors},
    )
    loss = {name: _list(t[step]) for name, t in stretch.loss.items()}
    return evaluate_step(cell, point, loss, _later(stack, layer, stretch, step))


def _later(stack: Stack, layer: Layer, stretch: _Stretch, step: int) -> dict[str, list[float]]:
    """Return the gradient of the losses after a step by its states, as the steps that follow hand it back."""
    rest, names = stretch.x[step + 1 :, None], layer.cell.states
    handed = {s: stretch.end[s][step] for s in names}
    if len(rest):
        with torch.enable_grad():
            states = tuple(stretch.states[s][step][None].requires_grad_() for s in names)
            results = _results(layer, replace(layer, reverse=False).run(stack, rest, states, all_states=True))
        said = [stretch.loss[n] + stretch.end.get(n, torch.zeros(())) for n in results]
        found = torch.autograd.grad(
            list(results.values()), states, [t[step + 1 :, None] for t in said], materialize_grads=True
        )
        handed = {s: handed[s] + g[0] for s, g in zip(names, found, strict=True)}
    return {s: _list(t) for s, t in handed.items()}


def _list(tensor: Tensor) -> list[Any]:
    return list(tensor.detach().tolist())
