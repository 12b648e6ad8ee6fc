"""S1, back-propagation node by node and through time: what is printed, against the formulas of the text."""

from __future__ import annotations

from math import exp

from texts.page import Check, Shown, says
from texts.s0 import learned_all
from texts.s2 import options_of


def worked(shown: Shown) -> None:
    """A step of gradient descent on a network of two inputs, two inner nodes and an output, computed here."""

    def sigmoid(u: float) -> float:
        return 1 / (1 + exp(-u))

    a1, a2 = sigmoid(0.1 * 0.35 + 0.8 * 0.9), sigmoid(0.4 * 0.35 + 0.6 * 0.9)
    y = sigmoid(0.3 * a1 + 0.9 * a2)
    delta = y * (1 - y) * (0.5 - y)
    printed = shown.out.replace("−", "-")
    for value in (a1, a2, y, (0.5 - y) ** 2 / 2, delta, 0.3 + delta * a1, 0.9 + delta * a2):
        assert f"{value:.6f}" in printed


CHECKS: dict[int, Check] = {
    27: worked,
    32: says("net_hₜ = W_h xₜ + R_h hₜ₋₁ + b_h", "δnet_hₜ = δhₜ ⊙ (1 − hₜ²)", "∇R_h = Σₜ δnet_hₜ hₜ₋₁ᵀ"),
    36: says("δxₜ = W_hᵀ δnet_hₜ"),
    41: options_of("clipped", clip_norm=1.0),
    42: says("a tenth of ‖δ‖ is left at lag"),
    43: learned_all("rnn", "rnn+orthogonal", "rnn+relu+identity", "rnn+gru"),
}
