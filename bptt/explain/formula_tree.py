"""A formula as a small tree, from which text, LaTeX and MathML are rendered.

Names, signs and parentheses are decided before a formula is made; a renderer only decides how each node
looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


class Formula:
    """A part of a formula."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class MathName(Formula):
    """A symbol: `mark` (δ, ∂, ∇), the letter or word, its subscripts, and an index such as "t−1".

    `layer` is the layer that it belongs to in a network of several, a superscript in parentheses. An index
    in angle brackets, "⟨t−1⟩", is written above the line, too.
    """

    base: str
    subscripts: tuple[str, ...] = ()
    index: str = ""
    mark: str = ""
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Digits(Formula):
    """A literal number."""

    text: str


@dataclass(frozen=True, slots=True)
class Operator(Formula):
    """A sign between two parts or before one: + − ⊙ · = > , and the invisible product."""

    sign: str


@dataclass(frozen=True, slots=True)
class FunctionName(Formula):
    """The name of a function, set upright; `latex` is its LaTeX command, if there is one."""

    name: str
    latex: str = ""


@dataclass(frozen=True, slots=True)
class Row(Formula):
    """Parts in a row."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Fraction(Formula):
    """A fraction."""

    above: Formula
    below: Formula


@dataclass(frozen=True, slots=True)
class Raised(Formula):
    """A base with an exponent: a whole number, or "T" for a transpose."""

    base: Formula
    exponent: str


@dataclass(frozen=True, slots=True)
class Fenced(Formula):
    """A part in brackets; with an `index`, its element with that index."""

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
    """The sign Σ with its running index."""

    index: str


@dataclass(frozen=True, slots=True)
class ProductOver(Formula):
    """The sign Π with its running index."""

    index: str


@dataclass(frozen=True, slots=True)
class WrittenMatrix(Formula):
    """A matrix written out row by row; a vector has one entry in each row."""

    rows: tuple[tuple[Formula, ...], ...]


# The sign that begins an index written above the line, ⟨t⟩, as in c⟨t⟩.
RAISED = "⟨"
INVISIBLE_PRODUCT = Operator("\N{INVISIBLE TIMES}")
HADAMARD = Operator("⊙")
PLUS, MINUS, EQUALS, COMMA = Operator("+"), Operator("−"), Operator("="), Operator(",")
DOT = Operator("·")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a sum, with its sign apart; or with `multiplied` a further factor of the term before."""

    negative: bool
    body: Formula
    multiplied: bool = False

    @property
    def sign(self) -> Operator:
        """The sign before the term, if it is not the first of a sum."""
        if self.multiplied:
            return INVISIBLE_PRODUCT
        return MINUS if self.negative else PLUS


def derivative(above: MathName, below: MathName, mark: str = "∂") -> Fraction:
    """Write ∂above/∂below; `mark` ∂⁺ makes it the immediate derivative."""
    return Fraction(replace(above, mark=mark), replace(below, mark="∂"))


def total(terms: tuple[Term, ...]) -> Formula:
    """Write a sum of terms; the first shows its sign only if it is negative."""
    first, *rest = terms
    head = (MINUS, first.body) if first.negative else (first.body,)
    parts = (*head, *(part for term in rest for part in (term.sign, term.body)))
    return parts[0] if len(parts) == 1 else Row(parts)


def beside(*parts: Formula) -> Row:
    """Write a product without a sign, as W x."""
    return Row((parts[0], *(p for part in parts[1:] for p in (INVISIBLE_PRODUCT, part))))


def is_power_of_raised(index: str, exponent: str) -> bool:
    """Return whether a power would be mistaken for a part of the index, as in c⟨t⟩²."""
    return index.startswith(RAISED) and exponent != "T"


def factors(*parts: Formula) -> tuple[Term, ...]:
    """Write a product so that a line can break before each of its factors."""
    return tuple(Term(False, part, multiplied=k > 0) for k, part in enumerate(parts))


def continued(terms: tuple[Term, ...]) -> tuple[Operator, Formula]:
    """Split a continuation line into the sign of its first term, a dot for a factor, and the rest."""
    first, *rest = terms
    return DOT if first.multiplied else first.sign, total((Term(False, first.body), *rest))
