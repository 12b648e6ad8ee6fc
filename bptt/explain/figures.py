"""Numbers as formulas, and how many numbers lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from bptt.explain.formula_tree import MINUS, Digits, Fenced, Formula, Operator, Raised, Row, Term, total

TIMES = Operator("·")
# Nearer to one than this, a number looks like one in four digits.
_NEAR_ONE = 5e-5
# The heights of a histogram of so many bins, of which each holds some numbers if there are enough.
_HEIGHTS, _BINS, _ENOUGH = "▁▂▃▄▅▆▇█", 16, 32


def figure(number: float) -> Formula:
    """A number in four digits."""
    return total((Term(number < 0, _digits(number)),))


def as_term(number: float, factor: float | None = None) -> Term:
    """A number in an equation, or the product of two, its sign apart."""
    if factor is None:
        return Term(number < 0, _magnitude(number))
    return Term(number < 0, Row((_magnitude(number), TIMES, as_factor(factor))))


def as_factor(number: float) -> Formula:
    """A number as a factor of a product: in brackets if it is negative."""
    magnitude = _magnitude(number)
    return Fenced(Row((MINUS, magnitude))) if number < 0 else magnitude


def _magnitude(number: float) -> Formula:
    """A number without its sign, in so many digits that one minus it is not zero if it is not one."""
    distance = abs(1 - abs(number))
    if 0 < distance < _NEAR_ONE:
        return Digits(f"{abs(number):.{1 - floor(log10(distance))}g}")
    return _digits(number)


def _digits(number: float) -> Formula:
    """Four digits without the sign; a small or large number as a power of ten."""
    if not isfinite(number):
        return Digits("NaN" if number != number else "∞")
    mantissa, _, exponent = f"{abs(number):.4g}".partition("e")
    if not exponent:
        return Digits(mantissa)
    return Row((Digits(mantissa), TIMES, Raised(Digits("10"), str(int(exponent)))))


def without_brackets(term: Term) -> Term:
    """A term that begins with a negative number in brackets, as one that is taken away."""
    match term.body:
        case Fenced(Row((sign, magnitude))) if sign == MINUS:
            return Term(not term.negative, magnitude)
        case Row((Fenced(Row((sign, magnitude))), *others)) if sign == MINUS:
            return Term(not term.negative, Row((magnitude, *others)))
    return term


@dataclass(frozen=True)
class Spread:
    """How numbers lie; `bars` is their histogram from the least to the most, empty for a few."""

    least: float
    mean: float
    most: float
    bars: str

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Of at least one number."""
        least, most = min(numbers), max(numbers)
        return cls(least, sum(numbers) / len(numbers), most, _bars(numbers, least, most))


def _bars(numbers: Sequence[float], least: float, most: float) -> str:
    if len(numbers) < _ENOUGH or not least < most or not all(map(isfinite, numbers)):
        return ""
    places = [min(_BINS - 1, int((x - least) / (most - least) * _BINS)) for x in numbers]
    counts = [places.count(k) for k in range(_BINS)]
    # A bin that is not empty is seen.
    return "".join(_HEIGHTS[-(-7 * count // max(counts))] for count in counts)
