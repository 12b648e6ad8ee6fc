"""NaN and overflow, planted where they must be found; powers of two make every step exact."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bptt import Cell, nn
from bptt.nn.stack import Stack
from bptt.probe import NonFinite, find_non_finite
from bptt.probe.non_finite_gradients import BadGradient, first_bad_gradient
from bptt.probe.non_finite_values import BadValue, first_bad_value
from bptt.runtime.norms import Norms

STEPS, BATCH, INPUTS, HIDDEN = 60, 3, 2, 4
ROW, UNIT = 1, 2
GROWTH = 8.0
# float32 ends at 2^128: 8^43 is beyond, 8^42 is not.
BEYOND = 43


def growing(kind: type[torch.nn.Module] = nn.RNN, bidirectional: bool = False) -> torch.nn.Module:
    """h_t = relu(8 h_{t-1} + x_t), two layers, the second of which copies unit by unit and adds nothing."""
    stack = kind(INPUTS, HIDDEN, 2, nonlinearity="relu", bidirectional=bidirectional)
    with torch.no_grad():
        for name, parameter in stack.named_parameters():
            parameter.zero_()
            if name.startswith("weight_hh_l0"):
                parameter.copy_(GROWTH * torch.eye(HIDDEN))
            elif name.startswith("weight_ih_l0"):
                parameter[UNIT, 0] = 1.0
            elif name.startswith("weight_ih_l1"):
                parameter[:, :HIDDEN] = torch.eye(HIDDEN)
    return stack


def impulse(at: int, size: float) -> Tensor:
    """Zero but for one step of one row."""
    x = torch.zeros(STEPS, BATCH, INPUTS)
    x[at, ROW, 0] = size
    return x


def found_in(model: torch.nn.Module, *arguments: object, **keywords: object) -> NonFinite | None:
    return find_non_finite(model, lambda: model(*arguments, **keywords)[0].sum())


def test_a_healthy_model_has_none() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, dropout=0.5)
    assert found_in(stack, torch.randn(STEPS, BATCH, INPUTS)) is None


def test_a_parameter_comes_before_everything() -> None:
    stack = growing()
    with torch.no_grad():
        stack.get_parameter("weight_hh_l1")[3, 1] = math.nan
    found = found_in(stack, impulse(5, math.inf))
    assert found is not None and math.isnan(found.value)
    assert (found.stage, found.what) == ("parameter", "weight_hh_l1[3, 1]")
    assert str(found) == "weight_hh_l1[3, 1] is nan"


@pytest.mark.parametrize("batch_first", [False, True])
def test_the_input_but_not_its_padding(batch_first: bool) -> None:
    stack = nn.GRU(INPUTS, HIDDEN, batch_first=batch_first)
    x = impulse(5, -math.inf)
    x[7:, 0] = math.nan
    if batch_first:
        x = x.transpose(0, 1)
    found = found_in(stack, x, lengths=[7, STEPS, STEPS])
    assert found is not None and isinstance(found.cause, BadValue)
    assert str(found) == "layer 1, step 5, row 1, unit 0: x is -inf"
    assert found_in(stack, x, lengths=[7, 5, STEPS]) is None


def test_an_initial_state() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, 2)
    h, c = torch.zeros(2, BATCH, HIDDEN), torch.zeros(2, BATCH, HIDDEN)
    c[1, ROW, UNIT] = math.nan
    assert str(found_in(stack, torch.zeros(STEPS, BATCH, INPUTS), (h, c))) == (
        "layer 2, row 1, unit 2: c_prev is nan"
    )


@pytest.mark.parametrize("kind", [nn.RNN, torch.nn.RNN])
def test_overflow_in_the_forward_pass(kind: type[torch.nn.Module]) -> None:
    """An impulse of 1 at step 4 is 8^k at step 4 + k."""
    found = found_in(growing(kind), impulse(4, 1.0))
    assert found is not None and found.stage == "forward"
    read = (("h_prev", GROWTH ** (BEYOND - 1)), ("R_h", GROWTH), ("W_h", 1.0), ("b_h", 0.0), ("x", 0.0))
    equation = "net_h = W_h @ x + R_h @ h_prev + b_h"
    cause = BadValue("layer 1", "net_h", 4 + BEYOND, ROW, UNIT, math.inf, equation, read)
    assert found.cause == cause
    assert str(found) == (
        f"layer 1, step 47, row 1, unit 2: {equation} is inf; h_prev was 8.507e+37; R_h was 8; W_h was 1"
    )


def test_the_other_direction_counts_its_steps_from_the_end() -> None:
    stack = growing(bidirectional=True)
    found = found_in(stack, impulse(50, 1.0))
    assert found is not None and isinstance(found.cause, BadValue)
    assert (found.cause.layer, found.cause.step) == ("layer 1 ←", 50 - BEYOND)
    # What the padding would have led to is not found: the row has ended before.
    assert found_in(stack, impulse(50, 1.0), lengths=[STEPS, 49, STEPS]) is None


def test_what_an_equation_read_at_its_unit_and_over_the_row() -> None:
    cell = Cell.define(
        "mine",
        """
        a = W_a @ x
        m = mean(a)
        l = log(a - m + c_prev)
        c = 0.5 * c_prev - 1
        h = l
        """,
        states="h c",
    )
    stack = nn.Recurrent(cell, 1, HIDDEN)
    with torch.no_grad():
        stack.get_parameter("W_l0").fill_(1.0)
    c = torch.full((1, BATCH, HIDDEN), 8.0)
    c[0, 0, UNIT] = 1.0
    x = torch.zeros(STEPS, BATCH, 1)
    found = first_bad_value(stack, x, (torch.zeros_like(c), c))
    # c: 1 -> -0.5, so that the logarithm of step 1 has no value.
    net = "net_l"
    assert found == BadValue(
        "layer 1", "l", 1, 0, UNIT, pytest.approx(math.nan, nan_ok=True), f"l = log({net})", ((net, -0.5),)
    )


def test_a_value_over_the_row_is_read_by_every_unit_and_reads_the_largest() -> None:
    cell = Cell.define("mine", "a = W_a @ x\nm = sum(a)\nh = a * m", states="h")
    stack, x = nn.Recurrent(cell, 1, HIDDEN), torch.ones(STEPS, 1, 1)
    weight = stack.get_parameter("W_l0")
    with torch.no_grad():
        weight[:, 0] = torch.tensor([0.0, 0.0, 2.0**70, 2.0**60])
    found = first_bad_value(stack, x)
    assert found is not None and (found.name, found.unit) == ("h", 2)
    assert found.read == (("m", 2.0**70 + 2.0**60), ("a", 2.0**70))
    with torch.no_grad():
        weight[:, 0] = torch.tensor([-1.0, 2.0**127, 2.0**127, 0.0])
    found = first_bad_value(stack, x)
    assert found is not None and (found.name, found.unit, found.read) == ("m", 0, (("a", 2.0**127),))


@pytest.mark.parametrize("direction", [0, 1])
def test_the_first_step_reads_the_initial_state(direction: int) -> None:
    stack = growing(bidirectional=True)
    assert isinstance(stack, Stack)
    h = torch.zeros(4, BATCH, HIDDEN)
    h[direction, ROW, UNIT] = 2.0**127
    found = first_bad_value(stack, torch.zeros(STEPS, BATCH, INPUTS), h)
    assert found is not None and found.read[0] == ("h_prev", 2.0**127)
    assert (found.layer, found.step) == (("layer 1 →", 0), ("layer 1 ←", STEPS - 1))[direction]


class Reader(torch.nn.Module):
    """A stack and a linear layer above it, with what else a test wants done to its output."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.GRU(INPUTS, HIDDEN)
        self.head = torch.nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head(self.recurrent(x)[0])
        return output


