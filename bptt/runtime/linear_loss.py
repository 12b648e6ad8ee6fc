"""The cross-entropy of a linear layer whose outputs, the logits, are never all in memory."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from ctypes import CDLL, addressof, c_int64, c_void_p
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bptt.codegen.linear_loss import source
from bptt.errors import InputError, InternalError
from bptt.runtime.backend import backend, kernels_for
from bptt.runtime.kernels.batched import are_batched, for_each
from bptt.runtime.kernels.library import DTYPES, addresses
from bptt.runtime.plain import are_plain, is_traced, is_transformed
from bptt.runtime.saved import check_forms, check_memory, forms, save, saved

REDUCTIONS = ("mean", "sum", "none")

_WHERE = "linear_cross_entropy"
_SOURCES = {dtype: partial(source, name) for dtype, name in DTYPES.items()}
# Of the header: what came of a call, if it is not the number of a row.
_DONE, _NO_MEMORY = -1, -2


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
) -> Tensor:
    """-ln P of the targets, P = softmax(linear_weight @ input + linear_bias), as in `torch.nn.functional`.

    On the CPU, in float32 and float64, the logits are computed, and turned into gradients, for a few rows
    at a time; otherwise, and under `torch.func` and in forward mode, all at once by torch. Under autocast
    the CPU computes in float32. Differentiable any number of times.

    Args:
        input: (..., D).
        linear_weight: (V, D), a row for each class.
        target: (...) int64, classes from 0 to V - 1.
        linear_bias: (V,) or None.
        reduction: "mean" over the targets that are not ignored (NaN if there are none), "sum", or "none".
        ignore_index: a target that does not count; its input is not looked at.

    Returns:
        A number, in nats; if the reduction is "none", (...) numbers, 0 for ignored targets.

    Raises:
        InputError: shapes that do not fit, an unknown reduction, and, where kernels run, a target that is
            no class; torch has an error of its own for that.

    """
    _check(input, linear_weight, target, linear_bias, reduction)
    if torch.is_autocast_enabled("cpu") and input.device.type == "cpu":
        input, linear_weight = _at_least_single(input), _at_least_single(linear_weight)
        linear_bias = None if linear_bias is None else _at_least_single(linear_bias)
    if not _has_kernel(input, linear_weight, linear_bias, target):
        return _composed(input, linear_weight, linear_bias, target, reduction, ignore_index)
    rows = (input.reshape(-1, input.shape[-1]), linear_weight, linear_bias, target.reshape(-1))
    if torch.is_grad_enabled():
        found: Tensor = _LinearLoss.apply(*rows, reduction, ignore_index)  # type: ignore[no-untyped-call]
    else:
        losses, loss, *_ = _kernel(*rows, None, ignore_index, reduction == "mean", [False] * 3)
        found = losses if reduction == "none" else loss
    return found.view_as(target) if reduction == "none" else found


def _check(input: Tensor, weight: Tensor, target: Tensor, bias: Tensor | None, reduction: str) -> None:
    if input.dim() < 1 or weight.dim() != 2 or input.shape[-1] != weight.shape[1]:
        got = f"{tuple(input.shape)} and {tuple(weight.shape)}"
        raise InputError(_WHERE, "expected an input (..., D) and a linear_weight (V, D)", got)
    if bias is not None and bias.shape != weight.shape[:1]:
        raise InputError(f"{_WHERE}, linear_bias", f"expected shape ({len(weight)},)", tuple(bias.shape))
    if target.shape != input.shape[:-1]:
        rule = f"expected shape {tuple(input.shape[:-1])}, that of the input without its width"
        raise InputError(f"{_WHERE}, target", rule, tuple(target.shape))
    if target.dtype != torch.int64:
        raise InputError(f"{_WHERE}, target", "expected int64", target.dtype, "Convert it, target.long()")
    if reduction not in REDUCTIONS:
        rule = f"expected one of {', '.join(REDUCTIONS)}"
        raise InputError(f"{_WHERE}, reduction", rule, repr(reduction))


def _at_least_single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.itemsize < torch.float32.itemsize else tensor


def _has_kernel(input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor) -> bool:
    operands = (input, weight) if bias is None else (input, weight, bias)
    if is_transformed() or is_traced() or not (torch.compiler.is_compiling() or are_plain(operands)):
        return False
    if input.dtype not in DTYPES or not weight.numel():
        return False
    if any(tensor.dtype != input.dtype for tensor in operands):
        return False
    return all(tensor.device.type == "cpu" for tensor in (*operands, target)) and _is_loaded(input.dtype)


# The compiler of torch does not follow what happens inside.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _is_loaded(dtype: torch.dtype) -> bool:
    return kernels_for(_SOURCES[dtype]) is not None


def _composed(
    input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, reduction: str, ignored: int
) -> Tensor:
    """The same in torch operations."""
    logits = functional.linear(input, weight, bias).reshape(-1, len(weight))
    targets = target.reshape(-1)
    found: Tensor = functional.cross_entropy(logits, targets, ignore_index=ignored, reduction=reduction)
    return found.view_as(target) if reduction == "none" else found


class _LinearLoss(torch.autograd.Function):
    """The gradients of a mean or a sum are computed with it; those of single losses wait for theirs."""

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
        losses, loss, *gradients = _kernel(
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
        found: Sequence[Tensor] = _kernel(*saved(ctx, _WHERE), gradients[0], ctx.ignored, False, needed)
        return found[2:]

    if not are_batched([gradient]):
        return one([gradient])
    wanted = [tensor if need else None for tensor, need in zip(saved(ctx, _WHERE), needed, strict=False)]
    return for_each(one, [gradient], wanted)


def _taken(ctx: Any, needed: list[bool]) -> Sequence[Tensor]:
    """What was found with the loss: its first owner may write into it, the next pays for it again."""
    found: Sequence[Tensor] | None = ctx.found
    ctx.found = None
    if found is None:
        found = _kernel(*saved(ctx, _WHERE), None, ctx.ignored, ctx.reduction == "mean", needed)[2:]
    return found


def _multiplied(parts: Sequence[Tensor], factor: Tensor) -> Sequence[Tensor]:
    if not torch.compiler.is_compiling() and not are_batched([factor]) and factor.item() == 1:
        return parts
    return [part * factor for part in parts]


def _differentiable(ctx: Any, gradient: Tensor, needed: list[bool]) -> list[Tensor | None]:
    """The gradients as functions that can be differentiated again."""
    input, weight, bias, target = saved(ctx, _WHERE)
    loss = _composed(input, weight, bias, target, ctx.reduction, ctx.ignored)
    variables = [v for v, need in zip((input, weight, bias), needed, strict=True) if need]
    found = iter(torch.autograd.grad(loss, variables, gradient, create_graph=True))
    return [next(found) if need else None for need in needed]


@torch.library.custom_op("bptt::linear_loss", mutates_args=(), device_types="cpu")
def _kernel(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    loss_gradient: Tensor | None,
    ignored: int,
    mean: bool,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The losses (N,), their mean or sum, and the gradients of input, weight and bias, empty if not wanted.

    They are gradients of that mean or sum, or of the losses if these have the gradients `loss_gradient` (N,).
    """
    _check_kernel(input, weight, bias, target, loss_gradient)
    outputs = _outputs(input, weight, wanted)
    outcome = c_int64()
    given = [t if t is None else t.contiguous() for t in (input, weight, bias, target, loss_gradient)]
    sizes = (*input.shape, len(weight), torch.get_num_threads(), ignored, mean)
    call = array("q", (*sizes, *addresses(given), *addresses(outputs), addressof(outcome)))
    _loaded(input.dtype).linear_loss(call.buffer_info()[0])
    if outcome.value == _NO_MEMORY:
        raise MemoryError(f"{_WHERE}: too little memory for the logits of a few rows")
    if outcome.value != _DONE:
        rule = f"a target is a class, 0 to {len(weight) - 1}, or ignore_index, {ignored}"
        raise InputError(_WHERE, rule, int(target[outcome.value]))
    return outputs


