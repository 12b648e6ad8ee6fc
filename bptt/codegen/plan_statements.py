"""A plan as statements: the columns, the pointwise values and the sums of a kernel, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bptt.cells.expression import ZERO, RowCall, Symbol, add, multiply, symbols
from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import BackwardStep, Base, Gather, StackedMap
from bptt.codegen.plan import KernelPlan
from bptt.codegen.statements import GRADIENT, SCALAR, Column, Pointwise, RowSum, StackedProduct, Statement
from bptt.derive.adjoint import DELTA
from bptt.derive.normal_form import EquationStep, normal_form


def forward_statements(plan: KernelPlan) -> tuple[Statement, ...]:
    """Return the statements of one time step."""
    bases = {base.target: base for base in plan.bases}
    taken = {name for m in plan.loop if isinstance(m, StackedMap) for name in m.bases}
    statements: list[Statement] = [
        Column(b.target, b.width, b.rest, _input_products(b, b.target), b.equation)
        for b in plan.bases
        if b.target not in taken
    ]
    for item in plan.loop:
        statements += (
            _columns(plan, item, bases) if isinstance(item, StackedMap) else [_statement(plan, item)]
        )
    return tuple(statements)


def _input_products(base: Base, target: str) -> tuple[StackedProduct, ...]:
    return tuple(StackedProduct((p.vector,), (p.matrix,), target, base.equation) for p in base.products)


def _columns(plan: KernelPlan, item: StackedMap, bases: Mapping[str, Base]) -> Iterator[Column]:
    family = next(f for f in plan.cell.families if f.name == item.rows.family)
    members = family.members[item.rows.first : item.rows.first + item.rows.count]
    for matrix, target, name, equation in zip(members, item.targets, item.bases, item.equations, strict=True):
        base = bases.get(name)
        start = base.rest if base else ZERO
        outer = _input_products(base, target) if base else ()
        inner = StackedProduct((item.source,), (matrix,), target, equation)
        yield Column(target, family.rows, start, (*outer, inner), equation)


def _statement(plan: KernelPlan, step: EquationStep, *, repeated: bool = False) -> Pointwise | RowSum:
    if not isinstance(step.rest, RowCall):
        return Pointwise(step.target, step.width, step.rest, step.target, repeated=repeated)
    form = normal_form(plan.cell)
    letters = [form.width(n) for n in symbols(step.rest.argument) if n not in plan.cell.constants]
    width = next((letter for letter in letters if letter != SCALAR), SCALAR)
    if width == SCALAR:
        # The sum of one number.
        return Pointwise(step.target, SCALAR, step.rest.argument, step.target, repeated=repeated)
    mean = step.rest.function == "mean"
    return RowSum(step.target, width, step.rest.argument, mean, step.target, repeated=repeated)


def backward_statements(plan: KernelPlan, deltas: tuple[str, ...]) -> tuple[Statement, ...]:
    """Return the statements of one time step backward; `deltas` are stored side by side for products."""
    statements: list[Statement] = [_statement(plan, step, repeated=True) for step in plan.storage.recomputed]
    widths = {s.target: s.width for s in (*plan.backward_loop, *plan.backward_after)}
    for step in (*plan.backward_loop, *plan.backward_after):
        if step.target != input_delta(plan) or not input_after(plan):
            statements += _backward_step(plan, step, deltas, widths)
    for gradient in plan.vector_gradients:
        width = plan.cell.vectors[gradient.vector]
        name = GRADIENT + gradient.vector
        statements.append(Pointwise(name, width, gradient.expression, name, accumulates=True))
    return tuple(statements)


def _backward_step(
    plan: KernelPlan, step: BackwardStep, deltas: tuple[str, ...], widths: Mapping[str, str]
) -> Iterator[Statement]:
    name, terms = step.target, [multiply(t.coefficient, Symbol(t.delta)) for t in step.terms]
    folded = tuple(dict.fromkeys(delta for t in step.terms for delta in t.through))
    if step.row:
        coefficients = [n for t in step.terms for n in symbols(t.coefficient) if n not in plan.cell.constants]
        letters = [normal_form(plan.cell).width(n) for n in coefficients]
        letters += [widths[t.delta] for t in step.terms if t.delta in widths]
        width = next((letter for letter in letters if letter != SCALAR), SCALAR)
        if width == SCALAR:
            yield Pointwise(name, SCALAR, add(*terms), name, folded)
        else:
            yield RowSum(name, width, add(*terms), False, name, folded)
    elif not step.gathers:
        yield Pointwise(name, step.width, add(*terms), name, folded)
    else:
        column = f"{name}¹" if terms else name
        products = tuple(gathered(plan, step.gathers, column, name, deltas))
        yield Column(column, step.width, ZERO, products, name)
        if terms:
            yield Pointwise(name, step.width, add(Symbol(column), *terms), name, folded)


def gathered(
    plan: KernelPlan, gathers: tuple[Gather, ...], target: str, equation: str, deltas: tuple[str, ...]
) -> Iterator[StackedProduct]:
    """Write gathers as transposed products; several δ that lie side by side are one source."""
    for gather in gathers:
        family = next(f for f in plan.cell.families if f.name == gather.rows.family)
        members = family.members[gather.rows.first : gather.rows.first + gather.rows.count]
        run: list[tuple[str, str]] = []
        for pair in zip(gather.deltas, members, strict=True):
            if run and deltas.index(pair[0]) != deltas.index(run[-1][0]) + 1:
                yield _transposed(run, target, equation)
                run = []
            run.append(pair)
        yield _transposed(run, target, equation)


def _transposed(run: list[tuple[str, str]], target: str, equation: str) -> StackedProduct:
    sources, matrices = zip(*run, strict=True)
    return StackedProduct(sources, matrices, target, equation, transposed=True)


def input_delta(plan: KernelPlan) -> str:
    """Return the name of the gradient of the input."""
    return DELTA + plan.cell.inputs[0]


def input_after(plan: KernelPlan) -> bool:
    """Return whether the gradient of the input is a sum of products, which can wait for the chunk's end."""
    steps = [s for s in plan.backward_after if s.target == input_delta(plan)]
    return all(s.gathers and not s.terms for s in steps)


def stored_deltas(plan: KernelPlan) -> tuple[str, ...]:
    """List the operands that lie side by side in memory: δ, and sources that are computed again."""
    outside = {*plan.cell.inputs, *plan.cell.states, *(s + PREVIOUS for s in plan.cell.states)}
    outside |= set(plan.storage.kept)
    terms = [term for g in plan.matrix_gradients for term in g.terms]
    longest_first = sorted((deltas for deltas, _ in terms), key=len, reverse=True)
    gathers = [g.deltas for s in (*plan.backward_loop, *plan.backward_after) for g in s.gathers]
    names = [n for group in (*longest_first, *gathers) for n in group]
    sources = [source for _, source in terms if source not in outside]
    return tuple(dict.fromkeys([*names, *sources]))
