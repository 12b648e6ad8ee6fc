"""A derivation as a document: headings, sentences with formulas in them, aligned equations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from unicodedata import category

from bptt.explain.formula_tree import Formula, Term

_CONTROL = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class Stage(str, Enum):
    """The parts of a derivation, in order."""

    SHAPES = "shapes"
    NUMBERS = "numbers"
    EQUATIONS = "equations"
    NORMAL = "normal"
    ADJOINT = "adjoint"
    GRADIENTS = "gradients"
    JACOBIAN = "jacobian"
    STORAGE = "storage"
    KERNEL = "kernel"


@dataclass(frozen=True)
class Sentence:
    """Text with formulas in it."""

    parts: tuple[str | Formula, ...]


@dataclass(frozen=True)
class CodeLine:
    """A line of a generated file, whose lines are numbered from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Code:
    """The lines of a kernel that compute an equation, and what is to be said of them."""

    lines: tuple[CodeLine, ...]
    remarks: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class EquationLine:
    """`left = sum of terms`, where `target` is the name of what stands on the left.

    Below it, if they are known: the right side with `numbers` put in, one row after the other, what is to
    be said of all units (`spread`), and beside it the lines of its kernel.
    """

    left: Formula
    right: tuple[Term, ...]
    target: str = ""
    numbers: tuple[tuple[Term, ...], ...] = ()
    spread: Sentence | None = None
    code: Code | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the equation is known."""
        return not self.numbers and self.spread is None and self.code is None


@dataclass(frozen=True)
class Equations:
    """Lines that are aligned at their sign of equality."""

    lines: tuple[EquationLine, ...]


@dataclass(frozen=True)
class Table:
    """Rows of entries below their headings; from the column `numeric_from` on they are numbers."""

    head: tuple[Sentence, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    numeric_from: int


@dataclass(frozen=True)
class Excerpt:
    """A piece of a text, of which what stands `here` is pointed out."""

    before: str
    here: str
    after: str

    @property
    def in_one_line(self) -> tuple[str, str, str]:
        """The three parts with the ends of lines made visible."""
        before, here, after = (text.replace("\n", "↵") for text in (self.before, self.here, self.after))
        return before, here, after


Part = Sentence | Equations | Table | Excerpt


@dataclass(frozen=True)
class Section:
    """One stage of the derivation."""

    stage: Stage
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Fact:
    """What is known of a cell before anything is derived, under a label."""

    label: str
    rows: tuple[Sentence, ...]


@dataclass(frozen=True)
class Derivation:
    """The whole document. Title and facts may come from a stranger's file."""

    title: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]

    def only(self, *stages: Stage) -> Derivation:
        """The same document with some of its sections."""
        return replace(self, facts=(), sections=tuple(s for s in self.sections if s.stage in stages))

    def each_line(self, change: Callable[[EquationLine], EquationLine]) -> Derivation:
        """The same document with every equation that has a target changed."""
        return replace(self, sections=tuple(_each_line(section, change) for section in self.sections))


def _each_line(section: Section, change: Callable[[EquationLine], EquationLine]) -> Section:
    parts = (
        Equations(tuple(change(line) if line.target else line for line in part.lines))
        if isinstance(part, Equations)
        else part
        for part in section.parts
    )
    return replace(section, parts=tuple(parts))


def say(template: str, *insertions: Formula | str | Sentence) -> Sentence:
    """A sentence from a template with {} where formulas, or text that is not ours, stand."""
    pieces = template.split("{}")
    mixed: list[str | Formula] = [pieces[0]]
    for insertion, piece in zip(insertions, pieces[1:], strict=True):
        mixed += [*(insertion.parts if isinstance(insertion, Sentence) else (insertion,)), piece]
    return Sentence(tuple(part for part in mixed if part != ""))


def listing(items: Iterable[Sentence]) -> Sentence:
    """Several sentences in one, with commas."""
    parts: list[str | Formula] = []
    for item in items:
        parts += [", ", *item.parts] if parts else item.parts
    return Sentence(tuple(parts))


def aligned(lines: Iterable[EquationLine]) -> tuple[Equations, ...]:
    """One block of equations, or none where there is no line."""
    gathered = tuple(lines)
    return (Equations(gathered),) if gathered else ()


def clean(text: str) -> str:
    """Text in which a stranger's control characters, which move a terminal's cursor, are made visible."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(c) in _CONTROL else c for c in text)
