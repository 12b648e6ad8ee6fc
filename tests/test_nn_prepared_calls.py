"""Calls of a stack that come again are prepared: the results are those of the general way, for less work."""

from __future__ import annotations

import contextlib
import copy
import pickle
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
import torch
from outcomes import same, threads
from torch import Tensor
from torch.func import functional_call
from torch.nn.utils.parametrize import register_parametrization
from user_cells import CELLS as OWN

from bptt import nn
from bptt.errors import GraphError, InputError
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack
from bptt.runtime.backend import backend, empty_cache
from bptt.runtime.narrow import weight_format

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
    # Under autocast these are bfloat16.
    return tuple([t.float() for t in (output, *((final,) if isinstance(final, Tensor) else final))])


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


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("options", [{"num_layers": 3}, {"num_layers": 2, "bidirectional": True}])
def test_layers_that_run_at_the_same_time(options: dict[str, Any], batch: int) -> None:
    """There is work for a thread in each layer, which does not divide into whole strides."""
    torch.manual_seed(0)
    stack, x = nn.GRU(40, 70, **options), torch.randn(75, batch, 40)
    with torch.no_grad(), backend("cpu"):
        wanted = run(stack, x, None, True)
        for count in (1, 2, 3, 3):
            with threads(count):
                assert same(run(stack, x, None, False), wanted)


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
        assert python_calls(lambda: stack(x)[0].sum().backward()) <= 80


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


def test_dropout_between_layers_without_a_graph() -> None:
    torch.manual_seed(0)
    stack, x = nn.LSTM(INPUTS, HIDDEN, num_layers=2, dropout=0.5), torch.randn(T, B, INPUTS)
    for training in (True, False):
        stack.train(training)
        for _ in range(2):
            with torch.no_grad():
                torch.manual_seed(1)
                wanted = run(stack, x, None, True)
                torch.manual_seed(1)
                assert same(run(stack, x, None, False), wanted)


def observed(stack: Stack) -> object:
    stack.observer = lambda number, norms: None
    return contextlib.nullcontext()


def other_layers(stack: Stack) -> object:
    first, *rest = stack.layers

    @dataclass(frozen=True)
    class Negative(Layer):
        def families(self, module: torch.nn.Module) -> tuple[Tensor, ...]:
            return tuple(-family for family in super().families(module))

    stack.layers = (Negative(first.cell, first.sizes, first.names, first.suffix, first.reverse), *rest)
    return contextlib.nullcontext()


def written_past_torch(stack: Stack) -> object:
    stack.weight_ih_l0.data.numpy()[...] *= 2
    return contextlib.nullcontext()


def another_parameter(stack: Stack) -> object:
    stack.weight_hh_l0 = torch.nn.Parameter(stack.weight_hh_l0.detach() * 2)
    return contextlib.nullcontext()


def other_data(stack: Stack) -> object:
    stack.bias_ih_l0.data = stack.bias_ih_l0.data + 1
    return contextlib.nullcontext()


def parametrized(stack: Stack) -> object:
    register_parametrization(stack, "weight_hh_l0", torch.nn.Tanh())
    return contextlib.nullcontext()


def loaded(stack: Stack) -> object:
    stack.load_state_dict({name: 2 * p for name, p in stack.state_dict().items()})
    return contextlib.nullcontext()


def in_other_numbers(stack: Stack) -> object:
    return weight_format("bf16")


def autocast(stack: Stack) -> object:
    return torch.autocast("cpu", torch.bfloat16)


CHANGES = [observed, other_layers, written_past_torch, another_parameter, other_data, parametrized, loaded]


@pytest.mark.parametrize("name", ["lstm", "both directions"])
@pytest.mark.parametrize("change", [*CHANGES, in_other_numbers, autocast])
def test_what_a_call_was_not_prepared_for(change: Callable[[Stack], Any], name: str) -> None:
    stack, x, _ = made(name)
    with backend("cpu"):
        before = gradients(stack, x, None, False)[0]
        with torch.no_grad():
            values = run(stack, x, None, False)
        with change(stack):
            wanted, found = gradients(stack, x, None, True), gradients(stack, x, None, False)
            with torch.no_grad():
                right, now = run(stack, x, None, True), run(stack, x, None, False)
    assert same(found, wanted) and same(now, right)
    if change is not observed:
        assert not same(now, values) and not torch.equal(found[0], before)


@pytest.mark.parametrize("name", STACKS)
def test_an_observer_hears_every_layer_once_calls_are_prepared(name: str) -> None:
    stack, x, _ = made(name)
    gradients(stack, x, None, False)
    heard: list[int] = []
    stack.observer = lambda number, norms: heard.append(number)
    gradients(stack, x, None, False)
    assert sorted(heard) == list(range(len(stack.layers)))


