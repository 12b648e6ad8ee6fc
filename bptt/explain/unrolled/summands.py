"""The gradient of a shared parameter as a sum over its copies: why it is one, and its summands one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bptt.derive.adjoint import DELTA, adjoint
from bptt.derive.blocks import blocks
from bptt.derive.normal_form import NormalForm
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import (
    COMMA,
    EQUALS,
    Digits,
    Fenced,
    Fraction,
    MathName,
    ProductOver,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
    derivative,
    factors,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.legend import TIME, split_name
from bptt.explain.linear import block_line
from bptt.explain.network.writing import indicator
from bptt.explain.notation import Notation
from bptt.explain.numbered_steps import NumberedStep
from bptt.explain.unrolled.chains import IMMEDIATE, Chains, entry, free_letters

SHARED, LOSS = MathName("W"), MathName("E")


def summands_section(form: NormalForm, steps: int) -> Section:
    """Return the section on the summands of the gradient of every parameter."""
    chains = Chains.of(form)
    parts = (
        *_copies(steps),
        *_product_rule(form),
        *_recursion(chains, steps),
        *(part for family in form.cell.families for part in _chains(chains, family.name, steps)),
        *_outer_products(form, steps),
    )
    return Section(Stage.SUMMANDS, "The summands of the gradients", parts)


def _copies(steps: int) -> Iterator[Part]:
    copies = [replace(SHARED, index=str(k)) for k in range(1, steps + 1)]
    equal = Row((*(part for copy in copies for part in (copy, EQUALS)), SHARED))
    each = replace(SHARED, index="k")
    yield say(
        "A parameter {} is shared by all steps. Give each step a copy of its own, {}. The loss is a function"
        " of all copies, and every copy changes with {} at the rate {}; by the chain rule the derivative is a"
        " sum:",
        SHARED,
        equal,
        SHARED,
        Row((derivative(each, SHARED), EQUALS, Digits("1"))),
    )
    over = beside(SumOver("k"), derivative(LOSS, each), derivative(each, SHARED))
    summed = tuple(Term(False, derivative(LOSS, copy)) for copy in copies)
    left = derivative(LOSS, SHARED)
    yield Equations((EquationLine(left, (Term(False, over),)), EquationLine(left, summed)))


def _product_rule(form: NormalForm) -> Iterator[Part]:
    """Yield the product rule for a linear map of the previous state, with the tensor ∂W/∂W by indices."""
    found = _recurrent_map(form)
    if found is None:
        yield say(
            "The summands come from the product rule: a parameter acts at step {} directly, and through the"
            " incoming state, which earlier steps have computed with the same parameter.",
            MathName(TIME),
        )
        return
    names, (matrix, vector, target) = Notation(form, "").names, found
    j, i, a, b = free_letters(form)[:4]
    whole, state, net, w = names[matrix], names[vector], names[target], entry(form, matrix)
    w_ji, w_ab, net_j = replace(w, index=j + i), replace(w, index=a + b), replace(net, index=f"{j},t")
    s_i, s_b = (replace(state, index=f"{unit},t−1") for unit in (i, b))
    same_row, same_column = indicator(MathName(j), MathName(a)), indicator(MathName(i), MathName(b))
    yield say(
        "The summands come from the product rule, because in {} both factors depend on {}. With the entries"
        " {} of {}:",
        beside(whole, replace(state, index="t−1")),
        whole,
        w_ji,
        whole,
    )
    product = Fraction(Row((MathName("", mark="∂"), Fenced(beside(w_ji, s_i)))), replace(w_ab, mark="∂"))
    first, second = beside(derivative(w_ji, w_ab), s_i), beside(w_ji, derivative(s_i, w_ab))
    summed = (Term(False, beside(same_row, s_b)), Term(False, beside(SumOver(i), second)))
    yield Equations(
        (
            EquationLine(product, (Term(False, first), Term(False, second))),
            EquationLine(derivative(w_ji, w_ab), (Term(False, beside(same_row, same_column)),)),
            EquationLine(derivative(net_j, w_ab), summed),
        )
    )
    delta, delta_a = (replace(net, index=f"{unit},t", mark=DELTA) for unit in (j, a))
    contracted = beside(SumOver(j), delta, same_row, s_b)
    yield say(
        "{} is 1 if the condition holds and 0 otherwise (Kronecker's delta): {} is a tensor with four"
        " indices. The first term of the sum is the immediate derivative of step {}, the second the effect"
        " of {} on the incoming state. Multiplied by {} and summed over {}, the first becomes {}, the entry"
        " {} of an outer product.",
        same_row,
        derivative(whole, whole),
        MathName(TIME),
        whole,
        delta,
        MathName(j),
        Row((contracted, EQUALS, beside(delta_a, s_b))),
        Fenced(Row((MathName(a), COMMA, MathName(b)))),
    )


def _recurrent_map(form: NormalForm) -> tuple[str, str, str] | None:
    """Return the names of a matrix, of the state that it reads, and of the result."""
    for step in form.steps:
        for product in step.products:
            if product.vector in form.previous:
                return product.matrix, product.vector, step.target
    return None


def _recursion(chains: Chains, steps: int) -> Iterator[Part]:
    now, before, i = chains.at(TIME), chains.at(f"{TIME}−1"), free_letters(chains.form)[1]
    start = Row((derivative(chains.at(0), SHARED), EQUALS, Digits("0")))
    yield say(
        "So the total derivative of a state has a recursion, with {}. {} holds the incoming states fixed."
        " Substituted down to the first step it is a sum, in which {} multiplies from the last step to the"
        " first:",
        start,
        MathName("", mark=IMMEDIATE),
        ProductOver(f"{i}>k"),
    )
    again = beside(derivative(now, before), derivative(before, SHARED))
    step = beside(ProductOver(f"{i}>k"), derivative(chains.at(i), chains.at(f"{i}−1")))
    general = beside(SumOver("k"), Fenced(step), derivative(chains.at("k"), SHARED, IMMEDIATE))
    lines = [
        EquationLine(
            derivative(now, SHARED), (Term(False, derivative(now, SHARED, IMMEDIATE)), Term(False, again))
        ),
        EquationLine(derivative(chains.at("T"), SHARED), (Term(False, general),)),
    ]
    if chains.read == chains.state:
        lines.append(EquationLine(derivative(chains.at(steps), SHARED), _all_chains(chains, steps)))
    yield Equations(tuple(lines))
    stacked = chains.stacked()
    if stacked is not None:
        names = Notation(chains.form, TIME).names
        states = listing(say("{}", names[state]) for state in chains.form.cell.states)
        yield say("{} are all states, {}, one below the other:", chains.at(TIME), states)
        yield Equations((stacked,))
    written = blocks(chains.form.cell)
    if written:
        yield say("Multiplied out, state by state:")
        yield Equations(tuple(block_line(block, Notation(chains.form, TIME)) for block in written))


def _all_chains(chains: Chains, steps: int) -> tuple[Term, ...]:
    return tuple(
        Term(False, beside(*chains.factors(steps, k), chains.immediate(steps, k, SHARED)))
        for k in range(steps, 0, -1)
    )


def _chains(chains: Chains, family: str, last: int) -> Iterator[Part]:
    """Yield the summand of every step for a family, as the chain of its Jacobians."""
    symbol, loss = split_name(family), MathName("E", index=str(last))
    members = next(f.members for f in chains.form.cell.families if f.name == family)
    names = Notation(chains.form, "").names
    one = names[members[0]] if len(members) == 1 else symbol
    if len(members) == 1:
        yield say("The summands for {}, from the loss of step {}:", one, Digits(str(last)))
    else:
        listed = listing(say("{}", names[member]) for member in members)
        yield say(
            "The summands for {}, which is any of {}, from the loss of step {}:",
            one,
            listed,
            Digits(str(last)),
        )
    lines = []
    for step in range(last, 0, -1):
        copy = replace(one, index=str(step))
        summand = (
            chains.loss_by_read(last),
            *chains.factors(last, step),
            chains.immediate(last, step, one),
        )
        lines.append(EquationLine(derivative(loss, copy), factors(*summand)))
    copies = tuple(Term(False, line.left) for line in reversed(lines))
    yield Equations((*lines, EquationLine(derivative(loss, one), copies)))


def _outer_products(form: NormalForm, steps: int) -> Iterator[Part]:
    """Yield the gradient of every parameter as the sum of the steps' products of δ and source."""
    found, plain = adjoint(form.cell), Notation(form, "")
    gradients: dict[str, list[Term]] = {name: [] for name in (*form.cell.matrices, *form.cell.vectors)}
    for step in range(steps, 0, -1):
        notation = NumberedStep(form, step)
        for matrix in found.matrices:
            gradients[matrix.matrix] += [
                Term(False, beside(notation.name(delta), Raised(notation.name(source), "T")))
                for delta, source in matrix.terms
            ]
        for vector in found.vectors:
            gradients[vector.vector] += notation.terms(vector.expression)
    delta_k = MathName("δ", (), "k")
    yield say(
        "Multiplied from the left, each chain becomes a {} of its step: {} in the gradient of {}, and in that"
        " of the whole loss the sum over the losses of this and all later steps, {}. The summands in this"
        " form, from the last step to the first:",
        MathName("", mark=DELTA),
        Raised(delta_k, str(steps)),
        MathName("E", index=str(steps)),
        Row((delta_k, EQUALS, beside(SumOver("m≥k"), Raised(delta_k, "m")))),
    )
    members = [member for family in form.cell.families for member in family.members]
    yield from aligned(
        EquationLine(plain.marked(GRADIENT, member), tuple(gradients[member]) or (Term(False, Digits("0")),))
        for member in members
    )
