"""S1, back-propagation node by node and through time: what is printed, against the formulas of the text."""

from __future__ import annotations

import re
from math import isclose

import numpy as np

from texts.checks import learned_all, options_of, summands
from texts.page import Check, Shown, both, says
from texts.reference import Table, sigmoid
from texts.unrolled import expanded, jacobian_of_entries


def worked(shown: Shown) -> None:
    """A step of gradient descent on a network of two inputs, two inner nodes and an output, computed here."""

    a1, a2 = sigmoid(np.array([0.1 * 0.35 + 0.8 * 0.9, 0.4 * 0.35 + 0.6 * 0.9]))
    y = sigmoid(0.3 * a1 + 0.9 * a2)
    delta = y * (1 - y) * (0.5 - y)
    printed = shown.out.replace("−", "-")
    for value in (a1, a2, y, (0.5 - y) ** 2 / 2, delta, 0.3 + delta * a1, 0.9 + delta * a2):
        assert f"{value:.6f}" in printed


def nodes(shown: Shown) -> None:
    """The network of the text, nodes 1 to 9, computed here from the weights that are printed."""
    given = Table(shown.also("bptt derive dense --numbers --sizes 3,4,2 --csv").out)
    w1, b1, w2, b2 = (given("weight", name, layer) for layer in "12" for name in ("W_u", "b_u"))
    x, t = given("input", "x", "", "1"), given("target", "t", "output", "1")
    a = sigmoid(w1 @ x + b1)
    y = sigmoid(w2 @ a + b2)
    delta = dict(zip((8, 9), y * (1 - y) * (t - y), strict=True))
    # w₈₄ and w₉₄ lead from node 4, the first inner one.
    for j in range(4):
        delta[4 + j] = a[j] * (1 - a[j]) * (w2[0, j] * delta[8] + w2[1, j] * delta[9])
    said = shown.out.replace("−", "-")
    for node, value in delta.items():
        found = re.findall(rf"δ{_small(node)} += .*?\n.*?\n += (\S+)", said)[0]
        assert isclose(float(found), value, rel_tol=2e-3, abs_tol=1e-6), node
    rate = float(re.findall(r"η = (\S+)", said)[0])
    for node, source, old, arrived in (
        (8, 4, w2[0, 0], a[0]),
        (9, 7, w2[1, 3], a[3]),
        (4, 1, w1[0, 0], x[0]),
    ):
        new = re.findall(rf"w{_small(node)}{_small(source)} ← .* = (\S+)$", said, re.MULTILINE)[0]
        assert isclose(float(new), old + rate * delta[node] * arrived, abs_tol=2e-6)
    bias = re.findall(r"^ *w_\{4b\} ← .* = (\S+)$", said, re.MULTILINE)[0]
    assert isclose(float(bias), b1[0] + rate * delta[4], abs_tol=2e-6)


def _small(number: int) -> str:
    return "".join(chr(ord("₀") + int(digit)) for digit in str(number))


def output_first(shown: Shown) -> None:
    """δ₈ and δ₉ are computed before δ₄ to δ₇, which need them."""
    places = [shown.out.index(f"\n    δ{_small(node)} = ") for node in (8, 9, 4, 5, 6, 7)]
    assert places == sorted(places)


ELMAN = "bptt derive elman-tanh --numbers --sizes 2,{},2 --steps {}"

CHECKS: dict[int, Check] = {
    23: both(nodes, says("δ₄ = a₄ (1 − a₄) (w₈₄ δ₈ + w₉₄ δ₉)", "δ₈ = y₈ (1 − y₈) (t₈ − y₈)")),
    24: says("w₈₄ ← w₈₄ + η δ₈ a₄", "η = 0.5"),
    25: both(nodes, says("w_{4b} ← w_{4b} + η δ₄")),
    26: output_first,
    27: worked,
    28: says(
        "∂E/∂w₈₄ = ∂E/∂y₈ ∂y₈/∂net₈ ∂net₈/∂w₈₄",
        "∂E/∂y₈ = −(t₈ − y₈)",
        "∂y₈/∂net₈ = y₈ (1 − y₈)",
        "∂net₈/∂w₈₄ = a₄",
    ),
    29: says("Downstream(4) = {8, 9}", "∂E/∂a₄ = ∂E/∂net₈ ∂net₈/∂a₄ + ∂E/∂net₉ ∂net₉/∂a₄", "∂net₉/∂a₄ = w₉₄"),
    30: says("oₜ = softmax(V sₜ + b)", "sₜ = tanh(U xₜ + W sₜ₋₁ + b_s)"),
    31: expanded("o", 3),
    33: says(
        "⎡net_h₁,ₜ⎤   ⎡w₁₁  w₁₂⎤          ⎡r₁₁  r₁₂  r₁₃⎤ ⎡h₁,ₜ₋₁⎤   ⎡b_h₁⎤",
        "⎢net_h₂,ₜ⎥ = ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + ⎢r₂₁  r₂₂  r₂₃⎥ ⎢h₂,ₜ₋₁⎥ + ⎢b_h₂⎥",
        "⎣net_h₃,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦   ⎣r₃₁  r₃₂  r₃₃⎦ ⎣h₃,ₜ₋₁⎦   ⎣b_h₃⎦",
    ),
    34: both(jacobian_of_entries, says("∂net_hₜ/∂net_hₜ₋₁ = R_h diag(1 − hₜ₋₁²)")),
    35: says("(δₙᵐ)ᵀ = (δₘᵐ)ᵀ Πₙ≤ₖ<ₘ R_h diag(1 − hₖ²)"),
    39: says(
        "W₁ = W₂ = W₃ = W",
        "∂(r_{ji} h_{i,t−1}) / ∂r_{ab} = ∂r_{ji}/∂r_{ab} h_{i,t−1} + r_{ji} ∂h_{i,t−1}/∂r_{ab}",
        "∂r_{ji}/∂r_{ab} = 1[j = a] 1[i = b]",
        "tensor with four indices",
        "∂hₜ/∂W = ∂⁺hₜ/∂W + ∂hₜ/∂hₜ₋₁ ∂hₜ₋₁/∂W",
    ),
    40: says("β_W = ‖R_h‖", "β_f = 1", "‖∂hₜ/∂hₖ‖ ≤ (β_W β_f)ᵗ⁻ᵏ"),
    32: says("net_hₜ = W_h xₜ + R_h hₜ₋₁ + b_h", "δnet_hₜ = δhₜ ⊙ (1 − hₜ²)", "∇R_h = Σₜ δnet_hₜ hₜ₋₁ᵀ"),
    36: says("δxₜ = W_hᵀ δnet_hₜ"),
    37: both(summands(ELMAN.format(2, 2), 2), says("∇R_h = δnet_h₁ h₀ᵀ + δnet_h₂ h₁ᵀ")),
    38: both(summands(ELMAN.format(2, 3), 3), says("∇R_h = δnet_h₁ h₀ᵀ + δnet_h₂ h₁ᵀ + δnet_h₃ h₂ᵀ")),
    41: options_of("clipped", clip_norm=1.0),
    42: says("a tenth of ‖δ‖ is left at lag"),
    43: learned_all("rnn", "rnn+orthogonal", "rnn+relu+identity", "rnn+gru"),
}
