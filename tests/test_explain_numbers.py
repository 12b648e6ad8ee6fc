"""Numbers put into the equations: each row is worth what stands below it; shapes and counts by hand."""

from __future__ import annotations

import math
import re

import pytest
import torch
from drawn_steps import SIZES, drawn
from hostile import HOSTILE

from bptt import nn
from bptt.cells import CATALOGUE, Cell, get
from bptt.derive.evaluate import Point
from bptt.derive.normal_form import normal_form
from bptt.derive.one_step import evaluate_step
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, EquationLine, Equations, Section, Stage, Table
from bptt.explain.figures import Spread, figure
from bptt.explain.formula_tree import total
from bptt.explain.latex import latex
from bptt.explain.plain import formula_text
from bptt.explain.sizes import LayerSizes, count, shapes_section
from bptt.explain.step_in_numbers import busiest_unit, numbers_section, with_numbers
from bptt.explain.text import text

# A row has at most six terms of at most five factors, each of order one and rounded to four digits.
CLOSE = 6 * 5 * 5e-4


def filled(document: Derivation) -> list[EquationLine]:
    parts = [part for section in document.sections for part in section.parts]
    return [line for part in parts if isinstance(part, Equations) for line in part.lines if line.numbers]


def computed(row: str) -> float:
    """A row of numbers as a calculator reads it."""
    row = re.sub(r"·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "e" + m[1].translate(LOWERED), row)
    row = re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**({m[0].translate(LOWERED)})", row)
    row = row.replace("·", "*").replace("−", "-").replace("ReLU", "relu").replace("√", "sqrt")
    functions = {
        "σ": lambda x: 1 / (1 + math.exp(-x)),
        "tanh": math.tanh,
        "relu": lambda x: max(x, 0.0),
        "softplus": lambda x: math.log1p(math.exp(x)),
        "sqrt": math.sqrt,
    }
    return float(eval(re.sub(r"1\[(.*?)\]", r"(\1)", row), {}, functions))


LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize("unit", [0, 3])
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_row_is_worth_what_stands_below_it(name: str, unit: int) -> None:
    cell = CATALOGUE[name]
    step = drawn(cell)
    lines = filled(with_numbers(derivation(cell), step, unit))
    assert {line.target for line in lines} >= {s.target for s in normal_form(cell).steps}
    for line in lines:
        vector = step.values[line.target]
        exact = vector[min(unit, len(vector) - 1)]
        *rows, last = (formula_text(total(terms)) for terms in line.numbers)
        assert last == formula_text(figure(exact)), line.target
        for row in rows:
            if "⋯" not in row:
                assert computed(row) == pytest.approx(exact, abs=CLOSE * max(1, abs(exact))), (
                    line.target,
                    row,
                )


def test_the_rows_of_a_gate_as_written_by_hand() -> None:
    cell = Cell.define("small", "f = sigmoid(R_f @ h_prev)\nh = f * h_prev", states="h")
    point = Point([{"x": [0.0]}], {"h": [0.5, -0.25, 1.0]}, {"R_f": [[1.0, 2.0, -1.0]] * 3}, {})
    step = evaluate_step(cell, point, {"h": [0.0, 1.0, 0.0]}, {"h": [0.0, 2.0, 0.0]})
    found = {line.target: line for line in filled(with_numbers(derivation(cell), step, 1))}

    def rows(target: str) -> list[str]:
        return [formula_text(total(terms)) for terms in found[target].numbers]

    assert rows("net_f") == ["(1·0.5 + 2·(−0.25) + ⋯)", "−1"]
    assert rows("f") == ["σ(−1)", "0.2689"]
    assert rows("h") == ["0.2689·(−0.25)", "−0.06724"]
    assert rows("δh") == ["1 + 2", "3"]
    assert rows("δf") == ["3·(−0.25)", "−0.75"]
    assert rows("δnet_f") == ["−0.75·0.2689·(1 − 0.2689)", "−0.1475"]
    assert rows("δh_prev")[-1] == "0.5119"
    spread = found["f"].spread
    assert spread and "3 units, from 0.2689 to 0.2689, mean 0.2689." in text_of(spread.parts)


def text_of(parts: tuple[object, ...]) -> str:
    return "".join(p if isinstance(p, str) else formula_text(p) for p in parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.0, "0"),
        (-0.5, "−0.5"),
        (123456.0, "1.235·10⁵"),
        (-2.5e-7, "−2.5·10⁻⁷"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
    ],
)
def test_how_a_number_is_written(number: float, shown: str) -> None:
    assert formula_text(figure(number)) == shown


