"""A formula as MathML Core, which browsers render without scripts."""

from __future__ import annotations

import re
from html import escape as escape_html

from bptt.explain.document import EquationLine, Equations, clean
from bptt.explain.formula_tree import (
    EQUALS,
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
    continued,
    is_power_of_raised,
    total,
)
from bptt.explain.plain import broken

# Columns of plain text whose formula fits on the screen of a phone.
ROW_WIDTH = 46
_APPLY = "<mo>\N{FUNCTION APPLICATION}</mo>"
_PRODUCT = '<mo lspace="0" rspace="0.17em">\N{INVISIBLE TIMES}</mo>'


def inline(formula: Formula) -> str:
    """Render a formula within a sentence."""
    return f"<math>{mathml(formula)}</math>"


def block(equations: Equations) -> str:
    """Render equations as a table, aligned at their equals signs."""
    rows = "".join(map(_line, equations.lines))
    return f'<math display="block"><mtable>{rows}</mtable></math>'


def mathml(formula: Formula) -> str:
    """Render a formula as one element."""
    match formula:
        case MathName(base, subscripts, index, mark, layer):
            below, above = _scripts(index, layer)
            return _marked(mark, _symbol(base, subscripts, below, above) if base else "")
        case Digits(text):
            return f"<mn>{escape(text)}</mn>"
        case FunctionName(name):
            return f'<mi mathvariant="normal">{escape(name)}</mi>{_APPLY}'
        case Operator(sign):
            return _PRODUCT if formula == INVISIBLE_PRODUCT else f"<mo>{escape(sign)}</mo>"
        case Row(parts):
            return f"<mrow>{''.join(map(mathml, parts))}</mrow>"
        case Fraction(above, below):
            return f"<mfrac>{mathml(above)}{mathml(below)}</mfrac>"
        case Raised(MathName(index=index) as base, exponent) if is_power_of_raised(index, exponent):
            return f"<msup>{mathml(Fenced(base))}{_exponent(exponent)}</msup>"
        case Raised(MathName(base, subscripts, index, "", layer), exponent) if subscripts or index or layer:
            below, above = _scripts(index, layer)
            both = f"<mrow>{above}{_exponent(exponent)}</mrow>" if above else _exponent(exponent)
            return _symbol(base, subscripts, below, both)
        case Raised(base, exponent):
            return f"<msup>{mathml(base)}{_exponent(exponent)}</msup>"
        case Fenced(inner, left, right, index):
            fenced = _fenced(mathml(inner), left, right)
            return f"<msub>{fenced}{_index(index)}</msub>" if index else fenced
        case Root(inner):
            return f"<msqrt>{mathml(inner)}</msqrt>"
        case SumOver(index):
            return f"<munder><mo>∑</mo>{_index(index)}</munder>"
        case ProductOver(index):
            return f"<munder><mo>∏</mo>{_index(index)}</munder>"
        case WrittenMatrix(rows):
            # Its brackets are drawn by the page: fonts without mathematics have none that stretch.
            return f'<mtable class="matrix">{"".join(map(_matrix_row, rows))}</mtable>'
    raise TypeError(f"not a formula: {formula!r}")


def _matrix_row(row: tuple[Formula, ...]) -> str:
    return f"<mtr>{''.join(f'<mtd>{mathml(entry)}</mtd>' for entry in row)}</mtr>"


def escape(text: str) -> str:
    """Escape the special characters of HTML in untrusted text, and replace control characters."""
    return escape_html(clean(text))


def _line(line: EquationLine) -> str:
    """Render the rows of an equation, and of its numbers below it."""
    numbers = "".join(_right_side("", terms, ' class="numbers"') for terms in line.numbers)
    return _right_side(mathml(line.left), line.right) + numbers


def _right_side(left: str, terms: tuple[Term, ...], attribute: str = "") -> str:
    first, *following = broken(terms, ROW_WIDTH)
    rows = [_row(left, f"{mathml(EQUALS)}{mathml(total(first))}", attribute)]
    for later in following:
        sign, rest = continued(later)
        rows.append(_row("", f'<mo form="infix">{sign.sign}</mo>{mathml(rest)}', attribute))
    return "".join(rows)


