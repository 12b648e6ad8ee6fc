"""The cells in the letters of the texts are the cells of the catalogue: same values, same gradients."""

from __future__ import annotations

import math
import random
import xml.etree.ElementTree as ET

import pytest
from typer.testing import CliRunner

from bptt.cells import CATALOGUE, Cell
from bptt.cli.main import app
from bptt.derive.evaluate import Point, backward, forward
from bptt.explain import derivation, latex, page, text
from bptt.explain.cells_of_texts import TEXT_NAMES, in_texts, text_names
from bptt.explain.notation_of_texts import in_notation_of_texts

SIZES = {"I": 2, "H": 3, "P": 2, "1": 1}
STEPS = 4
# Sums of at most some hundred products of numbers about 1, in float64.
EXACT = 1e-12


def in_notation(name: str) -> str:
    twin = in_texts(CATALOGUE[name])
    return text(in_notation_of_texts(derivation(twin), [twin]))


def vector(source: random.Random, width: int) -> list[float]:
    return [source.gauss(0, 1) for _ in range(width)]


def close(ours: list[float], theirs: list[float], sign: int = 1) -> bool:
    return all(
        math.isclose(a, sign * b, rel_tol=EXACT, abs_tol=EXACT) for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("name", CATALOGUE)
def test_twins_agree_in_values_and_gradients(name: str) -> None:
    cell, source = CATALOGUE[name], random.Random(name)
    names, twin = TEXT_NAMES[name], in_texts(cell)
    matrices = {m: [vector(source, SIZES[c]) for _ in range(SIZES[r])] for m, (r, c) in cell.matrices.items()}
    vectors = {v: vector(source, SIZES[width]) for v, width in cell.vectors.items()}
    initial = {s: vector(source, SIZES[cell.width(s)]) for s in cell.states}
    inputs = [{x: vector(source, SIZES[cell.width(x)]) for x in cell.inputs} for _ in range(STEPS)]
    losses = [
        {s: vector(source, SIZES[cell.width(s)]) for s in dict.fromkeys((*cell.states, cell.output))}
        for _ in inputs
    ]

    ours = Point(inputs, initial, matrices, vectors)
    sign = {name: names.sign(name, cell) for name in (*matrices, *vectors)}
    theirs = Point(
        inputs,
        {names.value(s): v for s, v in initial.items()},
        {
            names.parameter(m, cell): [[sign[m] * w for w in row] for row in rows]
            for m, rows in matrices.items()
        },
        {names.parameter(v, cell): [sign[v] * w for w in row] for v, row in vectors.items()},
    )
    values, twins = forward(cell, ours), forward(twin, theirs)
    for here, there in zip(values.values, twins.values, strict=True):
        for value in cell.targets:
            same = here[value] if value not in names.opposite else [1 - x for x in here[value]]
            assert close(same, there[names.value(value)]), value
    renamed = [{names.value(s): v for s, v in loss.items()} for loss in losses]
    back, twin_back = backward(cell, ours, values, losses), backward(twin, theirs, twins, renamed)
    for m, rows in back.matrices.items():
        for row, other in zip(rows, twin_back.matrices[names.parameter(m, cell)], strict=True):
            assert close(row, other, sign[m]), m
    for v, row in back.vectors.items():
        assert close(row, twin_back.vectors[names.parameter(v, cell)], sign[v]), v
    for s, row in back.initial.items():
        assert close(row, twin_back.initial[names.value(s)]), s


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("elman-tanh", ["sₜ = tanh(U xₜ + W sₜ₋₁ + b_s)", "δnetₜ           = δsₜ ⊙ (1 − sₜ²)"]),
        ("elman-tanh", ["∂netₜ/∂netₜ₋₁ = W diag(1 − sₜ₋₁²)", "∇W   = Σₜ δnetₜ sₜ₋₁ᵀ"]),
        (
            "gru",
            [
                "c̃⟨t⟩   = tanh(W_cx x⟨t⟩ + W_cc (Γ_r⟨t⟩ ⊙ c⟨t−1⟩) + b_c)",
                "c⟨t⟩   = Γ_u⟨t⟩ ⊙ c̃⟨t⟩ + (1 − Γ_u⟨t⟩) ⊙ c⟨t−1⟩",
                "Γ_r = r, Γ_u = 1 − z, c̃ = n, c = h",
                "one matrix for state and input: W_r = [W_rc, W_rx]",
            ],
        ),
        (
            "lstm",
            ["c⟨t⟩   = Γ_f⟨t⟩ ⊙ c⟨t−1⟩ + Γ_u⟨t⟩ ⊙ c̃⟨t⟩", "a⟨t⟩   = Γ_o⟨t⟩ ⊙ tanh(c⟨t⟩)", "to T_x", "Γ_o = o"],
        ),
        ("gru-simple", ["c⟨t⟩   = Γ_u⟨t⟩ ⊙ c̃⟨t⟩ + (1 − Γ_u⟨t⟩) ⊙ c⟨t−1⟩"]),
        ("dense", ["net = W x + b"]),
        # Not the b of the output layer, o = g(V s + b).
        ("elman-tanh", ["netₜ = U xₜ + W sₜ₋₁ + b_s", "W = R_h, b_s = b_h"]),
    ],
)
def test_formulas_of_the_texts(name: str, lines: list[str]) -> None:
    written = in_notation(name)
    for line in lines:
        assert line in written


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_notation_can_be_rendered(name: str) -> None:
    twin = in_texts(CATALOGUE[name])
    document = in_notation_of_texts(derivation(twin), [twin])
    ET.fromstring(page(document).split("\n", 1)[1])
    assert "^{\\langle" in latex(document) or not TEXT_NAMES[name].raised
    # A symbol that is raised twice is an error of TeX.
    assert "\\rangle}^" not in latex(document).replace("\\rangle}}^", "")
    assert not [inner for inner in ("Wx_", "Wc_", "Wa_", "_Γ", "U_s", "W_s") if inner in text(document)]


