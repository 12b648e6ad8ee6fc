"""Losses that are zero at most steps, and units whose derivative is zero: what the verdict makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import bptt
from bptt import nn
from bptt.nn.stack import Stack
from bptt.probe import Finding, LagCurve, fate
from bptt.probe.arrivals import arrivals
from bptt.probe.look import Look

STEPS, INPUTS, HIDDEN, LAGS = 60, 3, 5, 20
# In float64: sums of T steps of H products.
CLOSE = 1e-9

Losses = Callable[[Tensor], Tensor]


def looked(tmp_path: Path, module: torch.nn.Module, x: Tensor, losses: Losses, lags: int = LAGS) -> Look:
    return bptt.inspect(module, x, losses, tmp_path / "page.html", lags=lags)


def of_gradient(found: Look, layer: str = "layer 1") -> Finding:
    """What the verdict says of the gradient of a layer: its first sentence."""
    return next(f for f in found.findings if f.headline.startswith(layer) and "states" not in f.headline)


def by_hand(rnn: torch.nn.RNN, x: Tensor, loss_step: int) -> list[float]:
    """‖∂E_m/∂net_{m-k}‖ of E_m = Σ h_m², by autograd through a loop."""
    h, nets = torch.zeros(HIDDEN, dtype=torch.float64), []
    for step in x[: loss_step + 1]:
        net = rnn.weight_ih_l0 @ step + rnn.bias_ih_l0 + rnn.weight_hh_l0 @ h + rnn.bias_hh_l0
        net.retain_grad()
        nets.append(net)
        h = torch.tanh(net)
    h.square().sum().backward()
    return [float(net.grad.norm()) for net in reversed(nets)]


MASKS = {
    "the last step": [STEPS - 1],
    "every second step": list(range(1, STEPS, 2)),
    "every fifth step": list(range(0, STEPS, 5)),
    "the second half": list(range(STEPS // 2, STEPS)),
    "one in the middle": [31],
}


@pytest.mark.parametrize("chosen", MASKS.values(), ids=MASKS.keys())
def test_losses_that_a_mask_leaves_out_do_not_count(tmp_path: Path, chosen: list[int]) -> None:
    torch.manual_seed(0)
    rnn = torch.nn.RNN(INPUTS, HIDDEN, dtype=torch.float64)
    x = torch.randn(STEPS, INPUTS, dtype=torch.float64)
    mask = torch.zeros(STEPS, dtype=torch.float64)
    mask[chosen] = 1
    found = looked(tmp_path, rnn, x, lambda output: output.square().sum(-1) * mask[:, None])
    curve = next(c for c in found.flow.curves if c.quantity == "δ")
    norms = [by_hand(rnn, x, m) for m in chosen if m >= len(curve.median) - 1]
    wanted = torch.tensor([row[: len(curve.median)] for row in norms], dtype=torch.float64).quantile(0.5, 0)
    assert curve.median == pytest.approx(wanted.tolist(), rel=CLOSE)
    assert of_gradient(found).headline == "layer 1: the gradient vanishes"


def test_a_loss_at_the_first_step_alone_has_nothing_to_look_back_to(tmp_path: Path) -> None:
    first = torch.arange(STEPS) == 0
    gru = nn.GRU(INPUTS, HIDDEN)
    found = looked(tmp_path, gru, torch.randn(STEPS, INPUTS), lambda y: y.sum(-1) * first[:, None])
    assert of_gradient(found).headline == "layer 1: there is no step to look back to"


def test_a_layer_that_no_loss_depends_on_is_said_to_get_no_gradient(tmp_path: Path) -> None:
    torch.manual_seed(1)
    lstm = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True)
    found = looked(tmp_path, lstm, torch.randn(STEPS, INPUTS), lambda y: y[..., :HIDDEN].square().sum(-1))
    unused = of_gradient(found, "layer 2 ←")
    assert (unused.level, unused.headline) == ("warning", "layer 2 ←: no gradient arrives")
    for used in ("layer 1 →", "layer 1 ←", "layer 2 →"):
        assert "no gradient" not in of_gradient(found, used).headline


def saturated_tanh() -> Stack:
    """tanh(±300) is ±1 to the last bit, and its derivative 0."""
    stack = nn.RNN(INPUTS, HIDDEN)
    torch.nn.init.constant_(stack.bias_ih_l0, 300.0)
    return stack


def dead_relu() -> Stack:
    stack = nn.Recurrent("elman-relu", INPUTS, HIDDEN)
    torch.nn.init.constant_(stack.b_l0, -300.0)
    return stack


def shut_lstm() -> Stack:
    """The output gate, sigmoid(-300), is 0 in float32: nothing passes to what is behind it."""
    stack = nn.LSTM(INPUTS, HIDDEN)
    with torch.no_grad():
        stack.bias_ih_l0[3 * HIDDEN :] = -300.0
    return stack


def below_a_dead_layer() -> Stack:
    stack = nn.RNN(INPUTS, HIDDEN, 2)
    torch.nn.init.constant_(stack.bias_ih_l1, 300.0)
    return stack


@pytest.mark.parametrize("make", [saturated_tanh, dead_relu, shut_lstm, below_a_dead_layer])
@pytest.mark.parametrize("last", [False, True])
def test_saturated_units_let_no_gradient_pass_and_are_not_called_unused(
    tmp_path: Path, make: Callable[[], Stack], last: bool
) -> None:
    torch.manual_seed(2)
    wanted = torch.arange(STEPS) >= (STEPS - 1 if last else 0)
    found = looked(tmp_path, make(), torch.randn(STEPS, INPUTS), lambda y: y.sum(-1) * wanted[:, None])
    finding = of_gradient(found)
    assert (finding.level, finding.headline) == ("bad", "layer 1: no gradient passes")
    assert "does not depend" not in finding.evidence


def test_a_gradient_may_begin_at_a_later_lag(tmp_path: Path) -> None:
    """Where the update gate is 1 to the last bit the state goes on as it was: δ is 0 there, and what the
    steps before did is kept."""
    torch.manual_seed(3)
    gru = torch.nn.GRU(1, HIDDEN)
    with torch.no_grad():
        gru.weight_ih_l0.zero_()
        # The input is 1 in the second half, where z = sigmoid(300).
        gru.weight_ih_l0[HIDDEN : 2 * HIDDEN] = 300.0
    x = (torch.arange(STEPS) >= STEPS // 2).float()[:, None]
    last = torch.arange(STEPS) == STEPS - 1
    found = looked(tmp_path, gru, x, lambda y: y.sum(-1) * last[:, None], lags=STEPS - 1)
    curve = next(c for c in found.flow.curves if c.quantity == "δ")
    # The state after step 29 comes to the end as it was, at lag 30.
    assert curve.median[: STEPS // 2] == (0.0,) * (STEPS // 2)
    assert curve.start == curve.median[STEPS // 2] > 0
    assert fate(curve) != "absent" and "no gradient" not in of_gradient(found).headline


def test_a_curve_that_begins_late_is_measured_from_there() -> None:
    norms = (0.0, 0.0, 8.0, 4.0, 2.0, 1.0, 0.5)
    curve = LagCurve("layer 1", "δ", norms, norms, norms)
    assert (curve.start, curve.tenth) == (8.0, 6)
    assert curve.factor == pytest.approx(0.5, rel=1e-15)
    assert curve.sentence == "layer 1 δ: down to a tenth at lag 6, ×0.5 a step over 6 lags"


def test_the_gradient_arrives_at_what_a_loss_reads() -> None:
    """The final state of the lower layer alone; of three copies the last has no loss."""
    stack = nn.GRU(INPUTS, HIDDEN, 2, bidirectional=True)
    x = torch.randn(7, 1, INPUTS)

    def losses(steps: list[int]) -> Tensor:
        _, final = stack(x.expand(-1, len(steps), -1))
        return final[1].sum(-1) * torch.tensor([float(step < 2) for step in steps])

    came = arrivals(stack, stack, losses, [0, 1, 2])
    assert came.tolist() == [[False] * 3, [True, True, False], [False] * 3, [False] * 3]
