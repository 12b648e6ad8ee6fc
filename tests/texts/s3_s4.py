"""S3 and S4, gradients as chains and feed-forward networks: what is printed, against the texts' formulas."""

from __future__ import annotations

import json
from math import isclose

import numpy as np

from texts.page import Check, Shown, says
from texts.reference import weights


def squares(shown: Shown) -> None:
    """1/2m Σ ‖h(x) − y‖² of the network with four inner nodes, computed here, is half the squared rmse."""
    w = weights(shown.folder / "values")
    lines = (shown.folder / "rows.csv").read_text().splitlines()[1:]
    *x, y = np.array([[float(cell) for cell in line.split(",")] for line in lines]).T
    x = (np.array(x).T - w["body.part.mean"]) / w["body.part.deviation"]
    a = np.maximum(0, x @ w["body.feed_forward.1.weight"].T + w["body.feed_forward.1.bias"])
    h = (a @ w["output.linear.weight"].T + w["output.linear.bias"])[:, 0]
    h = h * w["output.deviation"] + w["output.mean"]
    loss = np.sum((h - y) ** 2) / (2 * len(y))
    assert isclose(float(dict(shown.table)["rmse"]) ** 2 / 2, loss, rel_tol=1e-5)


def all_at_once(shown: Shown) -> None:
    """Each step reads every example that is not held out: an epoch is one step."""
    lines = (shown.folder / "all" / "metrics.jsonl").read_text().splitlines()
    steps = [entry for entry in map(json.loads, lines) if entry["kind"] == "train"]
    rows = len((shown.folder / "rows.csv").read_text().splitlines()) - 1
    held_out = next(entry["examples"] for entry in map(json.loads, lines) if entry["kind"] == "held-out")
    assert [(entry["step"], entry["epoch"], entry["units"]) for entry in steps] == [
        (epoch, epoch, rows - held_out) for epoch in (1, 2, 3)
    ]


def second_order(shown: Shown) -> None:
    """Three steps of Newton lower the loss of all examples more than three of gradient descent do."""
    line = (
        "bptt train regress rows.csv --feed-forward 4 --optimiser sgd --batch-size 60 --epochs 3 -o descent"
    )
    shown.also(line)

    def last(run: str) -> float:
        entries = map(json.loads, (shown.folder / run / "metrics.jsonl").read_text().splitlines())
        return [float(entry["loss"]) for entry in entries if entry["kind"] == "train"][-1]

    assert last("newton") < last("descent")


CHECKS: dict[int, Check] = {
    88: says(
        "E = Σₜ Eₜ",
        "∇V = Σₜ (oₜ − yₜ) hₜᵀ",
        "∇W_h = Σₜ δnet_hₜ xₜᵀ",
        "∇R_h = Σₜ δnet_hₜ hₜ₋₁ᵀ",
        "ΔW = −η ∇W = −η Σₜ ∂Eₜ/∂W",
    ),
    89: says(
        "∂E₃/∂R_h₃ = ∂E₃/∂h₃ ∂⁺h₃/∂R_h",
        "∂E₃/∂R_h₂ = ∂E₃/∂h₃ ∂h₃/∂h₂ ∂⁺h₂/∂R_h",
        "∂E₃/∂R_h₁ = ∂E₃/∂h₃ ∂h₃/∂h₂ ∂h₂/∂h₁ ∂⁺h₁/∂R_h",
    ),
    90: says("∂h_T/∂W = Σₖ (Π_{i>k} ∂h_i/∂h_{i−1}) ∂⁺hₖ/∂W", "∂hₜ/∂hₜ₋₁ = diag(1 − hₜ²) R_h"),
    92: says("y⁽²⁾ = σ(W_u⁽²⁾ σ(W_u⁽¹⁾ x⁽¹⁾ + b_u⁽¹⁾) + b_u⁽²⁾)"),
    93: squares,
    94: says("y − d for the squared error ½‖y − d‖²"),
    95: says("the δ of a value is a sum over the equations that read it"),
    96: says("∇W_u = δu xᵀ", "δx = W_uᵀ δu", "δu = δy ⊙ y ⊙ (1 − y)", "∂y/∂x = diag(y ⊙ (1 − y)) W_u"),
    97: says(
        "δu⁽²⁾ = (o − y) ⊙ (y⁽²⁾ ⊙ (1 − y⁽²⁾))",
        "δu⁽¹⁾ = W_u⁽²⁾ᵀ δu⁽²⁾ ⊙ (y⁽¹⁾ ⊙ (1 − y⁽¹⁾))",
        "∇W_u⁽²⁾ = δu⁽²⁾ x⁽²⁾ᵀ",
        "∇b_u⁽¹⁾ = δu⁽¹⁾",
    ),
    98: all_at_once,
    99: second_order,
    100: says("Kept for the backward pass: iₜ (H), fₜ (H), gₜ (H), oₜ (H).", "T·B·6·H"),
    101: says(
        "u = x W_u + b_u", "δuₗ = δuₗ₊₁ W_uₗ₊₁ᵀ ⊙ (yₗ ⊙ (1 − yₗ))", "∇W_u = xᵀ δu", "(I, H) = (I, B) (B, H)"
    ),
}
