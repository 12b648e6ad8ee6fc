"""The notation of time steps that have numbers: h₃ = tanh(W_h x₃ + R_h h₂ + b_h)."""

from __future__ import annotations

from collections.abc import Iterable

from bptt.derive.expansion import at
from bptt.derive.normal_form import NormalForm
from bptt.explain.formula_tree import (
    MINUS,
    PLUS,
    Fenced,
    Formula,
    Operator,
    Row,
    Term,
)
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation

OPEN, CLOSE = Operator("("), Operator(")")


class NumberedStep(Notation):
    """The symbols of one numbered step; with `loss`, E is the loss of that step alone."""

    def __init__(self, form: NormalForm, step: int, loss: str = "") -> None:
        self.loss = loss
        super().__init__(form, TIME, shift=step)

    def at(self, offset: int) -> str:
        """Return the number of the step `offset` steps from this one."""
        return str(self.shift + offset)

    def loss_by(self, losses: str, value: str) -> Formula:
        """Return ∂E/∂value for the chosen loss, or for the loss of the steps `losses`."""
        return super().loss_by(self.loss or losses, value)


class AllSteps(NumberedStep):
    """The symbols of the values of all steps, named as in `bptt.derive.expansion`."""

    def __init__(self, form: NormalForm, steps: int) -> None:
        super().__init__(form, steps)
        own = dict(self.names)
        values = [s.target for s in form.steps]
        for step in range(steps + 1):
            here = NumberedStep(form, step)
            named = {name: here.names[name] for name in (*form.cell.inputs, *values)}
            own |= {at(name, step): symbol for name, symbol in named.items()}
            self.scalars |= {at(name, step) for name in named if name in self.scalars}
        self.names = own


def loosened(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Divide terms at the signs inside their parentheses too, so that lines can break there."""
    divided: list[tuple[bool, list[Formula]]] = []
    for term in terms:
        divided.append((term.negative, []))
        before: Formula = OPEN
        for token in _tokens(term.body):
            if token in (PLUS, MINUS) and before != OPEN:
                divided.append((token == MINUS, []))
            else:
                divided[-1][1].append(token)
            before = token
    return tuple(Term(negative, Row(tuple(tokens))) for negative, tokens in divided)


def _tokens(formula: Formula) -> Iterable[Formula]:
    match formula:
        case Row(parts):
            for part in parts:
                yield from _tokens(part)
        case Fenced(Row((first, *_)) as inner, "(", ")", "") if first != MINUS:
            yield OPEN
            yield from _tokens(inner)
            yield CLOSE
        case _:
            yield formula
