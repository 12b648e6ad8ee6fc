"""The verdict on planted cases: a gradient that vanishes, one that explodes, one that does neither."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bptt import Cell, nn
from bptt.cells.catalogue import get
from bptt.nn.stack import Stack
from bptt.probe import (
    Activity,
    Evidence,
    Finding,
    LagCurve,
    decay_bounds,
    fate,
    gradient_by_lag,
    saturation,
    spectrum,
    values,
    verdict,
)

STEPS, BATCH, INPUTS, HIDDEN, LAGS = 60, 4, 3, 8, 40
LINEAR = Cell.define("linear", "h = W_h @ x + R_h @ h_prev + b_h", states="h")


def evidence(stack: Stack, x: Tensor) -> list[Evidence]:
    curves = {
        c.layer: c for c in gradient_by_lag(stack, x, lambda y: y.sum(-1), LAGS).curves if c.quantity == "δ"
    }
    one = x[:, :1]
    seen, spectra = values(stack, one), spectrum(stack, one)
    used = saturation(seen)
    return [
        Evidence(
            layer=layer.name,
            cell=stack.cell,
            curve=curves[layer.name],
            bound=bound,
            spectrum=measured,
            saturations=[s for s in used.bounded if s.layer == layer.name],
            activities=[a for a in used.rectified if a.layer == layer.name],
            gates={v.name: float(v.tensor.mean()) for v in layer.values if v.kind == "gate"},
        )
        for layer, bound, measured in zip(seen, decay_bounds(stack), spectra, strict=True)
    ]


def planted(cell: str | Cell, radius: float, spread: float = 0.1) -> list[Evidence]:
    """A recurrent matrix that is `radius` times an orthogonal one; small inputs, so that tanh stays steep."""
    torch.manual_seed(0)
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, dtype=torch.float64)
    torch.nn.init.orthogonal_(stack.R_l0, radius)
    torch.nn.init.zeros_(stack.b_l0)
    return evidence(stack, spread * torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64))


def headlines(found: tuple[Finding, ...], level: str) -> list[str]:
    return [f.headline for f in found if f.level == level]


def test_a_tanh_network_of_radius_one_half_vanishes() -> None:
    found = planted("elman-tanh", 0.5)
    assert fate(found[0].curve) == "vanishing"
    worst, *_ = verdict(found)
    assert (worst.level, worst.headline) == ("bad", "layer 1: the gradient vanishes")
    # ‖W‖₂ = 0.5 and f' <= 1: at most a half a step, so a tenth is left after four steps at the latest.
    assert "β_W β_f = 0.5 · 1 = 0.5 a step" in worst.evidence
    assert found[0].curve.factor <= 0.5 and found[0].curve.tenth <= 4
    assert "lstm or gru" in worst.advice and "`recurrent_init` orthogonal" in worst.advice


def test_a_linear_network_of_radius_three_halves_explodes() -> None:
    found = planted(LINEAR, 1.5)
    assert fate(found[0].curve) == "exploding"
    assert found[0].curve.factor == pytest.approx(1.5, rel=1e-9)
    assert headlines(verdict(found), "bad") == ["layer 1: the gradient explodes"]
    assert headlines(verdict(found), "warning") == ["layer 1: states that begin close drift apart (chaos)"]
    assert "`clip_norm` 1" in verdict(found)[0].advice


@pytest.mark.parametrize("cell", [LINEAR, "elman-tanh"])
def test_an_orthogonal_network_is_healthy(cell: str | Cell) -> None:
    found = planted(cell, 1.0, spread=0.01)
    assert fate(found[0].curve) == "healthy"
    assert headlines(verdict(found), "bad") == headlines(verdict(found), "warning") == []
    best = next(f for f in verdict(found) if f.level == "good")
    assert best.headline == "layer 1: the gradient neither vanishes nor explodes"
    assert best.evidence.startswith("more than a tenth is left at every lag")


def test_a_gated_cell_is_told_how_much_it_keeps() -> None:
    """With the forget gate's bias at -3 it keeps sigmoid(-3) = 5 % a step, and the gradient with it."""
    torch.manual_seed(1)
    stack = nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    for parameter in stack.parameters():
        torch.nn.init.constant_(parameter, 0.0)
    with torch.no_grad():
        stack.bias_ih_l0[HIDDEN : 2 * HIDDEN] = -3.0
        stack.weight_ih_l0.normal_()
        stack.weight_ih_l0[HIDDEN : 2 * HIDDEN] = 0
    found = evidence(stack, torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64))
    finding = verdict(found)[0]
    assert finding.headline == "layer 1: the gradient vanishes"
    assert "gate f keeps 5% of the state" in finding.advice
    assert "`forget_bias` 2 would begin with 88%" in finding.advice
    shut = [f for f in verdict(found) if "gate f is nearly always shut in 100%" in f.headline]
    assert [f.level for f in shut] == ["warning"]


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("sru", "`forget_bias` 2 would begin with 88%. "),
        ("minlstm", "with a bias of its own, `forget_bias` 2 would begin with 88%. "),
        ("indrnn", "a state that is carried past the matrix. "),
        ("gru", "`forget_bias` 2 would begin with 88%. `recurrent_init` orthogonal"),
    ],
)
def test_advice_on_recurrent_matrices_is_for_cells_that_have_one(cell: str, remedy: str) -> None:
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, dtype=torch.float64)
    seen = evidence(stack, torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64))[0]
    dead = [Activity("layer 1", "h", torch.zeros(HIDDEN))]
    chaotic = replace(seen.spectrum, exponents=(1.0,), errors=(0.0,)) if seen.spectrum else None
    advice = ""
    for factor in (0.5, 2.0):
        norms = tuple(factor**lag for lag in range(STEPS))
        curve = LagCurve("layer 1", "δ", norms, norms, norms)
        changed = replace(seen, curve=curve, bound=None, activities=dead, spectrum=chaotic)
        found = verdict([changed])
        assert fate(curve) == ("vanishing" if factor < 1 else "exploding")
        advice += "".join(finding.advice for finding in found)
    assert remedy in advice
    assert ("recurrent_" in advice) == (cell == "gru")


