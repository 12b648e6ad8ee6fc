"""The δ of every pair of steps: the loss of step m by a value of step n, and the chain of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from bptt.cells.expression import Call, Expression
from bptt.cells.functions import get_function
from bptt.derive.blocks import Block, blocks
from bptt.derive.expansion import linear_updates
from bptt.derive.normal_form import NormalForm
from bptt.explain.document import EquationLine, Equations, Part, Section, Sentence, Stage, Table, aligned, say
from bptt.explain.formula_tree import (
    EQUALS,
    Digits,
    Fenced,
    Formula,
    MathName,
    Operator,
    ProductOver,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
    derivative,
    factors,
    total,
)
from bptt.explain.network.writing import transposed
from bptt.explain.notation import Notation
from bptt.explain.numbered_steps import NumberedStep
from bptt.explain.unrolled.chains import IMMEDIATE, Chains

# The losses of more steps than these are added with dots between the first and the last.
_MOST_ADDED = 3


@dataclass(frozen=True)
class OneNet:
    """A cell with one state, one linear map of it, one nonlinearity: ∂h_t/∂h_{t−1} = diag(slope) matrix."""

    net: str
    function: str
    slope: Expression
    matrix: str


def one_net(form: NormalForm) -> OneNet | None:
    """Return the parts of the Jacobian of a cell such as Elman's; None for other cells."""
    if form.cell.states != (form.cell.output,):
        return None
    match blocks(form.cell):
        case (Block(paths=((Expression() as slope, str() as matrix),)),):
            net = next(s.target for s in form.steps if any(p.matrix == matrix for p in s.products))
            last = form.steps[-1].rest
            if isinstance(last, Call):
                return OneNet(net, last.function, slope, matrix)
    return None


def pairs_section(form: NormalForm, steps: int) -> Section:
    """Return the section on the δ of every loss at every step."""
    found = one_net(form)
    parts = _by_net(form, found, steps) if found else _by_state(form, steps)
    return Section(Stage.PAIRS, "The error terms of every pair of steps", tuple(parts))


def _delta(step: int | str, loss: int | str) -> Formula:
    return Raised(MathName("δ", (), str(step)), str(loss))


def _by_net(form: NormalForm, found: OneNet, steps: int) -> Iterator[Part]:
    """Yield the δ of the net input, each as a product of transposed Jacobians written out."""
    net, chains = Notation(form, "n").names[found.net], Chains.of(form)
    yield _meaning(net)
    yield _triangle(steps)
    lines = []
    for m in range(1, steps + 1):
        for n in range(m, 0, -1):
            parts: list[Formula] = []
            for k in range(n, m + 1):
                here = NumberedStep(form, k)
                parts.append(here.diagonal(found.slope))
                parts += [transposed(here.name(found.matrix))] if k < m else []
            lines.append(EquationLine(_delta(n, m), factors(*parts, chains.loss_by_read(m))))
    yield Equations(tuple(lines))
    slope, matrix = Notation(form, "n").diagonal(found.slope), Notation(form, "").name(found.matrix)
    yield say("One step further back, each is multiplied by one more transposed Jacobian:")
    yield Equations(
        (
            EquationLine(
                _delta("n", "m"), (Term(False, beside(slope, transposed(matrix), _delta("n+1", "m"))),)
            ),
        )
    )
    yield say("As rows, multiplied from step {} back to step {}:", MathName("m"), MathName("n"))
    every = beside(ProductOver("n≤k<m"), matrix, Notation(form, "k").diagonal(found.slope))
    row = beside(Raised(Fenced(_delta("m", "m")), "T"), every)
    yield Equations((EquationLine(Raised(Fenced(_delta("n", "m")), "T"), (Term(False, row),)),))
    if isfinite(get_function(found.function).steepest):
        yield _bound(form, found, chains)


def _bound(form: NormalForm, found: OneNet, chains: Chains) -> Sentence:
    """Say what bounds the product of Jacobians from step k to step t."""
    beta_w, beta_f = MathName("β", ("W",)), MathName("β", ("f",))
    product = derivative(chains.at("t"), chains.at("k"))
    power = Raised(Fenced(beside(beta_w, beta_f)), "t−k")
    norm = Fenced(Notation(form, "").name(found.matrix), "‖", "‖")
    return say(
        "With the norm {} and the largest slope {} of the nonlinearity, {}: below 1 the error vanishes"
        " exponentially with the distance, above 1 it may explode.",
        Row((beta_w, EQUALS, norm)),
        Row((beta_f, EQUALS, Digits(f"{get_function(found.function).steepest:g}"))),
        Row((Fenced(product, "‖", "‖"), Operator("≤"), power)),
    )


