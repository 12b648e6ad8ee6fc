"""A matrix that is written out: a block of text, LaTeX that has its rows, a table of MathML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bptt.explain.document import Derivation, EquationLine, Equations, Section, Stage, say
from bptt.explain.formula_tree import (
    MINUS,
    PLUS,
    Digits,
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Raised,
    Row,
    Term,
    WrittenMatrix,
    beside,
)
from bptt.explain.latex import formula_latex
from bptt.explain.mathml import mathml
from bptt.explain.plain import formula_block, formula_text
from bptt.explain.text import text

W = WrittenMatrix(
    tuple(tuple(MathName("w", (), f"{j}{i}") for i in (1, 2)) for j in (1, 2, 3)),
)
X = WrittenMatrix(tuple((MathName("x", (), f"{i},t"),) for i in (1, 2)))
B, HALF = MathName("b"), Fraction(Row((Digits("1"), PLUS, MathName("a"))), Digits("2"))


EXPECTED = """\
             ⎡w₁₁  w₁₂⎤
    ⎡x₁,ₜ⎤ = ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ − b
    ⎣x₂,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦

    b      = ⎡x₁,ₜ⎤
             ⎣x₂,ₜ⎦

             ⎡w₁₁  w₁₂⎤          ⎡w₁₁  w₁₂⎤          ⎡w₁₁  w₁₂⎤
    b      = ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤
             ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦
             ⎡w₁₁  w₁₂⎤          ⎡w₁₁  w₁₂⎤          ⎡w₁₁  w₁₂⎤
           + ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + ⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤
             ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦   ⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦
"""


@pytest.mark.parametrize(
    ("formula", "lines"),
    [
        (
            Row((beside(W, X), PLUS, B)),
            ["⎡w₁₁  w₁₂⎤           ", "⎢w₂₁  w₂₂⎥ ⎡x₁,ₜ⎤ + b", "⎣w₃₁  w₃₂⎦ ⎣x₂,ₜ⎦    "],
        ),
        (Row((MINUS, X)), ["−⎡x₁,ₜ⎤", " ⎣x₂,ₜ⎦"]),
        (Raised(X, "T"), ["⎡x₁,ₜ⎤ᵀ", "⎣x₂,ₜ⎦ "]),
        (Row((FunctionName("tanh"), Fenced(X))), ["tanh⎛⎡x₁,ₜ⎤⎞", "    ⎝⎣x₂,ₜ⎦⎠"]),
        (beside(HALF, X), ["((1 + a) / 2) ⎡x₁,ₜ⎤", "              ⎣x₂,ₜ⎦"]),
        (WrittenMatrix(((B, Digits("10")),)), ["[b  10]"]),
        (WrittenMatrix(((B,), (Digits("10"),))), ["⎡b ⎤", "⎣10⎦"]),
        (B, ["b"]),
    ],
)
def test_a_matrix_takes_a_line_for_each_row(formula: Formula, lines: list[str]) -> None:
    assert list(formula_block(formula).lines) == lines


def test_a_matrix_in_a_sentence_takes_one_line() -> None:
    assert formula_text(beside(W, X)) == "[w₁₁, w₁₂; w₂₁, w₂₂; w₃₁, w₃₂] [x₁,ₜ; x₂,ₜ]"


def test_equations_with_matrices_are_aligned_and_apart() -> None:
    lines = (
        EquationLine(X, (Term(False, beside(W, X)), Term(True, B))),
        EquationLine(B, (Term(False, X),)),
        EquationLine(B, tuple(Term(False, beside(W, X)) for _ in range(6))),
    )
    section = Section(Stage.EQUATIONS, "Matrices", (say("They are:"), Equations(lines)))
    printed = text(Derivation("Test", (), (section,)))
    assert printed.split("\n\n", 2)[2] == EXPECTED


def test_latex_and_mathml_have_the_rows() -> None:
    assert formula_latex(Fenced(X)) == r"\left(\begin{bmatrix} x_{1,t} \\ x_{2,t} \end{bmatrix}\right)"
    root = ET.fromstring(mathml(W))
    assert (root.tag, root.get("class"), [len(row) for row in root]) == ("mtable", "matrix", [2, 2, 2])
