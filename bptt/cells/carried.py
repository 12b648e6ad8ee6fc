"""How the equations of a cell carry its states on: by which matrices, and through which gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Product,
    Sum,
    Symbol,
    multiply,
    symbols,
    walk,
)
from bptt.cells.functions import get_function
from bptt.cells.language import PREVIOUS


def recurrent_matrices(cell: Cell) -> tuple[str, ...]:
    """Find the matrices that multiply values made of the previous states: `R_n` in `R_n @ (r * h_prev)`."""
    carried = {state + PREVIOUS for state in cell.states}
    nodes = (node for equation in cell.equations for node in walk(equation.expression))
    maps = (node for node in nodes if isinstance(node, MatrixVector))
    return tuple(dict.fromkeys(map_.matrix for map_ in maps if carried & {*symbols(map_.vector)}))


def forget_gates(cell: Cell) -> Mapping[str, int]:
    """Find the gates that a state is carried through, `f` in `c = f * c_prev + i * g`.

    A gate is the value of a function that saturates at 0 and 1. It is listed with 1 if the state is kept
    where it is open, and with -1 if that is where it is shut, as in `h = (1 - f) * h_prev + f * n`.
    """
    expressions = {equation.target: equation.expression for equation in cell.equations}
    called = {t: x.function for t, x in expressions.items() if isinstance(x, Call)}
    gates = [t for t, function in called.items() if get_function(function).is_gate]
    found: dict[str, int] = {}
    for state in cell.states:
        for factor in _factors(expressions[state], Symbol(state + PREVIOUS)):
            for gate in gates:
                if factor == Symbol(gate):
                    found[gate] = 1
                elif factor == Number(1) - Symbol(gate):
                    found[gate] = -1
    return found


def _factors(expression: Expression, previous: Expression) -> Iterator[Expression]:
    """List the factors of `previous` in a sum of products."""
    terms = expression.terms if isinstance(expression, Sum) else (expression,)
    for term in terms:
        if isinstance(term, Product) and previous in term.factors:
            yield multiply(*(factor for factor in term.factors if factor != previous))
