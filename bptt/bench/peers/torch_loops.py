"""Cells that torch.nn does not have, in the fastest ways that torch knows for a loop over time.

One product with the input for all steps at once, one with the state for all gates of a step, fused
operations where there are any. The loop runs as it is, as TorchScript, or with its step compiled by
torch.compile: a whole compiled loop is unrolled, and takes a minute for 64 steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from bptt.bench.contender_names import COMPILED, SCRIPT
from bptt.bench.layer_problem import LayerProblem, TorchContender

# One step: W x + b (B, G*H), the other parameters, the states (B, H); to the states, h first.
Step = Callable[[Tensor, list[Tensor], list[Tensor]], list[Tensor]]
# All steps: the same with W x + b for all of them (T, B, G*H); to h (T, B, H).
Loop = Callable[[Tensor, list[Tensor], list[Tensor]], Tensor]


def _peephole(net: Tensor, weights: list[Tensor], states: list[Tensor]) -> list[Tensor]:
    R, p = weights
    h, c = states
    p_i, p_f, p_o = p.chunk(3)
    i, f, g, o = torch.addmm(net, h, R.t()).chunk(4, 1)
    i = torch.sigmoid(torch.addcmul(i, p_i, c))
    f = torch.sigmoid(torch.addcmul(f, p_f, c))
    c = torch.addcmul(f * c, i, torch.tanh(g))
    o = torch.sigmoid(torch.addcmul(o, p_o, c))
    return [o * torch.tanh(c), c]


def _layer_norm(net: Tensor, weights: list[Tensor], states: list[Tensor]) -> list[Tensor]:
    R, gain, b = weights
    h, c = states
    size = h.shape[1]
    gates = torch.addmm(net, h, R.t()).view(-1, 4, size)
    gates = functional.layer_norm(gates, (size,))
    gates = torch.addcmul(b[: 4 * size].view(4, size), gates, gain[: 4 * size].view(4, size))
    i, f, g, o = gates.unbind(1)
    c = torch.addcmul(torch.sigmoid(f) * c, torch.sigmoid(i), torch.tanh(g))
    normal = functional.layer_norm(c, (size,), gain[4 * size :], b[4 * size :])
    return [torch.sigmoid(o) * torch.tanh(normal), c]


def _published_gru(net: Tensor, weights: list[Tensor], states: list[Tensor]) -> list[Tensor]:
    (R,) = weights
    (h,) = states
    size = h.shape[1]
    r, z = torch.sigmoid(torch.addmm(net[:, : 2 * size], h, R[: 2 * size].t())).chunk(2, 1)
    n = torch.tanh(torch.addmm(net[:, 2 * size :], r * h, R[2 * size :].t()))
    return [torch.lerp(n, h, z)]


@dataclass(frozen=True)
class _Cell:
    """A step, the families that it reads beside W, and whether b is added to W x ahead."""

    step: Step
    families: tuple[str, ...]
    bias_ahead: bool
    states: int


_CELLS = {
    "lstm-peephole": _Cell(_peephole, ("R", "p"), True, 2),
    "lstm-layernorm": _Cell(_layer_norm, ("R", "gain", "b"), False, 2),
    "gru": _Cell(_published_gru, ("R",), True, 1),
}


def make(name: str, problem: LayerProblem) -> TorchContender | None:
    """Return the loop of that name, or None for a cell that torch.nn has as a layer."""
    cell = _CELLS.get(problem.cell.name)
    if cell is None:
        return None
    parameters = {
        family: value.clone().requires_grad_(problem.gradient is not None)
        for family, value in problem.parameters.items()
    }
    loop, (batch, hidden) = _loop(name, cell), (problem.x.shape[1], problem.sizes[1])
    bias = parameters["b"] if cell.bias_ahead else None
    weights = [parameters[family] for family in cell.families]

    def run(x: Tensor) -> Tensor:
        states = [x.new_zeros(batch, hidden) for _ in range(cell.states)]
        return loop(functional.linear(x, parameters["W"], bias), weights, states)

    return TorchContender(name, problem, run, parameters)


@cache
def _loop(name: str, cell: _Cell) -> Loop:
    if name == SCRIPT:
        scripted: Loop = torch.jit.script(_over_time(torch.jit.script(cell.step)))
        return scripted
    # One compilation for all sizes.
    return _over_time(torch.compile(cell.step, dynamic=True) if name == COMPILED else cell.step)


def _over_time(step: Step) -> Loop:
    def run(nets: Tensor, weights: list[Tensor], states: list[Tensor]) -> Tensor:
        outputs: list[Tensor] = []
        for net in nets.unbind(0):
            states = step(net, weights, states)
            outputs.append(states[0])
        return torch.stack(outputs)

    return run
