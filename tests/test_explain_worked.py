"""The worked node-by-node example (B5) against the textbook's formulas typed out."""

from __future__ import annotations

import math

import pytest

from bptt.derive.worked import example
from bptt.explain.worked_text import worked_text

# Additions and exponentials of a handful of numbers of order one.
CLOSE = 1e-14


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_every_number_follows_the_node_by_node_rules() -> None:
    hidden, output = example().layers
    a = [sigmoid(0.35 * 0.1 + 0.9 * 0.8), sigmoid(0.35 * 0.4 + 0.9 * 0.6)]
    y = sigmoid(0.3 * a[0] + 0.9 * a[1])
    delta = y * (1 - y) * (0.5 - y)
    deltas = [a[0] * (1 - a[0]) * 0.3 * delta, a[1] * (1 - a[1]) * 0.9 * delta]
    assert hidden.activations == pytest.approx(a, abs=CLOSE)
    assert output.activations == pytest.approx([y], abs=CLOSE)
    assert output.deltas == pytest.approx([delta], abs=CLOSE)
    assert hidden.deltas == pytest.approx(deltas, abs=CLOSE)
    assert output.updated[0] == pytest.approx([0.3 + delta * a[0], 0.9 + delta * a[1]], abs=CLOSE)
    assert hidden.updated[1] == pytest.approx([0.4 + deltas[1] * 0.35, 0.6 + deltas[1] * 0.9], abs=CLOSE)


def test_the_update_lowers_the_error() -> None:
    worked = example()
    assert worked.error == pytest.approx((worked.layers[-1].activations[0] - 0.5) ** 2 / 2, abs=CLOSE)
    assert worked.error_after < worked.error


def test_the_text_prints_every_activation_delta_and_updated_weight() -> None:
    worked = example()
    text = worked_text(worked)
    numbers = [n for layer in worked.layers for n in (*layer.activations, *layer.deltas)]
    numbers += [w for layer in worked.layers for row in layer.updated for w in row]
    for number in (*numbers, worked.error, worked.error_after):
        assert f"= {number:.6f}".replace("-", "−") in text
