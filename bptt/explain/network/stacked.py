"""One matrix for state and input: [W_aa, W_ax] [a; x] = W_aa a + W_ax x, and the gates of a cell stacked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO
from bptt.derive.adjoint import DELTA
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, Table, listing, say
from bptt.explain.formula_tree import (
    Digits,
    Fenced,
    Formula,
    MathName,
    Operator,
    Row,
    SumOver,
    WrittenMatrix,
    beside,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.network.widths import numbers, shape
from bptt.explain.network.writing import added, equal, line, stacked, then, transposed
from bptt.explain.notation import Notation

# A step that adds nothing to its linear maps.
_NOTHING = EquationStep("", "1", (), ZERO)

Letters = Callable[[str], Formula]


@dataclass(frozen=True)
class _Group:
    """Steps that multiply the same vectors by matrices: the gates of a cell that can be one product."""

    vectors: tuple[str, ...]
    steps: tuple[EquationStep, ...]

    def matrices(self, step: EquationStep) -> tuple[str, ...]:
        """Return the matrices of a step in the order of the vectors."""
        by_vector = {product.vector: product.matrix for product in step.products}
        return tuple(by_vector[vector] for vector in self.vectors)


def groups(cell: Cell) -> tuple[_Group, ...]:
    """Find the steps with several matrices, by the vectors that these multiply; states before inputs."""
    form = normal_form(cell)
    found: dict[tuple[str, ...], list[EquationStep]] = {}
    for step in form.steps:
        vectors = [product.vector for product in step.products]
        if len(set(vectors)) == len(vectors) > 1:
            ordered = sorted(vectors, key=lambda name: name in cell.inputs)
            found.setdefault(tuple(ordered), []).append(step)
    return tuple(_Group(vectors, tuple(steps)) for vectors, steps in found.items())


def stacked_section(
    layers: Sequence[tuple[Notation, Letters, Mapping[str, int] | None]],
) -> Iterator[Section]:
    """Yield the section on stacked matrices of layers, each with its letters and its sizes in numbers.

    Nothing if no layer adds the products of several matrices.
    """
    parts = [
        part
        for notation, letters, sizes in layers
        for group in groups(notation.form.cell)
        for part in _group(notation, group, letters, sizes)
    ]
    if parts:
        yield Section(Stage.STACKED, "One matrix for state and input", (*_idea(), *parts))


def _idea() -> Iterator[Part]:
    first, second, both = MathName("A"), MathName("B"), MathName("C")
    upper, lower, whole = MathName("a"), MathName("x"), MathName("v")
    yield say(
        "Two matrices side by side are one matrix, two vectors one above the other one vector: {} and {}. In"
        " their product the columns of {} meet the elements of {}, those of {} the elements of {}; {} is the"
        " width of {}:",
        equal(both, side_by_side(first, second)),
        equal(whole, stacked(upper, lower)),
        first,
        upper,
        second,
        lower,
        MathName("H"),
        upper,
    )
    c_ij, v_j = MathName("C", index="ij"), MathName("v", index="j")
    one = beside(SumOver("j"), MathName("A", index="ij"), MathName("a", index="j"))
    other = beside(SumOver("j"), MathName("B", index="ij"), MathName("x", index="j"))
    yield Equations(
        (
            line(Fenced(beside(both, whole), index="i"), beside(SumOver("j"), c_ij, v_j)),
            then(beside(SumOver("j≤H"), c_ij, v_j), beside(SumOver("j>H"), c_ij, v_j)),
            then(one, other),
            then(Fenced(added(beside(first, upper), beside(second, lower)), index="i")),
        )
    )
    yield Equations(
        (
            line(
                beside(side_by_side(first, second), stacked(upper, lower)),
                beside(first, upper),
                beside(second, lower),
            ),
        )
    )


def side_by_side(*matrices: Formula) -> WrittenMatrix:
    """Write [A, B]."""
    return WrittenMatrix((matrices,))


def _group(
    notation: Notation, group: _Group, letters: Letters, sizes: Mapping[str, int] | None
) -> Iterator[Part]:
    """Yield the equations of a group with stacked matrices, the sizes, and the gradient."""
    vectors = stacked(*map(notation.name, group.vectors))
    if len(group.steps) > 1:
        targets = listing(say("{}", notation.name(step.target)) for step in group.steps)
        yield say("The sums {} read the same vectors:", targets)
    else:
        yield say("The sum {}:", notation.name(group.steps[0].target))
    yield Equations(tuple(_stacked_line(notation, group, step, vectors) for step in group.steps))
    yield _sizes(notation, group, letters, sizes)
    if sizes is not None:
        yield _in_numbers(notation, group, sizes)
    if len(group.steps) > 1:
        yield say("All of them are one product:")
        yield Equations((_all_gates(notation, group, vectors),))
    yield say("The gradient of the stacked matrix is stacked as the matrix is:")
    yield Equations(tuple(_gradient_line(notation, group, step, vectors) for step in group.steps))


def _stacked_line(notation: Notation, group: _Group, step: EquationStep, vectors: Formula) -> EquationLine:
    matrices = side_by_side(*map(notation.name, group.matrices(step)))
    bare = notation.right_side(replace(step, products=()))
    rest = () if bare == notation.right_side(_NOTHING) else bare
    return line(notation.name(step.target), beside(matrices, vectors), *rest)


def _gradient_line(notation: Notation, group: _Group, step: EquationStep, vectors: Formula) -> EquationLine:
    left = side_by_side(*(notation.marked(GRADIENT, matrix) for matrix in group.matrices(step)))
    over = [SumOver(notation.index)] if notation.index else []
    return line(left, beside(*over, notation.name(DELTA + step.target), transposed(vectors)))


def _all_gates(notation: Notation, group: _Group, vectors: Formula) -> EquationLine:
    left = stacked(*(notation.name(step.target) for step in group.steps))
    rows = (tuple(map(notation.name, group.matrices(step))) for step in group.steps)
    vector = [notation.right_side(replace(step, products=())) for step in group.steps]
    rest = stacked(*(added(*terms) for terms in vector))
    nothing = notation.right_side(_NOTHING)
    return line(
        left,
        beside(WrittenMatrix(tuple(rows)), vectors),
        *([] if all(v == nothing for v in vector) else [rest]),
    )


def _sizes(notation: Notation, group: _Group, letters: Letters, sizes: Mapping[str, int] | None) -> Table:
    """List the shapes of the matrices, of both together, and of the gates stacked."""
    form, step = notation.form, group.steps[0]
    rows, columns = step.width, [form.width(vector) for vector in group.vectors]
    across = Row((added(*map(letters, columns)),))
    counted = {"1": 1, **(sizes or {})}
    known = sizes is not None
    wide = sum(counted[column] for column in columns) if known else 0
    entries: list[tuple[Formula, Formula, tuple[int, ...]]] = []
    for matrix, column in zip(group.matrices(step), columns, strict=True):
        both = (counted[rows], counted[column]) if known else ()
        entries.append((notation.name(matrix), shape(letters(rows), letters(column)), both))
    one = side_by_side(*map(notation.name, group.matrices(step)))
    entries.append((one, shape(letters(rows), across), (counted[rows], wide) if known else ()))
    entries.append((stacked(*map(notation.name, group.vectors)), shape(across), (wide,) if known else ()))
    if len(group.steps) > 1:
        count = len(group.steps)
        tall = Row((Digits(str(count)), Operator("·"), letters(rows)))
        every = say("all {}, stacked", Digits(str(count)))
        first = (every, say("{}", shape(tall, across)))
        more = [(*first, *([say("{}", numbers(count * counted[rows], wide))] if known else []))]
    else:
        more = []
    head = (say("matrix"), say("shape"), *([say("in numbers")] if known else []))
    shown = [
        (say("{}", name), say("{}", size), *([say("{}", numbers(*both))] if known else []))
        for name, size, both in entries
    ]
    return Table(head, (*shown, *more), numeric_from=2)


def _in_numbers(notation: Notation, group: _Group, sizes: Mapping[str, int]) -> Part:
    step = group.steps[0]
    rows, columns = sizes[step.width], [sizes[notation.form.width(v)] for v in group.vectors]
    parts = listing(say("{}", numbers(rows, column)) for column in columns)
    return say("Side by side, {} become {}.", parts, numbers(rows, sum(columns)))
