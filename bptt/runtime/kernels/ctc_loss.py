"""Connectionist temporal classification by a kernel: loss and gradient in one call."""

from __future__ import annotations

from array import array
from ctypes import CDLL, addressof, c_int64, c_void_p
from functools import cache
from typing import Any

import torch
from torch import Tensor

from bptt.deferred import deferred, imported
from bptt.runtime.batched import are_batched
from bptt.runtime.ctc_labels import read_labels, reduced
from bptt.runtime.kernels.library import addresses
from bptt.runtime.kernels.loss_operator import KINDS, gradient_of
from bptt.runtime.kernels.loss_operator import ctc_loss as operator
from bptt.runtime.loaded import kernels_of
from bptt.runtime.protocol import Backend
from bptt.runtime.saved import check_memory, save, saved
from bptt.runtime.tracing import is_recorded

_source = deferred("bptt.codegen.cpp.ctc_loss", "source")

_WHERE = "ctc_loss"
# An outcome of a call, as in the C++ header.
_NO_MEMORY = -2


def ctc_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> Tensor:
    """Compute the loss as `bptt.runtime.ctc_loss.ctc_loss` describes."""
    labels = (targets, input_lengths, target_lengths)
    if torch.is_grad_enabled():
        losses: Tensor = _CtcLoss.apply(logits, *labels, blank, reduction, zero_infinity)  # type: ignore[no-untyped-call]
        return losses
    losses, _ = _operate(logits, *labels, blank, False, False)
    return reduced(losses, target_lengths, reduction, zero_infinity)


def _operate(*given: Any) -> tuple[Tensor, Tensor]:
    """Call the operator where torch records it, else the kernel: `linear_loss` says why."""
    found: tuple[Tensor, Tensor] = (operator if is_recorded() else compute)(*given)
    return found


class _CtcLoss(torch.autograd.Function):
    """The loss as an autograd function, whose forward pass computes the gradient too.

    That of a single loss depends on the incoming gradient by a factor alone.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        targets: Tensor,
        input_lengths: Tensor,
        target_lengths: Tensor,
        blank: int,
        reduction: str,
        zero_infinity: bool,
    ) -> Tensor:
        ctx.blank, ctx.reduction, ctx.zero_infinity = blank, reduction, zero_infinity
        labels = (targets, input_lengths, target_lengths)
        losses, gradient = _operate(logits, *labels, blank, reduction == "mean", ctx.needs_input_grad[0])
        save(ctx, logits, *labels)
        ctx.found = gradient
        return reduced(losses, target_lengths, reduction, zero_infinity)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return _differentiable(ctx, gradient), *[None] * 6
        factor = gradient[:, None] if ctx.reduction == "none" else gradient
        return _multiplied(_taken(ctx), factor), *[None] * 6


def _taken(ctx: Any) -> Tensor:
    """Return the gradient that the forward pass computed; at later calls, compute it again.

    Each caller gets memory of its own, because autograd may accumulate into it.
    """
    found: Tensor | None = ctx.found
    ctx.found = None
    if found is None:
        _, found = operator(*saved(ctx, _WHERE), ctx.blank, ctx.reduction == "mean", True)
    return found


def _multiplied(found: Tensor, factor: Tensor) -> Tensor:
    if torch.compiler.is_compiling() or are_batched([factor]) or not bool((factor == 1).all()):
        return found * factor
    return found


def _differentiable(ctx: Any, gradient: Tensor) -> Tensor:
    """Return the gradient with a graph of its own, for second derivatives: by the reference backend."""
    logits, targets, frames, lengths = saved(ctx, _WHERE)
    reference: Backend = imported("bptt.runtime.reference.reference_backend", "REFERENCE")
    options = (ctx.blank, ctx.reduction, ctx.zero_infinity)
    loss = reference.ctc_loss(logits, targets, frames, lengths, *options)
    (found,) = torch.autograd.grad(loss, [logits], gradient, create_graph=True)
    return found


def compute(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    mean: bool,
    wanted: bool,
) -> tuple[Tensor, Tensor]:
    """Return the results of the operator `bptt.runtime.kernels.loss_operator.ctc_loss`."""
    check_memory(_WHERE, (logits, targets, input_lengths, target_lengths))
    labels = read_labels(_WHERE, logits.shape, targets, input_lengths, target_lengths, blank)
    losses, gradient = logits.new_empty(logits.shape[1]), gradient_of(logits, wanted)
    read = logits if logits.stride(-1) == 1 else logits.contiguous()
    outcome = c_int64()
    sizes = (*logits.shape, labels.symbols.shape[1], blank, torch.get_num_threads(), mean)
    strides = (*read.stride()[:2], *(gradient.stride()[:2] if wanted else (0, 0)))
    given = (read, labels.symbols, labels.lengths, labels.frames)
    made = (losses, gradient if wanted else None)
    call = array("q", (*sizes, *strides, *addresses(given), *addresses(made), addressof(outcome)))
    loaded(logits.dtype).ctc_loss(call.buffer_info()[0])
    if outcome.value == _NO_MEMORY:
        raise MemoryError(f"{_WHERE}: too little memory for the states of all frames")
    return losses, gradient


@cache
def loaded(dtype: torch.dtype) -> CDLL:
    """Return the kernels for a dtype of `KINDS`. Raises MachineError if they cannot be built."""
    kernels = kernels_of(_source(KINDS[dtype]))
    kernels.ctc_loss.restype, kernels.ctc_loss.argtypes = None, [c_void_p]
    return kernels
