"""A derivation as a document: headings, sentences with formulas in them, aligned equations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from unicodedata import category

from bptt.derive.printing.formula import Formula, Term

_CONTROL = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


class Stage(str, Enum):
    """The parts of a derivation, in order."""

    EQUATIONS = "equations"
    NORMAL = "normal"
    ADJOINT = "adjoint"
    GRADIENTS = "gradients"
    JACOBIAN = "jacobian"
    STORAGE = "storage"


@dataclass(frozen=True)
class Sentence:
    """Text with formulas in it."""

    parts: tuple[str | Formula, ...]


@dataclass(frozen=True)
class Line:
    """`left = sum of terms`."""

    left: Formula
    right: tuple[Term, ...]


@dataclass(frozen=True)
class Equations:
    """Lines that are aligned at their sign of equality."""

    lines: tuple[Line, ...]


Part = Sentence | Equations


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

    def only(self, stage: Stage) -> Derivation:
        """The same document with one of its sections."""
        return replace(self, facts=(), sections=tuple(s for s in self.sections if s.stage is stage))


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


def aligned(lines: Iterable[Line]) -> tuple[Equations, ...]:
    """One block of equations, or none where there is no line."""
    gathered = tuple(lines)
    return (Equations(gathered),) if gathered else ()


def clean(text: str) -> str:
    """Text in which a stranger's control characters, which move a terminal's cursor, are made visible."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(c) in _CONTROL else c for c in text)
