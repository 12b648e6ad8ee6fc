"""The one door from modules to machines: a recurrence over a whole sequence, with derived gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_interpreter_stack

from bptt.cells.cell import Cell
from bptt.codegen.plan import KernelPlan, plan
from bptt.errors import InputError
from bptt.runtime.reference.backward import backward
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.tangent import tangent
from bptt.shapes import check_shape


def recurrence(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """Run a cell over a batch of sequences.

    Args:
        cell: the cell; its backward equations are derived, not traced.
        x: inputs (T, B, I).
        initial: one tensor (B, width) for each of `cell.states`.
        parameters: one tensor for each of `cell.families`, shaped as `Family.shape` says.
        lengths: (B,) whole numbers from 0 to T. From a sequence's length on, its states keep their value
            and x is not looked at. None: all sequences have T steps.
        reverse: time runs from the last step to the first.

    Returns:
        The sequences (T, B, width) of the states, in order of `cell.states`, and of the output if that is
        no state (such an output is zero beyond a sequence's length). All are differentiable, also twice,
        in forward mode, and under `torch.func`.

    """
    _check(cell, x, initial, parameters, lengths)
    valid = None
    if lengths is not None:
        steps = torch.arange(x.shape[0], device=x.device)
        valid = (steps[:, None] < lengths.to(x.device))[:, :, None]  # (T, B, 1)
        x = torch.where(valid, x, _filler(x, lengths)) if len(lengths) else x
    layout = plan(cell)
    tensors = (x, *initial, *parameters)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        outputs: tuple[Tensor, ...] = _Recurrence.apply(  # type: ignore[no-untyped-call]
            layout, reverse, valid, *tensors
        )
        found = dict(zip(public_names(layout), outputs, strict=False))
    else:
        # Nothing is kept for a backward pass that cannot come; forward mode goes through by itself.
        found = _plain(layout, reverse, valid, tensors)
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


def _check(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
) -> None:
    where = f"recurrence({cell.name})"
    if len(cell.inputs) > 1:
        raise InputError(where, "a recurrence has one input sequence", " ".join(cell.inputs))
    sizes = check_shape(f"{where}, x", x.shape, f"T B {cell.width(cell.inputs[0])}")
    if x.shape[0] == 0:
        raise InputError(where, "a sequence has at least one time step", tuple(x.shape))
    if len(initial) != len(cell.states) or len(parameters) != len(cell.families):
        rule = f"expected {len(cell.states)} initial states and {len(cell.families)} stacked parameters"
        raise InputError(where, rule, f"{len(initial)} and {len(parameters)}")
    for family, stack in zip(cell.families, parameters, strict=True):
        rows = f"{len(family.members)}*{family.rows}"
        pattern = rows if family.columns is None else f"{rows} {family.columns}"
        sizes = check_shape(f"{where}, {family.name}", stack.shape, pattern, sizes=sizes)
    for state, tensor in zip(cell.states, initial, strict=True):
        sizes = check_shape(f"{where}, initial {state}", tensor.shape, f"B {cell.width(state)}", sizes=sizes)
    if lengths is not None:
        check_shape(f"{where}, lengths", lengths.shape, "B", sizes=sizes)


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
