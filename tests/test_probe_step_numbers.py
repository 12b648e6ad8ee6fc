"""The numbers of a step against torch's autograd on the same equations, typed out unit by unit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bptt import Cell, nn
from bptt.cells import get
from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.probe.step_numbers import step_numbers

STEPS, INPUTS, HIDDEN, PROJECTED = 7, 3, 5, 2
# Sums of at most 4·HIDDEN products through STEPS steps and two layers, in float64.
CLOSE = 1e-12


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def recurrent(cell: str | Cell, layers: int = 1, **options: object) -> nn.Recurrent:
    torch.manual_seed(1)
    found = get(cell) if isinstance(cell, str) else cell
    stack = nn.Recurrent(found, INPUTS, HIDDEN, layers, dtype=torch.float64, **options)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.mul_(2)
    return stack.eval()


def weighted(output: Tensor) -> Tensor:
    """A loss with a term for every step."""
    return (output * draw(*output.shape)).sum()


class TypedLstm:
    """Two layers of an LSTM, every value of every step a tensor that keeps its gradient."""

    def __init__(self, stack: Stack, x: Tensor) -> None:
        self.values: list[list[dict[str, Tensor]]] = []
        seen = list(x[:, 0])
        for layer in stack.layers:
            W, R, b = layer.families(stack)
            h = c = torch.zeros(HIDDEN, dtype=torch.float64)
            steps = []
            for row in seen:
                row = row.detach().requires_grad_() if not row.requires_grad else row
                read = row * 1
                net = dict(zip("ifgo", (W @ read + R @ h + b).split(HIDDEN), strict=True))
                net = {gate: value * 1 for gate, value in net.items()}
                gates = {g: torch.tanh(v) if g == "g" else torch.sigmoid(v) for g, v in net.items()}
                c_prev, h_prev = c, h
                c = gates["f"] * c_prev + gates["i"] * gates["g"]
                squashed = torch.tanh(c)
                h = gates["o"] * squashed
                here = {**gates, "c": c, "h": h, "tanh_c": squashed, "x": read}
                here |= {f"net_{gate}": value for gate, value in net.items()}
                # Only what a gradient reaches through the graph.
                for value in here.values():
                    value.retain_grad()
                steps.append({**here, "h_prev": h_prev.detach(), "c_prev": c_prev.detach()})
            self.values.append(steps)
            seen = [step["h"] for step in steps]
        self.output = torch.stack(seen)[:, None]


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("step", [0, 3, STEPS - 1])
def test_every_value_and_delta_of_an_lstm(layer: int, step: int) -> None:
    stack, x = recurrent("lstm", 2), draw(STEPS, 1, INPUTS)
    typed = TypedLstm(stack, x)
    weighted(typed.output).backward()  # type: ignore[no-untyped-call]
    found = step_numbers(stack, stack, lambda: weighted(stack(x)[0]), step, layer)
    truth = typed.values[layer][step]
    for name, value in truth.items():
        assert found.values[name] == pytest.approx(value.tolist(), abs=CLOSE), name
        if value.requires_grad:
            assert value.grad is not None
            assert found.values[f"δ{name}"] == pytest.approx(value.grad.tolist(), abs=CLOSE), name


def later_gradient(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, h: Tensor) -> Tensor:
    """∂loss/∂h by torch."""
    h = h.detach().requires_grad_()
    return torch.autograd.grad(loss(x, h), h)[0]


@pytest.mark.parametrize("cell", ["gru", "gru-torch", "indrnn", "elman-relu", "mgu"])
def test_what_is_handed_back_before_a_step(cell: str) -> None:
    """∂E/∂h of the step before, found by the equations, is what torch finds for the rest of the sequence."""
    stack, x, step = recurrent(cell), draw(STEPS, 1, INPUTS), 3
    scale = draw(STEPS, 1, HIDDEN)
    before = stack(x[:step])[1].detach()

    def rest(x: Tensor, h: Tensor) -> Tensor:
        output: Tensor = stack(x[step:], h)[0]
        return (output * scale[step:]).sum()

    found = step_numbers(stack, stack, lambda: (stack(x)[0] * scale).sum(), step)
    truth = later_gradient(rest, x, before)
    assert found.values["δh_prev"] == pytest.approx(truth[0, 0].tolist(), abs=CLOSE)
    assert found.values["h_prev"] == pytest.approx(before[0, 0].tolist(), abs=CLOSE)


@pytest.mark.parametrize("layer", range(4))
def test_both_directions_of_a_projected_stack(layer: int) -> None:
    stack = recurrent("lstm-projection", 2, bidirectional=True, proj_size=PROJECTED)
    x = draw(STEPS, 1, INPUTS).requires_grad_()
    step = 2
    found = step_numbers(stack, stack, lambda: weighted(stack(x)[0]), step, layer)
    direction = slice(PROJECTED * (layer % 2), PROJECTED * (layer % 2) + PROJECTED)
    output, _, states = stack(x, return_states=True)
    one = states[layer // 2][layer % 2]
    assert found.values["h"] == pytest.approx(one[0][step, 0].tolist(), abs=CLOSE)
    assert found.values["c"] == pytest.approx(one[1][step, 0].tolist(), abs=CLOSE)
    if layer > 1:
        assert found.values["loss_h"] == pytest.approx(draw(*output.shape)[step, 0, direction].tolist())


def test_copies_of_different_lengths_are_added_up() -> None:
    stack, x = recurrent("gru"), draw(STEPS, 1, INPUTS)
    scale = draw(STEPS, HIDDEN)

    def one_copy_for_each_step() -> Tensor:
        rows = x.expand(-1, STEPS, -1)
        final: Tensor = stack(rows, lengths=torch.arange(1, STEPS + 1))[1]
        return (final[0] * scale).sum()

    whole = step_numbers(stack, stack, lambda: (stack(x)[0][:, 0] * scale).sum(), 2).values
    found = step_numbers(stack, stack, one_copy_for_each_step, 2).values
    for name in ("δh", "δnet_n", "δnet_r", "δh_prev", "δx"):
        assert found[name] == pytest.approx(whole[name], abs=CLOSE), name


def test_a_stack_that_is_called_step_by_step() -> None:
    stack, x = recurrent("lstm"), draw(STEPS, 1, INPUTS)
    scale = draw(STEPS, 1, HIDDEN)

    def stepwise() -> Tensor:
        states, total = None, torch.zeros((), dtype=torch.float64)
        for k in range(STEPS):
            output, states = stack(x[k : k + 1], states)
            total = total + (output * scale[k]).sum()
        return total

    whole = step_numbers(stack, stack, lambda: (stack(x)[0] * scale).sum(), 4).values
    found = step_numbers(stack, stack, stepwise, 4).values
    assert set(found) == set(whole)
    for name, vector in whole.items():
        assert found[name] == pytest.approx(vector, abs=CLOSE), name


def test_nothing_is_changed() -> None:
    stack, x = recurrent("lstm", 2, dropout=0.5).train(), draw(STEPS, 1, INPUTS)
    layers, state = stack.layers, torch.get_rng_state()
    step_numbers(stack, stack, lambda: weighted(stack(x)[0]), 1, 1)
    assert stack.layers is layers and stack.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in stack.parameters())


def test_frozen_parameters_give_the_same() -> None:
    stack, x = recurrent("lstm", 2), draw(STEPS, 1, INPUTS)
    whole = step_numbers(stack, stack, lambda: weighted(stack(x)[0]), 1)
    stack.requires_grad_(False)
    assert step_numbers(stack, stack, lambda: weighted(stack(x)[0]), 1).values == whole.values


@pytest.mark.parametrize(
    ("step", "layer", "words"), [(STEPS, 0, "step is from 0 to 6"), (0, 2, "from 0 to 1")]
)
def test_what_is_refused(step: int, layer: int, words: str) -> None:
    stack, x = recurrent("lstm", 2), draw(STEPS, 1, INPUTS)
    with pytest.raises(InputError, match=words):
        step_numbers(stack, stack, lambda: weighted(stack(x)[0]), step, layer)
    assert not any("Recording" in type(layer).__name__ for layer in stack.layers)
