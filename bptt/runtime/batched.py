"""Backward passes for a batch of gradients at once: `is_grads_batched`, `vmap` over `autograd.grad`.

The gradients that torch passes then have no memory of their own, and a kernel cannot read them. Both
implementations of vmap can run a custom operator once for each member of the batch. So the backward pass is
wrapped here in an operator from one vector, the incoming gradients concatenated, to one vector, the outgoing
gradients concatenated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._C import _functorch

Gradients: TypeAlias = Sequence[Tensor | None]
BackwardPass: TypeAlias = Callable[[Gradients], Gradients]

# A custom operator takes numbers and tensors, not functions: a number identifies the pass that it runs.
_passes: dict[int, Callable[[Tensor], Tensor]] = {}
_numbers = count()


def are_batched(gradients: Gradients) -> bool:
    """Return whether one of the gradients is batched, by `torch.func.vmap` or by the older vmap."""
    # Torch has no public test for either; torch.compile cannot trace these two, hence the first condition.
    if torch.compiler.is_compiling():
        return False
    # In a loop: `any` with a generator takes twice as long, in every backward pass.
    for g in gradients:
        if g is not None and (_functorch.is_batchedtensor(g) or _functorch.is_legacy_batchedtensor(g)):
            return True
    return False


def for_each(backward: BackwardPass, gradients: Gradients, asked: Sequence[Tensor | None]) -> Gradients:
    """Return the results of `backward` for each member of a batch of `gradients`.

    `asked` has a tensor of the shape of each result, and None for each result that is not wanted.
    """
    shapes = [None if g is None else g.shape for g in gradients]

    def flat(vector: Tensor) -> Tensor:
        found = backward(_apart(vector, shapes))
        return _together([g if wanted is not None else None for g, wanted in zip(found, asked, strict=True)])

    number = next(_numbers)
    _passes[number] = flat
    try:
        found: Tensor = _run(number, _together(gradients))
    finally:
        del _passes[number]
    return _apart(found, [None if like is None else like.shape for like in asked])


@torch.library.custom_op("bptt::backward_of_each", mutates_args=())
def _run(number: int, gradients: Tensor) -> Tensor:
    return _passes[number](gradients)


@_run.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], number: int, gradients: Tensor) -> tuple[Tensor, int]:
    members = gradients.unbind(in_dims[1] or 0)
    return torch.stack([_run(number, member) for member in members]), 0


def _together(tensors: Gradients) -> Tensor:
    """Concatenate the numbers of all tensors that are not None into one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors if tensor is not None])


def _apart(vector: Tensor, shapes: Sequence[torch.Size | None]) -> list[Tensor | None]:
    """Split a vector made by `_together` into tensors of these shapes, None where the shape is None."""
    sizes = [0 if shape is None else prod(shape) for shape in shapes]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    both = zip(shapes, sizes, ends, strict=True)
    return [None if shape is None else vector[end - n : end].reshape(shape) for shape, n, end in both]