def _by_state(form: NormalForm, steps: int) -> Iterator[Part]:
    """Yield the δ of the states, each as a product of transposed Jacobians, and that of the other values."""
    chains = Chains.of(form)
    yield _meaning(chains.at("n"))
    yield _triangle(steps)
    lines = [
        EquationLine(_delta(n, m), factors(*_state_chain(chains, n, m)))
        for m in range(1, steps + 1)
        for n in range(m, 0, -1)
    ]
    yield Equations(tuple(lines))
    back = beside(transposed(derivative(chains.at("n+1"), chains.at("n"))), _delta("n+1", "m"))
    yield say("One step further back, each is multiplied by one more transposed Jacobian:")
    yield Equations((EquationLine(_delta("n", "m"), (Term(False, back),)),))
    yield from _direct_paths(form)
    names = Notation(form, "n").names
    maps = [step.target for step in form.steps if step.products and step.target not in form.cell.states]
    reaching = _reaching_states(form)
    lines = [_error_line(chains, names[target]) for target in maps if target in reaching]
    if lines and chains.read == chains.state:
        yield say("Within step {}, it gives the error of the result of every linear map:", MathName("n"))
    elif lines:
        before = Row((MathName("n"), Operator("<"), MathName("m")))
        yield say(
            "Before the step of the loss, {}, it gives the error of the result of a linear map:", before
        )
    yield from aligned(lines)


def _direct_paths(form: NormalForm) -> Iterator[Part]:
    """Yield the product of factors along each state whose update is linear in it."""
    each = Notation(form, "j")
    for update in linear_updates(form.cell):
        yield say(
            "Through {} alone, from step {} to step {}, the product is {}: on this path the error is"
            " multiplied by no matrix.",
            Notation(form, "").name(update.state),
            MathName("n"),
            MathName("m"),
            beside(ProductOver("n<j≤m"), each.diagonal(update.factor)),
        )


def _reaching_states(form: NormalForm) -> set[str]:
    """Return the values of a step that its states are computed from."""
    reaching = set(form.cell.states)
    for step in reversed(form.steps):
        if step.target in reaching:
            reaching.update(step.names)
    return reaching


def _error_line(chains: Chains, target: MathName) -> EquationLine:
    immediate = transposed(derivative(chains.at("n"), target, IMMEDIATE))
    right = (Term(False, beside(immediate, _delta("n", "m"))),)
    return EquationLine(derivative(MathName("E", index="m"), target), right)


def _state_chain(chains: Chains, n: int, m: int) -> tuple[Formula, ...]:
    """Write ∂E_m/∂s_n; an output that is no state is differentiated once by the states of its own step."""
    jacobians = [transposed(factor) for factor in reversed(chains.factors(m, n))]
    if chains.read != chains.state and n == m:
        jacobians = [transposed(derivative(chains.read_at(m), chains.at(m)))]
    return (*jacobians, chains.loss_by_read(m))


def _meaning(value: MathName) -> Sentence:
    short = Row((_delta("n", "m"), EQUALS, derivative(MathName("E", index="m"), value)))
    return say(
        "{} is the error term of the loss of step {} at step {}; it is zero for {}, because a loss does not"
        " depend on later steps. For every pair of steps:",
        short,
        MathName("m"),
        MathName("n"),
        Row((MathName("n"), Operator(">"), MathName("m"))),
    )


def _triangle(steps: int) -> Table:
    """Return the table of all δ: a row for each step, a column for each loss, and their sums."""
    every = range(1, steps + 1)
    losses = (say("{}", MathName("E", index=str(m))) for m in every)
    shown: list[Formula] = [MathName("E", index=str(m)) for m in every]
    between = [Digits("⋯")] if steps > _MOST_ADDED else shown[1:-1]
    summed = total(tuple(Term(False, each) for each in (shown[0], *between, *shown[1:][-1:])))
    rows = (
        (
            say("{}", Row((MathName("n"), EQUALS, Digits(str(n))))),
            *(say("{}", _delta(n, m) if m >= n else Digits("0")) for m in every),
            say(
                "{}",
                Row((MathName("δ", (), str(n)), EQUALS, beside(SumOver("m"), _delta(n, "m")))),
            ),
        )
        for n in every
    )
    return Table((say("step"), *losses, say("{}", summed)), tuple(rows), numeric_from=steps + 2)
