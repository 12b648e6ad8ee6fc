"""The operators of torch's library for losses, which programs that were exported call."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.deferred import deferred

_compute = deferred("bptt.runtime.kernels.linear_loss", "compute")
_compute_ctc = deferred("bptt.runtime.kernels.ctc_loss", "compute")

# The dtypes that there is C++ for.
KINDS = {torch.float32: "float32", torch.float64: "float64"}


@torch.library.custom_op("bptt::linear_loss", mutates_args=(), device_types="cpu")
def linear_loss(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    loss_gradient: Tensor | None,
    ignored: int,
    mean: bool,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the losses (N,), their mean or sum, and the gradients of input, weight and bias.

    Gradients that `wanted` does not mark are empty. They are gradients of the mean or sum; with
    `loss_gradient` (N,), of the sum of the losses weighted by it. Raises InputError for a target that is
    neither a class nor ignored, MemoryError if the kernel cannot allocate memory.
    """
    found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = _compute(
        input, weight, bias, target, loss_gradient, ignored, mean, wanted
    )
    return found


@linear_loss.register_fake
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
    return outputs_of(input, weight, wanted)


def outputs_of(
    input: Tensor, weight: Tensor, wanted: list[bool]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return memory for the results, empty where a gradient is not wanted."""
    of_input, of_weight, of_bias = wanted
    return (
        input.new_zeros(len(input)),
        input.new_empty(()),
        input.new_zeros(input.shape if of_input else 0),
        input.new_empty(weight.shape if of_weight else 0),
        input.new_empty(len(weight) if of_bias else 0),
    )


@torch.library.custom_op("bptt::ctc_loss", mutates_args=(), device_types="cpu")
def ctc_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    mean: bool,
    wanted: bool,
) -> tuple[Tensor, Tensor]:
    """Return the losses (B,), and the gradient of their sum by the logits, empty if it is not `wanted`.

    With `mean`, it is the gradient of the mean of the losses over the lengths of their labels. Raises
    InputError for lengths and symbols that cannot be, MemoryError if the kernel cannot allocate memory.
    """
    found: tuple[Tensor, Tensor] = _compute_ctc(
        logits, targets, input_lengths, target_lengths, blank, mean, wanted
    )
    return found


@ctc_loss.register_fake
def _(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    mean: bool,
    wanted: bool,
) -> tuple[Tensor, Tensor]:
    return logits.new_empty(logits.shape[1]), gradient_of(logits, wanted)


def gradient_of(logits: Tensor, wanted: bool) -> Tensor:
    """Return memory for the gradient, with the layout of the logits if their rows are dense, else empty."""
    if not wanted:
        return logits.new_empty(0)
    return torch.empty_like(logits) if logits.stride(-1) == 1 else logits.new_empty(logits.shape)
