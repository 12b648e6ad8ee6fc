"""A formula in Unicode on one line, and the number of columns that it takes.

Names are spelt as in the equations of the cell; the time is a subscript: `W_f x_t` is W_f xₜ.
"""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

from bptt.explain.formula_tree import (
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
    total,
)

_LOWERED = str.maketrans("0123456789+−tkl", "₀₁₂₃₄₅₆₇₈₉₊₋ₜₖₗ")
_RAISED = str.maketrans("0123456789-T", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ")
_SIGNS = {INVISIBLE_PRODUCT.sign: " ", ",": ", ", "·": "·", "(": "(", ")": ")"}


def formula_text(formula: Formula) -> str:
    """Render a formula on one line."""
    match formula:
        case MathName(base, subscripts, index, mark):
            return mark + "_".join((base, *subscripts)) + _lowered(index)
        case Digits(text) | FunctionName(text):
            return text
        case Operator(sign):
            return _SIGNS.get(sign, f" {sign} ")
        case Row((Operator(sign), *rest)):
            return sign + formula_text(Row(tuple(rest)))
        case Row(parts) if HADAMARD in parts or INVISIBLE_PRODUCT in parts:
            return "".join(map(_factor_text, parts))
        case Row(parts):
            return "".join(map(formula_text, parts))
        case Fraction(MathName() as above, MathName() as below):
            return f"{formula_text(above)}/{formula_text(below)}"
        case Fraction(above, below):
            return f"{_closed(above, '+−')} / {_closed(below, '+−⊙·' + INVISIBLE_PRODUCT.sign)}"
        case Raised(base, exponent) if "×" in exponent:
            return f"{formula_text(base)}^({exponent})"
        case Raised(base, exponent):
            return formula_text(base) + exponent.translate(_RAISED)
        case Fenced(inner, left, right, index):
            return left + formula_text(inner) + right + (f"_{index}" if index else "")
        case Root(inner):
            return f"√({formula_text(inner)})"
        case SumOver(index):
            return f"Σ{_lowered(index)}"
    raise TypeError(f"not a formula: {formula!r}")


def _factor_text(formula: Formula) -> str:
    """Render a factor of a product; a quotient with spaces in parentheses, which would else be ambiguous."""
    text = formula_text(formula)
    return f"({text})" if isinstance(formula, Fraction) and " " in text else text


def _lowered(index: str) -> str:
    """Render an index as subscript characters, or as `_{>t}` if Unicode has none for it."""
    lowered = index.translate(_LOWERED)
    if not re.search(r"[A-Za-z>]", lowered):
        return lowered
    return f"_{index}" if len(index) == 1 else f"_{{{index}}}"


def _closed(formula: Formula, signs: str) -> str:
    """Render a formula, in parentheses if it has one of the signs at its top level."""
    text = formula_text(formula)
    parts = formula.parts if isinstance(formula, Row) else ()
    return f"({text})" if any(isinstance(p, Operator) and p.sign in signs for p in parts) else text


def broken(terms: tuple[Term, ...], width: int) -> list[tuple[Term, ...]]:
    """Divide terms into the fewest rows of at most `width` columns, of about equal length."""
    rows = _filled(terms, width)
    for narrower in range(width - 1, 0, -1):
        balanced = _filled(terms, narrower)
        if len(rows) == 1 or len(balanced) > len(rows):
            break
        rows = balanced
    return rows


def _filled(terms: tuple[Term, ...], width: int) -> list[tuple[Term, ...]]:
    """Divide terms into rows greedily: each as long as `width` allows."""
    rows: list[tuple[Term, ...]] = [()]
    for term in terms:
        longer = (*rows[-1], term)
        if rows[-1] and columns(formula_text(total(longer))) > width:
            rows.append((term,))
        else:
            rows[-1] = longer
    return rows


def columns(text: str) -> int:
    """Return the width of a text on a terminal, where wide characters, such as Chinese, take two columns."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
