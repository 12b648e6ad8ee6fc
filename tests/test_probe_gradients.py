"""The gradient by lag against two truths: products of Jacobians in numpy, and torch's own LSTM."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bptt import Cell, nn
from bptt.errors import InputError
from bptt.nn.stack import Stack
from bptt.probe import LagCurve, gradient_by_lag

# An odd number of windows has one in the middle.
LAGS, STEPS, BATCH, INPUTS, HIDDEN = 6, 9, 7, 3, 5
EPS = torch.finfo(torch.float64).eps


def squares(output: torch.Tensor) -> torch.Tensor:
    return output.square().sum(-1) / 2


def test_elman_network_by_the_product_of_jacobians() -> None:
    """R3: δ_{T-k} = (Π Rᵀ diag(1 - h²)) ∂E/∂h_T, with ∂E/∂h_T = h_T for the loss ½‖h_T‖²."""
    torch.manual_seed(0)
    stack = nn.Recurrent("elman-tanh", INPUTS, HIDDEN, dtype=torch.float64)
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)
    nets, curve = gradient_by_lag(stack, x, squares, LAGS).curves

    recurrent = stack.R_l0.detach().numpy()
    states = stack(x)[0].detach().numpy()  # (T, B, H)
    of_state = states[-1]
    for lag in range(LAGS + 1):
        # Each lag adds a product of H terms and two roundings to a relative error.
        close = {"rel": float(EPS * 4 * (lag + 1) * (HIDDEN + STEPS))}
        of_net = of_state * (1 - states[STEPS - 1 - lag] ** 2)
        assert quartiles(nets, lag) == pytest.approx(quartiles_of(of_net), **close)
        if lag:
            assert quartiles(curve, lag - 1) == pytest.approx(quartiles_of(of_state), **close)
        of_state = of_net @ recurrent


def quartiles(curve: LagCurve, entry: int) -> tuple[float, ...]:
    return curve.lower_quartile[entry], curve.median[entry], curve.upper_quartile[entry]


def quartiles_of(gradients: np.ndarray) -> tuple[float, ...]:
    return tuple(np.quantile(np.linalg.norm(gradients, axis=-1), [0.25, 0.5, 0.75]))


@pytest.mark.parametrize("batch_first", [False, True])
def test_two_layers_by_stepping_torch(batch_first: bool) -> None:
    torch.manual_seed(1)
    stack = nn.LSTM(INPUTS, HIDDEN, 2, batch_first=batch_first, dtype=torch.float64)
    theirs = torch.nn.LSTM(INPUTS, HIDDEN, 2, dtype=torch.float64)
    theirs.load_state_dict(stack.state_dict())
    x = torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)
    found = gradient_by_lag(stack, x.transpose(0, 1) if batch_first else x, squares, LAGS)

    h, c = (state.detach().requires_grad_() for state in theirs(x[:-LAGS])[1])
    carried = []
    for step in x[-LAGS:].split(1):
        carried.append((h, c))
        output, (h, c) = theirs(step, (h, c))
    loss = squares(output[0]).sum()
    assert [(curve.layer, curve.quantity) for curve in found.curves] == [
        ("layer 1", "δ"), ("layer 1", "h"), ("layer 1", "c"),
        ("layer 2", "δ"), ("layer 2", "h"), ("layer 2", "c"),
    ]  # fmt: skip
    for curve in found.curves:
        if curve.quantity == "δ":
            continue
        tensors = [pair["hc".index(curve.quantity)] for pair in reversed(carried)]
        gradients = torch.autograd.grad(loss, tensors, retain_graph=True)
        norms = [g[int(curve.layer[-1]) - 1].norm(dim=-1).median().item() for g in gradients]
        assert curve.median == pytest.approx(norms, rel=EPS * 100 * LAGS * HIDDEN)


def test_a_state_that_no_output_depends_on_has_gradient_zero() -> None:
    equations = "h = tanh(W_h @ x + R_h @ h_prev)\nm = m_prev + h"
    stack = nn.Recurrent(Cell.define("sum", equations, states="h m"), INPUTS, HIDDEN, 2)
    curves = gradient_by_lag(stack, torch.randn(STEPS, BATCH, INPUTS), squares, LAGS).curves
    assert [any(curve.median) for curve in curves] == [True, True, False, True, True, False]
    assert curves[2].sentence == "layer 1 m: no gradient"


def test_the_model_is_left_as_it_was() -> None:
    torch.manual_seed(2)
    stack = nn.Recurrent("gru", INPUTS, HIDDEN, 2, dropout=0.5, initial="random")
    stack.train()
    stack(torch.randn(STEPS, BATCH, INPUTS))[0].sum().backward()
    weights = {name: p.clone() for name, p in stack.named_parameters()}
    gradients = {name: p.grad.clone() for name, p in stack.named_parameters() if p.grad is not None}
    x = torch.randn(STEPS, BATCH, INPUTS)
    random_state = torch.random.get_rng_state()
    with torch.no_grad():
        found = gradient_by_lag(stack, x, squares, LAGS)

    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert all(module.training for module in stack.modules())
    assert gradients
    assert all(p.requires_grad for p in stack.parameters())
    for name, parameter in stack.named_parameters():
        assert torch.equal(parameter, weights[name])
        assert parameter.grad is not None and torch.equal(parameter.grad, gradients[name])
    assert gradient_by_lag(stack.eval(), x, squares, LAGS) == found  # without dropout


def test_a_sentence_states_the_tenth_and_the_pace() -> None:
    def curve(*norms: float) -> LagCurve:
        return LagCurve("layer 2", "c", norms, norms, norms)

    falling = curve(8.0, 4.0, 2.0, 0.8, 0.5)
    assert falling.tenth == 4
    assert falling.factor == pytest.approx(0.5)
    assert falling.sentence == "layer 2 c: down to a tenth at lag 4, ×0.5 a step over 5 lags"
    assert curve(1.0, 1.5, 2.25).sentence == "layer 2 c: never down to a tenth, ×1.5 a step over 3 lags"
    assert curve(0.0, 0.0).factor == 0.0


@pytest.mark.parametrize(
    ("stack", "steps", "rule"),
    [
        (nn.Recurrent("lstm", INPUTS, HIDDEN, bidirectional=True), STEPS, "one direction"),
        (nn.Recurrent("dense", INPUTS, HIDDEN), STEPS, "carries states"),
        (nn.Recurrent("lstm", INPUTS, HIDDEN), LAGS, "lags is at least 1"),
        (nn.Recurrent("lstm", INPUTS + 1, HIDDEN), STEPS, "expected shape"),
    ],
)
def test_what_cannot_be_measured_is_refused(stack: Stack, steps: int, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        gradient_by_lag(stack, torch.randn(steps, BATCH, INPUTS), squares, LAGS)


def test_the_pace_is_that_of_the_lags_that_a_gradient_reaches() -> None:
    """A float32 that halves at each step is zero after 150: that says nothing of the pace."""
    norms = tuple(torch.tensor([0.5**lag for lag in range(200)]).tolist())
    found = LagCurve("layer 1", "δ", norms, norms, norms)
    assert norms[-1] == 0 and found.factor == pytest.approx(0.5)
    assert found.sentence == "layer 1 δ: down to a tenth at lag 4, ×0.5 a step, nothing from lag 150 on"


@pytest.mark.parametrize("masked", [[0], [0, 2, 3], [1, 2, 3, 4]])
def test_windows_that_a_mask_leaves_out_do_not_count(masked: list[int]) -> None:
    torch.manual_seed(8)
    stack = nn.GRU(INPUTS, HIDDEN, dtype=torch.float64)
    x = torch.randn(STEPS, 5, INPUTS, dtype=torch.float64)
    mask = torch.tensor([float(row not in masked) for row in range(5)])
    found = gradient_by_lag(stack, x, lambda last: squares(last) * mask, LAGS)
    kept = [row for row in range(5) if row not in masked]
    wanted = gradient_by_lag(stack, x[:, kept], squares, LAGS)
    assert found.losses == wanted.losses == len(kept)
    for curve, truth in zip(found.curves, wanted.curves, strict=True):
        assert curve.median == pytest.approx(truth.median, rel=1e-12)
