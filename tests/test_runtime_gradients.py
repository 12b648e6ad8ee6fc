"""The derived gradients of every argument against finite differences: once, twice, and in forward mode."""

from __future__ import annotations

import pytest
import tolerances
import torch
from drawn import SIZES as LARGE
from drawn import B, Drawn, T, draw
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from bptt.cells import CATALOGUE, Cell
from bptt.runtime.operators import recurrence

# torch's own: forward mode inside a backward pass scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

STEPS = 4
SIZES = {"I": 2, "H": 5, "P": 1}
LENGTHS = torch.tensor([2, 0, STEPS])
RUNS = {
    "forward": (None, False),
    "reverse": (None, True),
    "lengths": (LENGTHS, False),
    "lengths, reverse": (LENGTHS, True),
}


def drawn_for_differences(cell: Cell, seed: int = 0) -> Drawn:
    """Finite differences are wrong where they step over a kink: no ReLU's argument may be near zero."""
    drawn = draw(cell, STEPS, sizes=SIZES, seed=seed).leaves()
    if "relu" in str(cell) and nearest_to_kink(drawn) < 1e-3:
        return drawn_for_differences(cell, seed + 1)
    return drawn


def nearest_to_kink(drawn: Drawn) -> float:
    """The least argument of the ReLU of `elman-relu` or `indrnn`, over all runs of the tests."""
    named = drawn.named()
    back = torch.diag(named["u"]) if "u" in named else named["R"]
    arguments = []
    for lengths, reverse in RUNS.values():
        h = drawn.run(lengths=lengths, reverse=reverse)[0]
        before = torch.cat([h[1:], named["h"][None]] if reverse else [named["h"][None], h[:-1]])
        arguments.append(named["x"] @ named["W"].T + before @ back.T + named["b"])
    return float(torch.stack(arguments).detach().abs().min())


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", CATALOGUE)
def test_gradients_are_those_of_finite_differences(name: str, run: str) -> None:
    drawn = drawn_for_differences(CATALOGUE[name])
    lengths, reverse = RUNS[run]

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return drawn.run(*tensors, lengths=lengths, reverse=reverse)

    assert gradcheck(function, drawn.tensors, check_forward_ad=True, fast_mode=run != "lengths, reverse")


@pytest.mark.parametrize("name", CATALOGUE)
def test_second_gradients_are_those_of_finite_differences(name: str) -> None:
    drawn = drawn_for_differences(CATALOGUE[name])

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return drawn.run(*tensors, lengths=LENGTHS, reverse=True)

    assert gradgradcheck(function, drawn.tensors, check_fwd_over_rev=True, fast_mode=True)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_tangent_is_the_transpose_of_the_gradient(name: str) -> None:
    """⟨δ, J u⟩ = ⟨Jᵀ δ, u⟩ for random δ and u."""
    drawn = draw(CATALOGUE[name], seed=1)
    moves = draw(CATALOGUE[name], seed=2).tensors
    values, changes = drawn.tangent(moves)
    _, pull = torch.func.vjp(drawn.run, *drawn.tensors)
    deltas = tuple(
        torch.randn(v.shape, generator=torch.Generator().manual_seed(3), dtype=v.dtype) for v in values
    )
    forward = sum((d * c).sum() for d, c in zip(deltas, changes, strict=True))
    backward = sum((g * m).sum() for g, m in zip(pull(deltas), moves, strict=True))
    size = max(float(t.abs().max()) for t in (*changes, *pull(deltas)))
    count = sum(t.numel() for t in (*values, *moves))
    limit = count * tolerances.gradient(torch.float64, T, B, *LARGE.values(), magnitude=size)
    torch.testing.assert_close(forward, backward, rtol=0, atol=limit)


@pytest.mark.parametrize("name", [n for n in CATALOGUE if n not in ("elman-relu", "indrnn")])
def test_the_error_of_the_tangent_falls_with_the_square_of_the_step(name: str) -> None:
    """Taylor: f(p + ε u) = f(p) + ε J u + O(ε²), so half the ε leaves a quarter of the error."""
    drawn, moves = draw(CATALOGUE[name], seed=1), draw(CATALOGUE[name], seed=2).tensors
    values, changes = drawn.tangent(moves)
    errors = []
    for step in (1e-3, 5e-4):
        moved = drawn.run(*(t + step * m for t, m in zip(drawn.tensors, moves, strict=True)))
        rest = [m - v - step * c for m, v, c in zip(moved, values, changes, strict=True)]
        errors.append(torch.stack([r.norm() for r in rest]).norm())
    slope = torch.log2(errors[0] / errors[1])
    assert abs(float(slope) - 2) < 0.05


@pytest.mark.parametrize("kept", [(0,), (1,)])
def test_states_that_the_loss_does_not_use(kept: tuple[int, ...]) -> None:
    """h alone or c alone: what comes from the other is as good as zero."""
    drawn = draw(CATALOGUE["lstm"]).leaves()
    outputs = drawn.run()
    found = torch.autograd.grad([outputs[k].sum() for k in kept], drawn.tensors, retain_graph=True)
    weights = [float(k in kept) for k in range(len(outputs))]
    whole = sum(w * o.sum() for w, o in zip(weights, outputs, strict=True))
    for gradient, truth in zip(found, torch.autograd.grad(whole, drawn.tensors), strict=True):
        torch.testing.assert_close(gradient, truth, rtol=0, atol=tolerances.gradient(torch.float64, T, B, 12))


@pytest.mark.parametrize("wanted", range(6))
def test_an_argument_alone_gets_the_same_gradient(wanted: int) -> None:
    drawn = draw(CATALOGUE["lstm"])
    everything = drawn.leaves()
    truth = torch.autograd.grad(everything.run()[0].sum(), everything.tensors)[wanted]
    tensors = [t.clone().requires_grad_(k == wanted) for k, t in enumerate(drawn.tensors)]
    drawn.run(*tensors)[0].sum().backward()
    for k, tensor in enumerate(tensors):
        assert (tensor.grad is not None) == (k == wanted)
    torch.testing.assert_close(tensors[wanted].grad, truth, rtol=0, atol=0)


def test_no_graph_without_arguments_that_require_one() -> None:
    assert not any(o.requires_grad for o in draw(CATALOGUE["gru"]).run())


# ---- the subgradients at a kink, as bptt/cells/functions.py states them

KINKS = {
    "relu(W_h @ x)": (0.0, 0.0),
    "abs(W_h @ x)": (0.0, 0.0),
    "minimum(W_h @ x, U_h @ x)": (1.0, 0.0),
    "maximum(W_h @ x, U_h @ x)": (0.0, 1.0),
}


@pytest.mark.parametrize(("formula", "slopes"), KINKS.items())
def test_the_subgradient_at_a_kink_is_the_stated_one(formula: str, slopes: tuple[float, float]) -> None:
    """At x = 1 and W = U = 0 every argument is 0, and ∂h/∂W is the slope of the function there."""
    cell = Cell.define("kink", f"h = {formula} + U_h @ x", states="h")
    W, U = torch.zeros(1, 1, requires_grad=True), torch.zeros(1, 1, requires_grad=True)
    named = {"W": W, "U": U}
    parameters = [named[family.name] for family in cell.families]
    (h,) = recurrence(cell, torch.ones(1, 1, 1), [torch.zeros(1, 1)], parameters)
    h.sum().backward()
    assert W.grad is not None and U.grad is not None
    assert (float(W.grad), float(U.grad)) == (slopes[0], slopes[1] + 1)