def test_dead_units_are_told() -> None:
    torch.manual_seed(2)
    stack = nn.Recurrent("elman-relu", INPUTS, HIDDEN, dtype=torch.float64)
    with torch.no_grad():
        stack.b_l0[: HIDDEN // 2] = -100
    found = verdict(evidence(stack, torch.randn(STEPS, BATCH, INPUTS, dtype=torch.float64)))
    dead = [f.headline for f in found if "dead" in f.headline]
    assert len(dead) == 1 and int(dead[0].split(": ")[1].split("%")[0]) >= 50


@pytest.mark.parametrize(("lags", "level"), [(9, "warning"), (10, "good")])
def test_few_steps_do_not_tell(lags: int, level: str) -> None:
    norms = tuple(0.75**lag for lag in range(lags + 1))
    (finding,) = verdict([Evidence("layer 1", LINEAR, LagCurve("layer 1", "δ", norms, norms, norms))])
    assert finding.level == level
    assert ("too few steps to judge" in finding.headline) == (level == "warning")


@pytest.mark.parametrize("pace", [0.39, 0.9, 1.0, 1.2])
@pytest.mark.parametrize("lags", [1, 2, 5, 7])
def test_few_steps_do_not_tell_whatever_the_pace(pace: float, lags: int) -> None:
    norms = tuple(pace**lag for lag in range(lags + 1))
    (finding,) = verdict([Evidence("layer 1", LINEAR, LagCurve("layer 1", "δ", norms, norms, norms))])
    assert (finding.level, finding.headline) == (
        "warning",
        "layer 1: too few steps to judge whether the gradient vanishes",
    )
    assert f"at lag {lags}" in finding.evidence


def test_few_steps_do_tell_of_a_gradient_that_is_gone_or_grown() -> None:
    for norms, headline in (((1.0, 0.05, 5e-4), "vanishes"), ((1.0, 5.0, 25.0), "explodes")):
        (finding,) = verdict([Evidence("layer 1", LINEAR, LagCurve("layer 1", "δ", norms, norms, norms))])
        assert finding.headline == f"layer 1: the gradient {headline}"


def test_a_cell_without_states_has_no_way_back_to_lose() -> None:
    dense = get("dense")
    gone = LagCurve("layer 1", "δ", *3 * ((1.0, 0.0, 0.0),))
    (finding,) = verdict([Evidence("layer 1", dense, gone)])
    assert (finding.level, finding.headline) == (
        "good",
        "layer 1: no state is carried, so no gradient goes back",
    )


def test_a_layer_that_the_loss_does_not_see() -> None:
    stack = nn.Recurrent(LINEAR, INPUTS, HIDDEN)
    x = torch.randn(STEPS, BATCH, INPUTS)
    curve = gradient_by_lag(stack, x, lambda y: 0 * y.sum(-1), LAGS).curves[0]
    assert fate(curve) == "absent"
    (finding,) = verdict([Evidence("layer 1", LINEAR, curve)])
    assert finding.headline == "layer 1: no gradient arrives"


@pytest.mark.parametrize("norms", [(1.0, math.inf), (math.inf, math.inf), (math.nan, math.nan)])
def test_what_is_not_finite_has_exploded(norms: tuple[float, ...]) -> None:
    assert fate(LagCurve("layer 1", "δ", norms, norms, norms)) == "exploding"


def test_one_step_says_nothing_of_the_way_back() -> None:
    curve = LagCurve("layer 1", "δ", (1.0,), (1.0,), (1.0,))
    (finding,) = verdict([Evidence("layer 1", LINEAR, curve)])
    assert (finding.level, finding.headline) == ("warning", "layer 1: there is no step to look back to")


@pytest.mark.parametrize(
    ("norms", "lag"), [((math.nan,) * 20, 0), ((1.0, 2.0, math.nan), 2), ((math.nan,), 0)]
)
def test_a_gradient_that_is_nan_is_named_and_not_clipped(norms: tuple[float, ...], lag: int) -> None:
    curve = LagCurve("layer 1", "δ", norms, norms, norms)
    (finding,) = verdict([Evidence("layer 1", LINEAR, curve)])
    assert (finding.level, finding.headline) == ("bad", "layer 1: the gradient is NaN")
    assert finding.evidence == f"‖δ‖ is NaN at lag {lag}"
    assert "find_non_finite" in finding.advice and "clip" not in finding.advice
    assert curve.sentence == f"layer 1 δ: NaN at lag {lag}"


def test_a_gradient_that_overflows_has_exploded_still() -> None:
    norms = (1.0, 1e30, math.inf)
    (finding,) = verdict([Evidence("layer 1", LINEAR, LagCurve("layer 1", "δ", norms, norms, norms))])
    assert finding.headline == "layer 1: the gradient explodes" and "`clip_norm` 1" in finding.advice


@pytest.mark.parametrize("quantity", ["δ", "h"])
def test_one_norm_has_no_pace(quantity: str) -> None:
    one = LagCurve("layer 1", quantity, (0.5,), (0.5,), (0.5,))
    assert one.sentence == f"layer 1 {quantity}: too few steps to judge"
