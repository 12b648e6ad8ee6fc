"""The kernels of Triton called on tensors: forward, and backward with the products that follow the loop.

States, kept values, δ and sums are float32. The input and the matrices are as they come; the other factor of
a product is rounded to the dtype of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import Rows
from bptt.codegen.plan_statements import input_after, input_delta
from bptt.codegen.triton.kernel_text import TritonText
from bptt.runtime.gpu.triton_module import kernels_of
from bptt.runtime.reference.problem import Problem

# Rows of the batch in a program: the least that tensor cores multiply.
ROWS = 16
# The widest tile of matrices that stay. Compiled for sm_80 and sm_90, an LSTM spills no register with it and
# 8 warps, nor with tiles of 64 units and a depth of 32 that are read at each step.
_WIDEST = 128


@dataclass(frozen=True, eq=False)
class TritonRun:
    """The results of a forward pass.

    `states` has (T + 1, B, width) for each state, or (T + 2, B, width) where rows start anew, `output` (T, B,
    width) if it is no state, and `kept` (T, B, Σ widths) if values are kept for a backward pass; all float32.
    """

    states: tuple[Tensor, ...]
    output: Tensor | None
    kept: Tensor | None


@dataclass(frozen=True)
class Tiling:
    """How matrices are read: `resident` in tiles (depth, units) throughout, or tile by tile at each step."""

    resident: bool
    units: int
    depth: int
    warps: int

    @classmethod
    def of(cls, problem: Problem, room: int, forward: bool) -> Tiling:
        """Return the tiling of one kernel, for `room` bytes of shared memory."""
        _, written = kernels_of(problem.plan.cell, True)
        sizes = [int(problem.fixed[letter]) for letter in written.kernel.letters]
        units = max(16, 1 << (max(sizes) - 1).bit_length())
        tiles = written.tiles[0 if forward else 1]
        # Tensor cores read float32 as two parts.
        number = 8 if problem.x.dtype == torch.float32 else problem.x.element_size()
        taken = (tiles * units * units + 2 * ROWS * units) * number
        found = cls(True, units, units, 4 if units <= 32 else 8)
        return found if units <= _WIDEST and taken <= room else found.streamed

    @property
    def streamed(self) -> Tiling:
        """The same with matrices that are read at each step."""
        return Tiling(False, min(self.units, 64), min(self.depth, 32), self.warps)


def run_forward(problem: Problem, tiling: Tiling, lengths: Tensor | None, keep: bool) -> TritonRun:
    """Run the forward kernel."""
    module, written = kernels_of(problem.plan.cell, tiling.resident)
    x, cell = problem.x, problem.plan.cell
    steps, batch, _ = x.shape
    states = tuple(
        x.new_empty(steps + len(ends), *ends[0].shape, dtype=torch.float32) for ends in ends_of(problem)
    )
    for sequence, (first, *restart) in zip(states, ends_of(problem), strict=True):
        sequence[steps if problem.reverse else 0] = first
        if restart:
            sequence[-1] = restart[0]
    widths = [problem.fixed[cell.width(name)] for name in written.kernel.outputs]
    outputs = [x.new_empty(steps, batch, width, dtype=torch.float32) for width in widths]
    kept = _empty(problem, written, "kept") if keep else None
    values = {f"state_{k}": state for k, state in enumerate(states)}
    values |= {
        "ahead": _ahead(problem, written),
        "output": outputs[0] if outputs else x,
        "kept": x if kept is None else kept,
        "scratch": _empty(problem, written, "scratch_forward", steps=None),
    }
    _launch(module.forward, written.forward, problem, values, tiling, lengths, KEEP=keep)
    return TritonRun(states, outputs[0] if outputs else None, kept)


def ends_of(problem: Problem) -> Iterator[tuple[Tensor, ...]]:
    """Yield for each state those before the first step, and those from which rows start anew, if any do."""
    for state, first in problem.first.items():
        yield (first,) if problem.restarts is None else (first, problem.restart[state])


@dataclass(frozen=True, eq=False)
class TritonGradients:
    """TritonGradients of the input, the initial states and the stacked parameters, float32."""

    x: Tensor
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor, ...]


def run_backward(
    problem: Problem,
    tiling: Tiling,
    lengths: Tensor | None,
    run: TritonRun,
    losses: Sequence[Tensor | None],
    final: Sequence[Tensor | None],
) -> TritonGradients:
    """Run the backward kernel, and the products for all steps.

    `losses` are the gradients of the sequences of the states, then of the output if it is no state; `final`
    those of the final states; None for zero.
    """
    module, written = kernels_of(problem.plan.cell, tiling.resident)
    x, plan = problem.x, problem.plan
    programs = -(-x.shape[1] // ROWS)
    assert run.kept is not None
    after = [
        torch.zeros_like(v, dtype=torch.float32, memory_format=torch.contiguous_format)
        for v in problem.initial
    ]
    for carried, gradient in zip(after, final, strict=True):
        if gradient is not None:
            carried[: x.shape[1]] = gradient
    delta = _empty(problem, written, "delta")
    sums = x.new_zeros(programs, _width(problem, written, "sums"), dtype=torch.float32)
    inside = not input_after(plan)
    given = x.new_empty(x.shape, dtype=torch.float32) if inside else x
    values = {f"state_{k}": state for k, state in enumerate(run.states)}
    values |= {f"next_{k}": carried for k, carried in enumerate(after)}
    values |= {f"loss_{k}": x if loss is None else loss.contiguous() for k, loss in enumerate(losses)}
    values |= {
        "kept": run.kept,
        "delta": delta,
        "input": given,
        "sums": sums,
        "scratch": _empty(problem, written, "scratch_backward", steps=None),
    }
    asked = {f"LOSS_{k}": loss is not None for k, loss in enumerate(losses)}
    _launch(module.backward, written.backward, problem, values, tiling, lengths, **asked)
    known = _sequences(problem, written, run, delta)
    return TritonGradients(
        given if inside else _of_input(problem, known),
        tuple(after),
        tuple(_of_family(problem, family.name, known, sums) for family in plan.cell.families),
    )


def _launch(
    kernel: Any,
    names: Sequence[str],
    problem: Problem,
    values: Mapping[str, Tensor],
    tiling: Tiling,
    lengths: Tensor | None,
    **flags: bool,
) -> None:
    """Call a kernel, a program for every ROWS rows of the batch."""
    x, cell = problem.x, problem.plan.cell
    fixed = problem.fixed
    known: dict[str, Any] = {"x": x, "lengths": x if lengths is None else lengths, **values}
    known["restarts"] = x if problem.restarts is None else problem.restarts.to(torch.int8).contiguous()
    known |= {f"vector_{k}": fixed[name].contiguous() for k, name in enumerate(cell.vectors)}
    known |= {f"family_{name}": stack.contiguous() for name, stack in problem.stacks.items()}
    known |= {"steps": x.shape[0], "batch": x.shape[1]}
    arguments = [known[n] if n in known else fixed[n.removeprefix("n_")] for n in names]
    here = torch.cuda.device(x.device) if x.device.type == "cuda" else nullcontext()
    with here:
        kernel[(-(-x.shape[1] // ROWS),)](
            *arguments,
            REVERSE=problem.reverse,
            RAGGED=lengths is not None,
            RESTARTS=problem.restarts is not None,
            ROWS=ROWS,
            UNITS=tiling.units,
            DEPTH=tiling.depth,
            PRECISION=_precision(),
            num_warps=tiling.warps,
            enable_fp_fusion=True,
            **flags,
        )


def _precision() -> str:
    """Return how float32 is multiplied: as three products of TF32, or as one if torch is allowed that.

    Three are nearly exact. Multiply-adds take longer, and Triton 3.9 aborts a process that compiles them for
    sm_90.
    """
    if torch.backends.cuda.matmul.allow_tf32:
        return "tf32"
    # AMD's have no TF32.
    return "ieee" if torch.version.hip else "tf32x3"


def _width(problem: Problem, written: TritonText, array: str) -> int:
    return sum(int(problem.fixed[letter]) for letter in written.layout.letters[array])


def _empty(problem: Problem, written: TritonText, array: str, steps: int | None = -1) -> Tensor:
    """Return memory for an array that is shared, over all steps or, with None, for one."""
    leading = problem.x.shape[:2] if steps is not None else problem.x.shape[1:2]
    return problem.x.new_empty(*leading, _width(problem, written, array), dtype=torch.float32)


def _ahead(problem: Problem, written: TritonText) -> Tensor:
    """Return the products of the input for all steps and columns, (T, B, Σ widths)."""
    x, inputs = problem.x, problem.plan.cell.inputs
    matrices = []
    for column in written.layout.ahead:
        names = [m for p in column.products if p.source[0] in inputs for m in p.matrix]
        matrices.append(_sum([problem.matrix(name) for name in names]))
    if not matrices:
        return x
    steps, batch, width = x.shape
    found = product(x.reshape(steps * batch, width), torch.cat(matrices).T)
    return found.view(steps, batch, -1)


def _sum(terms: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, terms)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b in float32, the factors in the narrower dtype of both."""
    dtype = min(a.dtype, b.dtype, key=lambda dtype: dtype.itemsize)
    if dtype == torch.float32:
        return a @ b
    if a.device.type == "cuda":
        return torch.mm(a.to(dtype), b.to(dtype), out_dtype=torch.float32)
    return a.to(dtype).float() @ b.to(dtype).float()


