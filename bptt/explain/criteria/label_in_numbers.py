"""A small label worked through in numbers: its states, both recursions, occupancy, gradient, alignments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from bptt.derive.evaluate import Vector
from bptt.derive.label_tables import LabelTables, label_tables
from bptt.errors import InputError
from bptt.explain.criteria.label_alignments import BLANK, LABEL, SKIP, STATE, SYMBOL_OF_STATE, TIME, TITLE, P
from bptt.explain.criteria.tag_sequences import at
from bptt.explain.document import Derivation, EquationLine, Equations, Part, Section, Stage, Table, say
from bptt.explain.figures import as_term, figure
from bptt.explain.formula_tree import COMMA, Digits, Formula, MathName, Row, SumOver, Term, beside
from bptt.explain.network.writing import equal, ln, minus
from bptt.explain.numbers.draw import draw_rows
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.reading import NumberSource, read_choices

# The usual case: two symbols and the blank; a label with two equal symbols, at five steps.
_SYMBOLS, _STEPS, _LABEL = 2, 5, (1, 2, 2)
# More would fill screens that nobody follows by hand.
_MOST_STEPS, _MOST_SYMBOLS, _MOST_CLASSES, _MOST_ALIGNMENTS = 8, 4, 6, 40


def label_in_numbers(wanted: NumbersOptions, targets: NumberSource | None = None) -> Derivation:
    """Return the document of a small label: 1, 2, 2 or `targets`, with scores drawn from the seed.

    Raises InputError for more steps or symbols than can be followed by hand, for targets that are no
    symbols, and for a label that needs more steps.
    """
    label = tuple(read_choices(targets, _MOST_CLASSES)) if targets else _LABEL
    steps = wanted.steps or _STEPS
    for what, count, most in (("time steps", steps, _MOST_STEPS), ("symbols", len(label), _MOST_SYMBOLS)):
        if count > most:
            raise InputError("numbers", f"at most {most} {what} are written out", count)
    if 0 in label:
        raise InputError("targets", "a symbol is 1 or more; 0 is the blank", ", ".join(map(str, label)))
    needed = len(label) + sum(a == b for a, b in pairwise(label))
    if steps < needed:
        raise InputError("steps", f"this label needs {needed} steps", steps, "Give more steps")
    tables = label_tables(draw_rows(wanted.seed or 0, "scores", steps, max(_SYMBOLS, *label) + 1), label)
    sections = (
        Section(Stage.SHAPES, "The given numbers", tuple(_given(tables))),
        Section(Stage.NORMAL, "The forward recursion", tuple(_forward(tables))),
        Section(Stage.ADJOINT, "The backward recursion and the occupancy", tuple(_backward(tables))),
        Section(Stage.GRADIENTS, "The gradient: softmax minus occupancy", tuple(_gradient(tables))),
        Section(Stage.NUMBERS, "All alignments, one by one", tuple(_alignments(tables))),
    )
    numbered = tuple(replace(section, number=k) for k, section in enumerate(sections, 1))
    return Derivation(TITLE, (), numbered)


def _by_step(head: Formula, columns: Sequence[Formula], rows: Sequence[Vector]) -> Table:
    """Return a table with a row for each step."""
    titles = (say("{}", head), *(say("{}", column) for column in columns))
    written = tuple(
        (say("{}", str(step)), *(say("{}", figure(number)) for number in row))
        for step, row in enumerate(rows, 1)
    )
    return Table(titles, written, numeric_from=1)


def _listed(names: Sequence[Formula]) -> Row:
    return Row(tuple(part for name in names for part in (COMMA, name))[1:])


def _classes(tables: LabelTables) -> list[Formula]:
    return [BLANK if k == tables.blank else Digits(str(k)) for k in range(len(tables.scores[0]))]


def _given(tables: LabelTables) -> Iterator[Part]:
    names = _classes(tables)
    yield say("Numbers are shown with four significant digits; they are computed with all.")
    yield say(
        "The label {}. Scores {} of the blank {} and of the symbols, a row for each step:",
        equal(LABEL, _listed([names[k] for k in tables.label])),
        MathName("u", index="t"),
        BLANK,
    )
    yield _by_step(TIME, names, tables.scores)
    yield say("Probabilities {} by the softmax:", MathName("y", index="t"))
    yield _by_step(TIME, names, tables.softmax)
    yield say(
        "The states {} of the extended label, and whether the blank before a symbol may be skipped:", STATE
    )
    rows = tuple(
        (say("{}", str(s)), say("{}", names[k]), say("{}", Digits(str(int(skip)))))
        for s, (k, skip) in enumerate(zip(tables.states, tables.skips, strict=True), 1)
    )
    yield Table((say("{}", STATE), say("{}", SYMBOL_OF_STATE), say("{}", SKIP)), rows, numeric_from=1)


def _states(tables: LabelTables) -> list[Formula]:
    return [Digits(str(s)) for s in range(1, len(tables.states) + 1)]


def _forward(tables: LabelTables) -> Iterator[Part]:
    yield say("{}, a row for each step, a column for each state:", at("α", STATE, step="t"))
    yield _by_step(TIME, _states(tables), tables.alpha)
    last = str(len(tables.scores))
    ends = list(enumerate(tables.alpha[-1], 1))[:-3:-1]
    names = [at("α", Digits(str(s)), step=last) for s, _ in ends]
    numbers = (tuple(as_term(number) for _, number in ends), (as_term(tables.probability),))
    yield Equations(
        (
            EquationLine(P, tuple(Term(False, name) for name in names), "", numbers),
            EquationLine(MathName("E"), (minus(ln(P)),), "", ((as_term(tables.loss),),)),
        )
    )


def _backward(tables: LabelTables) -> Iterator[Part]:
    yield say("{}, from the last step to the first:", at("β", STATE, step="t"))
    yield _by_step(TIME, _states(tables), tables.beta)
    yield say(
        "{}, the probability of a state given the label; every row adds up to 1:", at("γ", STATE, step="t")
    )
    yield _by_step(TIME, _states(tables), tables.occupancy)


def _gradient(tables: LabelTables) -> Iterator[Part]:
    gradient = MathName("u", index="t", mark="δ")
    yield say("The derivative of the loss by the scores, {}; every row adds up to 0:", gradient)
    yield _by_step(TIME, _classes(tables), tables.gradients)


def _alignments(tables: LabelTables) -> Iterator[Part]:
    found, names = tables.alignments(), _classes(tables)
    yield say("The alignments of the label, {} in number, add up to the same {}:", str(len(found)), P)
    if len(found) <= _MOST_ALIGNMENTS:
        rows = tuple(
            (say("{}", _listed([names[k] for k in path])), say("{}", figure(chance)))
            for path, chance in found
        )
        yield Table((say("alignment {}", MathName("π")), say("probability")), rows, numeric_from=1)
    whole = beside(SumOver("π"), MathName("P", index="π"))
    total = sum(chance for _, chance in found)
    yield Equations((EquationLine(P, (Term(False, whole),), "", ((as_term(total),),)),))
