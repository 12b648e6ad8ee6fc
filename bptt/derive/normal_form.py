"""The normal form of a cell: every linear map, nonlinear call and row statement is a step of its own.

A step is `target = Σ M @ v + rest`. Its `rest` is an element-by-element expression without calls, or one
call, or one statement over a row, whose arguments are names. So derivatives never nest: each step is
differentiated by itself, in values that have names.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import (
    ZERO,
    Call,
    Expression,
    MatrixVector,
    RowCall,
    Sum,
    Symbol,
    add,
    rebuild,
    symbols,
    to_text,
)
from bptt.cells.language import PREVIOUS


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """`matrix @ vector`, or with the transposed matrix."""

    matrix: str
    vector: str
    transposed: bool = False

    def __str__(self) -> str:
        return f"{self.matrix}{'.T' if self.transposed else ''} @ {self.vector}"


@dataclass(frozen=True, slots=True)
class EquationStep:
    """`target = Σ products + rest`; `width` is the letter of the target's width ("1": one a row)."""

    target: str
    width: str
    products: tuple[MatrixProduct, ...]
    rest: Expression

    @property
    def names(self) -> tuple[str, ...]:
        """The values read, matrices not among them."""
        return tuple(dict.fromkeys((*(p.vector for p in self.products), *symbols(self.rest))))

    def __str__(self) -> str:
        parts = [str(p) for p in self.products]
        rest = to_text(self.rest)
        if self.rest == ZERO and parts:
            return f"{self.target} = {' + '.join(parts)}"
        joined = " + ".join([*parts, rest]).replace("+ -", "- ")
        return f"{self.target} = {joined}"


@dataclass(frozen=True)
class NormalForm:
    """The forward equations of one time step, in order."""

    cell: Cell
    steps: tuple[EquationStep, ...]

    def width(self, name: str) -> str:
        """Return the letter of the width of any value, generated ones included."""
        for step in self.steps:
            if step.target == name:
                return step.width
        return self.cell.vectors.get(name) or self.cell.width(name)

    @property
    def previous(self) -> tuple[str, ...]:
        """The names of the states as they come in."""
        return tuple(state + PREVIOUS for state in self.cell.states)


@cached_by_cell
def normal_form(cell: Cell) -> NormalForm:
    """Name every linear map, call and row statement of a cell."""
    builder = _Builder(cell)
    for equation in cell.equations:
        builder.emit(equation.target, equation.expression, equation.target)
    return NormalForm(cell, tuple(builder.steps))


class _Builder:
    """Collects the steps; `known` remembers what has a name already, so that nothing is computed twice."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.steps: list[EquationStep] = []
        self.known: dict[Expression, str] = {}
        self.taken = {*cell.inputs, *cell.targets, *cell.vectors, *cell.matrices, *cell.constants}
        names = (*cell.inputs, *(state + PREVIOUS for state in cell.states))
        self.widths = {**cell.vectors, **{name: cell.width(name) for name in names}}

    def emit(self, target: str, expression: Expression, hint: str) -> None:
        """Append the step for `target`; `hint` is the equation's target, after which helpers are named."""
        products: tuple[MatrixProduct, ...] = ()
        match expression:
            case Call(function, arguments):
                rest: Expression = Call(function, tuple(self.name(a, "net", hint) for a in arguments))
            case RowCall(function, argument):
                rest = RowCall(function, self.name(argument, "in", hint))
            case _:
                terms = expression.terms if isinstance(expression, Sum) else (expression,)
                maps = [t for t in terms if isinstance(t, MatrixVector)]
                products = tuple(self.product(m) for m in maps)
                rest = add(*(self.lower(t, hint) for t in terms if t not in maps))
        self.widths[target] = self.width(products, rest)
        self.steps.append(EquationStep(target, self.widths[target], products, rest))
        self.known.setdefault(expression, target)

    def product(self, node: MatrixVector) -> MatrixProduct:
        suffix, vector = node.matrix.rpartition("_")[2], node.vector
        if isinstance(vector, Symbol) and vector.name in self.cell.vectors:
            # A parameter's gradient is summed over time from what reads it unit by unit: so a step does.
            return MatrixProduct(node.matrix, self.step(vector, "in", suffix).name)
        return MatrixProduct(node.matrix, self.name(vector, "in", suffix).name)

    def lower(self, expression: Expression, hint: str) -> Expression:
        """Replace every call, row statement and inner linear map of the expression by its name."""
        match expression:
            case Call(function, arguments):
                inner = arguments[0]
                suffix = inner.name if isinstance(inner, Symbol) else hint
                return self.name(expression, function, suffix)
            case RowCall(function, _):
                return self.name(expression, function, hint)
            case MatrixVector(matrix, _):
                return self.name(expression, "map", matrix.rpartition("_")[2])
        return rebuild(expression, lambda child: self.lower(child, hint))

    def name(self, expression: Expression, prefix: str, suffix: str) -> Symbol:
        """Return the symbol of the expression, by a new step if it has no name yet."""
        return expression if isinstance(expression, Symbol) else self.step(expression, prefix, suffix)

    def step(self, expression: Expression, prefix: str, suffix: str) -> Symbol:
        """Return the target of the step that computes the expression, a new one if there is none yet."""
        if expression not in self.known:
            fresh = f"{prefix}_{suffix}"
            while fresh in self.taken:
                fresh += "′"
            self.taken.add(fresh)
            self.emit(fresh, expression, suffix)
        return Symbol(self.known[expression])

    def width(self, products: tuple[MatrixProduct, ...], rest: Expression) -> str:
        """Return the letter of a step's width: that of its vectors, or "1" where there is none."""
        if isinstance(rest, RowCall):
            return "1"
        letters = [self.cell.matrices[p.matrix][0] for p in products]
        letters += [self.widths[n] for n in symbols(rest) if n not in self.cell.constants]
        return next((letter for letter in letters if letter != "1"), "1")
