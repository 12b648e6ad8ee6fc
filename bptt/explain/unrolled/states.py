"""The states of numbered steps, and over all earlier inputs down to the initial states."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.expression import ZERO, Product, Symbol, is_scalar
from bptt.cells.language import PREVIOUS
from bptt.derive.expansion import Expansion, LinearUpdate, at, expand, linear_updates, nested
from bptt.derive.network import Loss
from bptt.derive.normal_form import NormalForm
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import (
    HADAMARD,
    INVISIBLE_PRODUCT,
    PLUS,
    Digits,
    Fenced,
    Formula,
    MathName,
    ProductOver,
    Row,
    SumOver,
    Term,
    beside,
)
from bptt.explain.legend import TIME
from bptt.explain.losses import FUNCTIONS
from bptt.explain.notation import Notation
from bptt.explain.numbered_steps import AllSteps, NumberedStep, loosened


def states_section(form: NormalForm, steps: int, loss: Loss | None = None) -> Section:
    """Return the section on the forward pass of steps 1 to `steps`; with a loss, the output layer's too."""
    expansions = nested(form.cell, steps)
    if expansions is not None:
        parts = tuple(_nested(form, steps, expansions))
    else:
        parts = (*_step_by_step(form, steps), *_sums(form, steps))
    if loss is not None:
        parts += tuple(_output_layer(form, steps, loss, expansions))
    return Section(Stage.EXPANDED, "The states over all earlier inputs", parts)


def _initial(form: NormalForm) -> Part:
    start = NumberedStep(form, 0)
    return say(
        "The pass begins with the initial states: {}, zero or given.",
        listing(say("{}", start.name(state)) for state in form.cell.states),
    )


def _nested(form: NormalForm, steps: int, expansions: tuple[Expansion, ...]) -> Iterator[Part]:
    notation = AllSteps(form, steps)
    yield _initial(form)
    yield say("Each step is substituted into the next, down to the initial states:")
    yield from aligned(
        EquationLine(notation.names[at(e.name, e.step)], loosened(notation.terms(e.expression)))
        for e in expansions
    )
    yield say("Every parameter occurs at each step, and changes the last state at all of them.")


def _output_layer(
    form: NormalForm, steps: int, loss: Loss, expansions: tuple[Expansion, ...] | None
) -> Iterator[Part]:
    """Yield the outputs o = g(V s + b) of all steps, over all inputs where the states are."""
    notation, output = AllSteps(form, steps), form.cell.output
    known = {e.step: e.expression for e in expansions or () if e.name == output}
    yield say(
        "The output layer reads {} of the same step, with the same {} and {} at every step:",
        Notation(form, TIME).name(output),
        MathName("V"),
        MathName("b"),
    )
    lines = []
    for step in range(1, steps + 1):
        read = known.get(step, Symbol(at(output, step)))
        net = Row((beside(MathName("V"), notation.factor(read)), PLUS, MathName("b")))
        function = FUNCTIONS[loss]
        body = net if function is None else Row((function, Fenced(net)))
        lines.append(EquationLine(MathName("o", (), str(step)), loosened([Term(False, body)])))
    yield Equations(tuple(lines))


def _step_by_step(form: NormalForm, steps: int) -> Iterator[Part]:
    yield _initial(form)
    for step in range(1, steps + 1):
        notation = NumberedStep(form, step)
        yield say("Step {}:", Digits(str(step)))
        yield Equations(
            tuple(
                EquationLine(notation.name(e.target), notation.terms(e.expression))
                for e in form.cell.equations
            )
        )


def _sums(form: NormalForm, steps: int) -> Iterator[Part]:
    """Yield each state whose update is linear in it as a sum over the steps."""
    updates = linear_updates(form.cell)
    notation = AllSteps(form, steps)
    now = Notation(form, TIME)
    for update in updates:
        yield say(
            "The update of {} is linear in {}: the factor is {}, and {} is added. Substituted step by step,"
            " every addition is multiplied by the factors of all later steps:",
            now.name(update.state),
            now.names[update.state + PREVIOUS],
            now.formula(update.factor),
            now.formula(update.rest),
        )
        sums = [expand(form.cell, update, step) for step in range(1, steps + 1)]
        yield Equations(
            (
                *(
                    EquationLine(notation.names[at(e.name, e.step)], notation.terms(e.expression))
                    for e in sums
                ),
                _general(form, update),
            )
        )
    if not updates:
        yield say(
            "No state is linear in its own previous value, and a step reads the previous states more than"
            " once: substituted into each other, the equations would at least double in length at every step."
        )


def _general(form: NormalForm, update: LinearUpdate) -> EquationLine:
    """Write the sum for any number of steps T."""
    symbol = Notation(form, "").names[update.state]
    last, first = (MathName(symbol.base, symbol.subscripts, index) for index in ("T", "0"))
    each = Notation(form, "k")
    every, later = beside(ProductOver("j"), _factor(form, update, "j")), ProductOver("j>k")
    added = each.formula(update.rest) if isinstance(update.rest, Product) else each.factor(update.rest)
    sign = INVISIBLE_PRODUCT if is_scalar(update.factor, each.scalars) else HADAMARD
    terms = [Term(False, Row((Fenced(every), sign, first)))]
    summand: list[Formula] = [SumOver("k"), INVISIBLE_PRODUCT]
    summand += [Fenced(beside(later, _factor(form, update, "j"))), sign, added]
    if update.rest != ZERO:
        terms.append(Term(False, Row(tuple(summand))))
    return EquationLine(last, tuple(terms))


def _factor(form: NormalForm, update: LinearUpdate, index: str) -> Formula:
    return Notation(form, index).factor(update.factor)
