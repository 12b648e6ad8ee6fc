"""The derivation as text: what is printed, read back, has the value that was meant."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import mpmath
import pytest
from hostile import HOSTILE

from bptt.cells import CATALOGUE, Cell, get
from bptt.cells.expression import Call, Expression, Number, Symbol
from bptt.cells.functions import get_function
from bptt.derive.arithmetic import DIGITS
from bptt.derive.evaluate import value
from bptt.derive.normal_form import normal_form
from bptt.explain.derivation import derivation
from bptt.explain.document import Stage
from bptt.explain.mathml import mathml
from bptt.explain.notation import Notation
from bptt.explain.plain import columns, formula_text
from bptt.explain.text import WIDTH, Kind, text, text_lines

GOLDEN = Path(__file__).parent / "golden" / "derive_lstm.txt"

NAMES = Cell.define(
    "names",
    "y = a * b * c * d + e * k",
    inputs="a b c d e",
    widths=dict.fromkeys("abcde", "H"),
    constants={"k": 1.5},
)
READ_BACK = {"σ": "sigmoid", "exp": "exp", "tanh": "tanh", "min": "minimum", "sqrt": "sqrt"}


def random_expression(source: random.Random, depth: int) -> Expression:
    if depth == 0:
        return source.choice([Symbol(source.choice("abcdek")), Number(source.choice([2, 0.5, -3]))])
    left, right = (random_expression(source, depth - 1) for _ in range(2))
    match source.randrange(8):
        case 0 | 1:
            return left + right
        case 2:
            return left - right
        case 3 | 4:
            return left * right
        case 5:
            return left / (right**2 + 1)
        case 6:
            return left ** source.choice([2, 3])
        case _:
            name = source.choice(["sigmoid", "tanh", "minimum", "sqrt", "rsqrt"])
            return Call(name, (left, right) if name == "minimum" else (left**2 + 1,))


def python_of_text(printed: str) -> str:
    """A space between two factors is a product."""
    for sign, python in (("⊙", "*"), ("−", "-"), ("√", "sqrt")):
        printed = printed.replace(sign, python)
    powers = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    printed = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "**" + found[0].translate(powers), printed)
    return re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", printed)


def python_of_mathml(node: ET.Element) -> str:
    children = [python_of_mathml(child) for child in node]
    match node.tag:
        case "mfrac":
            return f"(({children[0]})/({children[1]}))"
        case "msup":
            return f"{children[0]}**{children[1]}"
        case "msqrt":
            return f"sqrt({''.join(children)})"
        case "mrow":
            return "".join(children)
    signs = {"⊙": "*", "−": "-", "\N{INVISIBLE TIMES}": "*", "\N{FUNCTION APPLICATION}": ""}
    return signs.get(node.text or "", node.text or "")


@pytest.mark.parametrize("seed", range(150))
def test_what_is_printed_has_the_value_that_was_meant(seed: int) -> None:
    source = random.Random(seed)
    expression = random_expression(source, depth=4)
    values = {name: mpmath.mpf(source.uniform(0.5, 2)) for name in "abcdek"}
    functions = {printed: DIGITS.form(get_function(name)) for printed, name in READ_BACK.items()}
    formula = Notation(normal_form(NAMES), "").formula(expression)
    with mpmath.workdps(50):
        (meant,) = value(expression, {name: [v] for name, v in values.items()}, DIGITS)
        for python in (
            python_of_text(formula_text(formula)),
            python_of_mathml(ET.fromstring(mathml(formula))),
        ):
            python = re.sub(r"\d+(\.\d+)?", r"number('\g<0>')", python)
            read = eval(python, {"__builtins__": {}, "number": mpmath.mpf}, functions | values)
            # The order of products differs, nothing else: 50 digits leave 40 after any cancellation here.
            assert mpmath.almosteq(read, meant, rel_eps=mpmath.mpf(10) ** -40), python


def equations(cell: Cell, stage: Stage) -> list[str]:
    only = derivation(cell).only(stage)
    return [line.text.strip() for line in text_lines(only) if line.kind is Kind.EQUATION]


def test_lstm_as_it_stands_in_the_golden_file() -> None:
    assert text(derivation(get("lstm"))) == GOLDEN.read_text(encoding="utf-8")


def test_elman_reads_as_in_a_lecture() -> None:
    cell = get("elman-tanh")
    assert equations(cell, Stage.ADJOINT) == [
        "δhₜ             = ∂Eₜ/∂hₜ + ∂E_{>t}/∂hₜ",
        "δnet_hₜ         = δhₜ ⊙ (1 − hₜ²)",
        "∂E_{>t−1}/∂hₜ₋₁ = R_hᵀ δnet_hₜ",
        "δxₜ             = W_hᵀ δnet_hₜ",
    ]
    assert equations(cell, Stage.GRADIENTS) == [
        "∇W_h = Σₜ δnet_hₜ xₜᵀ",
        "∇R_h = Σₜ δnet_hₜ hₜ₋₁ᵀ",
        "∇b_h = Σₜ δnet_hₜ",
    ]
    assert equations(cell, Stage.JACOBIAN)[2:] == [
        "∂hₜ/∂hₜ₋₁ = diag(1 − hₜ²) R_h",
        "∂net_hₜ/∂net_hₜ₋₁ = R_h diag(1 − hₜ₋₁²)",
    ]


def test_a_layer_without_states_has_no_time_index() -> None:
    dense = get("dense")
    assert "ₜ" not in text(derivation(dense))
    assert equations(dense, Stage.ADJOINT) == [
        "δy = ∂E/∂y",
        "δu = δy ⊙ y ⊙ (1 − y)",
        "δx = W_uᵀ δu",
        "δuₗ = W_uₗ₊₁ᵀ δuₗ₊₁ ⊙ (yₗ ⊙ (1 − yₗ))",
    ]
    assert equations(dense, Stage.GRADIENTS) == ["∇W_u = δu xᵀ", "∇b_u = δu"]
    assert equations(dense, Stage.JACOBIAN) == ["∂y/∂x = diag(y ⊙ (1 − y)) W_u"]


def test_the_error_of_an_lstm_runs_in_its_carousel() -> None:
    assert "∂cₜ/∂cₜ₋₁ = diag(fₜ)" in equations(get("lstm"), Stage.JACOBIAN)


def test_names_look_as_what_they_are_in_the_cell() -> None:
    cell = Cell.define(
        "own",
        """
        xi = relu(W_xi @ x)
        m = mean(xi * cos(h_prev))
        net_h = alpha * h_prev + m * xi
        h = tanh(net_h) / 2 + 1e-5 * abs(m) + tanh(-(xi + net_h) * 3)
        """,
        states="h",
        constants={"alpha": 0.9},
    )
    assert equations(cell, Stage.EQUATIONS) == [
        "xiₜ    = ReLU(W_xi xₜ)",
        "mₜ     = mean(xiₜ ⊙ cos(hₜ₋₁))",
        "net_hₜ = α hₜ₋₁ + mₜ xiₜ",
        "hₜ     = 0.5 tanh(net_hₜ) + 10⁻⁵ |mₜ| + tanh(−3 (xiₜ + net_hₜ))",
    ]
    forward = equations(cell, Stage.NORMAL)
    assert "cos_hₜ₋₁ = cos(hₜ₋₁)" in forward
    assert "net′_hₜ  = −3 (xiₜ + net_hₜ)" in forward
    backward = equations(cell, Stage.ADJOINT)
    assert "δcos_hₜ₋₁       = δin_mₜ ⊙ xiₜ" in backward
    assert "δin_mₜ          = δmₜ/H" in backward
    assert "δabs_mₜ         = Σ_j (10⁻⁵ δhₜ)_j" in backward


def test_a_quotient_before_a_matrix_is_held_together() -> None:
    cell = Cell.define("own", "h = tanh(W_h @ x) + (R_h @ h_prev) / d", states="h", constants={"d": 3.0})
    assert "∂hₜ/∂hₜ₋₁ = (1 / d) R_h" in equations(cell, Stage.JACOBIAN)


@pytest.mark.parametrize(
    ("equations_of_cell", "states"),
    [("h = tanh(W_h @ x)", "h"), ("y = sigmoid(x)", ""), ("c = c_prev + 1\nh = -c", "h c")],
    ids=["no recurrence", "no parameter", "input not read"],
)
def test_a_cell_that_lacks_a_part_is_derived_too(equations_of_cell: str, states: str) -> None:
    cell = Cell.define("small", equations_of_cell, states=states, widths={"x": "H"})
    assert "".join(s.heading[0] for s in derivation(cell).sections) == "123456"
    assert text(derivation(cell))


def test_lines_keep_to_the_width_where_a_formula_can_be_broken() -> None:
    for cell in CATALOGUE.values():
        for width in (80, WIDTH):
            lines = list(text_lines(derivation(cell), width))
            assert all(columns(line.text) <= width for line in lines), cell.name


def test_chinese_letters_take_two_columns() -> None:
    cell = Cell.define(
        "门控", "门 = sigmoid(W_门 @ x + R_门 @ h_prev)\nh = 门 * h_prev", states="h", title="门控单元"
    )
    assert text(derivation(cell)).splitlines()[:2] == ["门控单元", "════════"]
    assert equations(cell, Stage.EQUATIONS) == ["门ₜ = σ(W_门 xₜ + R_门 hₜ₋₁)", "hₜ  = 门ₜ ⊙ hₜ₋₁"]


def test_a_strangers_cell_does_not_move_the_cursor() -> None:
    printed = text(derivation(HOSTILE))
    assert all(c.isprintable() or c == "\n" for c in printed)
    assert r"\x1b[2J\u202e" in printed


def test_text_is_the_same_under_every_hash_seed() -> None:
    code = (
        "from bptt.cells import CATALOGUE as C; from bptt.explain.derivation import derivation as d;"
        "from bptt.explain import latex, page, text;"
        "print(*(w(d(c)) for c in C.values() for w in (text, latex, page)))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(runs) == 1
