"""A derivation as a LaTeX fragment to include in a document; it needs the package amsmath."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from bptt.explain.diagrams.diagram import Diagram, Label
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.diagrams.tikz import tikz
from bptt.explain.document import (
    Code,
    Derivation,
    EquationLine,
    Equations,
    Excerpt,
    Fact,
    Section,
    Sentence,
    Table,
    clean,
)
from bptt.explain.formula_tree import (
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
from bptt.languages.available import Language

# Columns of plain text whose formula fits, beside a left side, into the text width of an article.
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
    "χ": r"\chi ",
    "π": r"\pi ",
    "ρ": r"\rho ",
    "Γ": r"\Gamma ",
    "c̃": r"\tilde{c}",
    "õ": r"\tilde{o}",
    "ŷ": r"\hat{y}",
    "σ": r"\sigma ",
    "τ": r"\tau ",
    "ℝ": r"\mathbf{R}",
    "∞": r"\infty ",
    "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}",
    "≤": r"\le ",
    "≠": r"\neq ",
    "⋯": r"\cdots ",
    "⊙": r"\odot ",
    "−": "-",
    "·": r"\cdot ",
    "×": r"\times ",
    "\N{INVISIBLE TIMES}": r"\,",
    "‖": r"\Vert ",
    "←": r"\leftarrow ",
    "→": r"\rightarrow ",
    "|": r"\vert ",
}
_INDEX_SIGNS = str.maketrans(
    {
        "−": "-",
        "×": r"\times ",
        "←": r"\leftarrow ",
        "→": r"\rightarrow ",
        "≤": r"\leq ",
        "≥": r"\geq ",
        "π": r"\pi ",
        "′": "'",
    }
)
# Signs beyond Latin-1 that prose may have: the text fonts of LaTeX have no such letters.
_SIGNS = {sign: command.strip() for sign, command in _COMMANDS.items() if len(sign) == 1 and sign > "\xff"}
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: rf"\({command}\)" for sign, command in {**_SIGNS, "√": r"\sqrt{\,}"}.items()},
    "↵": r"\(\hookleftarrow\)",
    "\N{NO-BREAK SPACE}": "~",
    **dict.fromkeys("▁▂▃▄▅▆▇█", ""),
    **{c: f"\\{c}" for c in "{}$&#%_"},
}


def latex(derivation: Derivation) -> str:
    """Render the whole document as a LaTeX fragment."""
    return "\n".join(_document(derivation)) + "\n"


def formula_latex(formula: Formula) -> str:
    """Render a formula for math mode."""
    match formula:
        case MathName(base, subscripts, index, mark, layer):
            below = "" if index.startswith(RAISED) else index
            lowered = ",".join([*map(_word, subscripts), *([_plain(below)] if below else [])])
            raised = f"^{{{above}}}" if (above := _above(index, layer)) else ""
            return _COMMANDS.get(mark, "") + _word(base) + (f"_{{{lowered}}}" if lowered else "") + raised
        case Digits(text):
            return _COMMANDS.get(text) or escape(text).replace(",", "{,}")
        case FunctionName(name, command):
            return command or rf"\operatorname{{{escape(name)}}}"
        case Operator(sign):
            return _COMMANDS.get(sign, sign)
        case Row(parts):
            return "".join(map(formula_latex, parts))
        case Fraction(above, below):
            return rf"\frac{{{formula_latex(above)}}}{{{formula_latex(below)}}}"
        case Raised(MathName(index=index) as base, exponent) if is_power_of_raised(index, exponent):
            return f"{formula_latex(Fenced(base))}^{{{_exponent(exponent)}}}"
        case Raised(MathName(index=index, layer=layer) as base, exponent) if _above(index, layer):
            plain = replace(base, layer="", index="" if index.startswith(RAISED) else index)
            return f"{formula_latex(plain)}^{{{_above(index, layer)}{_exponent(exponent)}}}"
        case Raised(base, exponent):
            return f"{formula_latex(base)}^{{{_exponent(exponent)}}}"
        case Fenced(inner, left, right, index):
            return _fenced(formula_latex(inner), left, right) + (f"_{{{_plain(index)}}}" if index else "")
        case Root(inner):
            return rf"\sqrt{{{formula_latex(inner)}}}"
        case SumOver(index):
            return rf"\sum_{{{_plain(index)}}} "
        case ProductOver(index):
            return rf"\prod_{{{_plain(index)}}} "
        case WrittenMatrix(rows):
            written = r" \\ ".join(" & ".join(map(formula_latex, row)) for row in rows)
            return rf"\begin{{bmatrix}} {written} \end{{bmatrix}}"
    raise TypeError(f"not a formula: {formula!r}")


def escape(text: str) -> str:
    """Escape the special characters of LaTeX in untrusted text, and replace control characters."""
    return "".join(_ESCAPES.get(c, c) for c in clean(text))


def _above(index: str, layer: str) -> str:
    """Render what is above the line: the layer in parentheses, and an index in angle brackets."""
    time = rf"\langle {_plain(index[1:-1])}\rangle " if index.startswith(RAISED) else ""
    return (f"({_plain(layer)})" if layer else "") + time


def _plain(index: str) -> str:
    """Render an index such as t−1 for math mode."""
    return index.translate(_INDEX_SIGNS)


def _exponent(exponent: str) -> str:
    return r"\top" if exponent == "T" else _plain(exponent)


def _word(name: str) -> str:
    """Render a letter as a variable, a word upright."""
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
    return (
        rf"\left{left}{inner}\right{right}"
        if r"\frac" in inner or r"\begin" in inner
        else f"{left}{inner}{right}"
    )


def _document(derivation: Derivation) -> Iterator[str]:
    chinese = ", ctex" if derivation.language is Language.ZH else ""
    yield rf"% needs \usepackage{{amsmath{chinese}}}, and LuaLaTeX or XeLaTeX for names beyond ASCII"
    if any(isinstance(part, Diagram) for section in derivation.sections for part in section.parts):
        yield "% the diagrams need \\usepackage{tikz}"
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
    yield rf"\subsection*{{{escape(section.heading)}}}"
    for part in section.parts:
        if isinstance(part, Sentence):
            yield _sentence(part) + "\n"
        elif isinstance(part, Table):
            yield from _table(part)
        elif isinstance(part, Diagram):
            yield from tikz(layout(part), _label)
        elif isinstance(part, Excerpt):
            before, here, after = map(escape, part.in_one_line)
            yield rf"\begin{{quote}}\texttt{{{before}\underline{{{here}}}{after}}}\end{{quote}}" + "\n"
        else:
            yield from _equations(part)


def _label(label: Label) -> str:
    """Render a label of a diagram."""
    return escape(label) if isinstance(label, str) else rf"\({formula_latex(label)}\)"


def _sentence(sentence: Sentence) -> str:
    return "".join(
        escape(part) if isinstance(part, str) else rf"\({formula_latex(part)}\)" for part in sentence.parts
    )


def _table(table: Table) -> Iterator[str]:
    columns = "".join("r" if k >= table.numeric_from else "l" for k in range(len(table.head)))
    yield rf"\par\smallskip\noindent\begin{{tabular}}{{{columns}}}"
    rows = [map(_sentence, row) for row in (table.head, *table.rows)]
    yield " \\\\\n".join("  " + " & ".join(row) for row in rows)
    yield "\\end{tabular}\\par\\smallskip\n"


def _equations(equations: Equations) -> Iterator[str]:
    """Yield aligned equations that may break across pages; those with kernel lines are set one by one."""
    if any(line.code for line in equations.lines):
        for line in equations.lines:
            yield from _aligned((line,))
            yield from _code(line.code)
    else:
        yield from _aligned(equations.lines)


def _aligned(lines: tuple[EquationLine, ...]) -> Iterator[str]:
    yield r"\begingroup\allowdisplaybreaks"
    yield r"\begin{align*}"
    yield " \\\\\n".join(row for line in lines for row in _equation(line))
    yield r"\end{align*}"
    yield r"\endgroup"


def _equation(line: EquationLine) -> Iterator[str]:
    yield from _right_side(f"  {formula_latex(line.left)}", line.right)
    for terms in line.numbers:
        yield from _right_side(" ", terms)
    if line.spread:
        yield rf"  &\quad\text{{{_sentence(line.spread)}}}"


def _right_side(left: str, terms: tuple[Term, ...]) -> Iterator[str]:
    first, *following = broken(terms, ROW_WIDTH)
    yield f"{left} &= {formula_latex(total(first))}"
    for row in following:
        sign, rest = continued(row)
        yield rf"  &\quad {{}}{formula_latex(sign)} {formula_latex(rest)}"


def _code(code: Code | None) -> Iterator[str]:
    """Yield the lines of a kernel verbatim."""
    if code:
        yield from (_sentence(remark) + "\n" for remark in code.remarks)
        yield r"\begin{verbatim}"
        for line in code.lines:
            yield from textwrap.wrap(f"{line.number:5}  {line.text}", 88, subsequent_indent=" " * 11)
        yield r"\end{verbatim}"
