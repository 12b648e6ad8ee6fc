"""From torch's modules to ours and back: the same parameters, hence the same results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from bptt.errors import InputError
from bptt.nn.modules import GRU, LSTM, RNN
from bptt.nn.stack import Stack
from bptt.nn.steps import GRUCell, LSTMCell, RNNCell, Step

_Module = TypeVar("_Module", bound=nn.Module)

_STEP = ("input_size", "hidden_size", "bias")
_STACK = (*_STEP, "num_layers", "batch_first", "dropout", "bidirectional")


@dataclass(frozen=True)
class _Pair:
    """A module of torch, ours, and the arguments that make the one like the other."""

    theirs: type[nn.Module]
    ours: type[Stack | Step]
    arguments: tuple[str, ...]


_PAIRS = (
    _Pair(nn.RNN, RNN, (*_STACK, "nonlinearity")),
    _Pair(nn.LSTM, LSTM, (*_STACK, "proj_size")),
    _Pair(nn.GRU, GRU, _STACK),
    _Pair(nn.RNNCell, RNNCell, (*_STEP, "nonlinearity")),
    _Pair(nn.LSTMCell, LSTMCell, _STEP),
    _Pair(nn.GRUCell, GRUCell, _STEP),
)


def from_torch(module: nn.Module) -> Stack | Step:
    """The module of bptt.nn for an RNN, LSTM, GRU or single step of torch.nn.

    Parameters are copied with dtype, device and requires_grad; training or evaluation is kept.
    Raises InputError for any other module, a subclass included, as it may compute something else.
    """
    return _fill(skeleton(module), module)


def skeleton(module: nn.Module) -> Stack | Step:
    """The same without parameters: on the device "meta", to be called with the module's own by
    `torch.func.functional_call`. Raises InputError as `from_torch` does.
    """
    for pair in _PAIRS:
        if type(module) is pair.theirs:
            return _rebuild("from_torch", module, pair.ours, pair.arguments)
    names = ", ".join(pair.theirs.__name__ for pair in _PAIRS)
    raise InputError("from_torch", f"expected one of torch.nn's {names}", type(module).__name__)


def to_torch(module: nn.Module) -> nn.Module:
    """The module of torch.nn for an RNN, LSTM, GRU or single step of bptt.nn: from_torch's inverse.

    Raises InputError for any other module: torch has no module for any cell.
    """
    for pair in _PAIRS:
        if type(module) is pair.ours:
            return _fill(_rebuild("to_torch", module, pair.theirs, pair.arguments), module)
    names = ", ".join(pair.ours.__name__ for pair in _PAIRS)
    raise InputError("to_torch", f"expected one of bptt.nn's {names}", type(module).__name__)


def _rebuild(where: str, source: nn.Module, kind: type[_Module], arguments: tuple[str, ...]) -> _Module:
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


def _fill(result: _Module, source: nn.Module) -> _Module:
    """`result` with copies of the parameters of `source`."""
    for name, parameter in source.named_parameters():
        copy = nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)
        setattr(result, name, copy)
    return result