def test_copies_do_not_share_prepared_calls() -> None:
    stack, x, _ = made("lstm")
    with torch.no_grad():
        before = run(stack, x, None, False)
        for copied in (copy.deepcopy(stack), pickle.loads(pickle.dumps(stack))):
            copied.weight_hh_l0 *= 2
            assert not same(run(copied, x, None, False), before)
            assert same(run(copied, x, None, False), run(copied, x, None, True))
        assert same(run(stack, x, None, False), before)


def test_weights_that_a_call_is_given() -> None:
    stack, x, _ = made("two layers")
    others = {name: 2 * p.detach() for name, p in stack.named_parameters()}

    def outputs(general: bool) -> Tensor:
        return functional_call(stack, others, (x,), {"return_states": general})[0]

    with torch.no_grad():
        before = run(stack, x, None, False)
        assert torch.equal(outputs(False), outputs(True)) and not torch.equal(outputs(False), before[0])
        assert same(run(stack, x, None, False), before)
        many = torch.randn(3, *x.shape)
        each = torch.vmap(lambda one: stack(one)[0])(many)
        torch.testing.assert_close(each, torch.stack([stack(one)[0] for one in many]))


def test_forward_mode() -> None:
    stack, x, _ = made("lstm")
    with torch.no_grad():
        stack(x)
    for _ in range(2):
        _, found = torch.func.jvp(lambda v: stack(v)[0], (x.detach(),), (torch.ones_like(x),))
        _, right = torch.func.jvp(
            lambda v: stack(v, return_states=True)[0], (x.detach(),), (torch.ones_like(x),)
        )
        assert torch.equal(found, right) and found.any()


def test_a_square_matrix_in_the_order_of_columns() -> None:
    """Its address and shape stay."""
    stack, x = nn.RNN(INPUTS, HIDDEN), torch.randn(T, B, INPUTS)
    with backend("cpu"):
        gradients(stack, x.requires_grad_(), None, False)
        with torch.no_grad():
            run(stack, x, None, False)
        stack.weight_hh_l0.data = stack.weight_hh_l0.data.t()
        assert same(gradients(stack, x, None, False), gradients(stack, x, None, True))
        with torch.no_grad():
            assert same(run(stack, x, None, False), run(stack, x, None, True))


STORAGES = pytest.mark.parametrize("storage", ["keep", "recompute", "segments"])


class Between:
    """A prepared call, whose backward pass is still to come, and the gradients that it should have."""

    def __init__(self, name: str, storage: Any) -> None:
        self.stack, self.x, self.states = made(name)
        self.stack.storage = storage
        self.leaves = (self.x, *self.stack.parameters(), *self.states)
        with backend("cpu"):
            self.truth = gradients(self.stack, self.x, self.states, True)
            gradients(self.stack, self.x, self.states, False)
            self.found = run(self.stack, self.x, self.states, False)

    def right(self, keep: bool = False) -> bool:
        # As `gradients` derives them, of values that may be changed meanwhile.
        values = run(self.stack, self.x, self.states, True)
        slopes = [2 * t.detach() for t in values]
        return same(torch.autograd.grad(self.found, self.leaves, slopes, retain_graph=keep), self.truth)


@STORAGES
@pytest.mark.parametrize("name", ["lstm", "both directions", "an output that is no state"])
def test_backward_passes_that_follow_each_other(name: str, storage: Any) -> None:
    one = Between(name, storage)
    assert one.right(keep=True)
    # The next call takes the memory that the first backward pass has returned.
    run(one.stack, one.x + 1, None, False)
    assert one.right(keep=True) and one.right()
    with pytest.raises(RuntimeError, match="second time"):
        one.right()


@STORAGES
def test_calls_that_wait_for_each_other(storage: Any) -> None:
    stack, x, states = made("lstm")
    stack.storage = storage
    inputs = [(x + k).detach().requires_grad_() for k in range(3)]
    truth = [gradients(stack, one, states, True) for one in inputs]
    waiting = [run(stack, one, states, False) for one in inputs]
    for k in (1, 0, 2):
        loss = sum(t.square().sum() for t in waiting[k])
        assert same(torch.autograd.grad(loss, (inputs[k], *stack.parameters(), *states)), truth[k])


@STORAGES
def test_results_that_are_changed_in_place(storage: Any) -> None:
    one = Between("lstm", storage)
    with torch.no_grad():
        one.found[0][1:].zero_()
        one.found[1].add_(1)
    assert one.right(keep=True) and one.right()


@STORAGES
@pytest.mark.parametrize("which", range(5))
def test_arguments_that_are_changed_in_place(which: int, storage: Any) -> None:
    one = Between("lstm", storage)
    with torch.no_grad():
        one.leaves[which].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        one.right()


