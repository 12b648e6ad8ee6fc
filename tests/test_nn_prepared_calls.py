"""Calls of a stack that come again are prepared: the results are those of the general way, for less work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType

import pytest
import torch
from outcomes import same, threads
from torch import Tensor
from user_cells import CELLS as OWN

from bptt import nn
from bptt.errors import GraphError, InputError
from bptt.nn.stack import Stack
from bptt.runtime.backend import backend, empty_cache

T, B, INPUTS, HIDDEN = 5, 2, 3, 4
OUTPUT = OWN["an output that is no state"]
STACKS: dict[str, Callable[[], Stack]] = {
    "lstm": lambda: nn.LSTM(INPUTS, HIDDEN),
    "two layers": lambda: nn.GRU(INPUTS, HIDDEN, num_layers=2, batch_first=True),
    "both directions": lambda: nn.LSTM(INPUTS, HIDDEN, num_layers=2, bidirectional=True),
    "a projection": lambda: nn.LSTM(INPUTS, HIDDEN, proj_size=2, batch_first=True),
    "no bias": lambda: nn.RNN(INPUTS, HIDDEN, bias=False, bidirectional=True),
    "an output that is no state": lambda: nn.Recurrent(
        OWN["an output that is no state"], INPUTS, HIDDEN, proj_size=2
    ),
}


def made(name: str, steps: int = T) -> tuple[Stack, Tensor, tuple[Tensor, ...]]:
    """A stack, an input, and initial states."""
    torch.manual_seed(0)
    stack = STACKS[name]()
    x = torch.randn((B, steps, INPUTS) if stack.batch_first else (steps, B, INPUTS), requires_grad=True)
    hx = tuple(torch.randn(len(stack.layers), B, width, requires_grad=True) for width in stack.widths)
    return stack, x, hx


def run(stack: Stack, x: Tensor, hx: Sequence[Tensor] | None, general: bool) -> tuple[Tensor, ...]:
    """Output and final states; the general way, which `return_states` takes, or the prepared one."""
    given = None if hx is None else stack.hand_over(tuple(hx))
    output, final, *_ = stack(x, given, return_states=general)
    assert isinstance(output, Tensor)
    return (output, *((final,) if isinstance(final, Tensor) else final))


def gradients(stack: Stack, x: Tensor, hx: Sequence[Tensor] | None, general: bool) -> tuple[Tensor, ...]:
    leaves = (x, *stack.parameters(), *(hx or ()))
    found = run(stack, x, hx, general)
    return torch.autograd.grad([t.square().sum() for t in found], leaves)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("steps", [1, T])
@pytest.mark.parametrize("name", STACKS)
def test_results_are_those_of_the_general_way(name: str, steps: int, given: bool) -> None:
    stack, x, states = made(name, steps)
    hx = states if given else None
    with backend("cpu"):
        values, wanted = run(stack, x, hx, True), gradients(stack, x, hx, True)
        for count in (1, 2, 3, 1):
            with threads(count):
                assert same(gradients(stack, x, hx, False), wanted)
                with torch.no_grad():
                    found = run(stack, x, hx, False)
        assert same(found, values)
        assert [t.stride() for t in found] == [t.stride() for t in values]


def test_a_single_sequence() -> None:
    stack, x, states = made("two layers")
    stack.batch_first = False
    with torch.no_grad():
        for hx in (None, [state[:, 0] for state in states]):
            assert same(run(stack, x[0], hx, False), run(stack, x[0], hx, True))


def python_calls(function: Callable[[], object]) -> int:
    """How many functions of Python one more call runs."""
    function()
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_the_fixed_cost_of_a_call() -> None:
    """The general way takes 186 calls of Python functions forward, and 285 in all."""
    stack, x, _ = made("lstm", 1)
    x = x.detach()
    with backend("cpu"):
        with torch.no_grad():
            assert python_calls(lambda: stack(x)) <= 30
        assert python_calls(lambda: stack(x)[0].sum().backward()) <= 140


def test_another_backend_is_asked_for() -> None:
    stack, x, _ = made("lstm")
    with torch.no_grad(), backend("cpu"):
        stack(x)
        with backend("reference"):
            assert python_calls(lambda: stack(x)) > 30


def test_the_cache_of_packed_weights_may_be_emptied() -> None:
    stack, x, _ = made("lstm")
    with torch.no_grad():
        before = run(stack, x, None, False)
        empty_cache()
        assert same(run(stack, x, None, False), before)


def test_a_parameter_of_another_shape_is_refused_as_ever() -> None:
    stack, x, _ = made("lstm")
    with torch.no_grad():
        stack(x)
        stack.weight_hh_l0.data = stack.weight_hh_l0.data.view(HIDDEN, 4 * HIDDEN)
        with pytest.raises(InputError):
            stack(x)


def test_memory_that_was_freed_is_not_read() -> None:
    stack, x, _ = made("lstm")
    x = x.detach()
    stack(x)
    for tensor in (x, stack.weight_hh_l0):
        tensor.untyped_storage().resize_(0)
        with pytest.raises(GraphError, match="without memory"):
            stack(x)


def test_a_step_of_training_in_parts_that_were_summed() -> None:
    """Of the two biases that an LSTM adds, one may be frozen."""
    stack, x, _ = made("lstm")
    stack.bias_hh_l0.requires_grad_(False)
    wanted = torch.autograd.grad(run(stack, x, None, True)[0].sum(), stack.bias_ih_l0)
    stack(x)[0].sum().backward()
    assert stack.bias_hh_l0.grad is None and stack.bias_ih_l0.grad is not None
    assert torch.equal(stack.bias_ih_l0.grad, wanted[0])
