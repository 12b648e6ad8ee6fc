"""The operator of torch's library for the loss of an output layer, which programs that were exported call."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.deferred import deferred

_compute = deferred("bptt.runtime.kernels.linear_loss", "compute")

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
