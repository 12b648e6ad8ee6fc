"""A derivation as a LaTeX fragment for a document of one's own; it needs the package amsmath."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.derive.printing.document import Derivation, Equations, Fact, Line, Section, Sentence, clean
from bptt.derive.printing.formula import (
    Digits,
    Fenced,
    Formula,
    Fraction,
    Function,
    Name,
    Operator,
    Raised,
    Root,
    Row,
    SumOver,
    continued,
    total,
)
from bptt.derive.printing.plain import broken

# What fits beside a left side into the text width of an article, in columns of plain text.
ROW_WIDTH = 60

_COMMANDS = {
    "δ": r"\delta ",
    "∂": r"\partial ",
    "∂⁺": r"\partial^{+} ",
    "∇": r"\nabla ",
    "α": r"\alpha ",
    "β": r"\beta ",
    "γ": r"\gamma ",
    "ε": r"\varepsilon ",
    "η": r"\eta ",
    "θ": r"\theta ",
    "κ": r"\kappa ",
    "ρ": r"\rho ",
    "σ": r"\sigma ",
    "τ": r"\tau ",
    "½": r"\frac{1}{2}",
    "⋯": r"\cdots ",
    "⊙": r"\odot ",
    "−": "-",
    "·": r"\cdot ",
    "\N{INVISIBLE TIMES}": r"\,",
    "‖": r"\Vert ",
    "|": r"\vert ",
}
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "⊙": r"\(\odot\)",
    "\N{NO-BREAK SPACE}": "~",
    **{c: f"\\{c}" for c in "{}$&#%_"},
}


def latex(derivation: Derivation) -> str:
    """The whole document as a fragment."""
    return "\n".join(_document(derivation)) + "\n"


def formula_latex(formula: Formula) -> str:
    """A formula, to be read in mathematics mode."""
    match formula:
        case Name(base, subscripts, index, mark):
            lowered = ",".join([*map(_word, subscripts), *([_plain(index)] if index else [])])
            return _COMMANDS.get(mark, "") + _word(base) + (f"_{{{lowered}}}" if lowered else "")
        case Digits(text):
            return _COMMANDS.get(text) or escape(text)
        case Function(name):
            return _COMMANDS.get(name) or rf"\operatorname{{{escape(name)}}}"
        case Operator(sign):
            return _COMMANDS.get(sign, sign)
        case Row(parts):
            return "".join(map(formula_latex, parts))
        case Fraction(above, below):
            return rf"\frac{{{formula_latex(above)}}}{{{formula_latex(below)}}}"
        case Raised(base, exponent):
            return formula_latex(base) + (r"^{\top}" if exponent == "T" else f"^{{{exponent}}}")
        case Fenced(inner, left, right, index):
            return _fenced(formula_latex(inner), left, right) + (f"_{{{_plain(index)}}}" if index else "")
        case Root(inner):
            return rf"\sqrt{{{formula_latex(inner)}}}"
        case SumOver(index):
            return rf"\sum_{{{_plain(index)}}} "
    raise TypeError(f"not a formula: {formula!r}")


def escape(text: str) -> str:
    """Text that comes from a cell, its special characters made harmless."""
    return "".join(_ESCAPES.get(c, c) for c in clean(text))


def _plain(index: str) -> str:
    """t−1 in mathematics mode."""
    return index.replace("−", "-")


def _word(name: str) -> str:
    """A letter as a variable, a word upright."""
    if name.endswith("′"):
        word = name.rstrip("′")
        return "{" + _word(word) + "'" * (len(name) - len(word)) + "}"
    if name in _COMMANDS:
        return _COMMANDS[name]
    if len(name) == 1 and name.isalpha():
        return name
    return rf"\mathrm{{{name}}}" if name.isalnum() else rf"\text{{{escape(name)}}}" if name else ""


def _fenced(inner: str, left: str, right: str) -> str:
    left, right = _COMMANDS.get(left, left), _COMMANDS.get(right, right)
    return rf"\left{left}{inner}\right{right}" if r"\frac" in inner else f"{left}{inner}{right}"


def _document(derivation: Derivation) -> Iterator[str]:
    yield "% needs \\usepackage{amsmath}, and LuaLaTeX or XeLaTeX for names beyond ASCII"
    yield rf"\section*{{{escape(derivation.title)}}}"
    if derivation.facts:
        yield r"\begin{description}"
        for fact in derivation.facts:
            yield _fact(fact)
        yield r"\end{description}"
    for section in derivation.sections:
        yield from _section(section)


def _fact(fact: Fact) -> str:
    rows = r" \\ ".join(map(_sentence, fact.rows))
    return rf"\item[{escape(fact.label)}] {rows}"


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield rf"\subsection*{{{escape(section.title)}}}"
    for part in section.parts:
        if isinstance(part, Sentence):
            yield _sentence(part) + "\n"
        else:
            yield from _equations(part)


def _sentence(sentence: Sentence) -> str:
    return "".join(
        escape(part) if isinstance(part, str) else rf"\({formula_latex(part)}\)" for part in sentence.parts
    )


def _equations(equations: Equations) -> Iterator[str]:
    """An align* that may run over a page."""
    rows = [row for line in equations.lines for row in _equation(line)]
    yield r"\begingroup\allowdisplaybreaks"
    yield r"\begin{align*}"
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield r"\endgroup"


def _equation(line: Line) -> Iterator[str]:
    first, *following = broken(line.right, ROW_WIDTH)
    yield f"  {formula_latex(line.left)} &= {formula_latex(total(first))}"
    for row in following:
        sign, rest = continued(row)
        yield rf"  &\quad {{}}{formula_latex(sign)} {formula_latex(rest)}"
