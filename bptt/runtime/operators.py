"""The one door from modules to machines: a recurrence over a whole sequence, with derived gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_interpreter_stack
from torch.autograd import forward_ad

from bptt.cells.cell import Cell
from bptt.codegen.plan import KernelPlan, plan
from bptt.errors import InputError
from bptt.runtime.kernels.function import Call, KernelFunction
from bptt.runtime.kernels.function import run as run_kernels
from bptt.runtime.kernels.library import DTYPES, Library, library_of
from bptt.runtime.reference.backward import backward
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.tangent import tangent
from bptt.shapes import check_shape


Shape: TypeAlias = tuple[int, ...]


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
    _check(
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
        return _run_reference(layout, tensors, lengths, reverse, all_states)
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


def _run_reference(
    layout: KernelPlan, tensors: Sequence[Tensor], lengths: Tensor | None, reverse: bool, all_states: bool
) -> Sequences:
    cell, states = layout.cell, len(layout.cell.states)
    found = _reference(layout, tensors, lengths, reverse)
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
    found = _reference(layout, tensors, lengths, reverse)
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


def _reference(
    layout: KernelPlan, tensors: Sequence[Tensor], lengths: Tensor | None, reverse: bool
) -> tuple[Tensor, ...]:
    """All sequences, in torch operations."""
    (x, *rest), cell = tensors, layout.cell
    valid = None
    if lengths is not None:
        steps = torch.arange(x.shape[0], device=x.device)
        valid = (steps[:, None] < lengths.to(x.device))[:, :, None]  # (T, B, 1)
        x = torch.where(valid, x, _filler(x, lengths)) if len(lengths) else x
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        outputs: tuple[Tensor, ...] = _Recurrence.apply(  # type: ignore[no-untyped-call]
            layout, reverse, valid, x, *rest
        )
        found = dict(zip(public_names(layout), outputs, strict=False))
    else:
        # Nothing is kept for a backward pass that cannot come; forward mode goes through by itself.
        found = _plain(layout, reverse, valid, (x, *rest))
    if valid is not None and cell.output not in cell.states:
        found[cell.output] = torch.where(valid, found[cell.output], torch.zeros_like(found[cell.output]))
    return tuple(found.values())


def unrolled(
    cell: Cell, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """What `recurrence` returns, left to torch's autograd to differentiate: the truth for a check."""
    return tuple(_plain(plan(cell), False, None, (x, *initial, *parameters)).values())


def _plain(
    layout: KernelPlan, reverse: bool, valid: Tensor | None, tensors: Sequence[Tensor]
) -> dict[str, Tensor]:
    """What a recurrence returns, by name, in torch operations that torch can trace."""
    return forward(_problem(layout, reverse, valid, tensors[0], tensors[1:]), public_names(layout))


def public_names(layout: KernelPlan) -> tuple[str, ...]:
    """What a recurrence returns: the states, and the output if it is none of them."""
    return tuple(dict.fromkeys((*layout.cell.states, layout.cell.output)))


@lru_cache(maxsize=1024)
def _check(
    cell: Cell, x: Shape, initial: tuple[Shape, ...], parameters: tuple[Shape, ...], lengths: Shape | None
) -> None:
    """Raise InputError unless the shapes fit the cell and each other."""
    where = f"recurrence({cell.name})"
    if len(cell.inputs) > 1:
        raise InputError(where, "a recurrence has one input sequence", " ".join(cell.inputs))
    sizes = check_shape(f"{where}, x", x, f"T B {cell.width(cell.inputs[0])}")
    if x[0] == 0:
        raise InputError(where, "a sequence has at least one time step", tuple(x))
    if len(initial) != len(cell.states) or len(parameters) != len(cell.families):
        rule = f"expected {len(cell.states)} initial states and {len(cell.families)} stacked parameters"
        raise InputError(where, rule, f"{len(initial)} and {len(parameters)}")
    for family, stack in zip(cell.families, parameters, strict=True):
        rows = f"{len(family.members)}*{family.rows}"
        pattern = rows if family.columns is None else f"{rows} {family.columns}"
        sizes = check_shape(f"{where}, {family.name}", stack, pattern, sizes=sizes)
    for state, shape in zip(cell.states, initial, strict=True):
        sizes = check_shape(f"{where}, initial {state}", shape, f"B {cell.width(state)}", sizes=sizes)
    if lengths is not None:
        check_shape(f"{where}, lengths", lengths, "B", sizes=sizes)


