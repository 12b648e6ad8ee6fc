"""The loss of one step alone, followed back through all earlier steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA, FROM_LOSS
from bptt.derive.normal_form import NormalForm
from bptt.derive.one_loss import FollowedStep, follow_loss
from bptt.explain.document import EquationLine, Equations, Part, Section, Sentence, Stage, Table, listing, say
from bptt.explain.formula_tree import Digits, Formula, MathName, derivative
from bptt.explain.numbered_steps import NumberedStep


def one_loss_section(form: NormalForm, steps: int) -> Section:
    """Return the section on the loss of the last step alone."""
    return Section(Stage.ONE_LOSS, "The loss at one step alone", tuple(_parts(form, steps)))


def _parts(form: NormalForm, last: int) -> Iterator[Part]:
    loss, followed = MathName("E", index=str(last)), follow_loss(form.cell, last)
    yield say(
        "Take {} alone, as if the losses of all other steps were zero: {} is short for {}. It reads {} only;"
        " it reaches earlier steps through the states that they hand on.",
        loss,
        MathName("v", mark=DELTA),
        derivative(loss, MathName("v")),
        NumberedStep(form, last).name(form.cell.output),
    )
    yield _reach(form, followed, last)
    for one in followed:
        if not one.equations:
            yield say("Step {}, and all before it, are not reached.", Digits(str(one.step)))
            return
        notation = NumberedStep(form, one.step, str(last))
        lines = (EquationLine(notation.name(e.target), notation.right_side(e)) for e in one.equations)
        yield say("Step {}:", Digits(str(one.step)))
        yield Equations(tuple(lines))
    yield say(
        "The loss of the whole sequence is the sum of the losses of its steps, and {} is linear in the loss:"
        " these equations, begun at every step, add up to the backward pass of the whole sequence.",
        MathName("", mark=DELTA),
    )


def _reach(form: NormalForm, followed: Sequence[FollowedStep], last: int) -> Table:
    """Return a row for each step: the δ from its own loss and from the step after, and those handed on."""
    rows = []
    for one in followed:
        here, after = (NumberedStep(form, step, str(last)) for step in (one.step, one.step + 1))
        own = [here.name(FROM_LOSS + form.cell.output)] if one.step == last else []
        arriving = [after.name(DELTA + state + PREVIOUS) for state in one.arriving]
        handed = [here.name(DELTA + state + PREVIOUS) for state in one.handed]
        rows.append((say("{}", Digits(str(one.step))), *map(_names, (own, arriving, handed))))
    head = (
        say("step"),
        say("from its own loss"),
        say("from the step after"),
        say("handed on to the step before"),
    )
    return Table(head, tuple(rows), numeric_from=4)


def _names(formulas: Sequence[Formula]) -> Sentence:
    return listing(say("{}", formula) for formula in formulas) if formulas else say("nothing")
