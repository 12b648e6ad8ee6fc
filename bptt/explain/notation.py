"""Formulas from the expressions and steps of a cell, with all signs and parentheses."""

from __future__ import annotations

from collections.abc import Iterable

from bptt.cells.expression import (
    ONE,
    ZERO,
    Call,
    Expression,
    MatrixVector,
    Number,
    Power,
    Product,
    RowCall,
    Size,
    Sum,
    Symbol,
    is_scalar,
    multiply,
    split_quotient,
    split_sign,
    symbols,
)
from bptt.cells.functions import get_function
from bptt.derive.jacobian import CHANGE
from bptt.derive.normal_form import EquationStep, MatrixProduct
from bptt.explain.formula_tree import (
    COMMA,
    HADAMARD,
    INVISIBLE_PRODUCT,
    Digits,
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Operator,
    Raised,
    Root,
    Row,
    SumOver,
    Term,
    beside,
    total,
)
from bptt.explain.legend import Legend


class Notation(Legend):
    """The formulas of one cell."""

    def formula(self, expression: Expression) -> Formula:
        """Write an expression as a formula."""
        return total(self.terms(expression))

    def terms(self, expression: Expression) -> tuple[Term, ...]:
        """Write an expression as the terms of a sum."""
        parts = expression.terms if isinstance(expression, Sum) else (expression,)
        return tuple(self._term(*split_sign(part)) for part in parts)

    def right_side(self, step: EquationStep) -> tuple[Term, ...]:
        """Write the right side of a step: its linear maps, then the rest."""
        rest = () if step.rest == ZERO and step.products else self.terms(step.rest)
        return (*self._maps(step.products), *rest)

    def linear_right_side(self, step: EquationStep) -> tuple[Term, ...]:
        """Write the right side of a step of the Jacobian as matrices that act on changes: diag(f) ∂c."""
        if isinstance(step.rest, RowCall):
            return self.right_side(step)
        rest = step.rest.terms if isinstance(step.rest, Sum) else (step.rest,)
        return (*self._maps(step.products), *(self._acting(term) for term in rest if term != ZERO))

    def factor(self, expression: Expression) -> Formula:
        """Write an expression as a factor, base or vector of a linear map, in parentheses where needed."""
        compound = isinstance(expression, Sum | MatrixVector | Product) or split_sign(expression)[0]
        formula = self.formula(expression)
        return Fenced(formula) if compound else formula

    def diagonal(self, coefficient: Expression) -> Formula:
        """Write the diagonal matrix of a coefficient; a number over a row as a factor."""
        if self._is_scalar(coefficient):
            return self.factor(coefficient)
        return Row((FunctionName("diag"), Fenced(self.formula(coefficient))))

    def _maps(self, products: Iterable[MatrixProduct]) -> tuple[Term, ...]:
        return tuple(Term(False, self._map(p)) for p in products)

    def _map(self, product: MatrixProduct) -> Formula:
        matrix = self.name(product.matrix)
        return beside(Raised(matrix, "T") if product.transposed else matrix, self.name(product.vector))

    def _acting(self, term: Expression) -> Term:
        negative, body = split_sign(term)
        factors = body.factors if isinstance(body, Product) else (body,)
        change = next(f for f in factors if isinstance(f, Symbol) and f.name.startswith(CHANGE))
        coefficient = multiply(*(f for f in factors if f is not change))
        if self._is_scalar(coefficient) or change.name in self.scalars:
            return Term(negative, self._body(multiply(coefficient, change)))
        return Term(negative, beside(self.diagonal(coefficient), self.name(change.name)))

    def _term(self, negative: bool, body: Expression) -> Term:
        return Term(negative, self.factor(body) if isinstance(body, Sum) else self._body(body))

    def _body(self, expression: Expression) -> Formula:
        match expression:
            case Number(value):
                return _number(value)
            case Symbol(name):
                return self.name(name)
            case Size(letter):
                return MathName(letter)
            case Call(function, arguments):
                return self._call(function, [self.formula(a) for a in arguments])
            case RowCall(function, argument):
                return self._row_call(function, argument)
            case MatrixVector(matrix, vector):
                return beside(self.name(matrix), self.factor(vector))
            case Product() | Power():
                return self._product(expression)
        raise TypeError(f"not an expression: {expression!r}")

    def _product(self, expression: Product | Power) -> Formula:
        above, below = split_quotient(expression)
        if below != ONE:
            return Fraction(self.formula(above), self.formula(below))
        if isinstance(expression, Power):
            base = self.factor(expression.base)
            return Raised(Fenced(base) if isinstance(base, Fraction) else base, str(expression.exponent))
        return self._factors(expression.factors)

    def _factors(self, factors: tuple[Expression, ...]) -> Formula:
        """Write a product: numbers and row values first, then the vectors, with ⊙ between them."""
        scalars = [self.factor(f) for f in factors if self._is_scalar(f)]
        vectors = [self.factor(f) for f in factors if not self._is_scalar(f)]
        parts = [p for f in scalars for p in (INVISIBLE_PRODUCT, f)]
        for k, vector in enumerate(vectors):
            parts += [HADAMARD if k else INVISIBLE_PRODUCT, vector]
        return Row(tuple(parts[1:]))

    def _is_scalar(self, expression: Expression) -> bool:
        return is_scalar(expression, self.scalars) or not symbols(expression)

    def _call(self, function: str, arguments: list[Formula]) -> Formula:
        row = get_function(function)
        match row.layout, arguments:
            case "indicator", [x]:
                return Row((Digits("1"), Fenced(Row((x, Operator(">"), Digits("0"))), "[", "]")))
            case "root", [x]:
                return Root(x)
            case "reciprocal root", [x]:
                return Fraction(Digits("1"), Root(x))
            case "bars", [x]:
                return Fenced(x, "|", "|")
        first, *others = arguments
        listed = Row((first, *(p for a in others for p in (COMMA, a)))) if others else first
        return Row((FunctionName(row.symbol or row.name, row.latex), Fenced(listed)))

    def _row_call(self, function: str, argument: Expression) -> Formula:
        """Write a sum over the units j of the row, or their mean."""
        if function == "sum" and isinstance(argument, Product):
            above, below = split_quotient(argument)
            if isinstance(below, Size):
                return self._row_call("mean", above)
        inner = self.formula(argument)
        if function == "sum":
            return beside(SumOver("j"), Fenced(inner, index="j"))
        return Row((FunctionName(function), Fenced(inner)))


def _number(value: int | float) -> Formula:
    """Write a literal; 1e-05 as a power of ten."""
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return Digits(mantissa)
    power = Raised(Digits("10"), str(int(exponent)))
    return power if mantissa == "1" else Row((Digits(mantissa), Operator("·"), power))