def test_a_gate_that_is_nearly_open_is_not_quite_one() -> None:
    cell = get("elman-sigmoid")
    point = Point([{"x": [1.0]}], {"h": [0.0]}, {"W_h": [[13.0]], "R_h": [[0.0]]}, {"b_h": [0.0]})
    step = evaluate_step(cell, point, {"h": [1.0]}, {"h": [0.0]})
    rows = next(
        line.numbers for line in filled(with_numbers(derivation(cell), step, 0)) if line.target == "δnet_h"
    )
    assert formula_text(total(rows[0])) == "1·0.9999977·(1 − 0.9999977)"


def test_a_histogram_of_units() -> None:
    # Twelve of each of the numbers 0 to 3, and four more of the first: bins 0, 5, 10 and 15 of 16.
    bars = Spread.of([*(k % 4 for k in range(48)), 0, 0, 0, 0]).bars
    assert bars == "█▁▁▁▁▇▁▁▁▁▇▁▁▁▁▇"
    assert Spread.of([1.0] * 50).bars == Spread.of([0.0, 1.0]).bars == Spread.of([math.nan] * 50).bars == ""


def test_the_busiest_unit_has_the_largest_deltas() -> None:
    step = drawn(get("lstm"), 3)
    sums = [sum(abs(step.values[f"δnet_{g}"][j]) for g in "ifgo") for j in range(SIZES["H"])]
    assert busiest_unit(step) == sums.index(max(sums))


def test_a_table_of_all_values() -> None:
    step = drawn(get("gru"))
    section = numbers_section(step, 2, "Step 5", ())
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    shown = {text_of(name.parts): [text_of(entry.parts) for entry in rest] for name, *rest in table.rows}
    z, delta = step.values["z"], step.values["δz"]
    numbers = [z[2], min(z), sum(z) / 4, max(z), delta[2], math.hypot(*delta)]
    assert shown["zₜ"] == [formula_text(figure(number)) for number in numbers]
    assert "A value that has fewer units shows its last." in text(Derivation("", (), (section,)))


@pytest.mark.parametrize("name", ["lstm", "gru-torch", "lstm-projection", "elman-tanh"])
def test_weights_and_multiplications_by_hand(name: str) -> None:
    cell, sizes = get(name), {"I": 3, "H": 8, "P": 2}
    stack = nn.Recurrent(cell, 3, 8, proj_size=2 if name == "lstm-projection" else 0)
    found = count(stack.cell, sizes)
    assert found.weights == sum(p.numel() for p in stack.parameters())
    matrices = sum(p.numel() for p in stack.parameters() if p.dim() == 2)
    assert found.forward == found.backward == found.gradients == matrices
    assert found.states == {"lstm": 16, "gru-torch": 8, "lstm-projection": 8 + 2, "elman-tanh": 8}[name]


def shapes(dtype: torch.dtype = torch.float32) -> Section:
    layers = [LayerSizes("layer 1", {"I": 64, "H": 256}), LayerSizes("layer 2", {"I": 256, "H": 256})]
    return shapes_section(get("lstm"), layers, 0, str(dtype).split(".")[1], dtype.itemsize)


def test_the_shapes_of_two_layers_of_an_lstm() -> None:
    said = text(Derivation("", (), (shapes(),)))
    assert (
        "W_i, W_f, W_g, W_o                                    ℝ^(256×64)   parameters, together 1,024 × 64"
        in said
    )
    assert "Weights: 328,704." in said and "327,680 forward" in said
    # Four gates and two states, four bytes each.
    assert f"{6 * 256:,} numbers, {6 * 256 * 4:,} bytes" in said
    assert f"{2 * 256 * 8:,} bytes, if only the states" in " ".join(
        text(Derivation("", (), (shapes(torch.float64),))).split()
    )
    assert re.search(r"together +854,016 +851,968 +12,288", said)


def test_latex_of_shapes_and_numbers() -> None:
    cell = get("gru")
    document = with_numbers(derivation(cell), drawn(cell), 1)
    written = latex(Derivation("", (), (shapes(), *document.sections)))
    assert r"\mathbf{R}^{256\times 64}" in written and r"\(328{,}704\)" in written
    assert written.count(r"\begin{tabular}") == written.count(r"\end{tabular}") == 2
    assert not re.search(r"[×∞ℝ⋯·−]", written)


def test_a_strangers_cell_has_numbers_too() -> None:
    document = with_numbers(derivation(HOSTILE), drawn(HOSTILE), 0)
    assert len(filled(document.only(Stage.NORMAL))) == len(normal_form(HOSTILE).steps)
