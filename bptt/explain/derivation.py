"""The derivation of a cell as a document: from its equations to the values stored for the backward pass."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.cell import Cell
from bptt.cells.expression import Number
from bptt.cells.parameters import Family
from bptt.derive.normal_form import EquationStep, NormalForm, normal_form
from bptt.derive.storage import storage
from bptt.explain.backpropagation import adjoint_section
from bptt.explain.document import (
    Derivation,
    EquationLine,
    Equations,
    Fact,
    Part,
    Section,
    Sentence,
    Stage,
    listing,
    say,
)
from bptt.explain.formula_tree import (
    EQUALS,
    Digits,
    Fenced,
    MathName,
    Row,
    beside,
)
from bptt.explain.gradients import gradient_section
from bptt.explain.legend import TIME, split_name
from bptt.explain.linear import jacobian_section
from bptt.explain.notation import Notation
from bptt.explain.notation_of_texts import facts_of_texts
from bptt.explain.sizes import arithmetic, size
from bptt.languages.phrase import phrase
from bptt.shapes import LEGEND


def derivation(cell: Cell) -> Derivation:
    """Return the whole derivation of a cell. Raises InputError if the widths in its equations do not fit."""
    form = normal_form(cell)
    notation = Notation(form, TIME if cell.states else "")
    sections = (
        _equations(form, notation),
        _normal_form(form, notation),
        adjoint_section(form, notation),
        gradient_section(form, notation),
        jacobian_section(form, notation),
        _storage(form, notation),
    )
    return Derivation(cell.title, tuple(_facts(form, notation)), sections).numbered()


def _facts(form: NormalForm, notation: Notation) -> Iterator[Fact]:
    cell = form.cell
    yield Fact("cell", (say("{}", cell.name),))
    yield Fact("source", (say("{}", phrase(cell.source or "not given")),))
    yield Fact("input", (_with_widths(form, notation, cell.inputs),))
    if cell.states:
        yield Fact("states", (_with_widths(form, notation, cell.states),))
    yield Fact("output", (_with_widths(form, notation, (cell.output,)),))
    if cell.families:
        yield Fact("parameters", tuple(_family(family, notation) for family in cell.families))
        weights = " + ".join(family.formula for family in cell.families)
        yield Fact("weights", (say("{}", arithmetic(weights)),))
    if cell.constants:
        values = {c: notation.formula(Number(v)) for c, v in cell.constants.items()}
        named = (say("{}", Row((notation.name(c), EQUALS, value))) for c, value in values.items())
        yield Fact("constants", (listing(named),))
    yield from facts_of_texts(cell)
    sizes = (say("{} {}", MathName(letter), phrase(LEGEND.get(letter, "a width"))) for letter in cell.letters)
    yield Fact("sizes", (listing(sizes),))


def _with_widths(form: NormalForm, notation: Notation, names: tuple[str, ...]) -> Sentence:
    return listing(say("{}", beside(notation.name(n), Fenced(size(form.width(n))))) for n in names)


def _family(family: Family, notation: Notation) -> Sentence:
    """Write the name, shape and members of a family: W (4·H, I): W_i, W_f, W_g, W_o."""
    stacked = f"{len(family.members)}·{family.rows}" if len(family.members) > 1 else family.rows
    rows = arithmetic(stacked)
    shape = say("({}, {})", rows, size(family.columns)) if family.columns else say("({})", rows)
    members = listing(say("{}", notation.name(member)) for member in family.members)
    return say("{} {}: {}", split_name(family.name), shape, members)


def _equations(form: NormalForm, notation: Notation) -> Section:
    lines = tuple(
        EquationLine(notation.name(e.target), notation.terms(e.expression)) for e in form.cell.equations
    )
    element = say("⊙ is the element-wise product; a matrix before a vector is a matrix-vector product.")
    if not form.cell.states:
        return Section(Stage.EQUATIONS, "The equations of the layer", (Equations(lines), element))
    time = say(
        "{} The same equations hold from {} to {}; the states at {} are given.",
        element,
        Row((MathName("t"), EQUALS, Digits("1"))),
        MathName("T"),
        Row((MathName("t"), EQUALS, Digits("0"))),
    )
    return Section(Stage.EQUATIONS, "The equations of one time step", (Equations(lines), time))


def _normal_form(form: NormalForm, notation: Notation) -> Section:
    intro = say(
        "Every linear map and every nonlinearity has its own line, so that each line can be differentiated"
        " separately."
    )
    lines = tuple(EquationLine(notation.name(s.target), notation.right_side(s), s.target) for s in form.steps)
    return Section(Stage.NORMAL, "The forward equations", (intro, Equations(lines)))


def _lines(steps: tuple[EquationStep, ...], notation: Notation) -> tuple[EquationLine, ...]:
    return tuple(EquationLine(notation.name(s.target), notation.right_side(s)) for s in steps)


def _storage(form: NormalForm, notation: Notation) -> Section:
    plan = storage(form.cell)
    there = _with_widths(form, notation, (*form.cell.inputs, *form.cell.states))
    kept = _with_widths(form, notation, plan.kept) if plan.kept else say("nothing else")
    parts: list[Part] = [
        say("Available in any case, as input or state: {}. Kept for the backward pass: {}.", there, kept)
    ]
    if plan.recomputed:
        parts.append(say("Recomputed from these, element by element, instead of being kept:"))
        parts.append(Equations(_lines(plan.recomputed, notation)))
    counts = {mode: arithmetic(formula) for mode, formula in plan.formulas.items()}
    parts += [
        say(
            "Numbers stored for {} time steps and {} rows, if all of these are kept: {}.",
            MathName("T"),
            MathName("B"),
            counts["keep"],
        ),
        say("If only the states are kept, and the rest is recomputed from them: {}.", counts["recompute"]),
        say(
            "If the states of every {} = √{} steps are kept, and each segment is recomputed: {}.",
            MathName("S"),
            MathName("T"),
            counts["segments"],
        ),
    ]
    return Section(Stage.STORAGE, "Values kept, and values recomputed", tuple(parts))
