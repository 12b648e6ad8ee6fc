"""Where a sequence starts if no state is given: at zero, at a learned state, at a random one."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.types import Device

from bptt.errors import InputError
from bptt.nn.layer import Layer
from bptt.nn.parameters import fill, register

Initial = Literal["zero", "learned", "random", "random-in-training"]


def check_initial(where: str, kind: str) -> None:
    """Raise InputError unless `kind` is one of Initial."""
    if kind not in get_args(Initial):
        raise InputError(where, f"initial is one of {', '.join(get_args(Initial))}", repr(kind))


def initial_names(layer: Layer) -> tuple[str, ...]:
    """Return the names of the learned initial states of a layer: `initial_h_l0_reverse`."""
    return tuple(f"initial_{state}{layer.suffix}" for state in layer.cell.states)


def register_initial(module: nn.Module, layer: Layer, device: Device, dtype: torch.dtype | None) -> None:
    """Give the module a learned initial state (width,) per state of the layer."""
    for name, width in zip(initial_names(layer), layer.widths, strict=True):
        register(module, name, (width,), device, dtype)


def reset_initial(module: nn.Module, layer: Layer) -> None:
    """Set learned initial states to zero, where they start."""
    for name in initial_names(layer):
        fill(getattr(module, name), 0.0, layer.sizes["H"])


def initial_states(
    module: nn.Module, layer: Layer, kind: Initial, batch: int, like: Tensor
) -> tuple[Tensor, ...]:
    """Return one (B, width) tensor per state, on the device and in the dtype of `like`.

    "random" draws from N(0, 1) at every call, from torch's generator, in training and evaluation;
    "random-in-training" does so in training alone, and starts at zero, their mean, in evaluation.
    """
    if kind == "learned":
        names = zip(initial_names(layer), layer.widths, strict=True)
        return tuple(getattr(module, name).expand(batch, width) for name, width in names)
    if kind == "random" or (kind == "random-in-training" and module.training):
        return tuple(like.new_empty(batch, width).normal_() for width in layer.widths)
    return tuple(like.new_zeros(batch, width) for width in layer.widths)
