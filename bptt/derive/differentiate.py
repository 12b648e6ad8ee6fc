"""The derivative of one step with respect to one name: all the calculus there is."""

from __future__ import annotations

from bptt.cells.expression import (
    ONE,
    ZERO,
    Call,
    Expression,
    Number,
    Power,
    Product,
    RowCall,
    Size,
    Sum,
    Symbol,
    add,
    multiply,
)
from bptt.cells.functions import ROW_FUNCTIONS, get_function
from bptt.derive.normal_form import EquationStep
from bptt.errors import InternalError


def partial(step: EquationStep, name: str, width: str) -> Expression:
    """Return ∂target/∂name of a step's `rest`, calls written in their own output.

    `width` is the letter of the width of `name`; it matters for a mean over a row.
    """
    output = Symbol(step.target)
    match step.rest:
        case Call(function, arguments):
            partials = get_function(function).partials
            return add(
                *(
                    p(output, *arguments)
                    for p, a in zip(partials, arguments, strict=True)
                    if a == Symbol(name)
                )
            )
        case RowCall(function, Symbol(argument)):
            derivative = ROW_FUNCTIONS[function](output, Symbol(argument), Size(width))
            return derivative if argument == name else ZERO
    return differentiate(step.rest, name)


def differentiate(expression: Expression, name: str) -> Expression:
    """Return the derivative of an expression without calls, element by element."""
    match expression:
        case Symbol(other):
            return ONE if other == name else ZERO
        case Number() | Size():
            return ZERO
        case Sum(terms):
            return add(*(differentiate(term, name) for term in terms))
        case Product(factors):
            return add(
                *(
                    multiply(*factors[:k], differentiate(factor, name), *factors[k + 1 :])
                    for k, factor in enumerate(factors)
                )
            )
        case Power(base, exponent):
            return multiply(Number(exponent), base ** (exponent - 1), differentiate(base, name))
    raise InternalError("derive.differentiate", "a step in normal form has no inner call", repr(expression))