def _sequences(problem: Problem, written: TritonText, run: TritonRun, delta: Tensor) -> dict[str, Tensor]:
    """Return all sequences (T, B, width) that the gradients read, by name."""
    cell, steps = problem.plan.cell, problem.x.shape[0]
    found = {cell.inputs[0]: problem.x}
    for state, sequence in zip(cell.states, run.states, strict=True):
        both = sequence[:steps], sequence[1 : steps + 1]
        found[state], before = both if problem.reverse else both[::-1]
        if problem.restarts is not None:
            before = torch.where(problem.restarts, sequence[-1], before)
        found[state + PREVIOUS] = before
    assert run.kept is not None
    for names, array, values in (
        (problem.plan.storage.kept, "kept", run.kept),
        (written.kernel.deltas, "delta", delta),
    ):
        widths = [int(problem.fixed[letter]) for letter in written.layout.letters[array]]
        found |= dict(zip(names, torch.split(values, widths, -1), strict=True))
    return found


def _rows(known: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """Return values of all steps side by side, (T·B, Σ widths)."""
    found = [known[name] for name in names]
    return (torch.cat(found, -1) if len(found) > 1 else found[0]).flatten(0, 1)


def _of_input(problem: Problem, known: Mapping[str, Tensor]) -> Tensor:
    x, plan = problem.x, problem.plan
    parts = [
        product(_rows(known, gather.deltas), problem.rows(gather.rows))
        for step in plan.backward_after
        if step.target == input_delta(plan)
        for gather in step.gathers
    ]
    if not parts:
        return x.new_zeros(x.shape, dtype=torch.float32)
    return _sum(parts).view_as(x)


def _of_family(problem: Problem, name: str, known: Mapping[str, Tensor], sums: Tensor) -> Tensor:
    """Return the gradient of a stacked family: a sum over time and batch (R4 in docs/equations.md)."""
    plan, cell = problem.plan, problem.plan.cell
    family = next(f for f in cell.families if f.name == name)
    if family.columns is None:
        widths = [int(problem.fixed[letter]) for letter in cell.vectors.values()]
        by_name = dict(zip(cell.vectors, torch.split(sums.sum(0), widths), strict=True))
        return torch.cat([by_name[member] for member in family.members])
    parts = []
    for gradient in plan.matrix_gradients:
        if gradient.rows.family == name:
            terms = [product(_rows(known, ds).T, _rows(known, (source,))) for ds, source in gradient.terms]
            zero = problem.rows(Rows(name, gradient.rows.first, gradient.rows.count))
            parts.append(_sum(terms) if terms else torch.zeros_like(zero).float())
    return torch.cat(parts)
