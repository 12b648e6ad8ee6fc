"""The Jacobian on paper: the linearised step, its blocks multiplied out, its product over time.

R3 in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.expression import ONE, Expression, split_sign
from bptt.derive.blocks import Block, Path, blocks
from bptt.derive.jacobian import CHANGE, jacobian
from bptt.derive.normal_form import NormalForm
from bptt.explain.document import EquationLine, Part, Section, Stage, aligned, say
from bptt.explain.formula_tree import (
    EQUALS,
    Digits,
    Fenced,
    Formula,
    FunctionName,
    MathName,
    Raised,
    Row,
    Term,
    beside,
    derivative,
)
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation


def jacobian_section(form: NormalForm, notation: Notation) -> Section:
    """Return the section on the derivative of the states by the previous ones.

    Without states, on the derivative of the output by the input.
    """
    if form.cell.states:
        parts = (*_linear_step(form, notation), *_multiplied_out(form, notation), *_over_time())
        return Section(Stage.JACOBIAN, "The Jacobian of one time step", parts)
    return Section(Stage.JACOBIAN, "The Jacobian", tuple(_multiplied_out(form, notation)))


def _linear_step(form: NormalForm, notation: Notation) -> Iterator[Part]:
    value = MathName("v")
    steps = jacobian(form.cell, states_only=True).steps
    yield say(
        "{} is the change of {} when only the states of the step before change; {} is the diagonal matrix"
        " with the elements of {}.",
        MathName("v", mark=CHANGE),
        value,
        Row((FunctionName("diag"), Fenced(value))),
        value,
    )
    yield from aligned(EquationLine(notation.name(s.target), notation.linear_right_side(s)) for s in steps)


def _multiplied_out(form: NormalForm, notation: Notation) -> Iterator[Part]:
    found = blocks(form.cell)
    if found is None:
        yield say("Its blocks are too long to be shown: statements over a row, or too many paths.")
        return
    states = form.cell.states
    yield say("Multiplied out, state by state:" if states else "Its transpose propagates the error back:")
    yield from aligned(block_line(block, notation) for block in found)
    match found:
        case (Block(paths=((Expression() as slope, str() as matrix),)),) if states:
            yield say("From one linear map to the next, the order of the factors is reversed:")
            yield from aligned([_from_net_to_net(form, slope, matrix)])


def _from_net_to_net(form: NormalForm, slope: Expression, matrix: str) -> EquationLine:
    """Write ∂net_t/∂net_{t−1} = W diag f′(net_{t−1}), for a cell with one matrix in its Jacobian."""
    now, before = Notation(form, TIME), Notation(form, TIME, shift=-1)
    net = next(s.target for s in form.steps if any(p.matrix == matrix for p in s.products))
    left = derivative(now.names[net], before.names[net])
    return EquationLine(left, (Term(False, beside(now.name(matrix), before.diagonal(slope))),))


def block_line(block: Block, notation: Notation) -> EquationLine:
    """Write ∂target/∂source as a sum over paths."""
    left = derivative(notation.names[block.target], notation.names[block.source])
    return EquationLine(left, tuple(_path_term(path, notation) for path in block.paths))


def _path_term(path: Path, notation: Notation) -> Term:
    """Write a product of matrices and diagonals, or 1 where a state is passed on unchanged."""
    first, *others = path or (ONE,)
    negative, head = split_sign(first) if isinstance(first, Expression) else (False, first)
    factors = others if head == ONE and others else (head, *others)
    return Term(negative, beside(*(_matrix(factor, notation) for factor in factors)))


def _matrix(factor: Expression | str, notation: Notation) -> Formula:
    return notation.name(factor) if isinstance(factor, str) else notation.diagonal(factor)


def _over_time() -> Iterator[Part]:
    now, earlier = MathName("t"), MathName("k")
    product = beside(
        MathName("J", index="t"), MathName("J", index="t−1"), Digits("⋯"), MathName("J", index="k+1")
    )
    state, state_before, loss = MathName("s", index="t"), MathName("s", index="k"), MathName("E", index="t")
    reached = beside(Raised(Fenced(product), "T"), derivative(loss, state))
    yield say(
        "Let {} be the matrix of all blocks of step {}. Then {}, and the gradient of the loss at {} with"
        " respect to the states at {} is {}. It vanishes if the norms of the factors stay below 1, and may"
        " explode if they stay above 1.",
        MathName("J", index="t"),
        now,
        Row((derivative(state, state_before), EQUALS, product)),
        now,
        earlier,
        Row((derivative(loss, state_before), EQUALS, reached)),
    )
