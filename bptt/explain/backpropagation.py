"""Back-propagation on paper: the δ of every value, in one time step or one layer.

The equations are B4, the δ of a layer, and R3, the δ through time, in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.cell import Cell
from bptt.cells.dense import DENSE
from bptt.cells.expression import ZERO, Call, Product, RowCall, Symbol, multiply, walk
from bptt.cells.functions import get_function
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import EquationStep, NormalForm, normal_form
from bptt.explain.document import EquationLine, Part, Section, Sentence, Stage, aligned, listing, say
from bptt.explain.formula_tree import (
    EQUALS,
    HADAMARD,
    MINUS,
    PLUS,
    Digits,
    Fenced,
    FunctionName,
    MathName,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
    derivative,
    total,
)
from bptt.explain.legend import LAYER
from bptt.explain.notation import Notation
from bptt.languages.phrase import phrase

T, V, E = MathName("t"), MathName("v"), MathName("E")
A_DELTA, DELTA_V, E_BY_V = MathName("", mark=DELTA), MathName("v", mark=DELTA), derivative(E, V)


def adjoint_section(form: NormalForm, notation: Notation) -> Section:
    """Return the section with the δ of every value, from the last forward equation to the first."""
    steps = adjoint(form.cell).steps
    lines = (EquationLine(notation.name(s.target), notation.right_side(s), s.target) for s in steps)
    recurrent = bool(form.cell.states)
    before, after = (_from_outside, _handed_on) if recurrent else (_from_above, _stacked)
    parts = (*before(form, notation), *_calculus(form), *aligned(lines), *after(form, notation))
    title = "Back-propagation through one time step" if recurrent else "Back-propagation"
    return Section(Stage.ADJOINT, title, parts)


def _from_outside(form: NormalForm, notation: Notation) -> Iterator[Part]:
    state, last = form.cell.states[0], MathName("E", index="T")
    yield say(
        "The loss of the whole sequence is {}; the part after step {} is {}. {} is short for {}.",
        Row((E, EQUALS, beside(SumOver("t"), MathName("E", index="t")))),
        T,
        Row((MathName("E", index=">t"), EQUALS, MathName("E", index="t+1"), PLUS, Digits("⋯"), PLUS, last)),
        DELTA_V,
        E_BY_V,
    )
    yield _chain_rule()
    yield say(
        "A state is also read outside of these equations: by the loss at {}, which contributes {} (zero for a"
        " state that it does not read), and by step {}, which contributes {} (zero at the last step).",
        T,
        notation.name(FROM_LOSS + state),
        Row((T, PLUS, Digits("1"))),
        notation.name(FROM_NEXT + state),
    )


def _from_above(form: NormalForm, notation: Notation) -> Iterator[Part]:
    wanted = MathName("d")
    error = Row((notation.name(form.cell.output), MINUS, wanted))
    yield say("{} is short for {}, the derivative of the loss.", DELTA_V, E_BY_V)
    yield _chain_rule()
    yield say(
        "{} comes from the layer above; at the top it comes from the loss, and is {} for the squared error {}"
        " with the target {}.",
        notation.name(DELTA + form.cell.output),
        error,
        Row((Digits("½"), Raised(Fenced(error, "‖", "‖"), "2"))),
        wanted,
    )


def _chain_rule() -> Sentence:
    matrix = MathName("M")
    return say(
        "By the chain rule, from the last forward equation to the first: the {} of a value is a sum over the"
        " equations that read it, each term the {} of that equation times its derivative; where a matrix {}"
        " reads the value, the term is {}.",
        A_DELTA,
        A_DELTA,
        matrix,
        beside(Raised(matrix, "T"), A_DELTA),
    )


def _calculus(form: NormalForm) -> Iterator[Part]:
    """Yield the derivatives of the functions that a cell calls, in terms of their outputs."""
    called = [step.rest.function for step in form.steps if isinstance(step.rest, Call)]
    rules = [_rule(function) for function in dict.fromkeys(called)]
    if rules:
        yield say(
            "The derivative of a nonlinearity {} is written in terms of its output, which the forward pass"
            " has computed: {}.",
            Row((MathName("y"), EQUALS, MathName("f"), Fenced(MathName("u")))),
            listing(rules),
        )
    if any(isinstance(step.rest, RowCall) for step in form.steps):
        yield say(
            "{} is the sum of the elements of {} over the units of a row, {} their mean: one number per row.",
            beside(SumOver("j"), Fenced(V, index="j")),
            V,
            Row((FunctionName("mean"), Fenced(V))),
        )


def _rule(function: str) -> Sentence:
    """Write the derivatives of a function by each argument, u and x: y ⊙ (1 − y) for σ(u)."""
    layer = Notation(normal_form(DENSE), "")
    rule = get_function(function)
    arguments = (Symbol("u"), Symbol("x"))[: rule.arity]
    derivatives = (layer.formula(partial(Symbol("y"), *arguments)) for partial in rule.partials)
    values, called = (
        listing(say("{}", each) for each in derivatives),
        layer.formula(Call(function, arguments)),
    )
    if not rule.remark:
        return say("{} for {}", values, called)
    return say("{} for {} ({})", values, called, phrase(rule.remark))


def _handed_on(form: NormalForm, notation: Notation) -> Iterator[Part]:
    states = listing(say("{}", notation.name(DELTA + previous)) for previous in form.previous)
    inputs = listing(say("{}", notation.name(DELTA + name)) for name in form.cell.inputs)
    yield say("Passed on to step {}: {}.", Row((T, MINUS, Digits("1"))), states)
    yield say("Passed down to the layer below, whose output is the input of this layer: {}.", inputs)


def _stacked(form: NormalForm, notation: Notation) -> Iterator[Part]:
    """Yield the δ of a layer from that of the next, δ = Wᵀ δ_next ⊙ f′(u) (B4 in docs/equations.md)."""
    below = handed_down(form.cell)
    if below is None:
        return
    line = chained(Notation(form, LAYER), Notation(form, LAYER, shift=1).right_side(below))
    if line is not None:
        yield say(
            "In a stack of layers the {} of one is the {} of the one below:",
            notation.name(below.target),
            notation.name(DELTA + form.cell.output),
        )
        yield from aligned([line])


def handed_down(cell: Cell) -> EquationStep | None:
    """Return the equation of what a layer hands down, if that is a sum of matrices times δ."""
    found = [s for s in adjoint(cell).steps if s.target.removeprefix(DELTA) in cell.inputs and s.rest == ZERO]
    return found[0] if len(found) == 1 else None


def chained(layer: Notation, arriving: tuple[Term, ...]) -> EquationLine | None:
    """Write the δ of the sum of a layer from the δ of its output, which is `arriving`.

    None where the output of the layer is no function of one sum.
    """
    output = Symbol(DELTA + layer.form.cell.output)
    readers = [s for s in adjoint(layer.form.cell).steps if output in walk(s.rest)]
    match readers:
        case [EquationStep(rest=Product(factors)) as reader]:
            slope = multiply(*(f for f in factors if f != output))
            error = total(arriving)
            whole = Row((Fenced(error) if len(arriving) > 1 else error, HADAMARD, layer.factor(slope)))
            return EquationLine(layer.name(reader.target), (Term(False, whole),))
    return None
