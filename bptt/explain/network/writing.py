"""Short ways to write the formulas of a network: sums with signs, elements, chains of equalities."""

from __future__ import annotations

from collections.abc import Iterable

from bptt.explain.document import EquationLine
from bptt.explain.formula_tree import (
    EQUALS,
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
    total,
)

ONE, ZERO, HALF = Digits("1"), Digits("0"), Digits("½")


def plus(formula: Formula) -> Term:
    """Write a term that is added."""
    return Term(False, formula)


def minus(formula: Formula) -> Term:
    """Write a term that is subtracted."""
    return Term(True, formula)


def added(*terms: Term | Formula) -> Formula:
    """Write a sum; a formula without a sign is added."""
    return total(_terms(terms))


def line(left: Formula, *terms: Term | Formula) -> EquationLine:
    """Write the equation `left = sum of terms`."""
    return EquationLine(left, _terms(terms))


def then(*terms: Term | Formula) -> EquationLine:
    """Write the next equality of a chain, whose left side is that of the line above."""
    return line(MathName(""), *terms)


def _terms(terms: Iterable[Term | Formula]) -> tuple[Term, ...]:
    return tuple(each if isinstance(each, Term) else plus(each) for each in terms)


def equal(left: Formula, *right: Formula) -> Row:
    """Write left = right = … within a sentence."""
    return Row((left, *(part for each in right for part in (EQUALS, each))))


def element(name: str, *indices: str, mark: str = "") -> MathName:
    """Write an element of a vector or matrix: o_i, V_ij."""
    return MathName(name, index="".join(indices), mark=mark)


def by(above: Formula, below: Formula) -> Fraction:
    """Write a quotient."""
    return Fraction(above, below)


def call(function: str, argument: Formula, command: str = "") -> Row:
    """Write a function of one argument; `command` is its name in LaTeX."""
    return Row((FunctionName(function, command), Fenced(argument)))


def exp(argument: Formula) -> Row:
    """Write an exponential."""
    return call("exp", argument, r"\exp")


def ln(argument: Formula) -> Row:
    """Write a natural logarithm."""
    return call("ln", argument, r"\ln")


def indicator(left: Formula, right: Formula) -> Row:
    """Write 1[left = right], which is 1 if they are equal and else 0."""
    return Row((ONE, Fenced(equal(left, right), "[", "]")))


def transposed(formula: Formula) -> Raised:
    """Write a transpose, that of a fraction with parentheses."""
    return Raised(Fenced(formula) if isinstance(formula, Fraction) else formula, "T")


def stacked(*parts: Formula) -> Formula:
    """Write vectors one above the other; one alone as it is."""
    return WrittenMatrix(tuple((part,) for part in parts)) if len(parts) > 1 else parts[0]


def half_square(difference: Formula) -> Row:
    """Write ½ ‖difference‖²."""
    return Row((HALF, Raised(Fenced(difference, "‖", "‖"), "2")))
