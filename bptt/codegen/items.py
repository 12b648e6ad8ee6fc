"""A plan as items for passes: the columns, the pointwise steps and the sums of a kernel, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bptt.cells.expression import ZERO, RowCall, Symbol, add, multiply, symbols
from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import BackwardStep, Base, Gather, Map
from bptt.codegen.passes import SCALAR, Column, Item, Pointwise, Product, RowSum
from bptt.codegen.plan import KernelPlan
from bptt.derive.adjoint import DELTA
from bptt.derive.normal_form import Step, normal_form

GRADIENT = "∇"


def forward_items(plan: KernelPlan) -> tuple[Item, ...]:
    """What one time step computes."""
    bases = {base.target: base for base in plan.bases}
    taken = {name for m in plan.loop if isinstance(m, Map) for name in m.bases}
    items: list[Item] = [
        Column(b.target, b.width, b.rest, _input_products(b, b.target))
        for b in plan.bases
        if b.target not in taken
    ]
    for item in plan.loop:
        items += _columns(plan, item, bases) if isinstance(item, Map) else [_step(plan, item)]
    return tuple(items)


def _input_products(base: Base, target: str) -> tuple[Product, ...]:
    return tuple(Product((p.vector,), (p.matrix,), target) for p in base.products)


def _columns(plan: KernelPlan, item: Map, bases: Mapping[str, Base]) -> Iterator[Column]:
    family = next(f for f in plan.cell.families if f.name == item.rows.family)
    members = family.members[item.rows.first : item.rows.first + item.rows.count]
    for matrix, target, name in zip(members, item.targets, item.bases, strict=True):
        base = bases.get(name)
        start = base.rest if base else ZERO
        outer = _input_products(base, target) if base else ()
        yield Column(target, family.rows, start, (*outer, Product((item.source,), (matrix,), target)))


def _step(plan: KernelPlan, step: Step) -> Pointwise | RowSum:
    if not isinstance(step.rest, RowCall):
        return Pointwise(step.target, step.width, step.rest)
    form = normal_form(plan.cell)
    letters = [form.width(n) for n in symbols(step.rest.argument) if n not in plan.cell.constants]
    width = next((letter for letter in letters if letter != SCALAR), SCALAR)
    if width == SCALAR:
        # The sum of one number.
        return Pointwise(step.target, SCALAR, step.rest.argument)
    return RowSum(step.target, width, step.rest.argument, step.rest.function == "mean")


def backward_items(plan: KernelPlan, deltas: tuple[str, ...]) -> tuple[Item, ...]:
    """What one time step backward computes; `deltas` are those stored side by side for products."""
    items: list[Item] = [_step(plan, step) for step in plan.storage.recomputed]
    widths = {s.target: s.width for s in (*plan.backward_loop, *plan.backward_after)}
    for step in (*plan.backward_loop, *plan.backward_after):
        if step.target != input_delta(plan) or not input_after(plan):
            items += _backward_step(plan, step, deltas, widths)
    for gradient in plan.vector_gradients:
        width = plan.cell.vectors[gradient.vector]
        items.append(Pointwise(GRADIENT + gradient.vector, width, gradient.expression, accumulates=True))
    return tuple(items)


def _backward_step(
    plan: KernelPlan, step: BackwardStep, deltas: tuple[str, ...], widths: Mapping[str, str]
) -> Iterator[Item]:
    terms = [multiply(t.coefficient, Symbol(t.delta)) for t in step.terms]
    if step.row:
        coefficients = [n for t in step.terms for n in symbols(t.coefficient) if n not in plan.cell.constants]
        letters = [normal_form(plan.cell).width(n) for n in coefficients]
        letters += [widths[t.delta] for t in step.terms if t.delta in widths]
        width = next((letter for letter in letters if letter != SCALAR), SCALAR)
        if width == SCALAR:
            yield Pointwise(step.target, SCALAR, add(*terms))
        else:
            yield RowSum(step.target, width, add(*terms), mean=False)
    elif not step.gathers:
        yield Pointwise(step.target, step.width, add(*terms))
    else:
        column = f"{step.target}¹" if terms else step.target
        yield Column(column, step.width, ZERO, tuple(gathered(plan, step.gathers, column, deltas)))
        if terms:
            yield Pointwise(step.target, step.width, add(Symbol(column), *terms))


def gathered(
    plan: KernelPlan, gathers: tuple[Gather, ...], target: str, deltas: tuple[str, ...]
) -> Iterator[Product]:
    """Transposed products; several δ that lie side by side are one source."""
    for gather in gathers:
        family = next(f for f in plan.cell.families if f.name == gather.rows.family)
        members = family.members[gather.rows.first : gather.rows.first + gather.rows.count]
        run: list[tuple[str, str]] = []
        for pair in zip(gather.deltas, members, strict=True):
            if run and deltas.index(pair[0]) != deltas.index(run[-1][0]) + 1:
                yield _transposed(run, target)
                run = []
            run.append(pair)
        yield _transposed(run, target)


def _transposed(run: list[tuple[str, str]], target: str) -> Product:
    sources, matrices = zip(*run, strict=True)
    return Product(sources, matrices, target, transposed=True)


def input_delta(plan: KernelPlan) -> str:
    """The name of the gradient of the input."""
    return DELTA + plan.cell.inputs[0]


def input_after(plan: KernelPlan) -> bool:
    """Whether the gradient of the input is a sum of products alone, and can wait for the chunk's end."""
    steps = [s for s in plan.backward_after if s.target == input_delta(plan)]
    return all(s.gathers and not s.terms for s in steps)


def stored_deltas(plan: KernelPlan) -> tuple[str, ...]:
    """What lies side by side in memory for products: δ, and sources that are computed again."""
    outside = {*plan.cell.inputs, *plan.cell.states, *(s + PREVIOUS for s in plan.cell.states)}
    outside |= set(plan.storage.kept)
    terms = [term for g in plan.matrix_gradients for term in g.terms]
    longest_first = sorted((deltas for deltas, _ in terms), key=len, reverse=True)
    gathers = [g.deltas for s in (*plan.backward_loop, *plan.backward_after) for g in s.gathers]
    names = [n for group in (*longest_first, *gathers) for n in group]
    sources = [source for _, source in terms if source not in outside]
    return tuple(dict.fromkeys([*names, *sources]))
