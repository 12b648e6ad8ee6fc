"""The network worked node by node (B5) against the textbook's formulas typed out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest

from bptt.cells import Cell, get
from bptt.derive.network_pass import NetworkPass
from bptt.explain.document import Stage
from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.node_document import node_document
from bptt.explain.numbers.nodes import NodeNetwork
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.worked import Worked, work
from bptt.explain.text import text

# Additions and exponentials of a handful of numbers of order one.
CLOSE = 1e-14


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def example() -> Worked:
    return work([get("dense")], NetworkOptions(), NumbersOptions())


def numbered() -> Worked:
    """The network of the text: nodes 1-3 are inputs, 4-7 hidden, 8-9 outputs, all with biases."""
    return work([get("dense")], NetworkOptions(sizes="3,4,2"), NumbersOptions(seed=5, rate=0.5))


def deltas(of: NetworkPass, layer: int) -> Sequence[float]:
    found: Sequence[float] = of.layers[layer].deltas[0]["δu"]
    return found


def test_every_number_follows_the_node_by_node_rules() -> None:
    before, after = example().updated.before, example().updated.after
    hidden, output = before.layers
    a = [sigmoid(0.35 * 0.1 + 0.9 * 0.8), sigmoid(0.35 * 0.4 + 0.9 * 0.6)]
    y = sigmoid(0.3 * a[0] + 0.9 * a[1])
    delta = y * (1 - y) * (0.5 - y)
    inner = [a[0] * (1 - a[0]) * 0.3 * delta, a[1] * (1 - a[1]) * 0.9 * delta]
    assert hidden.values[0]["y"] == pytest.approx(a, abs=CLOSE)
    assert output.values[0]["y"] == pytest.approx([y], abs=CLOSE)
    assert deltas(before, 1) == pytest.approx([delta], abs=CLOSE)
    assert deltas(before, 0) == pytest.approx(inner, abs=CLOSE)
    (updated,) = after.parameters["2"]["W_u"]
    assert updated == pytest.approx([0.3 + delta * a[0], 0.9 + delta * a[1]], abs=CLOSE)
    updated = after.parameters["1"]["W_u"][1]
    assert updated == pytest.approx([0.4 + inner[1] * 0.35, 0.6 + inner[1] * 0.9], abs=CLOSE)


def test_the_update_lowers_the_error() -> None:
    updated = example().updated
    (output,) = updated.before.layers[-1].values[0]["y"]
    assert updated.before.error == pytest.approx((output - 0.5) ** 2 / 2, abs=CLOSE)
    assert updated.after.error < updated.before.error


@pytest.mark.parametrize("worked", [example(), numbered()], ids=["2-2-1", "3-4-2"])
def test_the_text_prints_every_activation_delta_and_updated_weight(worked: Worked) -> None:
    before, after = worked.updated.before, worked.updated.after
    printed = text(node_document(worked))
    numbers = [n for layer in before.layers for n in (*layer.values[0]["y"], *layer.deltas[0]["δu"])]
    numbers += [w for names in after.parameters.values() for row in names["W_u"] for w in row]
    numbers += [w for names in after.parameters.values() for w in names.get("b_u", ())]
    for number in (*numbers, before.error, after.error):
        if abs(number) >= 1e-3:
            assert f"= {number:.6f}".replace("-", "−") in printed


def test_nodes_1_to_9_follow_the_rules_of_the_text() -> None:
    """δ₄ = a₄(1 − a₄)(w₈₄ δ₈ + w₉₄ δ₉), w₈₄ ← w₈₄ + η δ₈ a₄, w₄b ← w₄b + η δ₄, written out."""
    worked = numbered()
    before, after, rate = worked.updated.before, worked.updated.after, 0.5
    (x1, x2, x3), (t8, t9) = before.example.inputs[0], before.example.targets[0]
    w, w_up = before.parameters["1"]["W_u"], before.parameters["2"]["W_u"]
    b, b_up = before.parameters["1"]["b_u"], before.parameters["2"]["b_u"]
    a4, a5, a6, a7 = (sigmoid(w[k][0] * x1 + w[k][1] * x2 + w[k][2] * x3 + b[k]) for k in range(4))
    y8, y9 = (
        sigmoid(w_up[k][0] * a4 + w_up[k][1] * a5 + w_up[k][2] * a6 + w_up[k][3] * a7 + b_up[k])
        for k in range(2)
    )
    δ8, δ9 = y8 * (1 - y8) * (t8 - y8), y9 * (1 - y9) * (t9 - y9)
    δ4 = a4 * (1 - a4) * (w_up[0][0] * δ8 + w_up[1][0] * δ9)
    δ7 = a7 * (1 - a7) * (w_up[0][3] * δ8 + w_up[1][3] * δ9)
    assert before.error == pytest.approx(((t8 - y8) ** 2 + (t9 - y9) ** 2) / 2, abs=CLOSE)
    assert deltas(before, 1) == pytest.approx([δ8, δ9], abs=CLOSE)
    assert [deltas(before, 0)[0], deltas(before, 0)[3]] == pytest.approx([δ4, δ7], abs=CLOSE)
    new, new_up = after.parameters["1"], after.parameters["2"]
    assert new_up["W_u"][0][0] == pytest.approx(w_up[0][0] + rate * δ8 * a4, abs=CLOSE)
    assert new_up["b_u"][1] == pytest.approx(b_up[1] + rate * δ9, abs=CLOSE)
    assert new["W_u"][0][0] == pytest.approx(w[0][0] + rate * δ4 * x1, abs=CLOSE)
    assert new["b_u"][0] == pytest.approx(b[0] + rate * δ4, abs=CLOSE)
    nodes = NodeNetwork(before)
    node4, node8 = nodes.layer(1)[0], nodes.layer(2)[0]
    assert (node4.number, node8.number) == (4, 8)
    assert nodes.weight(node8, node4) == w_up[0][0]


def test_the_rules_are_printed_with_the_numbers_of_the_nodes() -> None:
    printed = text(node_document(numbered()))
    for rule in (
        "δ₈ = y₈ (1 − y₈) (t₈ − y₈)",
        "δ₄ = a₄ (1 − a₄) (w₈₄ δ₈ + w₉₄ δ₉)",
        "w₈₄ ← w₈₄ + η δ₈ a₄",
        "w₄₁ ← w₄₁ + η δ₄ x₁",
        "w_{4b} ← w_{4b} + η δ₄",
        "∂E/∂w₈₄    = ∂E/∂y₈ ∂y₈/∂net₈ ∂net₈/∂w₈₄",
        "∂E/∂a₄     = ∂E/∂net₈ ∂net₈/∂a₄ + ∂E/∂net₉ ∂net₉/∂a₄",
        "Downstream(4) = {8, 9}",
    ):
        assert rule in printed


def test_layers_of_the_users_own_are_worked_node_by_node() -> None:
    layer = Cell.define("layer", "u = W_u @ x + b_u\ny = tanh(u)")
    worked = work([layer], NetworkOptions(sizes="2,2,1"), NumbersOptions())
    printed = text(node_document(worked))
    assert "δ₃ = (1 − a₃²) (w₅₃ δ₅)" in printed
    before = worked.updated.before
    (y,), (t,) = before.output.outputs[0], before.example.targets[0]
    (net,) = before.layers[1].values[0]["u"]
    assert deltas(before, 1) == pytest.approx([(1 - math.tanh(net) ** 2) * (t - y)], abs=CLOSE)


def test_plus_delta_changes_signs_and_no_weight() -> None:
    options = NumbersOptions(seed=5, rate=0.5, minus_delta=False)
    plus = work([get("dense")], NetworkOptions(sizes="3,4,2"), options)
    printed = text(node_document(plus))
    assert "δ₈ = y₈ (1 − y₈) (y₈ − t₈)" in printed
    assert "w₈₄ ← w₈₄ − η δ₈ a₄" in printed
    for place, names in numbered().updated.after.parameters.items():
        for name, array in names.items():
            assert flat(plus.updated.after.parameters[place][name]) == pytest.approx(flat(array), abs=CLOSE)


def test_every_line_of_the_chain_is_the_product_of_its_factors() -> None:
    """The first line of each node, as ∂E/∂w₈₄ = 0.08·0.23·0.70, against the gradient that the pass found."""
    worked = numbered()
    printed = text(node_document(worked).only(Stage.JACOBIAN))
    found = re.findall(r"∂E/∂w(\S+) .*\n.*\n +=\s+(−?[\d.]+)\n", printed)
    lowered = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
    assert [name.translate(lowered) for name, _ in found] == ["84", "94", "41", "51", "61", "71"]
    gradients = worked.updated.before.gradients
    for name, number in found:
        node = int(name.translate(lowered)[0])
        layer, row = ("2", node - 8) if node > 7 else ("1", node - 4)
        # The gradients of the pass are those of −E; numbers are printed with four digits at least.
        expected = -gradients[layer]["W_u"][row][0]
        assert float(number.replace("−", "-")) == pytest.approx(expected, rel=1e-3)


def flat(array: object) -> list[float]:
    return [n for part in array for n in flat(part)] if isinstance(array, list) else [array]  # type: ignore[list-item]