def test_other_modules_by_name() -> None:
    model, x = Reader(), torch.randn(STEPS, BATCH, INPUTS)
    with torch.no_grad():
        model.head.weight.fill_(0.0)
        model.head.bias.copy_(torch.tensor([0.0, 3e38]))
    doubled = torch.nn.Sequential(model, Twice())
    found = find_non_finite(doubled, lambda: doubled(x).sum())
    assert str(found) == "1: output[0, 0, 1] is inf"
    found = find_non_finite(model, lambda: model(x).sum())
    assert found is not None and (found.stage, str(found)) == ("loss", "the loss is inf")
    # As a mask does: infinite, but not in the loss.
    assert find_non_finite(doubled, lambda: doubled(x)[..., 0].sum()) is None


class Twice(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


def test_a_call_says_which_one_it_is() -> None:
    model = Reader()
    steps = torch.randn(5, 1, BATCH, INPUTS)
    steps[3, 0, ROW, 1] = math.nan
    found = find_non_finite(model, lambda: torch.stack([model(x).sum() for x in steps]))
    assert str(found) == "recurrent (call 4), layer 1, step 0, row 1, unit 1: x is nan"


@pytest.mark.parametrize("kind", [nn.RNN, torch.nn.RNN])
def test_overflow_in_the_backward_pass(kind: type[torch.nn.Module]) -> None:
    """The loss is h_T of the upper layer: ∂E/∂h_{T-k} = 8^k below, while the states stay below 2^57."""
    stack, x = growing(kind), impulse(0, 2.0**-120)
    found = find_non_finite(stack, lambda: stack(x)[0][-1].sum())
    assert found is not None and found.stage == "gradient"
    before = GROWTH ** (BEYOND - 1)
    assert found.cause == BadGradient("layer 1", "δh_prev", STEPS - BEYOND, ROW, math.inf, before)
    loss = stack(x)[0][-1].sum()
    names, parameters = zip(*stack.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters)
    bad = tuple(name for name, g in zip(names, gradients, strict=True) if not g.isfinite().all())
    assert found.parameters == bad and 0 < len(bad) < len(names)
    assert str(found) == (
        "layer 1, step 17, row 1: δh_prev is inf; ‖∂E/∂net‖ was 8.507e+37 where it last was finite; "
        f"the gradients that are not finite: {', '.join(bad)}"
    )


def test_a_gradient_that_comes_from_above() -> None:
    """√y has no slope at y = 0."""
    model, x = Reader(), torch.randn(STEPS, BATCH, INPUTS)
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([1.0, 0.0]))
    found = find_non_finite(model, lambda: model(x)[7:9].sqrt().sum())
    assert found is not None and found.parameters[-2:] == ("head.weight", "head.bias")
    assert (found.stage, found.module, found.what) == ("gradient", "head", "the gradient of output[7, 0, 1]")


