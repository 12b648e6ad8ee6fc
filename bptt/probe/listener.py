"""Recurrent layers inside a model, and the norms that their backward passes hand out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bptt.errors import InputError
from bptt.languages.phrase import phrase
from bptt.nn.initial import initial_names
from bptt.nn.stack import Stack
from bptt.probe.kin import skeleton_of, weights_of
from bptt.probe.stack_layers import layer_names, stack_of
from bptt.runtime.norms import Norms


def recurrent_modules(model: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """Return the stacks of bptt.nn in a model, and the RNN, LSTM and GRU of torch.nn or kin, each with its
    path.

    A single one has an empty path. Raises InputError if there are none.
    """
    kinds = (Stack, nn.RNNBase)
    found = tuple((path, module) for path, module in model.named_modules() if isinstance(module, kinds))
    if not found:
        rule = "expected a model with recurrent layers of bptt.nn, or RNN, LSTM or GRU of torch.nn"
        raise InputError("probe", rule, type(model).__name__)
    return found if len(found) > 1 else (("", found[0][1]),)


class Listener:
    """Hears the backward passes of recurrent modules, (name, module) each.

    While it listens, a module of torch.nn computes by our kernels, with its own parameters and the same
    results up to rounding; all else is as before. `stacks` are the modules by name, torch's as ours.
    """

    def __init__(self, modules: Sequence[tuple[str, nn.Module]]) -> None:
        self._modules = dict(modules)
        self.stacks = {name: stack_of(module, skeleton_of) for name, module in modules}
        self._heard: dict[tuple[str, int], list[Norms]] = {}
        self._observers = {name: stack.observer for name, stack in self.stacks.items()}
        # Others may have put a `forward` of their own there.
        self._forwards = {name: module.__dict__.get("forward") for name, module in modules}

    @property
    def layers(self) -> Mapping[str, tuple[str, int]]:
        """Every layer and direction as it is shown, "encoder layer 2 ←": its stack's name, and its number
        there in torch's order.
        """
        return {
            phrase("{} {}", phrase(name), layer) if name else layer: (name, number)
            for name, stack in self.stacks.items()
            for number, layer in enumerate(layer_names(stack))
        }

    @property
    def modules(self) -> list[nn.Module]:
        """The modules that are listened to."""
        return list(self._modules.values())

    def is_reverse(self, layer: str) -> bool:
        """Return whether a layer, named as it is shown, runs from the last step to the first."""
        name, number = self.layers[layer]
        return self.stacks[name].layers[number].reverse

    def start(self) -> None:
        """Listen to all forward passes from now on, and forget what was heard."""
        self._heard = {}
        for name, module in self._modules.items():
            stack = self.stacks[name]
            stack.observer = partial(self._hear, name)
            if stack is not module:
                module.forward = partial(_run, module, stack)

    def stop(self) -> None:
        """Leave the modules as they were."""
        for name, module in self._modules.items():
            self.stacks[name].observer = self._observers[name]
            if self.stacks[name] is not module:
                del module.forward
                forward = self._forwards[name]
                if forward is not None:
                    module.forward = forward

    def heard(self) -> Mapping[str, Norms]:
        """Return, by layer as shown, all norms recorded so far, (T, B, ·).

        A stack that was called several times, step by step, was gone back through in the opposite order.
        """
        return {
            layer: _joined(self._heard[place]) for layer, place in self.layers.items() if place in self._heard
        }

    def _hear(self, name: str, number: int, norms: Norms) -> None:
        self._heard.setdefault((name, number), []).append(norms)


@contextmanager
def listening(modules: Sequence[tuple[str, nn.Module]]) -> Iterator[Listener]:
    """Yield a listener that listens until the end of the block."""
    listener = Listener(modules)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@contextmanager
def only_vectors(model: nn.Module, modules: Sequence[nn.Module]) -> Iterator[list[nn.Parameter]]:
    """Require gradients of the vectors of recurrent modules only, among all parameters of `model`.

    Through them every layer is gone back through, without the products for the gradients of matrices, which
    cost as much as all else. A module without vectors keeps its matrices.
    """
    every = dict.fromkeys(p for module in (model, *modules) for p in module.parameters())
    before = [(parameter, parameter.requires_grad) for parameter in every]
    wanted = [p for module in modules for p in _vectors(module) or module.parameters()]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        for parameter in wanted:
            parameter.requires_grad_(True)
        with torch.inference_mode(False), torch.enable_grad():
            yield wanted
    finally:
        for parameter, required in before:
            parameter.requires_grad_(required)


def _vectors(module: nn.Module) -> list[nn.Parameter]:
    """Return the vectors of a module, without learned initial states, which explicit states replace."""
    layers = module.layers if isinstance(module, Stack) else ()
    initial = {name for layer in layers for name in initial_names(layer)}
    return [p for name, p in module.named_parameters() if p.dim() == 1 and name not in initial]


def _run(module: nn.Module, stack: Stack, *arguments: Any, **named: Any) -> Any:
    """Return the stack of ours that computes the same as `module` of torch.nn."""
    stack.train(module.training)
    return functional_call(stack, weights_of(module, stack), arguments, named)


def _joined(norms: Sequence[Norms]) -> Norms:
    first, backwards = norms[0], norms[::-1]

    def join(parts: list[Tensor]) -> Tensor:
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    delta, carried = join([n.delta for n in backwards]), join([n.carried for n in backwards])
    return Norms(first.sums, delta, first.states, carried)
