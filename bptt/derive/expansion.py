"""States written over all earlier inputs, down to the initial states.

An expression here holds values of several steps: `f@3` is f at step 3, `h@0` the initial state h. A cell
whose update reads the previous state once is expanded by nested substitution, h_2 = tanh(W x_2 + R tanh(…)).
With gates that would double in length at every step; but a state such as c = f ⊙ c_prev + i ⊙ g, whose own
equation is linear in it, is a sum: of the initial state and the part that each step adds, each times
the factors of all later steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    ONE,
    ZERO,
    Expression,
    Product,
    Sum,
    Symbol,
    add,
    multiply,
    rename,
    symbols,
    walk,
)
from bptt.cells.language import PREVIOUS

AT = "@"


@dataclass(frozen=True)
class LinearUpdate:
    """The update state = factor ⊙ state_prev + rest, in which neither part has state_prev itself."""

    state: str
    factor: Expression
    rest: Expression


@dataclass(frozen=True)
class Expansion:
    """A state or output at a step, over the inputs of the steps up to it and the initial states."""

    name: str
    step: int
    expression: Expression


def at(name: str, step: int) -> str:
    """Return the name of a value at a step."""
    return f"{name}{AT}{step}"


def nested(cell: Cell, steps: int) -> tuple[Expansion, ...] | None:
    """Substitute every step into the next: the states and the output at steps 1 to `steps`.

    Returns None if the updates of the states read previous states more than once.
    """
    updates = _inlined(cell)
    previous = {state + PREVIOUS for state in cell.states}
    reads = [_count(updates[state], previous) for state in cell.states]
    if max(reads) > 1:
        return None
    known = {state + PREVIOUS: _symbol(state, 0) for state in cell.states}
    wanted = dict.fromkeys((*cell.states, cell.output))
    expansions = []
    for step in range(1, steps + 1):
        inputs = {name: _symbol(name, step) for name in cell.inputs}
        values = {name: rename(updates[name], {**inputs, **known}) for name in wanted}
        known = {state + PREVIOUS: values[state] for state in cell.states}
        expansions += [Expansion(name, step, expression) for name, expression in values.items()]
    return tuple(expansions)


def linear_updates(cell: Cell) -> tuple[LinearUpdate, ...]:
    """Return the updates of the states whose own equation is linear in their previous value."""
    found = []
    for equation in cell.equations:
        if equation.target in cell.states:
            split = _split(equation.expression, equation.target + PREVIOUS)
            if split is not None and split[0] != ZERO:
                found.append(LinearUpdate(equation.target, *split))
    return tuple(found)


def expand(cell: Cell, update: LinearUpdate, step: int) -> Expansion:
    """Write a state at a step as a sum over the steps: values of these steps, and the initial state."""
    terms = []
    factors: list[Expression] = []
    for k in range(step, 0, -1):
        terms.append(multiply(*factors, at_step(cell, update.rest, k)))
        factors.append(at_step(cell, update.factor, k))
    return Expansion(update.state, step, add(multiply(*factors, _symbol(update.state, 0)), *reversed(terms)))


def at_step(cell: Cell, expression: Expression, step: int) -> Expression:
    """Write an expression of one time step with the values of step `step`."""
    here = {name: _symbol(name, step) for name in (*cell.inputs, *cell.targets)}
    before = {state + PREVIOUS: _symbol(state, step - 1) for state in cell.states}
    return rename(expression, {**here, **before})


def _symbol(name: str, step: int) -> Expression:
    return Symbol(at(name, step))


def _inlined(cell: Cell) -> dict[str, Expression]:
    """Write every value over inputs, previous states and parameters alone."""
    values: dict[str, Expression] = {}
    for equation in cell.equations:
        values[equation.target] = rename(equation.expression, values)
    return values


def _count(expression: Expression, names: set[str]) -> int:
    return sum(isinstance(part, Symbol) and part.name in names for part in walk(expression))


def _split(expression: Expression, name: str) -> tuple[Expression, Expression] | None:
    """Split into factor and rest, expression = factor ⊙ name + rest; None if it is not linear in the name."""
    if name not in symbols(expression):
        return ZERO, expression
    match expression:
        case Symbol():
            return ONE, ZERO
        case Sum(terms):
            parts = [_split(term, name) for term in terms]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return add(*(factor for factor, _ in known)), add(*(rest for _, rest in known))
        case Product(factors):
            readers = [factor for factor in factors if name in symbols(factor)]
            split = _split(readers[0], name) if len(readers) == 1 else None
            if split is None:
                return None
            others = [factor for factor in factors if factor is not readers[0]]
            return multiply(split[0], *others), multiply(split[1], *others)
    return None
