"""Recurrent modules of torch.nn and their kin: subclasses, and layers with weights computed from others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from bptt.errors import InputError
from bptt.nn.convert import skeleton
from bptt.nn.stack import Stack
from bptt.probe.undisturbed import undisturbed

Kin: TypeAlias = type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]

_KINDS: tuple[Kin, ...] = (nn.RNN, nn.LSTM, nn.GRU)
_OPTIONS = "input_size hidden_size bias num_layers batch_first dropout bidirectional".split()
_OWN_OPTIONS: dict[Kin, tuple[str, ...]] = {
    nn.RNN: ("nonlinearity",),
    nn.LSTM: ("proj_size",),
    nn.GRU: (),
}


def kind_of(module: nn.Module) -> Kin | None:
    """Return the class of torch.nn that a module computes as: its own, or that whose `forward` it inherits.

    None for anything else, a subclass with a `forward` of its own included.
    """
    return next((k for k in _KINDS if isinstance(module, k) and type(module).forward is k.forward), None)


def skeleton_of(module: nn.Module) -> Stack:
    """Return an RNN, LSTM or GRU of torch.nn, or its kin, as a stack of ours without parameters.

    It is on the device "meta", to be called with `weights_of` by `torch.func.functional_call`. Raises
    InputError for anything else.
    """
    kind = kind_of(module)
    if kind is None:
        rule = (
            "expected layers of bptt.nn, or one of torch.nn's RNN, LSTM, GRU, or a subclass without a forward"
        )
        raise InputError("probe", rule, _described(module), "Give the layers inside the module")
    names = (*_OPTIONS, *_OWN_OPTIONS[kind])
    plain = kind(**{name: getattr(module, name) for name in names}, device="meta")
    found = skeleton(plain.train(module.training))
    assert isinstance(found, Stack)
    with undisturbed(module):
        weights = weights_of(module, found)
    for name, parameter in found.named_parameters():
        if weights[name].shape != parameter.shape:
            got = tuple(weights[name].shape)
            raise InputError("probe", f"{name} of {type(module).__name__} is {tuple(parameter.shape)}", got)
    return found


def copy_of(module: nn.Module) -> Stack:
    """Return the same with copies of the weights, as they are in evaluation mode now."""
    found = skeleton_of(module)
    # In training a spectral norm goes on with its power iteration whenever its weight is read.
    with undisturbed(module), torch.no_grad():
        for name, weight in weights_of(module, found).items():
            setattr(found, name, nn.Parameter(weight.detach().clone()))
    return found


def weights_of(module: nn.Module, stack: Stack) -> dict[str, Tensor]:
    """Return the weights that a module computes with, by the names of its skeleton's parameters;
    differentiable.
    """
    computed = dict(_computed(module))
    return {
        name: computed[name] if name in computed else getattr(module, name)
        for name, _ in stack.named_parameters()
    }


def _computed(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Return the weights that a hook computes before each call: as attributes they are those of the last
    call.
    """
    for hook in module._forward_pre_hooks.values():
        match hook:
            case WeightNorm():
                yield hook.name, hook.compute_weight(module)
            case SpectralNorm():
                yield hook.name, hook.compute_weight(module, do_power_iteration=False)
            case BasePruningMethod():
                yield hook._tensor_name, hook.apply_mask(module)  # type: ignore[no-untyped-call]


def _described(module: nn.Module) -> str:
    own = ", with a forward of its own" if isinstance(module, nn.RNNBase) else ""
    return f"{type(module).__name__}{own}"
