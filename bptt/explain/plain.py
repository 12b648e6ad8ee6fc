"""A formula in Unicode, on one line or in a block of lines, and the number of columns that it takes.

A matrix that is written out takes a line for each row. Names are spelt as in the equations of the cell;
the time is a subscript: `W_f x_t` is W_f xₜ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from bptt.explain.formula_tree import (
    HADAMARD,
    INVISIBLE_PRODUCT,
    RAISED,
    Digits,
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Operator,
    ProductOver,
    Raised,
    Root,
    Row,
    SumOver,
    Term,
    WrittenMatrix,
)

_LOWERED = str.maketrans("0123456789+−tklmn", "₀₁₂₃₄₅₆₇₈₉₊₋ₜₖₗₘₙ")
_RAISED = str.maketrans("0123456789-−+()lLTtkmsc", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺⁽⁾ˡᴸᵀᵗᵏᵐˢᶜ")
# The upper, middle and lower pieces of brackets that are several lines high.
_PIECES = {"[": tuple("⎡⎢⎣"), "]": tuple("⎤⎥⎦"), "(": tuple("⎛⎜⎝"), ")": tuple("⎞⎟⎠")}
_WHOLE_PART = re.compile(r"−?\d+")
_SIGNS = {INVISIBLE_PRODUCT.sign: " ", ",": ", ", "·": "·", "(": "(", ")": ")"}


def formula_text(formula: Formula) -> str:
    """Render a formula on one line."""
    match formula:
        case MathName(base, subscripts, index, mark, layer):
            raised = f"({layer})".translate(_RAISED) if layer else ""
            return mark + "_".join((base, *subscripts)) + raised + _lowered(index)
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
        case ProductOver(index):
            return f"Π{_lowered(index)}"
        case WrittenMatrix(rows):
            return f"[{'; '.join(', '.join(map(formula_text, row)) for row in rows)}]"
    raise TypeError(f"not a formula: {formula!r}")


@dataclass(frozen=True)
class TextBlock:
    """Lines of one width; line `baseline` continues the line of text around the block."""

    lines: tuple[str, ...]
    baseline: int = 0

    @property
    def width(self) -> int:
        """The number of columns."""
        return columns(self.lines[0])


def formula_block(formula: Formula) -> TextBlock:
    """Render a formula as a block, with a line for each row of the matrices written out in it."""
    match formula:
        case WrittenMatrix(rows):
            return _matrix_block(rows)
        case Row((Operator(sign), *rest)) if _is_high(formula):
            return side_by_side(TextBlock((sign,)), formula_block(Row(tuple(rest))))
        case Row(parts) if _is_high(formula):
            return side_by_side(*map(_factor_block, parts))
        case Raised(WrittenMatrix() as base, exponent):
            block = formula_block(base)
            above = (exponent.translate(_RAISED), *" " * (len(block.lines) - 1))
            return side_by_side(block, TextBlock(above, block.baseline))
        case Fenced(inner, left, right, "") if _is_high(inner):
            block = formula_block(inner)
            return side_by_side(_bracket(left, block), block, _bracket(right, block))
    return TextBlock((formula_text(formula),))


def _factor_block(formula: Formula) -> TextBlock:
    """Render a part of a row; parts without a matrix take one line."""
    return formula_block(formula) if _is_high(formula) else TextBlock((_factor_text(formula),))


def side_by_side(*blocks: TextBlock) -> TextBlock:
    """Join blocks at their baselines."""
    above = max(block.baseline for block in blocks)
    below = max(len(block.lines) - block.baseline for block in blocks)
    filled = []
    for block in blocks:
        empty = " " * block.width
        under = below - len(block.lines) + block.baseline
        filled.append([empty] * (above - block.baseline) + [*block.lines] + [empty] * under)
    return TextBlock(tuple(map("".join, zip(*filled, strict=True))), above)


def _is_high(formula: Formula) -> bool:
    """Return whether a matrix is written out in a part that `formula_block` divides."""
    match formula:
        case WrittenMatrix() | Raised(WrittenMatrix()):
            return True
        case Row(parts):
            return any(map(_is_high, parts))
        case Fenced(inner, index=""):
            return _is_high(inner)
    return False


def _matrix_block(rows: tuple[tuple[Formula, ...], ...]) -> TextBlock:
    """Render a matrix, each column aligned."""
    in_columns = zip(*(map(formula_text, row) for row in rows), strict=True)
    lines = map("  ".join, zip(*map(_column, in_columns), strict=True))
    block = TextBlock(tuple(lines), (len(rows) - 1) // 2)
    return side_by_side(_bracket("[", block), block, _bracket("]", block))


def _column(texts: tuple[str, ...]) -> list[str]:
    """Fill entries with spaces to one width: numbers aligned at the decimal point, others at the left."""
    found = [_WHOLE_PART.match(text) for text in texts]
    wholes = [columns(each[0]) if each else 0 for each in found]
    before = [max(wholes) - whole if all(found) else 0 for whole in wholes]
    shifted = [" " * space + text for space, text in zip(before, texts, strict=True)]
    width = max(map(columns, shifted))
    return [text + " " * (width - columns(text)) for text in shifted]


def _bracket(sign: str, block: TextBlock) -> TextBlock:
    """Return a bracket as high as a block."""
    height = len(block.lines)
    if height == 1 or sign not in _PIECES:
        return TextBlock((sign,) * height, block.baseline)
    upper, middle, lower = _PIECES[sign]
    return TextBlock((upper, *[middle] * (height - 2), lower), block.baseline)


def _factor_text(formula: Formula) -> str:
    """Render a factor of a product; a quotient with spaces in parentheses, which would else be ambiguous."""
    text = formula_text(formula)
    return f"({text})" if isinstance(formula, Fraction) and " " in text else text


def _lowered(index: str) -> str:
    """Render an index as subscript characters, or as `_{>t}` if Unicode has none for it; ⟨t⟩ stays."""
    if index.startswith(RAISED):
        return index
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
    if len(terms) == 1:
        return [terms]
    widths = [formula_block(term.body).width for term in terms]
    rows = _filled(terms, widths, width)
    for narrower in range(width - 1, 0, -1):
        balanced = _filled(terms, widths, narrower)
        if len(rows) == 1 or len(balanced) > len(rows):
            break
        rows = balanced
    return rows


def _filled(terms: tuple[Term, ...], widths: list[int], width: int) -> list[tuple[Term, ...]]:
    """Divide terms of these widths into rows greedily: each as long as `width` allows."""
    rows: list[tuple[Term, ...]] = [()]
    filled = 0
    for term, own in zip(terms, widths, strict=True):
        longer = filled + columns(_SIGNS.get(term.sign.sign, f" {term.sign.sign} ")) + own
        if rows[-1] and longer > width:
            rows.append(())
        rows[-1] = (*rows[-1], term)
        # The first term of a row has no space around its sign, and shows a minus alone.
        filled = longer if len(rows[-1]) > 1 else own + term.negative
    return rows


def columns(text: str) -> int:
    """Return the width of a text on a terminal, where wide characters, such as Chinese, take two columns."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