def _filler(x: Tensor, lengths: Tensor) -> Tensor:
    """What stands in the padding instead of whatever stands there: an input (1, I) that some row has.

    Its results are not looked at, but must be finite: zero would not do for a cell that divides by x.
    """
    row = lengths.argmax().reshape(1).to(x.device)
    first = x[0].detach().index_select(0, row)
    return torch.where(lengths.max().to(x.device) > 0, first, torch.zeros_like(first))


def _refuse_second_forward_mode() -> None:
    """Torch runs `jvp` of a Function out of sight of an outer `jvp`, whose result would be wrong."""
    levels = [level for level in get_interpreter_stack() or () if level.key() == TransformType.Jvp]
    if len(levels) > 1:
        cure = "Use torch.func.hessian, or reverse mode outside"
        raise InputError("recurrence", "forward mode cannot be nested in forward mode", len(levels), cure)


class _Recurrence(torch.autograd.Function):
    """Forward, backward and tangent of a plan; saved values are outputs that have no gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        layout: KernelPlan, reverse: bool, valid: Tensor | None, x: Tensor, *rest: Tensor
    ) -> tuple[Tensor, ...]:
        problem = _problem(layout, reverse, valid, x, rest)
        return tuple(forward(problem, _saved_names(layout)).values())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.layout, ctx.reverse, valid, *tensors = inputs
        ctx.mark_non_differentiable(*output[len(public_names(ctx.layout)) :])
        ctx.set_materialize_grads(False)
        ctx.count = len(tensors)
        ctx.save_for_backward(valid, *tensors, *output)
        # The same for forward mode, although it needs less: functorch keeps one record for both.
        ctx.save_for_forward(valid, *tensors, *output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        layout: KernelPlan = ctx.layout
        names = public_names(layout)
        nothing = (None, None, None)
        if all(g is None for g in gradients[: len(names)]):
            return (*nothing, *(None,) * ctx.count)
        valid, x, *others = ctx.saved_tensors
        problem = _problem(layout, ctx.reverse, valid, x, others[: ctx.count - 1])
        saved = dict(zip(_saved_names(layout), others[ctx.count - 1 :], strict=True))
        if torch.is_grad_enabled():
            # A gradient of this gradient is wanted: what was saved has no history, so it is computed again.
            saved = forward(problem, _saved_names(layout))
        found = backward(problem, saved, dict(zip(names, gradients, strict=False)))
        return (*nothing, found.x, *found.initial, *found.parameters)

    @staticmethod
    def jvp(ctx: Any, *changes: Any) -> tuple[Tensor | None, ...]:
        layout: KernelPlan = ctx.layout
        _refuse_second_forward_mode()
        valid, *tensors = ctx.saved_tensors
        tensors = tensors[: ctx.count]
        moved = [torch.zeros_like(v) if c is None else c for v, c in zip(tensors, changes[3:], strict=True)]
        problem = _problem(layout, ctx.reverse, valid, tensors[0], tensors[1:])
        found = tangent(
            problem, _problem(layout, ctx.reverse, valid, moved[0], moved[1:]), public_names(layout)
        )
        hidden = len(_saved_names(layout)) - len(found)
        return (*found.values(), *(None,) * hidden)


def _saved_names(layout: KernelPlan) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*public_names(layout), *layout.storage.kept)))


def _problem(
    layout: KernelPlan, reverse: bool, valid: Tensor | None, x: Tensor, rest: Sequence[Tensor]
) -> Problem:
    states = len(layout.cell.states)
    return Problem(layout, x, tuple(rest[:states]), tuple(rest[states:]), valid, reverse)