def _row(left: str, right: str, attribute: str) -> str:
    return f"<mtr{attribute}><mtd>{left}</mtd><mtd><mrow>{right}</mrow></mtd></mtr>"


def _marked(mark: str, symbol: str) -> str:
    """Render δ, ∂ or ∇ before a symbol, or alone; ∂⁺ has a raised plus."""
    if not mark:
        return symbol
    sign = f"<mi>{mark[0]}</mi>"
    raised = f"<msup>{sign}<mo>+</mo></msup>" if len(mark) > 1 else sign
    return f"<mrow>{raised}{symbol}</mrow>" if symbol else raised


def _symbol(base: str, subscripts: tuple[str, ...], index: str, raised: str) -> str:
    """Render a base with what is below it and `raised`, one element or none, above it."""
    if subscripts or index:
        kind = "msubsup" if raised else "msub"
        return f"<{kind}>{_parts(base, subscripts, index)}{raised}</{kind}>"
    symbol = _letter(base)
    return f"<msup>{symbol}{raised}</msup>" if raised else symbol


def _letter(base: str) -> str:
    """Render a letter or a word; a tilde or hat is set over its letter, which stays italic."""
    accent = {"\N{COMBINING TILDE}": "~", "\N{COMBINING CIRCUMFLEX ACCENT}": "^"}.get(base[-1:])
    if accent is None or len(base) != 2:
        return f"<mi>{escape(base)}</mi>"
    return f'<mover accent="true"><mi>{base[0]}</mi><mo>{accent}</mo></mover>'


def _scripts(index: str, layer: str) -> tuple[str, str]:
    """Return the index that is written below the line, and one element for all above it, or none."""
    if not index.startswith(RAISED):
        return index, _layer(layer)
    return "", f"<mrow>{_layer(layer)}{_index(index)}</mrow>" if layer else _index(index)


def _layer(layer: str) -> str:
    """Render the layer of a symbol in parentheses, as one element; nothing if it has none."""
    opening, closing = (f'<mo lspace="0" rspace="0" stretchy="false">{sign}</mo>' for sign in "()")
    return f"<mrow>{opening}{_index(layer)}{closing}</mrow>" if layer else ""


def _parts(base: str, subscripts: tuple[str, ...], index: str) -> str:
    """Render base and subscript as the first two children of msub and msubsup."""
    below = [*(f"<mi>{escape(s)}</mi>" for s in subscripts), *([_index(index)] if index else [])]
    listed = '<mo lspace="0" rspace="0.1em">,</mo>'.join(below)
    return _letter(base) + (listed if len(below) == 1 else f"<mrow>{listed}</mrow>")


def _fenced(inner: str, left: str, right: str) -> str:
    """Render brackets, which stretch around a fraction or matrix: elsewhere, varying sizes would distract."""
    stretchy = "true" if "<mfrac>" in inner or "<mtable" in inner else "false"
    opening = f'<mo form="prefix" stretchy="{stretchy}">{left}</mo>'
    closing = f'<mo form="postfix" stretchy="{stretchy}">{right}</mo>'
    return f"<mrow>{opening}{inner}{closing}</mrow>"


def _index(index: str) -> str:
    """Render an index such as t−1, token by token."""
    tokens = re.findall(r"\d+|[^\W\d]|\W", index)
    elements = list(map(_token, tokens))
    return elements[0] if len(elements) == 1 else f"<mrow>{''.join(elements)}</mrow>"


def _token(token: str) -> str:
    if token.isdecimal():
        return f"<mn>{token}</mn>"
    return f"<mi>{token}</mi>" if token.isalpha() else f'<mo lspace="0" rspace="0">{escape(token)}</mo>'


def _exponent(exponent: str) -> str:
    """Render an exponent: a number, possibly negative, or the sign of a transpose."""
    return "<mo>⊤</mo>" if exponent == "T" else _index(exponent.replace("-", "−"))
