"""Expressions: the small typed tree in which cells are written, differentiated and compiled.

A tree of our own, not SymPy's, for three reasons: it keeps the author's order of terms, so that a
printed derivation reads like the paper; it never rewrites a product into an overflowing form; and
every room down to the kernels can walk it without importing a computer algebra system.

Construction folds zeros and ones and joins nested sums and products; nothing else is simplified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass


class Expression:
    """A value that has one number per unit (a vector) or per row of the batch (a scalar)."""

    __slots__ = ()

    def __add__(self, other: Expression | int | float) -> Expression:
        return add(self, as_expression(other))

    def __radd__(self, other: int | float) -> Expression:
        return add(as_expression(other), self)

    def __sub__(self, other: Expression | int | float) -> Expression:
        return add(self, -as_expression(other))

    def __rsub__(self, other: int | float) -> Expression:
        return add(as_expression(other), -self)

    def __mul__(self, other: Expression | int | float) -> Expression:
        return multiply(self, as_expression(other))

    def __rmul__(self, other: int | float) -> Expression:
        return multiply(as_expression(other), self)

    def __truediv__(self, other: Expression | int | float) -> Expression:
        return multiply(self, as_expression(other) ** -1)

    def __neg__(self) -> Expression:
        return multiply(Number(-1), self)

    def __pow__(self, exponent: int) -> Expression:
        return power(self, exponent)

    def __str__(self) -> str:
        return to_text(self)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A literal."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A named value, input, previous state, vector parameter or constant."""

    name: str


@dataclass(frozen=True, slots=True)
class Size(Expression):
    """The number of units that a letter stands for, as in the mean over H."""

    letter: str


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """Terms added element by element."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """Factors multiplied element by element (⊙)."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Power(Expression):
    """A whole power, element by element; the exponent -1 is a division."""

    base: Expression
    exponent: int


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A nonlinear function of `bptt.cells.functions`, element by element."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class RowCall(Expression):
    """A statement over a row: one number made from all units (sum, mean)."""

    function: str
    argument: Expression


@dataclass(frozen=True, slots=True)
class MatrixVector(Expression):
    """A linear map: the matrix parameter `matrix` times a vector."""

    matrix: str
    vector: Expression


ZERO, ONE = Number(0), Number(1)


def as_expression(value: Expression | int | float) -> Expression:
    """Wrap a plain number."""
    return value if isinstance(value, Expression) else Number(value)


def add(*terms: Expression) -> Expression:
    """Add terms to a sum that is flat and without zeros."""
    flat = [t for term in terms for t in (term.terms if isinstance(term, Sum) else (term,))]
    kept = tuple(t for t in flat if t != ZERO)
    if not kept:
        return ZERO
    return kept[0] if len(kept) == 1 else Sum(kept)


def multiply(*factors: Expression) -> Expression:
    """Multiply factors to a product that is flat, with its numbers gathered in front."""
    flat = [f for factor in factors for f in (factor.factors if isinstance(factor, Product) else (factor,))]
    number: int | float = 1
    for factor in flat:
        if isinstance(factor, Number):
            number *= factor.value
    rest = tuple(f for f in flat if not isinstance(f, Number))
    if number == 0 or not rest:
        return Number(number)
    kept = rest if number == 1 else (Number(number), *rest)
    return kept[0] if len(kept) == 1 else Product(kept)


def power(base: Expression, exponent: int) -> Expression:
    """Raise to a whole power."""
    if isinstance(base, Power):
        return power(base.base, base.exponent * exponent)
    if isinstance(base, Number):
        return Number(float(base.value) ** exponent)
    return {0: ONE, 1: base}.get(exponent, Power(base, exponent))


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct sub-expressions."""
    match expression:
        case Sum(parts) | Product(parts) | Call(_, parts):
            return parts
        case Power(base, _):
            return (base,)
        case RowCall(_, argument) | MatrixVector(_, argument):
            return (argument,)
        case _:
            return ()


def rebuild(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Make the same node over changed children, folded again."""
    match expression:
        case Sum(terms):
            return add(*(change(t) for t in terms))
        case Product(factors):
            return multiply(*(change(f) for f in factors))
        case Power(base, exponent):
            return power(change(base), exponent)
        case Call(function, arguments):
            return Call(function, tuple(change(a) for a in arguments))
        case RowCall(function, argument):
            return RowCall(function, change(argument))
        case MatrixVector(matrix, vector):
            changed = change(vector)
            return ZERO if changed == ZERO else MatrixVector(matrix, changed)
        case _:
            return expression


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield every node, parents first, in reading order."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def symbols(expression: Expression) -> tuple[str, ...]:
    """List the names that occur, in reading order, each once."""
    return tuple(dict.fromkeys(e.name for e in walk(expression) if isinstance(e, Symbol)))