def _check_kernel(
    input: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, loss_gradient: Tensor | None
) -> None:
    """Raise GraphError where a graph was recorded for other tensors than it is run with."""
    (rows, width), (classes, _) = input.shape, weight.shape
    floats = ((classes, width), weight), ((classes,), bias), ((rows,), loss_gradient)
    wanted = [(input.dtype, torch.Size(shape), input.device) for shape, t in floats if t is not None]
    check_forms(_WHERE, wanted, forms(t for _, t in floats if t is not None))
    check_forms(_WHERE, [(torch.int64, torch.Size((rows,)), input.device)], forms([target]))
    check_memory(_WHERE, (input, weight, bias, target, loss_gradient))


def _outputs(
    input: Tensor, weight: Tensor, wanted: list[bool]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    of_input, of_weight, of_bias = wanted
    return (
        input.new_zeros(len(input)),
        input.new_empty(()),
        input.new_zeros(input.shape if of_input else 0),
        input.new_empty(weight.shape if of_weight else 0),
        input.new_empty(len(weight) if of_bias else 0),
    )


@cache
def _loaded(dtype: torch.dtype) -> CDLL:
    # That there are kernels was found out before, perhaps under another backend than the one now in force.
    with backend("cpu"):
        kernels = kernels_for(_SOURCES[dtype])
    if kernels is None:
        raise InternalError(_WHERE, "the backend cpu has kernels or raises an error")
    kernels.linear_loss.restype, kernels.linear_loss.argtypes = None, [c_void_p]
    return kernels


@_kernel.register_fake
def _(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    loss_gradient: Tensor | None,
    ignored: int,
    mean: bool,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    return _outputs(input, weight, wanted)
