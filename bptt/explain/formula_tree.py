"""A formula as it stands on paper: the small tree that text, LaTeX and MathML are written from.

Everything that needs thought is decided before a formula is made: names, signs, parentheses. What
is left to a notation is how each of these nodes looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


class Formula:
    """A part of a formula."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class MathName(Formula):
    """A symbol: `mark` (δ, ∂, ∇), the letter or word, its subscripts, and an index such as "t−1"."""

    base: str
    subscripts: tuple[str, ...] = ()
    index: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Digits(Formula):
    """A literal number."""

    text: str


@dataclass(frozen=True, slots=True)
class Operator(Formula):
    """A sign between two parts, or before one: + − ⊙ · = > , and the invisible product."""

    sign: str


@dataclass(frozen=True, slots=True)
class FunctionName(Formula):
    """The name of a function, upright; `latex` is its command, if it has one of its own."""

    name: str
    latex: str = ""


@dataclass(frozen=True, slots=True)
class Row(Formula):
    """Parts side by side."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Fraction(Formula):
    """One part over another."""

    above: Formula
    below: Formula


@dataclass(frozen=True, slots=True)
class Raised(Formula):
    """A whole power, or "T" for a transpose."""

    base: Formula
    exponent: str


@dataclass(frozen=True, slots=True)
class Fenced(Formula):
    """A part between brackets; with an `index`, its element of that number."""

    inner: Formula
    left: str = "("
    right: str = ")"
    index: str = ""


@dataclass(frozen=True, slots=True)
class Root(Formula):
    """A square root."""

    inner: Formula


@dataclass(frozen=True, slots=True)
class SumOver(Formula):
    """The sign Σ with the index that runs."""

    index: str


INVISIBLE_PRODUCT = Operator("\N{INVISIBLE TIMES}")
HADAMARD = Operator("⊙")
PLUS, MINUS, EQUALS, COMMA = Operator("+"), Operator("−"), Operator("="), Operator(",")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a sum, its sign apart."""

    negative: bool
    body: Formula

    @property
    def sign(self) -> Operator:
        """The sign as it stands between terms."""
        return MINUS if self.negative else PLUS


def derivative(above: MathName, below: MathName, mark: str = "∂") -> Fraction:
    """∂above/∂below; `mark` ∂⁺ makes the immediate derivative."""
    return Fraction(replace(above, mark=mark), replace(below, mark="∂"))


def total(terms: tuple[Term, ...]) -> Formula:
    """The terms in a row; the first shows its sign only when it is negative."""
    first, *rest = terms
    head = (MINUS, first.body) if first.negative else (first.body,)
    parts = (*head, *(part for term in rest for part in (term.sign, term.body)))
    return parts[0] if len(parts) == 1 else Row(parts)


def beside(*parts: Formula) -> Row:
    """A product written without a sign, as W x."""
    return Row((parts[0], *(p for part in parts[1:] for p in (INVISIBLE_PRODUCT, part))))


def continued(terms: tuple[Term, ...]) -> tuple[Operator, Formula]:
    """The terms as they go on in a row of their own: the sign of the first, and what follows it."""
    first, *rest = terms
    return first.sign, total((Term(False, first.body), *rest))
