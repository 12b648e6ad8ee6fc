"""Cells that a user might write, from the ordinary to the odd: all derivatives against differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from drawn import Drawn, draw
from torch import Tensor
from torch.autograd import gradcheck

from bptt.cells import Cell
from bptt.errors import InputError

# torch's own: forward mode inside a backward pass scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

STEPS, BATCH = 3, 2
SIZES = {"I": 4, "H": 5, "P": 6}
LENGTHS = torch.tensor([2, 0])


def cell(equations: str, **options: Any) -> Cell:
    return Cell.define("own", equations.replace("; ", "\n"), **{"states": "h", **options})


CELLS = {
    "eight lines": Cell.define(
        "leaky",
        """
        # how much of the old state is kept
        k = sigmoid(W_k @ x + R_k @ h_prev + b_k)
        a = W_a @ x + R_a @ (k * h_prev)
        n = minimum(maximum(a, -limit), limit)
        m = mean(n)
        s = leak * s_prev + (1 - leak) * n
        h = k * h_prev + (1 - k) * tanh(s - m)
        """,
        states="h s",
        constants={"limit": 0.5, "leak": 0.9},
    ),
    "a state that nobody reads": cell("h = tanh(W_h @ x); c = h * h", states="h c"),
    "a value that nobody reads": cell("q = W_q @ x; h = tanh(W_h @ x + R_h @ h_prev)"),
    "an input that nobody reads": cell("h = tanh(R_h @ h_prev)"),
    "a matrix twice in one equation": cell("h = tanh(W_h @ x + R_h @ h_prev + R_h @ (h_prev * h_prev))"),
    "a matrix in two equations": cell("a = tanh(W_h @ x + R_h @ h_prev); h = tanh(R_h @ a)"),
    "a vector in two equations": cell("a = tanh(W_a @ x + b_a); h = a * b_a + b_h * b_h * h_prev"),
    "a map of a map": cell("h = tanh(R_h @ tanh(W_h @ x + h_prev))"),
    "maps between widths": cell(
        "m = tanh(W_m @ x + R_m @ h_prev); h = tanh(V_h @ (m * sigmoid(U_m @ m)))", widths={"h": "P"}
    ),
    "copied states": cell("c = h_prev; h = tanh(W_h @ x + R_h @ c)", states="h c"),
    "exchanged states": cell("a = tanh(W_a @ x + R_a @ b_prev); b = a_prev", states="a b"),
    "an output that is no state": cell(
        "h = tanh(W_h @ x + R_h @ h_prev); y = sigmoid(V_y @ h + b_y)", output="y", widths={"y": "P"}
    ),
    "an output before the state": cell(
        "y = sigmoid(V_y @ h_prev + U_y @ x); h = tanh(W_h @ y + R_h @ h_prev)", output="y"
    ),
    "an input as wide as the state": cell("h = tanh(W_h @ x + R_h @ h_prev) + x", widths={"x": "H"}),
    "no parameters": cell("h = tanh(x + h_prev)", widths={"x": "H"}),
    "no map of the state": cell("h = x * mean(h_prev)", widths={"x": "H"}),
    "division": cell("h = tanh(W_h @ x + R_h @ h_prev) / (2 + h_prev**2)"),
    "powers": cell("h = tanh(W_h @ x + R_h @ h_prev)**3 - h_prev**2 / 4"),
    "nested calls": cell("h = tanh(sigmoid(tanh(W_h @ x) + exp(-softplus(R_h @ h_prev))))"),
    "every smooth function": cell(
        "h = log(1.5 + sigmoid(W_h @ x)) * sqrt(1 + h_prev**2) / rsqrt(2 + sin(h_prev) * cos(h_prev))"
    ),
    "functions with a kink": cell("h = abs(W_h @ x) * sign(h_prev) + relu(R_h @ h_prev) * step(h_prev)"),
    "a derivative that is zero": cell("h = sign(W_h @ x + R_h @ h_prev)"),
    "two names with one maximum": cell("h = minimum(W_h @ x, R_h @ h_prev) + maximum(mean(x), h_prev)"),
    "signs": cell("h = -(W_h @ x) - (R_h @ h_prev - b_h)"),
    "a row value in a vector": cell("m = mean(h_prev); h = tanh(W_h @ x + R_h @ h_prev) * m"),
    "a row value of the input": cell("m = mean(x); h = tanh(W_h @ x + m * h_prev)"),
    "a row value of a map": cell("m = mean(W_h @ x); h = tanh(R_h @ h_prev * m)"),
    "a row value of row values": cell("s = mean(x); q = mean(s * s); h = tanh(W_h @ x + q * h_prev)"),
    "a row value as the only reader": cell(
        "a = W_a @ x + R_a @ h_prev; m = mean(a); h = tanh(u_h * m + b_h)"
    ),
    "a row value that is read twice": cell(
        "s = mean(x); a = W_a @ x + R_a @ h_prev + s; m = mean(a); h = tanh(u_h * m * s + b_h)"
    ),
    "a chain of row values": cell(
        "s = mean(h_prev); a = s + h_prev; m = mean(a); h = tanh(u_h * m + W_h @ x)"
    ),
    "a row value of a vector parameter": cell("s = sum(w_h); h = tanh(W_h @ x + s * h_prev)"),
    "the larger of two row values": cell("m = maximum(mean(x), mean(h_prev)); h = tanh(W_h @ x) * m"),
    "attention in one number": cell("s = sigmoid(sum(w_h * h_prev)); h = tanh(W_h @ x + s * (R_h @ h_prev))"),
    "layer norm in one line": cell(
        "a = W_a @ x + R_a @ h_prev; h = tanh((a - mean(a)) * rsqrt(mean((a - mean(a))**2) + 0.01))"
    ),
    "a row value that no vector follows": cell("h = mean(h_prev) * tanh(W_h @ x)"),
    "a value of parameters alone": cell("a = sigmoid(alpha_h); h = a * h_prev + (1 - a) * tanh(W_h @ x)"),
    "a state of parameters alone": cell("h = sigmoid(b_h)"),
    "an output of parameters alone": cell("h = tanh(W_h @ x); y = sigmoid(b_y)", output="y"),
    "a call of a constant": cell("h = tanh(W_h @ x + R_h @ h_prev) * exp(alpha)", constants={"alpha": -0.1}),
    "an equation of constants": cell("a = 2 * exp(1); h = tanh(W_h @ x + R_h @ h_prev) * a"),
    "names with underscores": cell("my_gate = tanh(W_my_gate @ x + b_my_gate); h = my_gate * h_prev"),
    "names of the program's own helpers": cell(
        "net_h = W_h @ x; in_h = net_h * h_prev; tanh_h = tanh(R_h @ (in_h * h_prev));"
        " h = tanh(tanh_h + in_h)"
    ),
    "Chinese names": cell(
        "门 = sigmoid(W_门 @ x + R_门 @ 态_prev); 态 = 门 * 态_prev + tanh(W_态 @ x)", states="态"
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES).leaves()
    assert gradcheck(drawn.run, drawn.tensors, check_forward_ad=True, fast_mode=True)


def gradients(drawn: Drawn, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of the sum of squares of all outputs, ready to be differentiated again."""
    loss = torch.stack([(o**2).sum() for o in drawn.run(*tensors)]).sum()
    return torch.autograd.grad(loss, tensors, create_graph=True, materialize_grads=True)


