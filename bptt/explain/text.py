"""A derivation as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bptt.explain.diagrams.boxes import text_drawing
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.document import (
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
from bptt.explain.formula_tree import Formula, Term, continued, total
from bptt.explain.plain import TextBlock, broken, columns, formula_block, formula_text, side_by_side
from bptt.explain.wrapping import wrapped

WIDTH, LEAST_WIDTH = 96, 40
INDENT, EQUATION_INDENT, CODE_INDENT = "  ", "    ", "      "
_NO_BREAK = "\N{NO-BREAK SPACE}"


class Kind(Enum):
    """The kind of a line of text, by which a terminal may colour it."""

    TITLE = "title"
    HEADING = "heading"
    PROSE = "prose"
    EQUATION = "equation"
    NUMBERS = "numbers"
    CODE = "code"


@dataclass(frozen=True)
class TextLine:
    """A line without its line end."""

    kind: Kind
    text: str


def text(derivation: Derivation) -> str:
    """Render the whole document."""
    return "".join(f"{line.text}\n" for line in text_lines(derivation))


def text_lines(derivation: Derivation, width: int = WIDTH) -> Iterator[TextLine]:
    """Yield the document line by line, at most `width` columns wide unless one term is wider."""
    for kind, line in _document(derivation, max(width, LEAST_WIDTH)):
        yield TextLine(kind, clean(line.replace(_NO_BREAK, " ")).rstrip())


def _document(derivation: Derivation, width: int) -> Iterator[tuple[Kind, str]]:
    yield Kind.TITLE, derivation.title
    yield Kind.TITLE, "═" * columns(derivation.title)
    for fact in derivation.facts:
        yield from _fact(fact, width)
    for section in derivation.sections:
        yield Kind.PROSE, ""
        yield from _section(section, width)


def _fact(fact: Fact, width: int) -> Iterator[tuple[Kind, str]]:
    label = fact.label
    for row in fact.rows:
        yield from _wrapped(row, width, f"{label}{' ' * (12 - columns(label))}", " " * 12)
        label = ""


def _section(section: Section, width: int) -> Iterator[tuple[Kind, str]]:
    yield Kind.HEADING, section.heading
    yield Kind.HEADING, "─" * columns(section.heading)
    for k, part in enumerate(section.parts):
        if k:
            yield Kind.PROSE, ""
        if isinstance(part, Sentence):
            yield from _wrapped(part, width, INDENT, INDENT)
        elif isinstance(part, Table):
            yield from _table(part)
        elif isinstance(part, Diagram):
            yield from ((Kind.EQUATION, INDENT + line) for line in text_drawing(layout(part)))
        elif isinstance(part, Excerpt):
            before, here, after = part.in_one_line
            yield Kind.NUMBERS, f"{EQUATION_INDENT}{before}⟦{here}⟧{after}"
        else:
            yield from _equations(part, width)


def _wrapped(
    sentence: Sentence, width: int, first: str, following: str, kind: Kind = Kind.PROSE
) -> Iterator[tuple[Kind, str]]:
    """Yield a sentence in lines of at most `width` columns; formulas are not broken."""
    prose = "".join(p if isinstance(p, str) else _unbroken(p) for p in sentence.parts)
    yield from ((kind, line) for line in wrapped(prose, width, first, following))


def _unbroken(formula: Formula) -> str:
    return formula_text(formula).replace(" ", _NO_BREAK)


def _table(table: Table) -> Iterator[tuple[Kind, str]]:
    """Yield the rows of a table; columns are as wide as their widest entry, numbers right-aligned."""
    rows = [tuple(map(_entry, row)) for row in (table.head, *table.rows)]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for k, row in enumerate(rows):
        entries = (
            _padded(entry, width, right=column >= table.numeric_from)
            for column, (entry, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (Kind.NUMBERS if k else Kind.PROSE), EQUATION_INDENT + "  ".join(entries)


def _entry(sentence: Sentence) -> str:
    return "".join(p if isinstance(p, str) else formula_text(p) for p in sentence.parts)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - columns(text))
    return space + text if right else text + space


def _equations(equations: Equations, width: int) -> Iterator[tuple[Kind, str]]:
    lefts = [formula_block(line.left) for line in equations.lines]
    left_width = max(block.width for block in lefts)
    right_width = width - len(EQUATION_INDENT) - left_width - len(" = ")
    apart = any(map(_is_high, equations.lines))
    for k, (line, left) in enumerate(zip(equations.lines, lefts, strict=True)):
        if k and (apart or not line.is_plain):
            yield Kind.PROSE, ""
        rows = _right_side(left, line.right, left_width, right_width)
        yield from ((Kind.EQUATION, EQUATION_INDENT + row) for row in rows)
        yield from _details(line, left_width, width)


def _is_high(line: EquationLine) -> bool:
    """Return whether an equation has a matrix that takes several lines."""
    return any(len(formula_block(f).lines) > 1 for f in (line.left, *(term.body for term in line.right)))


def _right_side(left: TextBlock, terms: tuple[Term, ...], left_width: int, right_width: int) -> Iterator[str]:
    first, *following = broken(terms, right_width)
    space = TextBlock((" " * (left_width - left.width) + " = ",))
    yield from side_by_side(left, space, formula_block(total(first))).lines
    for row in following:
        sign, rest = continued(row)
        before = TextBlock((f"{' ' * left_width} {sign.sign} ",))
        yield from side_by_side(before, formula_block(rest)).lines


def _details(line: EquationLine, left_width: int, width: int) -> Iterator[tuple[Kind, str]]:
    """Yield the lines below an equation: its numbers, the spread over units, the lines of its kernel."""
    indent = EQUATION_INDENT + " " * left_width
    for terms in line.numbers:
        for row in _right_side(TextBlock(("",)), terms, left_width, width - len(indent) - len(" = ")):
            yield Kind.NUMBERS, EQUATION_INDENT + row
    if line.spread:
        yield from _wrapped(line.spread, width, indent + "   ", indent + "   ", Kind.NUMBERS)
    if line.code:
        for remark in line.code.remarks:
            yield from _wrapped(remark, width, CODE_INDENT, CODE_INDENT)
        for number, code in ((f"{one.number:5}  ", one.text) for one in line.code.lines):
            begin, further = CODE_INDENT + number, CODE_INDENT + " " * (len(number) + 4)
            rows = textwrap.wrap(code, width, initial_indent=begin, subsequent_indent=further)
            yield from ((Kind.CODE, row) for row in rows)
