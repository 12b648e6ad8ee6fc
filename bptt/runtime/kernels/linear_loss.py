"""The cross-entropy of a linear layer by a kernel that does not materialise all logits."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from ctypes import CDLL, addressof, c_int64, c_void_p
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bptt.deferred import deferred, imported
from bptt.errors import InputError
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.kernels.library import addresses
from bptt.runtime.kernels.loss_operator import KINDS, linear_loss, outputs_of
from bptt.runtime.loaded import kernels_of
from bptt.runtime.protocol import Backend
from bptt.runtime.saved import check_forms, check_memory, forms, save, saved
from bptt.runtime.tracing import is_recorded

_source = deferred("bptt.codegen.cpp.linear_loss", "source")

_WHERE = "linear_cross_entropy"
# Outcomes of a call, as in the C++ header; any other one is the index of a row with an invalid target.
_DONE, _NO_MEMORY = -1, -2


def linear_cross_entropy(
    input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, reduction: str, ignore_index: int
) -> Tensor:
    """Compute the loss as `bptt.runtime.linear_loss.linear_cross_entropy` describes."""
    rows = (input.reshape(-1, input.shape[-1]), weight, bias, target.reshape(-1))
    if torch.is_grad_enabled():
        found: Tensor = _LinearLoss.apply(*rows, reduction, ignore_index)  # type: ignore[no-untyped-call]
    else:
        losses, loss, *_ = _operate(*rows, None, ignore_index, reduction == "mean", [False] * 3)
        found = losses if reduction == "none" else loss
    return found.view_as(target) if reduction == "none" else found


class _LinearLoss(torch.autograd.Function):
    """The loss as an autograd function.

    The forward pass of a mean or sum computes its gradients too, while the logits of a few rows exist. The
    gradients of single losses are computed in the backward pass, because they depend on incoming gradients.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        reduction: str,
        ignored: int,
    ) -> Tensor:
        ctx.reduction, ctx.ignored = reduction, ignored
        wanted = [needed and reduction != "none" for needed in ctx.needs_input_grad[:3]]
        losses, loss, *gradients = _operate(
            input, weight, bias, target, None, ignored, reduction == "mean", wanted
        )
        save(ctx, input, weight, bias, target)
        ctx.found = None if reduction == "none" else gradients
        found: Tensor = losses if reduction == "none" else loss
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        needed = list(ctx.needs_input_grad[:3])
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return (*_differentiable(ctx, gradient, needed), None, None, None)
        if ctx.reduction == "none":
            found = _of_single_losses(ctx, gradient, needed)
        else:
            found = _multiplied(_taken(ctx, needed), gradient)
        return (*(part if need else None for part, need in zip(found, needed, strict=True)), None, None, None)


def _of_single_losses(ctx: Any, gradient: Tensor, needed: list[bool]) -> Sequence[Tensor | None]:
    def one(gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        found: Sequence[Tensor] = _operate(*saved(ctx, _WHERE), gradients[0], ctx.ignored, False, needed)
        return found[2:]

    if not are_batched([gradient]):
        return one([gradient])
    wanted = [tensor if need else None for tensor, need in zip(saved(ctx, _WHERE), needed, strict=False)]
    return for_each(one, [gradient], wanted)


def _taken(ctx: Any, needed: list[bool]) -> Sequence[Tensor]:
    """Return the gradients that the forward pass computed; at later calls, compute them again.

    Each caller gets memory of its own, because autograd may accumulate into it.
    """
    found: Sequence[Tensor] | None = ctx.found
    ctx.found = None
    if found is None:
        found = _operate(*saved(ctx, _WHERE), None, ctx.ignored, ctx.reduction == "mean", needed)[2:]
    return found


def _multiplied(parts: Sequence[Tensor], factor: Tensor) -> Sequence[Tensor]:
    if not torch.compiler.is_compiling() and not are_batched([factor]) and factor.item() == 1:
        return parts
    return [part * factor for part in parts]


def _differentiable(ctx: Any, gradient: Tensor, needed: list[bool]) -> list[Tensor | None]:
    """Return the gradients with a graph of their own, for second derivatives: by the reference backend."""
    input, weight, bias, target = saved(ctx, _WHERE)
    reference: Backend = imported("bptt.runtime.reference.reference_backend", "REFERENCE")
    loss = reference.linear_cross_entropy(input, weight, bias, target, ctx.reduction, ctx.ignored)
    variables = [v for v, need in zip((input, weight, bias), needed, strict=True) if need]
    found = iter(torch.autograd.grad(loss, variables, gradient, create_graph=True))
    return [next(found) if need else None for need in needed]


def _operate(*given: Any) -> tuple[Tensor, ...]:
    """Call the operator where torch records it, else the kernel itself.

    The first call of an operator imports torch's compiler, which takes as long as a command needs to start.
    """
    found: tuple[Tensor, ...] = (linear_loss if is_recorded() else compute)(*given)
    return found


def compute(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    loss_gradient: Tensor | None,
    ignored: int,
    mean: bool,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the results of the operator `bptt.runtime.kernels.loss_operator.linear_loss`."""
    _check_kernel(input, weight, bias, target, loss_gradient)
    outputs = outputs_of(input, weight, wanted)
    outcome = c_int64()
    given = [t if t is None else t.contiguous() for t in (input, weight, bias, target, loss_gradient)]
    sizes = (*input.shape, len(weight), torch.get_num_threads(), ignored, mean)
    call = array("q", (*sizes, *addresses(given), *addresses(outputs), addressof(outcome)))
    loaded(input.dtype).linear_loss(call.buffer_info()[0])
    if outcome.value == _NO_MEMORY:
        raise MemoryError(f"{_WHERE}: too little memory for the logits of a few rows")
    if outcome.value != _DONE:
        rule = f"a target is a class, 0 to {len(weight) - 1}, or ignore_index, {ignored}"
        raise InputError(_WHERE, rule, int(target[outcome.value]))
    return outputs


def _check_kernel(
    input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, loss_gradient: Tensor | None
) -> None:
    """Raise GraphError if a recorded graph is run with tensors of other forms than it was recorded with."""
    (rows, width), (classes, _) = input.shape, weight.shape
    floats = ((classes, width), weight), ((classes,), bias), ((rows,), loss_gradient)
    wanted = [(input.dtype, torch.Size(shape), input.device) for shape, t in floats if t is not None]
    check_forms(_WHERE, wanted, forms(t for _, t in floats if t is not None))
    check_forms(_WHERE, [(torch.int64, torch.Size((rows,)), input.device)], forms([target]))
    check_memory(_WHERE, (input, weight, bias, target, loss_gradient))


@cache
def loaded(dtype: torch.dtype) -> CDLL:
    """Return the kernels for a dtype of `KINDS`. Raises MachineError if they cannot be built."""
    kernels = kernels_of(_source(KINDS[dtype]))
    kernels.linear_loss.restype, kernels.linear_loss.argtypes = None, [c_void_p]
    return kernels