@STORAGES
def test_arguments_with_other_data(storage: Any) -> None:
    """Elsewhere they serve; in another dtype or shape, or without memory, they are refused."""
    one = Between("lstm", storage)
    for leaf in one.leaves:
        leaf.data = leaf.data.clone()
    assert one.right()
    for change in (Tensor.double, lambda t: t[:1]):
        one = Between("lstm", storage)
        one.stack.bias_hh_l0.data = change(one.stack.bias_hh_l0.data)
        with pytest.raises(GraphError):
            torch.autograd.grad(one.found[0].sum(), one.stack.weight_hh_l0)
    one = Between("lstm", storage)
    one.stack.weight_ih_l0.untyped_storage().resize_(0)
    with pytest.raises(GraphError, match="without memory"):
        torch.autograd.grad(one.found[0].sum(), one.stack.weight_hh_l0)


@STORAGES
def test_gradients_are_nobodys_memory(storage: Any) -> None:
    """They stay as they are when later calls take the memory of earlier ones."""
    stack, x, states = made("lstm")
    stack.storage = storage
    found = gradients(stack, x, states, False)
    before = [g.clone() for g in found]
    for k in range(3):
        gradients(stack, (x + k).detach().requires_grad_(), states, False)
    assert same(found, before)
    for leaf in (stack.weight_ih_l0, stack.bias_ih_l0):
        assert leaf.grad is None
    for _ in range(2):
        stack(x)[0].sum().backward()
    wanted = torch.autograd.grad(stack(x, return_states=True)[0].sum(), [*stack.parameters()])
    assert all(torch.equal(p.grad, 2 * g) for p, g in zip(stack.parameters(), wanted, strict=True))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_gradient_of_one_result_alone(number: int) -> None:
    stack, x, states = made("lstm")
    leaves = (x, *stack.parameters(), *states)
    both = [torch.autograd.grad(run(stack, x, states, g)[number].sum(), leaves) for g in (False, True)]
    assert same(*both)


@pytest.mark.parametrize("wanted", range(7))
def test_one_argument_alone_wants_a_gradient(wanted: int) -> None:
    stack, x, states = made("lstm")
    leaves = (x, *stack.parameters(), *states)
    truth = gradients(stack, x, states, True)
    for k, leaf in enumerate(leaves):
        leaf.requires_grad_(k == wanted)
    found = torch.autograd.grad([t.square().sum() for t in run(stack, x, states, False)], leaves[wanted])
    assert same(found, [truth[wanted]])


def test_a_gradient_in_any_layout() -> None:
    stack, x, states = made("lstm")
    leaves, found = (x, *stack.parameters(), *states), []
    for general in (False, True):
        output, hidden, _ = run(stack, x, states, general)
        loss = output.sum() + output.transpose(0, 2)[::2].sum() + hidden.mT.sum()
        found.append(torch.autograd.grad(loss, leaves))
    assert same(*found)


@STORAGES
def test_a_batch_of_gradients(storage: Any) -> None:
    one, two = Between("lstm", storage), Between("lstm", storage)
    seeds = torch.randn(3, *one.found[0].shape)
    loop = [torch.autograd.grad(one.found[0], one.leaves, s, retain_graph=True) for s in seeds]
    many = torch.autograd.grad(two.found[0], two.leaves, seeds, is_grads_batched=True)
    assert same(many, [torch.stack(column) for column in zip(*loop, strict=True)])


def test_threads_that_train_with_one_stack() -> None:
    stack, x, states = made("lstm")
    inputs = [(x + k).detach().requires_grad_() for k in range(4)]
    truth = [gradients(stack, one, states, True) for one in inputs]
    with ThreadPoolExecutor(4) as pool:
        for k, found in pool.map(
            lambda n: (n % 4, gradients(stack, inputs[n % 4], states, False)), range(100)
        ):
            assert same(found, truth[k])


def test_saved_tensors_that_hooks_move() -> None:
    stack, x, states = made("both directions")
    wanted = gradients(stack, x, states, True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        found = gradients(stack, x, states, False)
    assert same(found, wanted)


def test_second_derivatives() -> None:
    stack, x, _ = made("lstm")
    found = []
    for general in (True, False):
        output = run(stack, x, None, general)[0]
        (first,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), (x, stack.bias_hh_l0)))
    assert same(*found) and found[0][1].any()


def test_a_step_of_training_in_parts_that_were_summed() -> None:
    """Of the two biases that an LSTM adds, one may be frozen."""
    stack, x, _ = made("lstm")
    stack.bias_hh_l0.requires_grad_(False)
    wanted = torch.autograd.grad(run(stack, x, None, True)[0].sum(), stack.bias_ih_l0)
    stack(x)[0].sum().backward()
    assert stack.bias_hh_l0.grad is None and stack.bias_ih_l0.grad is not None
    assert torch.equal(stack.bias_ih_l0.grad, wanted[0])