@pytest.mark.parametrize("name", CELLS)
def test_second_derivatives_are_those_of_finite_differences(name: str) -> None:
    """The Hessian times a random direction; central differences err by ε² and by eps/ε, ε = 1e-6."""
    drawn, move = (
        draw(CELLS[name], STEPS, BATCH, SIZES).leaves(),
        draw(CELLS[name], STEPS, BATCH, SIZES, seed=1),
    )
    along = torch.stack(
        [(g * m).sum() for g, m in zip(gradients(drawn, drawn.tensors), move.tensors, strict=True)]
    )
    found = torch.autograd.grad(along.sum(), drawn.tensors, materialize_grads=True)
    before, after = (
        gradients(drawn, [t + e * m for t, m in zip(drawn.tensors, move.tensors, strict=True)])
        for e in (-1e-6, 1e-6)
    )
    for value, low, high in zip(found, before, after, strict=True):
        torch.testing.assert_close(value, (high - low) / 2e-6, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", CELLS)
def test_with_lengths_too(name: str) -> None:
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES).leaves()

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return drawn.run(*tensors, lengths=LENGTHS, reverse=True)

    assert gradcheck(function, drawn.tensors, check_forward_ad=True, fast_mode=True)


@pytest.mark.parametrize("name", CELLS)
def test_shapes_and_types_are_full(name: str) -> None:
    """What parameters, constants or row values make alone is still (T, B, width), in the input's type."""
    drawn = draw(CELLS[name], STEPS, BATCH, SIZES, dtype=torch.float32).leaves()
    found = drawn.run()
    names = dict.fromkeys((*drawn.cell.states, drawn.cell.output))
    for values, value in zip(found, names, strict=True):
        assert values.shape == (STEPS, BATCH, SIZES[drawn.cell.width(value)])
        assert values.dtype == torch.float32
    gradients = torch.autograd.grad([o.sum() for o in found], drawn.tensors, allow_unused=True)
    for gradient, tensor in zip(gradients, drawn.tensors, strict=True):
        assert gradient is not None and gradient.shape == tensor.shape


@pytest.mark.parametrize("kept", [0, 1])
def test_one_output_of_an_output_that_is_no_state(kept: int) -> None:
    """The gradient of the other output is None, not zero: widths must not be taken from it."""
    drawn = draw(CELLS["an output that is no state"], STEPS, BATCH, SIZES).leaves()
    assert gradcheck(lambda *t: drawn.run(*t)[kept], drawn.tensors, fast_mode=True)


def test_a_name_reads_the_same_whatever_it_is() -> None:
    """The helpers of a derivation give way to the author's names: the same cell, the same numbers."""
    plain = cell("a = W_a @ x; b = a * h_prev; c = tanh(R_c @ (b * h_prev)); h = tanh(c + b)")
    clashing = cell(
        "net_h = W_net_h @ x; in_c = net_h * h_prev; tanh_h = tanh(R_tanh_h @ (in_c * h_prev));"
        " h = tanh(tanh_h + in_c)"
    )
    tensors = draw(plain, STEPS, BATCH, SIZES).tensors
    assert torch.equal(Drawn(plain, tensors).run()[0], Drawn(clashing, tensors).run()[0])


def test_two_inputs_are_refused_at_the_door() -> None:
    two = cell("h = tanh(W_h @ x + U_h @ t + R_h @ h_prev)", inputs="x t")
    with pytest.raises(InputError, match=r"recurrence\(own\): a recurrence has one input sequence, got x t"):
        draw(two, STEPS, BATCH, SIZES).run()
