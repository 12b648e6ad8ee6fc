"""Recurrent modules beside their graphs in onnxruntime: the comparison of the tests, and the whole grid.

python tests/export_grid.py    # every cell of the catalogue and 30 random ones: a minute
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from test_explain_diagrams import random_cell
from torch import Tensor

import bptt
from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.graphs.module_graph import FILE, module_graphs
from bptt.graphs.runtime_check import Session
from bptt.nn.stack import Stack

# (T, B); none is the one that a graph is compared on by `--check`.
SHAPES = ((1, 1), (2, 5), (13, 4), (30, 2))
# Layers, and whether in both directions.
FORMS = ((1, False), (1, True), (2, False), (2, True))
# The most that float32 may be away from float64 in T steps, of a value of 1 or less.
ERROR = 5e-7


def make(cell: Cell, layers: int, both: bool) -> Stack:
    """A module of a cell, with weights that do not depend on the order of tests."""
    torch.manual_seed(0)
    size = 5 if cell.widths.get("x") == "H" else 4
    projected = 3 if "P" in cell.letters else 0
    return nn.Recurrent(cell, size, 5, layers, bidirectional=both, proj_size=projected).eval()


def states_of(stack: Stack, rows: int) -> tuple[Tensor, ...]:
    return tuple(torch.randn(len(t.rows), rows, t.width) for t in stack.state_form.tensors)


def run(stack: Stack, x: Tensor, states: tuple[Tensor, ...], lengths: Tensor) -> list[Tensor]:
    """The output and the final states, by torch operations in the precision of the module."""
    dtype = next(stack.parameters()).dtype
    given = tuple(state.to(dtype) for state in states)
    with bptt.backend("reference"), torch.no_grad():
        output, final = stack(x.to(dtype), stack.hand_over(given), lengths=lengths)
    return [output, *((final,) if isinstance(final, Tensor) else final)]


def excess(stack: Stack, opset: int = 17, exported: Stack | None = None) -> float:
    """How many times the error of a graph is above the one that it may have; at most 1 is right.

    That is `ERROR` times the root of T; or of cells whose values grow, 8 times what float32 in torch is away
    from float64. The graph is that of another module if one is `exported`.
    """
    session, worst = Session(module_graphs(exported or stack, opset).models[FILE]), 0.0
    generator = torch.Generator().manual_seed(1)
    for steps, rows in SHAPES:
        x = torch.randn(steps, rows, stack.input_size, generator=generator)
        lengths = torch.randint(steps + 1, (rows,), generator=generator)
        lengths[-1], lengths[0] = 0, steps
        states = states_of(stack, rows)
        narrow = run(stack, x, states, lengths)
        exact = run(stack.double(), x, states, lengths)
        stack.float()
        names = [tensor.name for tensor in stack.state_form.tensors]
        given = {name: state.numpy() for name, state in zip(names, states, strict=True)}
        found = session({"input": x.numpy(), "lengths": lengths.numpy(), **given})
        for got, ours, wanted in zip(found.values(), narrow, exact, strict=True):
            assert got.shape == wanted.shape
            scale = wanted.abs().clamp(min=1)
            away, usual = ((each - wanted).abs() / scale for each in (torch.from_numpy(got), ours))
            may_be = max(ERROR * steps**0.5, 8 * float(usual.nan_to_num().max()))
            assert (torch.from_numpy(got).isfinite() == ours.isfinite()).all()
            worst = max(worst, float(away.nan_to_num().max()) / may_be)
    return worst


def grid() -> Iterator[tuple[str, float]]:
    cells = {**CATALOGUE, **{f"random {seed}": random_cell(seed) for seed in range(30)}}
    for name, cell in cells.items():
        for layers, both in FORMS:
            yield f"{name}, {layers} layers, both directions: {both}", excess(make(cell, layers, both))


if __name__ == "__main__":
    results = dict(grid())
    for text, value in results.items():
        sys.stdout.write(f"{value:.3f}\t{text}\n")
    wrong = [text for text, value in results.items() if value > 1]
    sys.stdout.write(f"{len(results)} graphs, {len(wrong)} wrong, worst {max(results.values()):.3f}\n")
    sys.exit(bool(wrong))