def test_the_mapping_is_said_at_the_cell() -> None:
    assert "Γ_r = r, Γ_u = 1 − z, c̃ = n, c = h" in text(derivation(CATALOGUE["gru-torch"]))
    assert "Γ_u = 1 updates, z = 1 keeps" in text(derivation(CATALOGUE["gru"]))
    assert "Γ_u = f, c̃ = n, c = h" in text(derivation(CATALOGUE["mgu"]))
    assert "s = h, U = W_h, W = R_h" in text(derivation(CATALOGUE["elman-relu"]))


def test_another_cell_keeps_its_names() -> None:
    own = Cell.define("gru", "h = tanh(W_h @ x + R_h @ h_prev)", states="h")
    assert in_texts(own) is own and text_names(own) is None
    assert in_notation_of_texts(derivation(own), [own]) == derivation(own)


def test_the_command_line_takes_a_cell_and_refuses_a_run(tmp_path: object) -> None:
    run = CliRunner()
    found = run.invoke(app, ["derive", "gru", "--notation", "texts", "--stage", "equations"])
    assert "Γ_u⟨t⟩ = σ(W_ux x⟨t⟩ + W_uc c⟨t−1⟩ + b_u)" in found.stdout
    refused = run.invoke(app, ["derive", str(tmp_path), "--notation", "texts"])
    assert refused.exit_code != 0 and "Name the cell" in str(refused.exception)


def test_elements_of_the_output_are_no_times() -> None:
    command = ["derive", "gru", "--notation", "texts"]
    loss = " ".join(CliRunner().invoke(app, [*command, "--loss", "softmax"]).output.split())
    assert "E⟨t⟩ = −Σ_i y_i ln(ŷ_i)" in loss and "ŷ⟨i⟩" not in loss
    unrolled = CliRunner().invoke(app, [*command, "--loss", "softmax", "--unroll", "2"]).output
    assert "ŷ⟨2⟩ = softmax(W_y c⟨2⟩ + b)" in unrolled
