"""Backward passes for a batch of gradients at once: `is_grads_batched`, `vmap` over `autograd.grad`.

Torch then hands over gradients that have no memory of their own. Both forms of vmap can run an operator of
torch's library once for each member of the batch. So the backward pass becomes an operator here: from one
vector, the gradients that come in side by side, to one, those that go out.
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

# An operator takes numbers and tensors: the pass that it shall run is found by a number.
_passes: dict[int, Callable[[Tensor], Tensor]] = {}
_numbers = count()


def are_batched(gradients: Gradients) -> bool:
    """Whether one of these gradients is a batch of gradients, of vmap or of its older form."""
    # The compiler of torch does not follow these, which have no public sign.
    return not torch.compiler.is_compiling() and any(
        g is not None and (_functorch.is_batchedtensor(g) or _functorch.is_legacy_batchedtensor(g))
        for g in gradients
    )


def for_each(backward: BackwardPass, gradients: Gradients, asked: Sequence[Tensor | None]) -> Gradients:
    """The results of `backward` for each member of a batch of `gradients`.

    `asked` has the shapes of the results, None for each that is not wanted.
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
    """All numbers of the tensors that there are, in one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors if tensor is not None])


def _apart(vector: Tensor, shapes: Sequence[torch.Size | None]) -> list[Tensor | None]:
    """The tensors of these shapes that a vector was put together from."""
    sizes = [0 if shape is None else prod(shape) for shape in shapes]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    both = zip(shapes, sizes, ends, strict=True)
    return [None if shape is None else vector[end - n : end].reshape(shape) for shape, n, end in both]
