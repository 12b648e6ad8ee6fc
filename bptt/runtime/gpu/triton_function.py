"""A recurrence by kernels of Triton as a node of autograd's graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from bptt.codegen.plan import plan
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.differentiable import gradients_with_graph
from bptt.runtime.gpu.launch import Tiling, TritonGradients, TritonRun, run_backward, run_forward
from bptt.runtime.protocol import Recurrence
from bptt.runtime.reference.padding import zero_padding
from bptt.runtime.reference.problem import Problem, problem_of
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.saved import save, saved
from bptt.runtime.versions import Versions

Result = TypeVar("Result")


class TritonLaunch:
    """A recurrence with the tensors that it runs on, (x, *initial, *parameters)."""

    def __init__(self, recurrence: Recurrence, tensors: Sequence[Tensor], room: int) -> None:
        self.recurrence, self.room = recurrence, room
        x = tensors[0]
        lengths = recurrence.lengths
        self.lengths = None if lengths is None else lengths.to(x.device, torch.int64).contiguous()
        layout = plan(recurrence.cell)
        dense = [tensor.contiguous() for tensor in tensors]
        self.problem: Problem = problem_of(
            layout, dense, self.lengths, recurrence.reverse, recurrence.restarts
        )

    def forward(self, keep: bool) -> TritonRun:
        """Run the forward kernel."""
        return self._fitting(True, lambda tiling: run_forward(self.problem, tiling, self.lengths, keep))

    def backward(self, run: TritonRun, gradients: Sequence[Tensor | None]) -> TritonGradients:
        """Run the backward kernel from the gradients of `results`."""
        whole = self.recurrence.whole
        given = iter(gradients)
        losses = [next(given) if asked else None for asked in whole]
        losses += [next(given)] if run.output is not None else []
        final = list(given)
        return self._fitting(
            False, lambda tiling: run_backward(self.problem, tiling, self.lengths, run, losses, final)
        )

    def _fitting(self, forward: bool, call: Callable[[Tiling], Result]) -> Result:
        """Return the result of a call with resident matrices, or where they do not fit, with others."""
        tiling = Tiling.of(self.problem, self.room, forward)
        try:
            return call(tiling)
        except Exception as error:
            # Of a package that may not be installed.
            if not tiling.resident or type(error).__name__ != "OutOfResources":
                raise
        return call(tiling.streamed)

    def results(self, run: TritonRun) -> list[Tensor]:
        """Return the sequences that are asked for, then the final states, in the dtype of the input."""
        dtype, reverse, steps = self.problem.x.dtype, self.recurrence.reverse, self.problem.x.shape[0]
        both = zip(run.states, self.recurrence.whole, strict=True)
        # As `data`, since torch lets nobody change a view in place that a function has returned.
        first = 0 if reverse else 1
        found = [state[first : first + steps].data for state, asked in both if asked]
        if run.output is not None:
            found.append(zero_padding(run.output, self.problem.valid))
        last = 0 if reverse else steps
        return [t.to(dtype) for t in (*found, *(state[last].clone() for state in run.states))]


class TritonFunction(torch.autograd.Function):
    """A recurrence by kernels, whose backward pass runs the derived equations by kernels too."""

    @staticmethod
    def forward(ctx: Any, recurrence: Recurrence, room: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the requested sequences, then the final states; save what the backward pass reads."""
        launch = TritonLaunch(recurrence, tensors, room)
        keeps = recurrence.storage == "keep"
        run = launch.forward(keeps)
        results = tuple(launch.results(run))
        ctx.recurrence, ctx.room, ctx.count, ctx.keeps = recurrence, room, len(tensors), keeps
        ctx.versions = Versions(results)
        ctx.set_materialize_grads(False)
        # As `data`: torch would refuse the backward pass after a change of a result in place. `versions`
        # detects the change, and the values are computed again.
        left = [*run.states, *(each for each in (run.output, run.kept) if each is not None)]
        ctx.has_output = run.output is not None
        save(ctx, *tensors, *(each.data for each in left if keeps))
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
        recurrence: Recurrence = ctx.recurrence
        count: int = ctx.count
        if all(g is None for g in gradients):
            return (None,) * (2 + count)
        read: list[Tensor] = saved(ctx, f"recurrence({recurrence.cell.name})")
        tensors, left = read[:count], read[count:]
        if torch.is_grad_enabled():
            outputs = REFERENCE.run(recurrence, tensors)
            return (None, None, *gradients_with_graph(outputs, gradients, tensors))
        launch = TritonLaunch(recurrence, tensors, ctx.room)
        if ctx.keeps and not ctx.versions.changed:
            states = len(recurrence.cell.states)
            run = TritonRun(tuple(left[:states]), left[states] if ctx.has_output else None, left[-1])
        else:
            run = launch.forward(keep=True)
        asked = ctx.needs_input_grad[2:]

        def one(given: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
            found = launch.backward(run, given)
            both = zip((found.x, *found.initial, *found.parameters), tensors, asked, strict=True)
            return tuple(g.to(t.dtype) if wanted else None for g, t, wanted in both)

        if not are_batched(gradients):
            return (None, None, *one(gradients))
        wanted = [t if a else None for t, a in zip(tensors, asked, strict=True)]
        return (None, None, *for_each(one, gradients, wanted))
