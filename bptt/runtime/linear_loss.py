"""The cross-entropy of a linear layer, computed by the backend in force."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.runtime.loss_dispatch import backend_for_loss

REDUCTIONS = ("mean", "sum", "none")

_WHERE = "linear_cross_entropy"


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int = -100,
) -> Tensor:
    """Compute -ln P of the targets, P = softmax(linear_weight @ input + linear_bias).

    The arguments are those of `torch.nn.functional.linear_cross_entropy`.

    On the CPU, in float32 and float64, logits and gradients are computed for a few rows at a time, without
    materialising all logits; otherwise, and under `torch.func` and in forward mode, torch computes all at
    once. Under autocast the CPU computes in float32. Differentiable any number of times.

    Args:
        input: (..., D).
        linear_weight: (V, D), a row for each class.
        target: (...) int64, classes from 0 to V - 1.
        linear_bias: (V,) or None.
        reduction: "mean" over the targets that are not ignored (NaN if there are none), "sum", or "none".
        ignore_index: the target of rows that do not count; their inputs are not read.

    Returns:
        A number, in nats; if the reduction is "none", (...) numbers, 0 for ignored targets.

    Raises:
        InputError: shapes do not fit, the target is not int64, the reduction is unknown, or, if kernels
            run, a target is no class; torch operations raise an error of their own for that.

    """
    _check(input, linear_weight, target, linear_bias, reduction)
    if torch.is_autocast_enabled("cpu") and input.device.type == "cpu":
        input, linear_weight = _at_least_single(input), _at_least_single(linear_weight)
        linear_bias = None if linear_bias is None else _at_least_single(linear_bias)
    operands = (input, linear_weight) if linear_bias is None else (input, linear_weight, linear_bias)
    chosen = backend_for_loss("linear-loss", operands, target)
    return chosen.linear_cross_entropy(input, linear_weight, linear_bias, target, reduction, ignore_index)


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
