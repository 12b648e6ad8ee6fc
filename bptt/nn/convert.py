"""From torch's modules to ours and back: the same parameters, hence the same results."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from typing import TypeAlias, overload

from torch import nn

from bptt.errors import InputError
from bptt.nn.base import CellModule
from bptt.nn.modules import GRU, LSTM, RNN
from bptt.nn.stack import Stack
from bptt.nn.steps import GRUCell, LSTMCell, RNNCell, SingleStep
from bptt.nn.twin import fill, has_hooks, rebuild, share

_Ours: TypeAlias = type[RNN] | type[LSTM] | type[GRU] | type[RNNCell] | type[LSTMCell] | type[GRUCell]

_OURS: tuple[_Ours, ...] = (RNN, LSTM, GRU, RNNCell, LSTMCell, GRUCell)
_BY_TYPE: dict[type[nn.Module], _Ours] = {ours.twin: ours for ours in _OURS}
_NAMES = ", ".join(ours.__name__ for ours in _OURS)


@overload
def from_torch(module: nn.RNNBase | nn.RNNCellBase, *, inplace: bool = False) -> Stack | SingleStep: ...
@overload
def from_torch(module: nn.Module, *, inplace: bool = False) -> nn.Module: ...
def from_torch(module: nn.Module, *, inplace: bool = False) -> nn.Module:
    """Return the module of bptt.nn for an RNN, LSTM, GRU or step of torch.nn; or a model of such modules.

    Of a model every module of these types is replaced, wherever it is nested; one that occurs twice, or
    shares a parameter, does so afterwards. Subclasses, which may compute something else, and modules with
    parametrisations or hooks stay as they are, and a UserWarning names each.

    Parameters keep dtype, device and requires_grad; training or evaluation is kept. The model and its
    parameters are copied; with `inplace` the model itself is changed, and the new modules hold the very
    parameters of the old, which an optimiser may know already. Raises InputError if nothing can be replaced.
    """
    if type(module) in _BY_TYPE:
        return (share if inplace else fill)(skeleton(module), module)
    return _replace("from_torch", "torch.nn", module, inplace, (nn.RNNBase, nn.RNNCellBase), skeleton)


def to_torch(module: nn.Module, *, inplace: bool = False) -> nn.Module:
    """Return the module of torch.nn for one of bptt.nn, or a model of such modules: the inverse of
    `from_torch`.

    A Recurrent stays as it is in a model, and is named in a UserWarning: torch has no module for any cell.
    Raises InputError if nothing can be replaced.
    """
    if type(module) in _OURS:
        return (share if inplace else fill)(_torch_skeleton(module), module)
    return _replace("to_torch", "bptt.nn", module, inplace, (CellModule,), _torch_skeleton)


def skeleton(module: nn.Module) -> Stack | SingleStep:
    """Return the module that `from_torch` makes, without parameters: on the device "meta", to be called with
    the module's own by `torch.func.functional_call`. Raises InputError unless `module` is of one of torch's
    six types.
    """
    ours = _BY_TYPE.get(type(module))
    if ours is None:
        raise InputError("from_torch", f"expected one of torch.nn's {_NAMES}", type(module).__name__)
    return rebuild("from_torch", module, ours, ours.twin_arguments)


def _torch_skeleton(module: nn.Module) -> nn.Module:
    for ours in _OURS:
        if type(module) is ours:
            return rebuild("to_torch", module, ours.twin, ours.twin_arguments)
    raise InputError("to_torch", f"expected one of bptt.nn's {_NAMES}", type(module).__name__)


def _replace(
    where: str,
    origin: str,
    model: nn.Module,
    inplace: bool,
    kinds: tuple[type[nn.Module], ...],
    make: Callable[[nn.Module], nn.Module],
) -> nn.Module:
    """Return `model` with its modules of these kinds replaced by those that `make` makes of them."""
    found = [(name, module) for name, module in model.named_modules() if name and isinstance(module, kinds)]
    refused = {name: reason for name, module in found if (reason := _reason(module, make))}
    if len(refused) == len(found):
        rule = f"expected one of {origin}'s {_NAMES}, or a model with one"
        which = "".join(f"; {name}: {reason}" for name, reason in refused.items())
        raise InputError(where, rule, type(model).__name__ + which)
    for name, reason in refused.items():
        warnings.warn(f"{where}: {name} stays as it is: {reason}", stacklevel=3)
    model = model if inplace else _copy(where, model)
    made: dict[int, nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in list(_children(parent)):
            if isinstance(child, kinds) and not _reason(child, make):
                if id(child) not in made:
                    made[id(child)] = share(make(child), child)
                parent.register_module(name, made[id(child)])
    return model


def _children(parent: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    # `named_children` leaves out the second name of a module that has two.
    return [(name, child) for name, child in parent._modules.items() if child is not None]


def _reason(module: nn.Module, make: Callable[[nn.Module], nn.Module]) -> str:
    """Return why a module cannot be replaced; empty if it can."""
    if has_hooks(module):
        return "it has hooks, which would be lost"
    try:
        make(module)
    except InputError as error:
        return f"{error.rule}, got {error.got}"
    return ""


def _copy(where: str, model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        cure = "Give inplace=True, which changes the model itself"
        raise InputError(where, "expected a model that can be copied", error, cure) from error