def rename(expression: Expression, names: dict[str, Expression]) -> Expression:
    """Replace symbols by expressions."""
    if isinstance(expression, Symbol):
        return names.get(expression.name, expression)
    return rebuild(expression, lambda child: rename(child, names))


def is_scalar(expression: Expression, scalars: Set[str]) -> bool:
    """Return whether an expression has one number a row, given the names that do."""
    match expression:
        case RowCall():
            return True
        case Symbol(name):
            return name in scalars
        case MatrixVector():
            return False
    return all(is_scalar(part, scalars) for part in children(expression))


def split_sign(expression: Expression) -> tuple[bool, Expression]:
    """Return whether a term is negative, and the term without its sign: how sums are printed."""
    match expression:
        case Number(value) if value < 0:
            return True, Number(-value)
        case Product((Number(value), *rest)) if value < 0:
            return True, multiply(Number(-value), *rest)
        case _:
            return False, expression


def split_quotient(expression: Product | Power) -> tuple[Expression, Expression]:
    """Split into numerator and denominator: how divisions are printed."""
    factors = expression.factors if isinstance(expression, Product) else (expression,)
    below = [f for f in factors if isinstance(f, Power) and f.exponent < 0]
    above = [f for f in factors if f not in below]
    return multiply(*above), multiply(*(power(f.base, -f.exponent) for f in below))


class Printer:
    """Writes expressions as `bptt.cells.language` reads them; a subclass writes another such language."""

    # A factor of these types is put in parentheses.
    compound: tuple[type[Expression], ...] = (Sum, MatrixVector)

    def text(self, expression: Expression) -> str:
        """Write an expression."""
        match expression:
            case Number(value):
                return repr(value)
            case Sum(terms):
                return self._sum(terms)
            case Product() | Power():
                return self._product(expression)
        return self.name_or_call(expression)

    def name_or_call(self, expression: Expression) -> str:
        """Write a name, or something that is applied to expressions."""
        match expression:
            case Symbol(name) | Size(name):
                return name
            case Call(function, arguments):
                return f"{function}({', '.join(map(self.text, arguments))})"
            case RowCall(function, argument):
                return f"{function}({self.text(argument)})"
            case MatrixVector(matrix, vector):
                return f"{matrix} @ {self.factor(vector)}"
        raise TypeError(f"not an expression: {expression!r}")

    def factor(self, expression: Expression, quotient: bool = False) -> str:
        """Write a factor, or with `quotient` a numerator, in parentheses where it would otherwise change."""
        compound = (*self.compound, Product)[: -1 if quotient else None]
        divided = isinstance(expression, Power) and expression.exponent < 0
        text = self.text(expression)
        return f"({text})" if divided or isinstance(expression, compound) else text

    def _sum(self, terms: tuple[Expression, ...]) -> str:
        text = ""
        for k, term in enumerate(terms):
            negative, body = split_sign(term)
            sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
            write = self.factor if negative and isinstance(body, self.compound) else self.text
            text += sign + write(body)
        return text

    def _product(self, expression: Product | Power) -> str:
        if split_sign(expression)[0]:
            return self._sum((expression,))
        above, below = split_quotient(expression)
        if below != ONE:
            return f"{self.factor(above, quotient=True)} / {self.factor(below)}"
        if isinstance(expression, Power):
            return f"{self.factor(expression.base)}**{expression.exponent}"
        return " * ".join(map(self.factor, expression.factors))


to_text = Printer().text
