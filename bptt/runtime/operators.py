"""The one door from modules to machines: a recurrence over a whole sequence, with derived gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.codegen.plan import KernelPlan, plan
from bptt.errors import InputError
from bptt.runtime.arguments import check_arguments
from bptt.runtime.kernels.copies import CopiesFunction, are_copies
from bptt.runtime.kernels.function import Call, KernelFunction
from bptt.runtime.kernels.function import run as run_kernels
from bptt.runtime.kernels.library import Library, dense, library_for
from bptt.runtime.narrow import full_width, only_matrices
from bptt.runtime.norms import Observer
from bptt.runtime.plain import are_plain, is_transformed
from bptt.runtime.reference.function import plain
from bptt.runtime.reference.function import run as run_reference
from bptt.runtime.traced import is_recorded
from bptt.runtime.traced import run as run_recorded

Storage: TypeAlias = Literal["keep", "recompute", "segments"]


@dataclass(frozen=True, eq=False)
class Sequences:
    """What a recurrence returns.

    `states` are the sequences (T, B, width) of the states, in order of `cell.states`, or empty if they
    were not asked for; `final` the states (B, width) after each sequence's last step; `output` the
    sequence of the output. All are differentiable, also twice, in forward mode, and under `torch.func`.
    """

    output: Tensor
    final: tuple[Tensor, ...]
    states: tuple[Tensor, ...]

    def to(self, dtype: torch.dtype) -> Sequences:
        """The same in another dtype."""
        final, states = ([t.to(dtype) for t in tensors] for tensors in (self.final, self.states))
        return Sequences(self.output.to(dtype), tuple(final), tuple(states))


def run(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    all_states: bool = False,
    storage: Storage = "keep",
    observer: Observer | None = None,
) -> Sequences:
    """Run a cell over a batch of sequences.

    On the CPU tensors in bfloat16 stand for matrices in bfloat16, and all else in float32: states and sums
    are rounded when they are returned, and the rows that kernels multiply with a matrix when they do.

    Args:
        cell: the cell; its backward equations are derived, not traced.
        x: inputs (T, B, I).
        initial: one tensor (B, width) for each of `cell.states`.
        parameters: one tensor for each of `cell.families`, shaped as `Family.shape` says.
        lengths: (B,) whole numbers from 0 to T. From a sequence's length on, its states keep their value
            and x is not looked at; an output that is no state is zero there. None: all have T steps.
        reverse: time runs from the last step to the first.
        all_states: whether the sequences of all states are wanted.
        storage: what kernels store for the backward pass: every value that it reads, the states of all
            steps, or those of every √T-th step.
        observer: is given, in every backward pass, the norms of the gradients that pass through. Not for
            what torch records or transforms.

    """
    if storage not in get_args(Storage):
        raise InputError("storage", f"expected one of {', '.join(get_args(Storage))}", repr(storage))
    whole = tuple([all_states or state == cell.output for state in cell.states])
    dtype = x.dtype
    x, initial, parameters = only_matrices(x, initial, parameters)
    if observer is not None and (is_recorded() or is_transformed()):
        rule = "a recurrence that is observed runs eagerly"
        raise InputError(
            cell.name, rule, "torch.compile, torch.export or torch.func", "Do not watch it there"
        )
    if is_recorded() and not is_transformed():
        tensors = (x, *initial, *parameters)
        found, all_there = run_recorded(cell, tensors, lengths, reverse, all_states, storage == "keep")
        whole = tuple([all_there or asked for asked in whole])
    else:
        found = _run_at_once(cell, x, initial, parameters, lengths, reverse, whole, storage, observer)
    count = len(found) - len(cell.states)
    names = [name for name, asked in zip(cell.states, whole, strict=True) if asked]
    output = found[names.index(cell.output)] if cell.output in names else found[count - 1]
    result = Sequences(output, found[count:], found[: len(cell.states)] if all_states else ())
    return result if output.dtype == dtype else result.to(dtype)


@torch.compiler.disable(reason="under torch.func and in forward mode a recurrence is run, not compiled")  # type: ignore[no-untyped-call,untyped-decorator]
def _run_at_once(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    whole: tuple[bool, ...],
    storage: Storage,
    observer: Observer | None,
) -> tuple[Tensor, ...]:
    """The sequences of the states that `whole` marks, the output if it is no state, the final states."""
    check_arguments(
        cell,
        x.shape,
        tuple([state.shape for state in initial]),
        tuple([stack.shape for stack in parameters]),
        None if lengths is None else lengths.shape,
    )
    tensors = (x, *initial, *parameters)
    layout = plan(cell)
    library = _library(layout, tensors)

    def by_reference(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return _by_reference(layout, tensors, lengths, reverse, whole, observer)

    if library is None:
        return by_reference(tensors)
    call = Call(library, reverse, whole, storage, by_reference, observer)
    tensors = dense(*tensors)
    if lengths is not None:
        lengths = lengths.to(x.device, torch.int64).contiguous()
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        if observer is not None and lengths is None and storage == "keep" and are_copies(tensors[0], initial):
            return CopiesFunction.apply(call, *tensors)  # type: ignore[no-any-return,no-untyped-call]
        found: tuple[Tensor, ...] = KernelFunction.apply(call, lengths, *tensors)  # type: ignore[no-untyped-call]
        return found
    return run_kernels(call, lengths, tensors)


def _library(layout: KernelPlan, tensors: Sequence[Tensor]) -> Library | None:
    """The kernels for these tensors, or None where the reference backend is to run."""
    if is_transformed() or not are_plain(tensors):
        return None
    return library_for(layout, tensors)


def _by_reference(
    layout: KernelPlan,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    whole: Sequence[bool],
    observer: Observer | None,
) -> tuple[Tensor, ...]:
    """What the kernels return, in torch operations."""
    states = len(layout.cell.states)
    found = run_reference(layout, full_width(tensors, tensors[0].dtype), lengths, reverse, observer)
    asked = [s for s, wanted in zip(found[:states], whole, strict=True) if wanted]
    # A state keeps its value through the padding: the step that is run last has the final one. It gets memory
    # of its own, for callers change it in place.
    last = 0 if reverse else -1
    return (*asked, *found[states:], *(state[last].clone() for state in found[:states]))


def recurrence(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """The sequences (T, B, width) of all states, and of the output if that is no state: see `run`."""
    found = run(cell, x, initial, parameters, lengths=lengths, reverse=reverse, all_states=True)
    return found.states if cell.output in cell.states else (*found.states, found.output)


def unrolled(
    cell: Cell, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """What `recurrence` returns, left to torch's autograd to differentiate: the truth for a check."""
    return tuple(plain(plan(cell), False, None, (x, *initial, *parameters)).values())
