"""Numbers as formulas, and the spread of many numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from bptt.explain.formula_tree import MINUS, Digits, Fenced, Formula, Operator, Raised, Row, Term, total

TIMES = Operator("·")
# A number closer to 1 than this is rounded to 1 in four digits.
_NEAR_ONE = 5e-5
# The bars of a histogram of _BINS bins, drawn for at least _ENOUGH numbers, two per bin on average.
_HEIGHTS, _BINS, _ENOUGH = "▁▂▃▄▅▆▇█", 16, 32


def figure(number: float) -> Formula:
    """Write a number with four significant digits."""
    return total((Term(number < 0, _digits(number)),))


def as_term(number: float, factor: float | None = None) -> Term:
    """Write a number, or a product of two, as a term of an equation, the sign apart."""
    if factor is None:
        return Term(number < 0, _magnitude(number))
    return Term(number < 0, Row((_magnitude(number), TIMES, as_factor(factor))))


def as_factor(number: float) -> Formula:
    """Write a number as a factor of a product: in brackets if it is negative."""
    magnitude = _magnitude(number)
    return Fenced(Row((MINUS, magnitude))) if number < 0 else magnitude


def _magnitude(number: float) -> Formula:
    """Write the magnitude of a number, near 1 with as many digits as distinguish it from 1.

    Otherwise factors such as 1 − y would be shown as zero.
    """
    distance = abs(1 - abs(number))
    if 0 < distance < _NEAR_ONE:
        return Digits(f"{abs(number):.{1 - floor(log10(distance))}g}")
    return _digits(number)


def _digits(number: float) -> Formula:
    """Write a magnitude in four significant digits; a small or large one with a power of ten."""
    if not isfinite(number):
        return Digits("NaN" if number != number else "∞")
    mantissa, _, exponent = f"{abs(number):.4g}".partition("e")
    if not exponent:
        return Digits(mantissa)
    return Row((Digits(mantissa), TIMES, Raised(Digits("10"), str(int(exponent)))))


def without_brackets(term: Term) -> Term:
    """Turn a term that begins with a bracketed negative number into a term that is subtracted."""
    match term.body:
        case Fenced(Row((sign, magnitude))) if sign == MINUS:
            return Term(not term.negative, magnitude)
        case Row((Fenced(Row((sign, magnitude))), *others)) if sign == MINUS:
            return Term(not term.negative, Row((magnitude, *others)))
    return term


@dataclass(frozen=True)
class Spread:
    """The spread of numbers; `bars` is a histogram from least to most, empty for fewer than 32 numbers."""

    least: float
    mean: float
    most: float
    bars: str

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Return the spread of `numbers`, at least one."""
        least, most = min(numbers), max(numbers)
        return cls(least, sum(numbers) / len(numbers), most, _bars(numbers, least, most))


def _bars(numbers: Sequence[float], least: float, most: float) -> str:
    if len(numbers) < _ENOUGH or not least < most or not all(map(isfinite, numbers)):
        return ""
    places = [min(_BINS - 1, int((x - least) / (most - least) * _BINS)) for x in numbers]
    counts = [places.count(k) for k in range(_BINS)]
    # Rounded up: every bin that is not empty shows a bar.
    return "".join(_HEIGHTS[-(-7 * count // max(counts))] for count in counts)
