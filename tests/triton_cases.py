"""Cells run by Triton's interpreter against torch operations in float64, in a process of its own.

Triton reads TRITON_INTERPRET when it is imported: python tests/triton_cases.py prints, as JSON, for each case
the largest difference of results and gradients, and the limit that rounding allows.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import tolerances
import torch
from test_explain_diagrams import random_cell
from torch import Tensor

from bptt import nn
from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell
from bptt.runtime.backend import backend
from bptt.runtime.gpu.device_check import check_kernels
from bptt.runtime.gpu.launch import Tiling
from bptt.runtime.operators import run

T, B, SIZES = 3, 3, {"I": 3, "H": 5, "P": 2, "1": 1}
FUNCTIONS = Cell.define(
    "functions",
    """
    a = relu(W_a @ x + R_a @ h_prev) + exp(W_b @ x) - softplus(h_prev)
    b = sqrt(1 + a**2) + rsqrt(2 + a**4) + log(1 + abs(a)) + sin(a) * cos(a)
    c = sign(a) * minimum(a, b) + step(a) * maximum(h_prev, 0.25) - sigmoid(2)
    h = tanh(b * c + k * p_h)
    """,
    states="h",
    constants={"k": -0.5},
)


@dataclass(frozen=True)
class Case:
    """A cell, the shape and the dtype that it is run with, and how its matrices are read."""

    cell: Cell
    batch: int = B
    hidden: int = SIZES["H"]
    dtype: torch.dtype = torch.float32
    tiling: Tiling | None = None
    lengths: bool = False
    reverse: bool = False
    resets: bool = False
    storage: str = "keep"


# Two tiles of units, two of the depth, and two programs.
STREAMED = Tiling(False, 16, 16, 4)


def cases() -> Iterator[tuple[str, Case]]:
    for k, (name, cell) in enumerate(CATALOGUE.items()):
        yield name, Case(cell, lengths=k % 2 == 0, reverse=k % 3 == 0)
    for seed in range(8):
        yield f"random {seed}", Case(random_cell(seed), lengths=seed % 2 == 1, reverse=seed % 3 == 1)
    yield "functions", Case(FUNCTIONS, lengths=True)
    for name in ("lstm-peephole", "gru", "lstm-projection"):
        base = Case(CATALOGUE[name], hidden=18, tiling=STREAMED)
        yield f"{name}, streamed", base
    yield "gru-torch, rows of two programs", Case(CATALOGUE["gru-torch"], batch=17, lengths=True)
    yield (
        "mgu, streamed, reverse",
        Case(CATALOGUE["mgu"], hidden=18, tiling=STREAMED, lengths=True, reverse=True),
    )
    for name in ("lstm-peephole", "gru", "lstm-projection", "lstm-layernorm"):
        yield f"{name}, resets", Case(CATALOGUE[name], resets=True, lengths=name == "gru")
        yield f"{name}, resets, reverse", Case(CATALOGUE[name], resets=True, reverse=True)
    yield (
        "lstm, resets, streamed",
        Case(CATALOGUE["lstm"], batch=17, hidden=18, tiling=STREAMED, lengths=True, resets=True),
    )
    yield "lstm, recomputed", Case(CATALOGUE["lstm"], storage="recompute")
    for name in ("lstm", "gru", "lstm-projection"):
        yield f"{name}, float16", Case(CATALOGUE[name], dtype=torch.float16, lengths=True)


def drawn(case: Case) -> list[Tensor]:
    """The tensors (x, *initial, *parameters), exact in the dtype of the case."""
    torch.manual_seed(0)
    sizes, cell = {**SIZES, "H": case.hidden}, case.cell
    shapes = [(T, case.batch, sizes[cell.width(cell.inputs[0])])]
    shapes += [(case.batch, sizes[cell.width(state)]) for state in cell.states]
    shapes += [family.shape(sizes) for family in cell.families]
    return [(torch.rand(shape) - 0.5).to(case.dtype) for shape in shapes]


def numbers(case: Case, chosen: str, dtype: torch.dtype) -> list[Tensor]:
    """Results and gradients; NaN in the padding of the input, which nobody may read."""
    tensors = [t.to(dtype).requires_grad_() for t in drawn(case)]
    lengths = torch.arange(case.batch).flip(0) % (T + 1) if case.lengths else None
    x, states = tensors[0], len(case.cell.states)
    resets = torch.arange(T * case.batch).view(T, case.batch) % 3 == 1 if case.resets else None
    restart = [(0.5 - state.detach()).requires_grad_() for state in tensors[1 : 1 + states]]
    leaves = [*tensors, *restart]
    if lengths is not None:
        x = x.masked_fill((torch.arange(T)[:, None] >= lengths)[:, :, None], torch.nan)
    with backend(chosen):
        found = run(
            case.cell,
            x,
            tensors[1 : 1 + states],
            tensors[1 + states :],
            lengths=lengths,
            reverse=case.reverse,
            all_states=True,
            storage=case.storage,  # type: ignore[arg-type]
            resets=resets,
            restart=restart,
        )
        results = [found.output, *found.final, *found.states]
        weights = [torch.linspace(-1, 1, r.numel(), dtype=dtype).view_as(r) for r in results]
        loss = sum((w * r).sum() for w, r in zip(weights, results, strict=True))
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)  # type: ignore[arg-type]
    return [t.detach().double() for t in (*results, *gradients)]


def compare(case: Case) -> tuple[float, float]:
    """The largest difference, and what rounding allows."""
    natural = Tiling.of
    if case.tiling is not None:
        Tiling.of = lambda *arguments: case.tiling  # type: ignore[method-assign,assignment]
    found = numbers(case, "triton", case.dtype)
    Tiling.of = natural  # type: ignore[method-assign]
    truth = numbers(case, "reference", torch.float64)
    worst = max(float((a - b).abs().max()) for a, b in zip(found, truth, strict=True) if a.numel())
    largest = max(1.0, *(float(t.abs().max()) for t in truth if t.numel()))
    if case.dtype == torch.float16:
        # Both factors of a product are rounded, on the way through the steps and back, and the results.
        return worst, float(torch.finfo(case.dtype).eps) * (2 * T + 1) * largest
    magnitude = largest * (tolerances.LAYER_NORM if "norm" in case.cell.name else 1)
    limit = tolerances.gradient(case.dtype, T, case.batch, case.hidden, SIZES["I"], magnitude=magnitude)
    return worst, limit


def modules() -> Iterator[tuple[str, float, float]]:
    """What lies around the kernels: second derivatives, many gradients, changes in place, compiled graphs."""
    torch.manual_seed(0)
    module, x = nn.Recurrent("lstm-peephole", 3, 5), torch.randn(T, B, 3, requires_grad=True)
    leaves = [x, *module.parameters()]
    limit = tolerances.gradient(torch.float32, 2 * T, B, 5, 3, magnitude=20)
    found: dict[str, list[list[Tensor]]] = {}
    for chosen in ("triton", "reference"):
        with backend(chosen):
            y = module(x)[0]
            first = torch.autograd.grad(y.square().sum(), leaves, create_graph=True)
            second = torch.autograd.grad(sum(g.square().sum() for g in first), leaves)  # type: ignore[arg-type]
            seeds = torch.stack([torch.ones_like(y), y.detach()])
            y = module(x)[0]
            many = torch.autograd.grad(y, leaves, seeds, is_grads_batched=True)
            y = module(x)[0]
            y.mul_(2)
            changed = torch.autograd.grad(y.sum(), leaves)
            step = nn.Stepper(module.eval(), B).step(x[0].detach())
            recorded = torch.ops.bptt.recurrence(
                json.dumps(module.cell.to_dict()),
                [x[:, :, :], *(x.new_zeros(B, 5) for _ in range(2)), *module.layers[0].families(module)],
                None,
                False,
                True,
                True,
                None,
            )
            compiled = torch.autograd.grad(recorded[0].sum() + recorded[-2].sum(), leaves)
            for name, tensors in (
                ("second", second),
                ("many", many),
                ("changed", changed),
                ("step", [step]),
                ("recorded", [t for t in recorded if t.numel()]),
                ("recorded, back", compiled),
            ):
                found.setdefault(name, []).append([t.detach() for t in tensors])
    for name, (one, other) in found.items():
        yield name, max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True)), limit


def main() -> None:
    assert os.environ.get("TRITON_INTERPRET") == "1"
    found = {name: compare(case) for name, case in cases()}
    found |= {f"module: {name}": (worst, limit) for name, worst, limit in modules()}
    check_kernels(CATALOGUE["gru"], torch.float32, torch.device("cpu"), 1 << 16)
    # Once more, to the bit.
    case = replace(Case(CATALOGUE["lstm"]), batch=17)
    pairs = zip(numbers(case, "triton", torch.float32), numbers(case, "triton", torch.float32), strict=True)
    found["again"] = max(float((a - b).abs().max()) for a, b in pairs), 0.0
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
