"""A label as pieces of text at three heights, and the width that it takes at most."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from bptt.explain.diagrams.diagram import Label
from bptt.explain.formula_tree import RAISED as ABOVE
from bptt.explain.formula_tree import (
    Fenced,
    Formula,
    Fraction,
    MathName,
    Operator,
    Raised,
    Row,
    SumOver,
    is_power_of_raised,
)
from bptt.explain.plain import formula_text

BASE, LOWERED, RAISED = 0, -1, 1
# The size of an index as a share of the letter that it belongs to.
INDEX_SIZE = 0.72
# Widths of characters in units of the font size; no usual serif face has wider ones.
_NARROW, _WIDE, _CAPITAL, _OTHER = 0.4, 0.95, 0.8, 0.64
_EXPONENTS = str.maketrans({"-": "−"})


@dataclass(frozen=True)
class Run:
    """A piece of text in one style."""

    text: str
    italic: bool = False
    height: int = BASE


def runs(label: Label) -> tuple[Run, ...]:
    """Return the pieces of a label."""
    return (Run(label),) if isinstance(label, str) else tuple(_runs(label))


def _runs(formula: Formula) -> Iterator[Run]:
    match formula:
        case MathName(base, subscripts, index, mark):
            if mark:
                yield Run(mark)
            letters = [c for c in base.rstrip("′") if not combining(c)]
            yield Run(base, italic=len(letters) == 1)
            above = index if index.startswith(ABOVE) else ""
            lowered = ",".join((*subscripts, *([index] if index and not above else [])))
            yield from _script(lowered, LOWERED)
            yield from _script(above, RAISED)
        case Row((Operator(sign), *rest)):
            yield Run(sign)
            yield from (run for part in rest for run in _runs(part))
        case Row(parts):
            for part in parts:
                yield from _runs(part)
        case Fraction(MathName() as above, MathName() as below):
            yield from (*_runs(above), Run("/"), *_runs(below))
        case Raised(MathName(index=index) as base, exponent) if is_power_of_raised(index, exponent):
            yield from _runs(Raised(Fenced(base), exponent))
        case Raised(base, exponent):
            yield from _runs(base)
            yield Run("⊤" if exponent == "T" else exponent.translate(_EXPONENTS), height=RAISED)
        case Fenced(inner, left, right, index):
            yield from (Run(left), *_runs(inner), Run(right))
            if index:
                yield Run(index, height=LOWERED)
        case SumOver(index):
            yield from (Run("Σ"), Run(index, italic=True, height=LOWERED))
        case _:
            yield Run(formula_text(formula))


def _script(text: str, height: int) -> Iterator[Run]:
    """Yield an index piece by piece: single letters are variables, words are names."""
    for piece in re.findall(r"[^\W\d_]+|[\W\d_]+", text):
        yield Run(piece, italic=len(piece) == 1 and piece.isalpha(), height=height)


def estimated(label: Label) -> float:
    """Return the width that a label takes at most, in units of the font size."""
    return sum(_width(c) * (1 if run.height == BASE else INDEX_SIZE) for run in runs(label) for c in run.text)


def _width(character: str) -> float:
    if east_asian_width(character) in "WF":
        return 1.0
    if combining(character):
        return 0.0
    if character in "ijltfr,.()[]⟨⟩|·′ /1":
        return _NARROW
    if character in "mwMW⊙+−=<>":
        return _WIDE
    return _CAPITAL if character.isupper() else _OTHER
