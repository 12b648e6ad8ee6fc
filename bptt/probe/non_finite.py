"""NaN and overflow, traced to the first place where they appear: parameters, forward pass, backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from bptt.nn.stack import Stack
from bptt.probe.calls import ModuleCall, given_to_stack, real_tensors, recorded
from bptt.probe.kin import kind_of
from bptt.probe.non_finite_gradients import BadGradient, first_bad_gradient
from bptt.probe.non_finite_values import BadValue, first_bad_value, first_index
from bptt.probe.stack_layers import stack_of
from bptt.probe.undisturbed import undisturbed
from bptt.runtime.norms import Norms

NonFiniteStage = Literal["parameter", "forward", "loss", "gradient"]

SHOWN = 3


@dataclass(frozen=True)
class NonFinite:
    """The first NaN or infinity of a model, and as a text what it is, where, and what it came from.

    `module` is the name in the model, empty for the model itself; `what` a parameter "R_l0[3, 1]", an output
    "output[0, 2]" of a module, or a value of a recurrent layer, which `cause` describes. `parameters` are
    those whose gradients are not finite, if the stage is "gradient".
    """

    stage: NonFiniteStage
    module: str
    what: str
    value: float
    cause: BadValue | BadGradient | None = None
    parameters: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = [self.module] if self.module else []
        match self.cause:
            case BadValue(layer, _, step, row, unit, _, equation, read):
                where += [layer, *([] if step is None else [f"step {step}"]), f"row {row}", f"unit {unit}"]
                subject = equation or self.what
                after = [f"; {name} was {number:.4g}" for name, number in read[:SHOWN]]
            case BadGradient(layer, _, step, row, _, before):
                where += [layer, f"step {step}", f"row {row}"]
                subject = self.what
                after = [] if before is None else [f"; ‖∂E/∂net‖ was {before:.4g} where it last was finite"]
            case None:
                subject, after = self.what, []
        if self.parameters:
            after.append(f"; the gradients that are not finite: {', '.join(self.parameters)}")
        return f"{', '.join(where)}{': ' if where else ''}{subject} is {self.value}{''.join(after)}"


def find_non_finite(model: nn.Module, loss: Callable[[], Tensor]) -> NonFinite | None:
    """Find the first NaN or infinity on the way from the parameters to the gradients; None if there is none.

    Looked at are the parameters; the forward pass, module by module and inside of recurrent ones value by
    value; the loss; and, if all these are finite, the gradients of the parameters. A module that is not
    recurrent may give infinities, as a mask does, as long as the loss is finite.

    Args:
        model: any module. Recurrent modules of bptt.nn and of torch.nn in it, or itself, are seen into. It
            is run in evaluation mode; its parameters, their `.grad`, its mode and torch's random state are
            left as they were.
        loss: runs the model and gives the loss, of which the sum is differentiated:
            `lambda: criterion(model(x), y)`.

    """
    if found := _in_parameters(model):
        return found
    with undisturbed(model), torch.enable_grad():
        with recorded(model) as calls:
            value = loss()
        return _in_forward(calls, value) or _in_backward(model, calls, value)


def _in_parameters(model: nn.Module) -> NonFinite | None:
    for name, parameter in model.named_parameters():
        if found := _entry("parameter", "", name, parameter):
            return found
    return None


def _entry(stage: NonFiniteStage, module: str, name: str, tensor: Tensor) -> NonFinite | None:
    """Find the first entry of a tensor that is not finite."""
    place = first_index(~tensor.isfinite())
    if place is None:
        return None
    return NonFinite(stage, module, f"{name}{list(place) if place else ''}", tensor[place].item())


# ---- forward


def _in_forward(calls: Sequence[ModuleCall], loss: Tensor) -> NonFinite | None:
    lost = not bool(loss.isfinite().all())
    for call in calls:
        if found := _in_recurrence(call) or (_in_outputs(call) if lost else None):
            return found
    return _entry("loss", "", "the loss", loss)


def _in_recurrence(call: ModuleCall) -> NonFinite | None:
    stack = _stack(call.module)
    if stack is None:
        return None
    given = given_to_stack(call.arguments, call.keywords)
    found = first_bad_value(stack, given["input"], given.get("hx"), given.get("lengths"))
    if found is None:
        return None
    return NonFinite("forward", call.name, found.name, found.value, found)


def _in_outputs(call: ModuleCall) -> NonFinite | None:
    return next(filter(None, (_entry("forward", call.name, "output", t) for t in call.outputs)), None)


def _stack(module: nn.Module) -> Stack | None:
    """Return a recurrent module as one of ours."""
    return stack_of(module) if isinstance(module, Stack) or kind_of(module) else None


# ---- backward


def _in_backward(model: nn.Module, calls: Sequence[ModuleCall], loss: Tensor) -> NonFinite | None:
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not loss.requires_grad or not parameters:
        return None
    gradients = _gradients(loss, parameters.values(), calls)
    bad = tuple(name for name, p in parameters.items() if not _gradient(gradients, p).isfinite().all())
    if not bad:
        return None
    for call in reversed(calls):
        if found := _back_through(call, gradients):
            return replace(found, parameters=bad)
    first = _entry("gradient", "", f"the gradient of {bad[0]}", _gradient(gradients, parameters[bad[0]]))
    return first and replace(first, parameters=bad)


def _gradients(
    loss: Tensor, parameters: Iterable[Tensor], calls: Sequence[ModuleCall]
) -> Mapping[int, Tensor]:
    """Compute ∂E/∂ of the parameters and of the outputs of the modules, by identity."""
    wanted = [*parameters, *(tensor for call in calls for tensor in call.outputs if tensor.requires_grad)]
    found = torch.autograd.grad(loss.sum(), wanted, allow_unused=True)
    return {id(tensor): g for tensor, g in zip(wanted, found, strict=True) if g is not None}


def _gradient(gradients: Mapping[int, Tensor], tensor: Tensor) -> Tensor:
    """Zero where the loss does not depend on the tensor."""
    return gradients.get(id(tensor), torch.zeros(()))


def _back_through(call: ModuleCall, gradients: Mapping[int, Tensor]) -> NonFinite | None:
    """Find it in the gradients that come back to a module, inside a recurrent one, or in its own
    parameters.
    """
    named = [("output", tensor) for tensor in call.outputs]
    if found := _in_gradients(call, named, gradients):
        return found
    stack = _stack(call.module)
    if stack is not None:
        inside = first_bad_gradient(stack, _observed(stack, call, gradients))
        if inside is not None:
            return NonFinite("gradient", call.name, inside.name, inside.value, inside)
    return _in_gradients(call, call.module.named_parameters(recurse=False), gradients)


def _in_gradients(
    call: ModuleCall, named: Iterable[tuple[str, Tensor]], gradients: Mapping[int, Tensor]
) -> NonFinite | None:
    for name, tensor in named:
        if found := _entry("gradient", call.name, f"the gradient of {name}", _gradient(gradients, tensor)):
            return found
    return None


def _observed(stack: Stack, call: ModuleCall, gradients: Mapping[int, Tensor]) -> list[tuple[int, Norms]]:
    """Return the norms of the backward pass through a call, which is run once more by itself."""
    records: list[tuple[int, Norms]] = []
    before, stack.observer = stack.observer, lambda number, norms: records.append((number, norms))
    try:
        again = real_tensors(stack(*call.arguments, **call.keywords))
    finally:
        stack.observer = before
    given = real_tensors((*call.arguments, *call.keywords.values()))
    wanted = [tensor for tensor in (*given, *stack.parameters()) if tensor.requires_grad]
    coming = {o: gradients[id(t)] for o, t in zip(again, call.outputs, strict=True) if id(t) in gradients}
    if wanted and coming:
        torch.autograd.grad(tuple(coming), wanted, tuple(coming.values()), allow_unused=True)
    return records
