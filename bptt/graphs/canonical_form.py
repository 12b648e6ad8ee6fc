"""The equations of a cell in one canonical form, in which equal ones can be recognised.

Values that are no states are replaced by their equations, products are multiplied out, terms and factors are
sorted: `h = z * h_prev + (1 - z) * n` and `h = n + z * (h_prev - n)` become the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    add,
    multiply,
    rename,
    to_text,
)

# A polynomial: the coefficient of each product of factors that are no sums, no products and no numbers.
Factors = tuple[Expression, ...]
Polynomial = Mapping[Factors, float]

# Equations of the standard operators have up to 4 terms in a product; more than this is none of them.
_MOST_TERMS = 64


class NotCanonicalError(Exception):
    """The equations have no canonical form of reasonable size, so they are none of a standard operator."""


def state_polynomials(cell: Cell) -> dict[str, Polynomial]:
    """Return the new value of each state as a polynomial in calls, maps, and names of states and vectors.

    Raises NotCanonicalError if one has too many terms.
    """
    known: dict[str, Expression] = {name: Number(value) for name, value in cell.constants.items()}
    found: dict[str, Polynomial] = {}
    for equation in cell.equations:
        value = polynomial(rename(equation.expression, known))
        if equation.target in cell.states:
            found[equation.target] = value
        else:
            known[equation.target] = _expression(value)
    return found


def polynomial(expression: Expression) -> Polynomial:
    """Multiply an expression out. Raises NotCanonicalError if it has too many terms."""
    match expression:
        case Number(value):
            return {(): float(value)} if value else {}
        case Sum(terms):
            return _collect([item for term in terms for item in polynomial(term).items()])
        case Product(factors):
            return reduce(_times, map(polynomial, factors))
        case Power(base, exponent) if exponent > 0:
            return reduce(_times, [polynomial(base)] * exponent)
        case Call(function, arguments):
            return {(Call(function, tuple(_expression(polynomial(a)) for a in arguments)),): 1.0}
        case MatrixVector(matrix, vector):
            return {(MatrixVector(matrix, _expression(polynomial(vector))),): 1.0}
        case Symbol():
            return {(expression,): 1.0}
    raise NotCanonicalError


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    pairs = [(tuple(sorted((*a, *b), key=to_text)), p * q) for a, p in left.items() for b, q in right.items()]
    return _collect(pairs)


def _collect(items: list[tuple[Factors, float]]) -> Polynomial:
    found: dict[Factors, float] = {}
    for factors, coefficient in items:
        found[factors] = found.get(factors, 0.0) + coefficient
    if len(found) > _MOST_TERMS:
        raise NotCanonicalError
    return {factors: coefficient for factors, coefficient in found.items() if coefficient}


def _expression(terms: Polynomial) -> Expression:
    ordered = sorted(terms.items(), key=lambda item: [to_text(factor) for factor in item[0]])
    return add(*(multiply(Number(coefficient), *factors) for factors, coefficient in ordered))
