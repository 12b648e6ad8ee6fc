"""The one door from modules to machines: a recurrence over a whole sequence, with derived gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from bptt.cells.cell import Cell
from bptt.codegen.plan import KernelPlan, plan
from bptt.runtime.arguments import check_arguments
from bptt.runtime.kernels.function import Call, KernelFunction
from bptt.runtime.kernels.function import run as run_kernels
from bptt.runtime.kernels.library import DTYPES, Library, library_of
from bptt.runtime.reference.function import plain
from bptt.runtime.reference.function import run as run_reference


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


def run(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    all_states: bool = False,
    storage: str = "keep",
) -> Sequences:
    """Run a cell over a batch of sequences.

    Args:
        cell: the cell; its backward equations are derived, not traced.
        x: inputs (T, B, I).
        initial: one tensor (B, width) for each of `cell.states`.
        parameters: one tensor for each of `cell.families`, shaped as `Family.shape` says.
        lengths: (B,) whole numbers from 0 to T. From a sequence's length on, its states keep their value
            and x is not looked at; an output that is no state is zero there. None: all have T steps.
        reverse: time runs from the last step to the first.
        all_states: whether the sequences of all states are wanted.
        storage: what is stored for the backward pass, one of STORAGE.

    """
    check_arguments(
        cell,
        x.shape,
        tuple(state.shape for state in initial),
        tuple(stack.shape for stack in parameters),
        None if lengths is None else lengths.shape,
    )
    layout = plan(cell)
    tensors = (x, *initial, *parameters)
    library = _library(layout, tensors)
    if library is None:
        return _by_reference(layout, tensors, lengths, reverse, all_states)
    whole = tuple(all_states or state == cell.output for state in cell.states)
    call = Call(library, reverse, whole, storage, lambda t: _public(layout, t, lengths, reverse, whole))
    tensors = (x if x.stride(-1) == 1 else x.contiguous(), *(t.contiguous() for t in tensors[1:]))
    if lengths is not None:
        lengths = lengths.to(x.device, torch.int64).contiguous()
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        found: tuple[Tensor, ...] = KernelFunction.apply(call, lengths, *tensors)  # type: ignore[no-untyped-call]
    else:
        found = run_kernels(call, lengths, tensors)
    count = len(found) - len(cell.states)
    names = [name for name, asked in zip(cell.states, whole, strict=True) if asked]
    output = found[names.index(cell.output)] if cell.output in names else found[count - 1]
    return Sequences(output, found[count:], found[: len(cell.states)] if all_states else ())


def _library(layout: KernelPlan, tensors: Sequence[Tensor]) -> Library | None:
    """The kernels for these tensors, or None where the reference backend is to run."""
    x = tensors[0]
    if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return None
    if x.device.type != "cpu" or x.dtype not in DTYPES or 0 in x.shape:
        return None
    if any(t.dtype != x.dtype or t.device != x.device for t in tensors):
        return None
    return library_of(layout, x.dtype)


def _by_reference(
    layout: KernelPlan, tensors: Sequence[Tensor], lengths: Tensor | None, reverse: bool, all_states: bool
) -> Sequences:
    cell, states = layout.cell, len(layout.cell.states)
    found = run_reference(layout, tensors, lengths, reverse)
    # A state keeps its value through the padding: the step that is run last has the final one.
    final = tuple(state[0 if reverse else -1] for state in found[:states])
    output = found[cell.states.index(cell.output)] if cell.output in cell.states else found[-1]
    return Sequences(output, final, found[:states] if all_states else ())


def _public(
    layout: KernelPlan,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    whole: Sequence[bool],
) -> tuple[Tensor, ...]:
    """By the reference backend what the kernels return."""
    states = len(layout.cell.states)
    found = run_reference(layout, tensors, lengths, reverse)
    asked = [s for s, wanted in zip(found[:states], whole, strict=True) if wanted]
    return (*asked, *found[states:], *(state[0 if reverse else -1] for state in found[:states]))


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
