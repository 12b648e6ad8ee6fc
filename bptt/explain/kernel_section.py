"""The equations with the lines of the kernel that compute them.

`bptt.explain.annotate` finds these lines and passes them as plain data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bptt.derive.normal_form import NormalForm
from bptt.explain.document import (
    Code,
    CodeLine,
    Derivation,
    EquationLine,
    Equations,
    Part,
    Section,
    Sentence,
    Stage,
    listing,
    say,
)
from bptt.explain.formula_tree import MathName
from bptt.explain.gradients import GRADIENT
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation

_DIRECTIONS = {
    Stage.NORMAL: "Forward, one time step:",
    Stage.ADJOINT: "Backward, one time step:",
    Stage.GRADIENTS: "The gradients, to which every step adds its contribution:",
}


@dataclass(frozen=True)
class Passage:
    """The lines of a kernel that compute one equation.

    `together` names the values that a matrix product among the lines computes at once, `stacked` the matrices
    that it reads as one; `within` names the values in whose lines this equation is inlined, if it has no line
    of its own; `later` marks lines that run after the loop over a chunk of steps.
    """

    lines: tuple[CodeLine, ...]
    together: tuple[str, ...] = ()
    stacked: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    later: bool = False


def with_kernel(document: Derivation, form: NormalForm, passages: Mapping[str, Passage]) -> Derivation:
    """Add the lines of the kernel to each equation; `passages` are keyed by the equation's target."""
    notation = Notation(form, TIME if form.cell.states else "")

    def beside(line: EquationLine) -> EquationLine:
        found = passages.get(line.target)
        if found is None:
            return line
        return replace(line, code=Code(found.lines, tuple(_remarks(line.target, found, notation))))

    return document.each_line(beside)


def only_stage(document: Derivation, stage: Stage) -> Derivation:
    """Return the document with one section; that of the kernel is assembled from the other sections."""
    if stage is Stage.KERNEL:
        document = replace(document, sections=(kernel_section(document),))
    return document.only(stage)


def kernel_section(document: Derivation) -> Section:
    """Gather the equations that have kernel lines in one section."""
    parts: list[Part] = [
        say(
            "The kernel is C++ generated from the equations; the number of a line is on its left. The prefix"
            " v_ marks a value, d_ its {}; a Vector holds the numbers of adjacent units.",
            MathName("", mark="δ"),
        )
    ]
    for section in document.sections:
        if section.stage in _DIRECTIONS:
            parts.append(say(_DIRECTIONS[section.stage]))
            parts += [part for part in section.parts if isinstance(part, Equations)]
    return Section(Stage.KERNEL, "The equations and their kernel", tuple(parts), len(document.sections) + 1)


def _remarks(target: str, passage: Passage, notation: Notation) -> Iterator[Sentence]:
    if passage.within:
        yield say("No line of its own: inlined into that of {}.", _names(passage.within, notation))
    if passage.together:
        yield say("One product for {}.", _names(passage.together, notation))
    if passage.stacked:
        yield say("One product with {}, stacked.", _names(passage.stacked, notation))
    if passage.later and target.startswith(GRADIENT):
        yield say(
            "An entry ({}, matrix, member) in the table of products that are computed for all steps of a"
            " chunk at once, after its loop.",
            MathName("", mark="δ"),
        )
    elif passage.later:
        yield say("Computed for all steps of a chunk at once, after its loop.")


def _names(names: tuple[str, ...], notation: Notation) -> Sentence:
    return listing(say("{}", notation.name(name)) for name in names)
