"""A recurrence over whole sequences, with derived gradients: the one entry from modules to backends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.runtime.arguments import check_arguments
from bptt.runtime.dispatch import backend_for, mode, runs_fused
from bptt.runtime.narrow import factors_now, only_matrices
from bptt.runtime.protocol import Recurrence
from bptt.runtime.protocol import Storage as Storage
from bptt.runtime.traced import run as run_recorded
from bptt.runtime.tracing import not_compiled

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.norms import Observer

# For `unrolled` alone.
_plan = deferred("bptt.codegen.plan", "plan")
_plain = deferred("bptt.runtime.reference.function", "plain")
_run_layers = deferred("bptt.runtime.fused.function", "run_layers")


@dataclass(frozen=True, eq=False)
class Sequences:
    """The results of a recurrence.

    `states` holds the sequences (T, B, width) of the states, in the order of `cell.states`, or is empty
    unless requested; `final` the states (B, width) after each sequence's last step; `output` the sequence
    (T, B, width) of the output. All are differentiable, also twice, in forward mode, and under `torch.func`.
    """

    output: Tensor
    final: tuple[Tensor, ...]
    states: tuple[Tensor, ...]

    def to(self, dtype: torch.dtype) -> Sequences:
        """Convert all tensors to another dtype."""
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
    resets: Tensor | None = None,
    restart: Sequence[Tensor] = (),
) -> Sequences:
    """Run a cell over a batch of sequences.

    On the CPU, bfloat16 applies to the matrices and to the rows multiplied with them; states and sums are
    computed in float32, and rounded when they are returned.

    Args:
        cell: the cell; its backward equations are derived, not traced.
        x: inputs (T, B, I).
        initial: one tensor (B, width) for each of `cell.states`.
        parameters: one tensor for each of `cell.families`, shaped as `Family.shape` says.
        lengths: (B,) whole numbers from 0 to T. From a sequence's length on, its states keep their value
            and x is not read; an output that is no state is zero there. None: all have T steps.
        reverse: whether time runs from the last step to the first.
        all_states: whether to return the sequences of all states.
        storage: what kernels store for the backward pass: every value that it reads ("keep"), the states
            of all steps ("recompute"), or those of every √T-th step ("segments").
        observer: called in every backward pass with the norms of the gradients that pass through. Cannot
            be combined with recording or transforms of torch.
        resets: (T, B) booleans: whether a sequence begins with this step. Between it and the step before no
            state and no gradient passes, in either direction of time. None: no sequence begins inside a row.
        restart: with `resets`, one tensor (B, width) for each of `cell.states`: where a sequence starts whose
            beginning is marked, `initial` being for the others. Its gradient is the sum over these sequences.

    Raises:
        InputError: an argument does not fit the cell, the storage is unknown, or an observer is passed
            under torch.compile, torch.export or torch.func.
        MachineError: the backend chosen by name cannot run on this machine.

    """
    if storage not in get_args(Storage):
        raise InputError("storage", f"expected one of {', '.join(get_args(Storage))}", repr(storage))
    whole = tuple([all_states or state == cell.output for state in cell.states])
    dtype = x.dtype
    restarts = None
    if resets is not None and cell.states:
        # Where a row starts anew in the order of computation: see Recurrence.
        restarts = _restarts(resets, lengths, reverse)
        initial = [torch.cat(pair) for pair in zip(initial, restart, strict=True)]
    x, initial, parameters = only_matrices(x, initial, parameters)
    now = mode()
    if observer is not None and now != "eager":
        rule = "a recurrence that is observed runs eagerly"
        raise InputError(
            cell.name, rule, "torch.compile, torch.export or torch.func", "Do not watch it there"
        )
    if now == "recorded":
        tensors = (x, *initial, *parameters)
        keep = storage == "keep"
        found, all_there = run_recorded(cell, tensors, lengths, reverse, all_states, keep, restarts)
        whole = tuple([all_there or asked for asked in whole])
    else:
        recurrence = Recurrence(cell, lengths, reverse, whole, storage, observer, restarts=restarts)
        found = _run_at_once(recurrence, x, initial, parameters)
    count = len(found) - len(cell.states)
    names = [name for name, asked in zip(cell.states, whole, strict=True) if asked]
    output = found[names.index(cell.output)] if cell.output in names else found[count - 1]
    result = Sequences(output, found[count:], found[: len(cell.states)] if all_states else ())
    return result if output.dtype == dtype else result.to(dtype)


@not_compiled("under torch.func and in forward mode a recurrence is run, not compiled")
def _run_at_once(
    recurrence: Recurrence, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Check the shapes, choose a backend, and run it: see `Backend.run`."""
    check_arguments(
        recurrence.cell,
        x.shape,
        tuple([state.shape for state in initial]),
        tuple([stack.shape for stack in parameters]),
        None if recurrence.lengths is None else recurrence.lengths.shape,
        None if recurrence.restarts is None else recurrence.restarts.shape,
    )
    tensors = (x, *initial, *parameters)
    if _is_one_sequence(recurrence) and runs_fused(recurrence.cell, tensors, recurrence.storage):
        alone = [[family] for family in parameters]
        found = _run_layers(recurrence.cell, x, [initial], [alone], lengths=recurrence.lengths)
        return (found.output, *found.final[0])
    # Not in `run`: torch.compile follows no context variable, and would say that in the place of the reason.
    factors = factors_now()
    if factors is not None:
        recurrence = replace(recurrence, factors=factors)
    return backend_for(recurrence.cell, tensors, factors).run(recurrence, tensors)


def _is_one_sequence(recurrence: Recurrence) -> bool:
    """Return whether the output is the only sequence asked for, and time runs forward, unobserved, whole."""
    cell, watched = recurrence.cell, recurrence.observer is not None or recurrence.restarts is not None
    only = tuple([state == cell.output for state in cell.states])
    return recurrence.whole == only and not recurrence.reverse and not watched


def _restarts(resets: Tensor, lengths: Tensor | None, reverse: bool) -> Tensor:
    """Return the valid steps (T, B) before which a row starts anew, in the order of computation."""
    if lengths is not None:
        steps = torch.arange(resets.shape[0], device=resets.device)
        resets = resets & (steps[:, None] < lengths.to(resets.device))
    # Against time a row starts anew after the first step of a sequence has been read.
    return torch.cat([resets[1:], torch.zeros_like(resets[:1])]) if reverse else resets


def recurrence(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """Return the sequences (T, B, width) of all states, and of the output if that is no state: see `run`."""
    found = run(cell, x, initial, parameters, lengths=lengths, reverse=reverse, all_states=True)
    return found.states if cell.output in cell.states else (*found.states, found.output)


def unrolled(
    cell: Cell, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return the results of `recurrence`, differentiated by torch's autograd: a reference for checks."""
    return tuple(_plain(_plan(cell), False, None, None, (x, *initial, *parameters)).values())
