"""A derivation as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bptt.derive.printing.document import Derivation, Equations, Fact, Line, Section, Sentence, clean
from bptt.derive.printing.formula import Formula, continued, total
from bptt.derive.printing.plain import broken, columns, formula_text

WIDTH, LEAST_WIDTH = 96, 40
INDENT, EQUATION_INDENT = "  ", "    "
_NO_BREAK = "\N{NO-BREAK SPACE}"


class Kind(Enum):
    """What a line of text is, for whoever wants to colour it."""

    TITLE = "title"
    HEADING = "heading"
    PROSE = "prose"
    EQUATION = "equation"


@dataclass(frozen=True)
class TextLine:
    """A line without its end."""

    kind: Kind
    text: str


def text(derivation: Derivation) -> str:
    """The whole document."""
    return "".join(f"{line.text}\n" for line in text_lines(derivation))


def text_lines(derivation: Derivation, width: int = WIDTH) -> Iterator[TextLine]:
    """The document line by line, at most `width` columns wide where a formula allows it."""
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
        yield from _wrapped(row, width, f"{label:12}", " " * 12)
        label = ""


def _section(section: Section, width: int) -> Iterator[tuple[Kind, str]]:
    yield Kind.HEADING, section.title
    yield Kind.HEADING, "─" * columns(section.title)
    for k, part in enumerate(section.parts):
        if k:
            yield Kind.PROSE, ""
        if isinstance(part, Sentence):
            yield from _wrapped(part, width, INDENT, INDENT)
        else:
            yield from _equations(part, width)


def _wrapped(sentence: Sentence, width: int, first: str, following: str) -> Iterator[tuple[Kind, str]]:
    """Prose in lines; a formula is not broken."""
    prose = "".join(p if isinstance(p, str) else _unbroken(p) for p in sentence.parts)
    lines = textwrap.wrap(
        prose, width, initial_indent=first, subsequent_indent=following, break_long_words=False
    )
    yield from ((Kind.PROSE, line) for line in lines)


def _unbroken(formula: Formula) -> str:
    return formula_text(formula).replace(" ", _NO_BREAK)


def _equations(equations: Equations, width: int) -> Iterator[tuple[Kind, str]]:
    left_width = max(columns(formula_text(line.left)) for line in equations.lines)
    right_width = width - len(EQUATION_INDENT) - left_width - len(" = ")
    for line in equations.lines:
        rows = _equation(line, left_width, right_width)
        yield from ((Kind.EQUATION, EQUATION_INDENT + row) for row in rows)


def _equation(line: Line, left_width: int, right_width: int) -> Iterator[str]:
    left = formula_text(line.left)
    first, *following = broken(line.right, right_width)
    yield f"{left}{' ' * (left_width - columns(left))} = {formula_text(total(first))}"
    for row in following:
        sign, rest = continued(row)
        yield f"{' ' * left_width} {sign.sign} {formula_text(rest)}"