def test_order_within_a_backward_pass() -> None:
    """The last equation first; another layer's record after this one's; the step before is the later one."""
    stack = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True)
    sums, states = ("net_i", "net_f", "net_g", "net_o"), ("h", "c")

    def norms(*planted: tuple[int, int, int]) -> Norms:
        delta = torch.ones(STEPS, BATCH, len(sums), dtype=torch.float64)
        for place in planted:
            delta[place] = math.nan
        return Norms(sums, delta, states, torch.ones(STEPS, BATCH, len(states), dtype=torch.float64))

    later = norms((9, 0, 0))
    records = [(3, norms()), (2, norms((5, 0, 3), (6, 2, 0), (6, 1, 1))), (0, later)]
    found = first_bad_gradient(stack, records)
    assert found is not None
    # ‖∂E/∂net‖ of four sums of norm 1 is 2.
    assert (found.layer, found.name, found.step, found.row, found.before) == (
        "layer 2 →",
        "δnet_f",
        6,
        1,
        2.0,
    )
    found = first_bad_gradient(stack, [(1, norms((5, 0, 3), (6, 2, 0)))])
    assert found is not None and (found.layer, found.step) == ("layer 1 ←", 5)
    found = first_bad_gradient(stack, [(0, norms((STEPS - 1, 0, 3)))])
    assert found is not None and found.before is None


def test_the_model_is_left_as_it_was() -> None:
    stack = growing().train()
    assert isinstance(stack, Stack)
    seen: list[int] = []
    stack.observer = lambda number, norms: seen.append(number)
    observer, x = stack.observer, impulse(0, 2.0**-120)
    random_state = torch.random.get_rng_state()
    assert find_non_finite(stack, lambda: stack(x)[0][-1].sum()) is not None
    assert stack.training and stack.observer is observer
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert all(p.grad is None for p in stack.parameters())
    assert not stack._forward_hooks
