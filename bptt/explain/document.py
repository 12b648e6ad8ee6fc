"""A derivation as a document: headings, sentences with formulas, aligned equations, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import count
from unicodedata import category

from bptt.deferred import deferred
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.formula_tree import Formula, Term
from bptt.languages.available import Language

# The page is made of documents: imported when a notebook asks.
_fragment = deferred("bptt.explain.page", "fragment")

# Unicode categories of characters that a terminal or page would obey or cannot show: control, format,
# surrogate, unassigned, private use, line and paragraph separators.
_CONTROL = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class Stage(str, Enum):
    """The sections of a derivation, in order."""

    SHAPES = "shapes"
    NUMBERS = "numbers"
    NETWORK = "network"
    LOSS = "loss"
    OUTPUT = "output"
    LAYERS = "layers"
    SUMS = "sums"
    COMPOSITION = "composition"
    ROWS = "rows"
    STACKED = "stacked"
    EQUATIONS = "equations"
    NORMAL = "normal"
    ADJOINT = "adjoint"
    GRADIENTS = "gradients"
    JACOBIAN = "jacobian"
    STORAGE = "storage"
    KERNEL = "kernel"
    EXPANDED = "expanded"
    ONE_LOSS = "one-loss"
    SUMMANDS = "summands"
    PAIRS = "pairs"
    ELEMENTS = "elements"
    DIAGRAMS = "diagrams"


@dataclass(frozen=True)
class Sentence:
    """Text with formulas: a template in which each {} stands for an insertion.

    The template is written in English and never contains text from a file, so that it can be translated.
    """

    template: str
    insertions: tuple[str | Formula | Sentence, ...] = ()

    @cached_property
    def parts(self) -> tuple[str | Formula, ...]:
        """The text and the formulas, in order."""
        pieces = self.template.split("{}")
        mixed: list[str | Formula] = [pieces[0]]
        for insertion, piece in zip(self.insertions, pieces[1:], strict=True):
            mixed += [*(insertion.parts if isinstance(insertion, Sentence) else (insertion,)), piece]
        return tuple(part for part in mixed if part != "")


@dataclass(frozen=True)
class CodeLine:
    """A line of a generated file, with its number, from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Code:
    """The lines of a kernel that compute an equation, with remarks about them."""

    lines: tuple[CodeLine, ...]
    remarks: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class EquationLine:
    """An equation, `left = sum of terms`; `target` is the name of the value on the left.

    If known: the right side with `numbers` substituted, one row after the other; a sentence about all units
    (`spread`); and the lines of the kernel that compute it (`code`).
    """

    left: Formula
    right: tuple[Term, ...]
    target: str = ""
    numbers: tuple[tuple[Term, ...], ...] = ()
    spread: Sentence | None = None
    code: Code | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the equation has no numbers, spread or code."""
        return not self.numbers and self.spread is None and self.code is None


@dataclass(frozen=True)
class Equations:
    """Equations aligned at their equals signs."""

    lines: tuple[EquationLine, ...]


@dataclass(frozen=True)
class Table:
    """A table with headings; columns from index `numeric_from` on hold numbers."""

    head: tuple[Sentence, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    numeric_from: int


@dataclass(frozen=True)
class Excerpt:
    """A piece of a text, in which the part `here` is highlighted."""

    before: str
    here: str
    after: str

    @property
    def in_one_line(self) -> tuple[str, str, str]:
        """The three parts with line ends made visible, as ↵."""
        before, here, after = (text.replace("\n", "↵") for text in (self.before, self.here, self.after))
        return before, here, after


Part = Sentence | Equations | Table | Excerpt | Diagram


@dataclass(frozen=True)
class Section:
    """One stage of the derivation; `number` counts the sections of a derivation, 0 is none."""

    stage: Stage
    title: str
    parts: tuple[Part, ...]
    number: int = 0

    @property
    def heading(self) -> str:
        """The title after its number."""
        return f"{self.number}. {self.title}" if self.number else self.title


@dataclass(frozen=True)
class Fact:
    """A labelled fact about a cell that is known before anything is derived."""

    label: str
    rows: tuple[Sentence, ...]


@dataclass(frozen=True)
class Derivation:
    """The whole document, in a language. Title and facts may come from an untrusted file."""

    title: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    language: Language = Language.EN

    def _repr_html_(self) -> str:
        """Return the document as a part of a notebook."""
        html: str = _fragment(self)
        return html

    def only(self, *stages: Stage) -> Derivation:
        """Return the document with only these sections, and without facts."""
        return replace(self, facts=(), sections=tuple(s for s in self.sections if s.stage in stages))

    def with_section(self, section: Section) -> Derivation:
        """Return the document with one more section at its end, numbered like the others."""
        return replace(self, sections=(*self.sections, section)).numbered()

    def numbered(self) -> Derivation:
        """Return the document with the sections of the derivation itself counted from 1."""
        numbers = count(1)
        return replace(
            self,
            sections=tuple(
                s if s.stage in (Stage.SHAPES, Stage.NUMBERS) else replace(s, number=next(numbers))
                for s in self.sections
            ),
        )

    def each_line(self, change: Callable[[EquationLine], EquationLine]) -> Derivation:
        """Return the document with `change` applied to every equation that has a target."""
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
    """Make a sentence from a template in which each {} is replaced by a formula, a text or a sentence.

    Texts from untrusted files must be insertions, never part of the template.
    """
    return Sentence(template, insertions)


def listing(items: Iterable[Sentence]) -> Sentence:
    """Join sentences with commas."""
    joined = tuple(items)
    return Sentence(", ".join("{}" for _ in joined), joined)


def aligned(lines: Iterable[EquationLine]) -> tuple[Equations, ...]:
    """Return one block of equations, or none if there are no lines."""
    gathered = tuple(lines)
    return (Equations(gathered),) if gathered else ()


def clean(text: str) -> str:
    """Replace control characters, with which an untrusted file could control a terminal, by U+FFFD."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(c) in _CONTROL else c for c in text)
