"""The equations beside the lines of the kernel that compute them.

`bptt.explain.annotate` finds these lines and hands them over as plain data.
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
    Stage.GRADIENTS: "The gradients, to which every step adds its part:",
}


@dataclass(frozen=True)
class Passage:
    """The lines of a kernel that compute one equation.

    `together` names the values that a matrix product among the lines computes at once, `stacked` the
    matrices that it takes as one, `within` the values whose lines hold this equation, which has none of
    its own; `later` says that the lines run when the loop over a chunk of steps is over.
    """

    lines: tuple[CodeLine, ...]
    together: tuple[str, ...] = ()
    stacked: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    later: bool = False


def with_kernel(document: Derivation, form: NormalForm, passages: Mapping[str, Passage]) -> Derivation:
    """Add the lines of the kernel beside each equation; `passages` are keyed by its target."""
    notation = Notation(form, TIME if form.cell.states else "")

    def beside(line: EquationLine) -> EquationLine:
        found = passages.get(line.target)
        if found is None:
            return line
        return replace(line, code=Code(found.lines, tuple(_remarks(line.target, found, notation))))

    return document.each_line(beside)


def only_stage(document: Derivation, stage: Stage) -> Derivation:
    """Return the document with one of its sections; that of the kernel is made of the other sections."""
    if stage is Stage.KERNEL:
        document = replace(document, sections=(kernel_section(document),))
    return document.only(stage)


def kernel_section(document: Derivation) -> Section:
    """Gather the equations of a document that are beside a kernel, in one section."""
    parts: list[Part] = [
        say(
            "The kernel is C++ that is generated from the equations; on the left of a line is its number. v_"
            " stands for a value and d_ for its {}; a Vector holds the numbers of neighbouring units.",
            MathName("", mark="δ"),
        )
    ]
    for section in document.sections:
        if section.stage in _DIRECTIONS:
            parts.append(say(_DIRECTIONS[section.stage]))
            parts += [part for part in section.parts if isinstance(part, Equations)]
    return Section(Stage.KERNEL, "7. The equations beside their kernel", tuple(parts))


def _remarks(target: str, passage: Passage, notation: Notation) -> Iterator[Sentence]:
    if passage.within:
        yield say("No line of its own: it is put into that of {}.", _names(passage.within, notation))
    if passage.together:
        yield say("One product for {}.", _names(passage.together, notation))
    if passage.stacked:
        yield say("One product with {}, one below the other.", _names(passage.stacked, notation))
    if passage.later and target.startswith(GRADIENT):
        yield say(
            "An entry ({}, matrix, member) of the table of products, which are taken for all steps of a chunk"
            " at once, after its loop.",
            MathName("", mark="δ"),
        )
    elif passage.later:
        yield say("For all steps of a chunk at once, after its loop.")


def _names(names: tuple[str, ...], notation: Notation) -> Sentence:
    return listing(say("{}", notation.name(name)) for name in names)
