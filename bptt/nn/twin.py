"""A module of bptt.nn and the one of torch.nn that computes the same: each made from the other."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import torch
from torch import nn

from bptt.errors import InputError

_Module = TypeVar("_Module", bound=nn.Module)

# Arguments that both have by the same name.
STEP_ARGUMENTS: tuple[str, ...] = ("input_size", "hidden_size", "bias")
STACK_ARGUMENTS: tuple[str, ...] = (*STEP_ARGUMENTS, "num_layers", "batch_first", "dropout", "bidirectional")


class Twin:
    """A module that torch has another for, `twin`, which computes the same with the same parameters."""

    twin: ClassVar[type[nn.Module]]
    # The arguments that make the one like the other.
    twin_arguments: ClassVar[tuple[str, ...]]

    def __prepare_scriptable__(self) -> nn.Module:
        """Return the module that `torch.jit.script` compiles in place of this one: its twin, with its
        parameters.
        """
        assert isinstance(self, nn.Module)
        return share(rebuild("torch.jit.script", self, self.twin, self.twin_arguments), self)


def rebuild(where: str, source: nn.Module, kind: type[_Module], arguments: tuple[str, ...]) -> _Module:
    """Return a module of `kind` like `source`, without parameters: on the device "meta".

    Raises InputError if `source` has other parameters than its class gives it.
    """
    # On the device "meta" nothing is allocated and no random number drawn.
    values = {name: getattr(source, name) for name in arguments}
    result = kind(**values, device=torch.device("meta"))
    found = dict(source.named_parameters())
    wanted = dict(result.named_parameters())
    if found.keys() != wanted.keys():
        strange = sorted(found.keys() ^ wanted.keys())
        cure = "Remove weight norms and other parametrisations first"
        raise InputError(where, "expected the parameters of a plain module", strange, cure)
    return result.train(source.training)


def share(result: _Module, source: nn.Module) -> _Module:
    """Return `result` with the parameters of `source` themselves."""
    for name, parameter in source.named_parameters():
        setattr(result, name, parameter)
    return result


def fill(result: _Module, source: nn.Module) -> _Module:
    """Return `result` with copies of the parameters of `source`."""
    for name, parameter in source.named_parameters():
        copy = nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)
        setattr(result, name, copy)
    return result


def has_hooks(module: nn.Module) -> bool:
    """Return whether something is called whenever the module is, forward or backward."""
    # No public sign says so.
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
    return any(hooks) or bool(module._backward_pre_hooks)
