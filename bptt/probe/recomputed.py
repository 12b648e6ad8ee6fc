"""Checkpoints, which run a part of a forward pass again on the way back, and compare what it saves."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


def is_recomputed() -> bool:
    """Return whether a checkpoint that is not reentrant runs its part again, within the backward pass.

    Torch has no public question for either: a reentrant checkpoint has no hooks on saved tensors there.
    """
    going_back = torch._C._current_graph_task_id() != -1
    return going_back and torch._C._autograd._top_saved_tensors_default_hooks(True) is not None


def saving_apart() -> AbstractContextManager[object]:
    """Keep tensors that a pass inside saves from the active hooks: a checkpoint would count them."""
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is None:
        return nullcontext()
    return saved_tensors_hooks(_as_it_is, _as_it_is)


def _as_it_is(saved: Tensor) -> Tensor:
    return saved
