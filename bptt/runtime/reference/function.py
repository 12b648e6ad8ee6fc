"""A recurrence in torch operations as a node of autograd's graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_interpreter_stack

from bptt.codegen.plan import KernelPlan
from bptt.errors import InputError
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.norms import Observer
from bptt.runtime.reference.backward import backward
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.padding import mask_padding, zero_padding
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.tangent import tangent
from bptt.runtime.saved import save, saved
from bptt.runtime.tracing import are_plain, is_transformed
from bptt.runtime.versions import Versions


def run(
    layout: KernelPlan,
    tensors: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
    observer: Observer | None = None,
    restarts: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return the sequences (T, B, width) of all states, and of the output if that is no state.

    `tensors` are x, the initial states and the parameters; `observer` is called after each backward pass with
    the norms that it measured.
    """
    (x, *rest), cell = tensors, layout.cell
    x, valid = mask_padding(x, lengths)
    masks = valid, None if restarts is None else restarts.to(x.device)[:, :, None]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        outputs: tuple[Tensor, ...] = _Recurrence.apply(  # type: ignore[no-untyped-call]
            layout, reverse, *masks, observer, x, *rest
        )
        found = dict(zip(public_names(layout), outputs, strict=False))
    else:
        # No backward pass can follow, so nothing is saved; forward mode is left to torch.
        found = plain(layout, reverse, *masks, (x, *rest))
    if cell.output not in cell.states:
        found[cell.output] = zero_padding(found[cell.output], valid)
    return tuple(found.values())


def plain(
    layout: KernelPlan,
    reverse: bool,
    valid: Tensor | None,
    restarts: Tensor | None,
    tensors: Sequence[Tensor],
) -> dict[str, Tensor]:
    """Return the results of a recurrence by name, in torch operations that torch can trace."""
    return forward(_problem(layout, reverse, valid, restarts, *tensors), public_names(layout))


def public_names(layout: KernelPlan) -> tuple[str, ...]:
    """Return the names of a recurrence's results: the states, and the output if it is no state."""
    return tuple(dict.fromkeys((*layout.cell.states, layout.cell.output)))


def saved_names(layout: KernelPlan) -> tuple[str, ...]:
    """Return the public names, and those of the other values that the backward pass reads."""
    return tuple(dict.fromkeys((*public_names(layout), *layout.storage.kept)))


def _refuse_second_forward_mode() -> None:
    """Raise InputError if forward mode is nested in forward mode.

    Torch hides the `jvp` of an autograd function from an outer `jvp`, whose result would be wrong.
    """
    levels = [level for level in get_interpreter_stack() or () if level.key() == TransformType.Jvp]
    if len(levels) > 1:
        cure = "Use torch.func.hessian, or reverse mode outside"
        raise InputError("recurrence", "forward mode cannot be nested in forward mode", len(levels), cure)


class _Recurrence(torch.autograd.Function):
    """Forward, backward and tangent of a plan as an autograd function.

    Saved values are outputs without gradients, because functorch requires saved tensors to be outputs.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        layout: KernelPlan,
        reverse: bool,
        valid: Tensor | None,
        restarts: Tensor | None,
        observer: Observer | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        problem = _problem(layout, reverse, valid, restarts, *tensors)
        return tuple(forward(problem, saved_names(layout)).values())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.layout, ctx.reverse, valid, restarts, ctx.observer, *tensors = inputs
        public = len(public_names(ctx.layout))
        ctx.mark_non_differentiable(*output[public:])
        ctx.set_materialize_grads(False)
        ctx.count = len(tensors)
        # Transforms need the saved tensors themselves; torch then raises an error if they change in place.
        watched = not is_transformed() and are_plain(output)
        ctx.versions = Versions(output[:public] if watched else ())
        values = [value.data for value in output] if watched else output
        save(ctx, valid, restarts, *tensors, *values)
        # Forward mode needs less, but functorch keeps one record of saved tensors for both modes.
        ctx.save_for_forward(valid, restarts, *tensors, *output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        layout: KernelPlan = ctx.layout
        names = public_names(layout)
        nothing = (None,) * 5
        if all(g is None for g in gradients[: len(names)]):
            return (*nothing, *(None,) * ctx.count)
        valid, restarts, *read = saved(ctx, f"recurrence({layout.cell.name})")
        tensors = read[: ctx.count]
        problem = _problem(layout, ctx.reverse, valid, restarts, *tensors)
        left = dict(zip(saved_names(layout), read[ctx.count :], strict=True))
        if torch.is_grad_enabled() or ctx.versions.changed:
            # Saved values have no graph, which a second derivative needs; or they were changed in place.
            left = forward(problem, saved_names(layout))

        def one(losses: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
            by_name = dict(zip(names, losses, strict=False))
            found = backward(problem, left, by_name, measure=ctx.observer is not None)
            if found.norms is not None:
                ctx.observer(found.norms)
            return (found.x, *found.initial, *found.parameters)

        # Torch's operations are batched by torch; only an observer needs a separate pass for each member.
        if ctx.observer is not None and are_batched(gradients) and not torch.is_grad_enabled():
            return (*nothing, *for_each(one, gradients[: len(names)], tensors))
        return (*nothing, *one(gradients))

    @staticmethod
    def jvp(ctx: Any, *changes: Any) -> tuple[Tensor | None, ...]:
        layout: KernelPlan = ctx.layout
        _refuse_second_forward_mode()
        valid, restarts, *tensors = ctx.saved_tensors
        tensors = tensors[: ctx.count]
        moved = [torch.zeros_like(v) if c is None else c for v, c in zip(tensors, changes[5:], strict=True)]
        masks = valid, restarts
        problem, change = (_problem(layout, ctx.reverse, *masks, *given) for given in (tensors, moved))
        found = tangent(problem, change, public_names(layout))
        hidden = len(saved_names(layout)) - len(found)
        return (*found.values(), *(None,) * hidden)


def _problem(
    layout: KernelPlan, reverse: bool, valid: Tensor | None, restarts: Tensor | None, x: Tensor, *rest: Tensor
) -> Problem:
    states = len(layout.cell.states)
    return Problem(layout, x, rest[:states], rest[states:], valid, reverse, restarts)
