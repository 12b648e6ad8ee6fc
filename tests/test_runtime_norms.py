"""The norms that a backward pass hands out, against torch's autograd of a loop typed from the equations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.cells import Cell
from bptt.cells.catalogue import CATALOGUE
from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.runtime.backend import backend
from bptt.runtime.norms import Norms

STEPS, BATCH, INPUTS, HIDDEN = 7, 4, 3, 5
LENGTHS = torch.tensor([7, 0, 3, 5])
EPS = torch.finfo(torch.float64).eps
# A norm sums H squares of gradients, each of which went through T steps of a few H products and sums.
CLOSE = {"rtol": 100 * EPS * STEPS * HIDDEN, "atol": 100 * EPS}

BOTH = pytest.mark.parametrize("name", ["cpu", "reference"])


def observed(stack: Stack, loss: Callable[[], Tensor]) -> dict[int, Norms]:
    found: dict[int, Norms] = {}
    stack.observer = found.__setitem__
    loss().backward()
    stack.observer = None
    return found


def squares(output: Tensor) -> Tensor:
    return (torch.arange(1, STEPS + 1)[:, None, None] * output.square()).sum()


@BOTH
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("storage", ["keep", "recompute", "segments"])
def test_lstm_by_a_loop_in_torch(name: str, reverse: bool, storage: str) -> None:
    torch.manual_seed(0)
    stack = nn.LSTM(INPUTS, HIDDEN, bidirectional=reverse, dtype=torch.float64)
    stack.storage = storage  # type: ignore[assignment]
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)
    found: dict[int, Norms] = {}
    stack.observer = found.__setitem__
    with backend(name):
        squares(stack(x, lengths=LENGTHS)[0][..., -HIDDEN:]).backward()
    norms = found[int(reverse)]

    end = "_l0_reverse" if reverse else "_l0"
    w, u, a, b = (getattr(stack, n + end) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    nets = (x @ w.T + a + b).detach().requires_grad_()  # (T, B, 4H)
    entering = torch.zeros(STEPS, 2, BATCH, HIDDEN, dtype=torch.float64, requires_grad=True)
    h = c = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    for t in range(STEPS)[:: -1 if reverse else 1]:
        live = (t < LENGTHS)[:, None]
        before, cell = h + entering[t, 0], c + entering[t, 1]
        i, f, g, o = (nets[t] + before @ u.T).chunk(4, -1)
        new_c = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        new_h = o.sigmoid() * new_c.tanh()
        loss = loss + (t + 1) * torch.where(live, new_h, 0.0).square().sum()
        h, c = torch.where(live, new_h, h), torch.where(live, new_c, c)
    of_nets, of_states = torch.autograd.grad(loss, [nets, entering])

    assert norms.sums == ("net_i", "net_f", "net_g", "net_o")
    assert norms.states == ("h", "c")
    gates = of_nets.unflatten(-1, (4, HIDDEN))
    torch.testing.assert_close(norms.delta, gates.norm(dim=-1), **CLOSE)
    torch.testing.assert_close(norms.net, of_nets.norm(dim=-1), **CLOSE)
    torch.testing.assert_close(norms.carried, of_states.norm(dim=-1).transpose(1, 2), **CLOSE)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("cell", CATALOGUE)
def test_kernels_hand_out_what_torch_operations_do(cell: str, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    width = {"proj_size": 2} if cell == "lstm-projection" else {}
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, 2, bidirectional=True, dtype=dtype, **width)
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=dtype)
    found = {}
    for name in ("cpu", "reference"):
        with backend(name):
            found[name] = observed(stack, lambda: squares(stack(x, lengths=LENGTHS)[0].float()))
    assert sorted(found["cpu"]) == [0, 1, 2, 3]
    # Layer norm divides by a spread of five numbers: its gradients are some ten times as exposed to rounding.
    room = 1000 * torch.finfo(dtype).eps * STEPS
    for number, norms in found["cpu"].items():
        other = found["reference"][number]
        assert norms.sums == other.sums and norms.sums
        torch.testing.assert_close(norms.delta, other.delta, rtol=room, atol=room)
        torch.testing.assert_close(norms.carried, other.carried, rtol=room, atol=room)
        assert norms.delta[:3, 0].any() and not norms.delta[LENGTHS[3] :, 3].any()


@BOTH
def test_a_gradient_that_no_square_in_float32_holds(name: str) -> None:
    """A linear map that halves: after 56 steps a gradient of 1e-20 is 1e-37, its square would be 0."""
    stack = nn.Recurrent("elman-relu", 1, 1)
    for parameter, value in zip(stack.parameters(), (0.0, 0.5, 1.0), strict=True):
        torch.nn.init.constant_(parameter, value)
    with backend(name):
        x = torch.zeros(57, 1, 1)
        (norms,) = observed(stack, lambda: 1e-20 * stack(x)[0][-1].sum()).values()
    expected = 1e-20 * 0.5 ** torch.arange(56, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(norms.delta[:, 0, 0], expected, rtol=1e-6, atol=0)


def test_who_does_not_look_gets_the_same_gradients() -> None:
    torch.manual_seed(2)
    stack = nn.GRU(INPUTS, HIDDEN, 2)
    x = torch.randn(STEPS, BATCH, INPUTS)
    squares(stack(x)[0]).backward()
    unobserved = [p.grad for p in stack.parameters()]
    stack.zero_grad()
    assert sorted(observed(stack, lambda: squares(stack(x)[0]))) == [0, 1]
    for parameter, before in zip(stack.parameters(), unobserved, strict=True):
        assert torch.equal(parameter.grad, before)


def test_what_torch_transforms_cannot_be_observed() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN)
    stack.observer = lambda number, norms: None
    with pytest.raises(InputError, match="a recurrence that is observed runs eagerly"):
        torch.func.vmap(lambda x: stack(x)[0])(torch.randn(2, STEPS, BATCH, INPUTS))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CATALOGUE)
def test_copies_of_one_row_are_run_once_and_gone_back_through_each(
    cell: str, reverse: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(3)
    width = {"proj_size": 2} if cell == "lstm-projection" else {}
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, bidirectional=reverse, dtype=dtype, **width)
    row = torch.randn(STEPS, 1, INPUTS, dtype=dtype).expand(-1, BATCH, -1)
    # Row r has losses up to step 2 r alone, the last one all.
    reach = torch.arange(STEPS)[:, None] <= 2 * torch.arange(BATCH)
    half = slice(None) if not reverse else slice(stack.output_size, None)

    def look(x: Tensor) -> tuple[Tensor, Norms, list[Tensor | None]]:
        seen = observed(stack, lambda: (reach * stack(x)[0][..., half].float().square().sum(-1)).sum())
        gradients = [p.grad for p in stack.parameters()]
        stack.zero_grad()
        return stack(x)[0].detach(), seen[int(reverse)], gradients

    output, norms, gradients = look(row)
    expected, others, truth = look(row.clone())
    assert torch.equal(output, expected)
    assert torch.equal(norms.delta, others.delta) and torch.equal(norms.carried, others.carried)
    # The gradients of matrices sum their terms in another order: rows are ranked by their reach.
    room = 100 * torch.finfo(dtype).eps * STEPS * BATCH
    for found, wanted in zip(gradients, truth, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None:
            torch.testing.assert_close(found, wanted, rtol=room, atol=room)


def test_copies_have_gradients_of_their_inputs_and_states() -> None:
    torch.manual_seed(4)
    stack = nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    one = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    states = tuple(torch.randn(1, 1, HIDDEN, dtype=torch.float64) for _ in range(2))

    def gradients(expand: bool) -> list[Tensor]:
        x = one.clone().requires_grad_()
        hx = [s.clone().requires_grad_() for s in states]
        rows = [t.expand(-1, BATCH, -1) if expand else t.repeat(1, BATCH, 1) for t in (x, *hx)]
        output, (h, c) = stack(rows[0], tuple(rows[1:]))
        loss = squares(output) + (torch.arange(BATCH)[:, None] * h).sum() + c.square().sum()
        return list(torch.autograd.grad(loss, [x, *hx]))

    stack.observer = lambda number, norms: None
    assert stack(one.expand(-1, BATCH, -1))[0].stride(1) == 0
    for found, wanted in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_copies_are_differentiated_twice() -> None:
    torch.manual_seed(5)
    stack = nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    stack.observer = lambda number, norms: None

    def curvature(expand: bool) -> Tensor:
        x = torch.ones(STEPS, 1, INPUTS, dtype=torch.float64, requires_grad=True)
        rows = x.expand(-1, BATCH, -1) if expand else x.repeat(1, BATCH, 1)
        (slope,) = torch.autograd.grad(squares(stack(rows)[0]), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0]

    torch.testing.assert_close(curvature(True), curvature(False), rtol=1e-12, atol=1e-12)


@BOTH
def test_a_sum_that_nothing_reads_has_no_gradient(name: str) -> None:
    unread = Cell.define("unread", "q = W_q @ x\nh = tanh(W_h @ x + R_h @ h_prev)", states="h")
    stack = nn.Recurrent(unread, INPUTS, HIDDEN, dtype=torch.float64)
    with backend(name):
        norms = observed(stack, lambda: squares(stack(torch.randn(STEPS, BATCH, INPUTS).double())[0]))[0]
    assert norms.sums == ("q", "net_h")
    assert not norms.delta[..., 0].any()
    assert norms.delta[..., 1].all()
