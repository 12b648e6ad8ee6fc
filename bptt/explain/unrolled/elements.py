"""Equations written out for small sizes: matrices with all their entries, Jacobians element by element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bptt.cells.expression import ONE, ZERO, Expression, Product, Sum, split_sign
from bptt.derive.adjoint import DELTA, adjoint
from bptt.derive.blocks import Block, Path, blocks
from bptt.derive.normal_form import EquationStep, NormalForm
from bptt.errors import InputError
from bptt.explain.document import EquationLine, Equations, Part, Section, Sentence, Stage, listing, say
from bptt.explain.formula_tree import (
    EQUALS,
    Digits,
    Formula,
    MathName,
    Raised,
    Row,
    SumOver,
    Term,
    WrittenMatrix,
    beside,
    derivative,
)
from bptt.explain.legend import TIME
from bptt.explain.network.writing import indicator
from bptt.explain.notation import Notation
from bptt.explain.unrolled.chains import entry, free_letters
from bptt.explain.unrolled.error_terms import OneNet, one_net

# Sizes by letter that are shown unless others are given.
USUAL_SIZES: Mapping[str, int] = {"I": 2, "H": 3, "P": 2}
USUAL_SIZE = 2
# Matrices with more columns are wider than a terminal or a page.
MOST_SIZE = 5


class ElementNotation(Notation):
    """The symbols of one unit of every vector: h_{2,t} is element 2 of h at step t."""

    def __init__(self, form: NormalForm, unit: str, shift: int = 0) -> None:
        super().__init__(form, TIME, shift)
        matrices, numbers = form.cell.matrices, set(self.scalars)
        self.names = {
            name: symbol
            if name in numbers or name in matrices
            else replace(symbol, index=f"{unit},{symbol.index}" if symbol.index else unit)
            for name, symbol in self.names.items()
        }
        # Every element is a number: products of them have no ⊙.
        self.scalars |= set(self.names) | {DELTA + name for name in self.names}


def elements_section(form: NormalForm, sizes: Mapping[str, int]) -> Section:
    """Return the section with the equations of a step written out for the sizes of its letters."""
    parts = (
        _sizes(form, sizes),
        *_forward(form, sizes),
        *_jacobian(form, sizes),
        *_outer_product(form, sizes),
    )
    return Section(Stage.ELEMENTS, "Written out element by element", parts)


def _sizes(form: NormalForm, sizes: Mapping[str, int]) -> Sentence:
    named = (
        say("{}", Row((MathName(letter), EQUALS, Digits(str(sizes[letter]))))) for letter in form.cell.letters
    )
    return say(
        "The sizes are {}. The first index of an element of a vector is its unit, the second the step.",
        listing(named),
    )


def _forward(form: NormalForm, sizes: Mapping[str, int]) -> Iterator[Part]:
    maps = [step for step in form.steps if step.products]
    if maps:
        yield say("The linear maps of a step:")
        yield Equations(tuple(_written_step(form, step, sizes) for step in maps))


def _written_step(form: NormalForm, step: EquationStep, sizes: Mapping[str, int]) -> EquationLine:
    """Write a step of the forward pass with a column for every vector and a table for every matrix."""
    rows = _units(sizes, step.width)
    terms = [
        Term(False, beside(_matrix(form, p.matrix, sizes), _column(form, p.vector, sizes)))
        for p in step.products
    ]
    rest = step.rest.terms if isinstance(step.rest, Sum) else (step.rest,)
    for part in rest if step.rest != ZERO else ():
        negative, body = split_sign(part)
        column = tuple((ElementNotation(form, unit).formula(body),) for unit in rows)
        terms.append(Term(negative, WrittenMatrix(column)))
    return EquationLine(_column(form, step.target, sizes), tuple(terms))


def _jacobian(form: NormalForm, sizes: Mapping[str, int]) -> Iterator[Part]:
    found = one_net(form)
    if found:
        yield from _net_to_net(form, found, sizes)
        return
    every = blocks(form.cell)
    if every is None:
        yield say("The blocks of its Jacobian are too long to be shown element by element.")
        return
    if not every:
        yield say("No state depends on those of the step before: its Jacobian is zero.")
        return
    j, i = free_letters(form)[:2]
    yield say(
        "The entry of each block of the Jacobian in row {} and column {}; {} is 1 if the condition holds and"
        " 0 otherwise:",
        MathName(j),
        MathName(i),
        indicator(MathName(j), MathName(i)),
    )
    yield Equations(tuple(_block_entry(form, block) for block in every))


def _net_to_net(form: NormalForm, found: OneNet, sizes: Mapping[str, int]) -> Iterator[Part]:
    """Yield ∂net_t/∂net_{t−1} = W diag(f′(net_{t−1})) by indices and as a matrix."""
    j, i = free_letters(form)[:2]
    at_j, at_i = ElementNotation(form, j), ElementNotation(form, i, shift=-1)
    net, before = at_j.names[found.net], at_i.names[found.net]
    state = at_i.names[form.cell.states[0]]
    w = replace(entry(form, found.matrix), index=j + i)
    yield say(
        "From one linear map to the next, by the chain rule: {} reads unit {} of the state before, which"
        " reads unit {} of its own linear map alone.",
        net,
        MathName(i),
        MathName(i),
    )
    left = derivative(net, before)
    yield Equations(
        (
            EquationLine(left, (Term(False, beside(derivative(net, state), derivative(state, before))),)),
            EquationLine(left, (Term(False, beside(w, at_i.factor(found.slope))),)),
        )
    )
    units = _units(sizes, form.width(form.cell.states[0]))
    entries = tuple(
        tuple(
            beside(
                replace(w, index=row + column),
                ElementNotation(form, column, shift=-1).factor(found.slope),
            )
            for column in units
        )
        for row in units
    )
    names, earlier = Notation(form, TIME).names, Notation(form, TIME, shift=-1)
    yield say("As a matrix, row by row:")
    product = beside(names[found.matrix], earlier.diagonal(found.slope))
    whole = derivative(names[found.net], earlier.names[found.net])
    yield Equations(
        (
            EquationLine(whole, (Term(False, product),)),
            EquationLine(whole, (Term(False, WrittenMatrix(entries)),)),
        )
    )


def _block_entry(form: NormalForm, block: Block) -> EquationLine:
    """Write entry (j, i) of a block: a sum over its paths."""
    j, i, *inner = free_letters(form)
    left = derivative(
        ElementNotation(form, j).names[block.target], ElementNotation(form, i).names[block.source]
    )
    return EquationLine(left, tuple(_path_entry(form, path, j, i, inner) for path in block.paths))


def _path_entry(form: NormalForm, path: Path, row: str, column: str, inner: list[str]) -> Term:
    """Write entry (row, column) of a product of diagonals and matrices; between matrices it is a sum."""
    count = sum(isinstance(factor, str) for factor in path)
    units = [row, *inner[: max(count - 1, 0)], column] if count else [row]
    factors: list[Formula] = [SumOver(unit) for unit in units[1:-1]]
    negative, at = False, 0
    for factor in path:
        if isinstance(factor, Expression):
            sign, body = split_sign(factor)
            negative ^= sign
            if body != ONE:
                here = ElementNotation(form, units[at])
                factors.append(here.formula(body) if isinstance(body, Product) else here.factor(body))
        else:
            factors.append(replace(entry(form, factor), index=units[at] + units[at + 1]))
            at += 1
    if not count:
        factors.append(indicator(MathName(row), MathName(column)))
    return Term(negative, beside(*factors))


def _outer_product(form: NormalForm, sizes: Mapping[str, int]) -> Iterator[Part]:
    """Yield what a step adds to the gradient of the first matrix of each family, entry by entry."""
    notation = Notation(form, TIME)
    gradients = {gradient.matrix: gradient.terms for gradient in adjoint(form.cell).matrices}
    lines = []
    for family in form.cell.families:
        for delta, source in gradients.get(family.members[0], ())[:1]:
            product = beside(notation.name(delta), Raised(notation.name(source), "T"))
            lines.append(EquationLine(product, (Term(False, _outer(form, delta, source, sizes)),)))
    if lines:
        yield say("A step adds an outer product to the gradient of a matrix, such as these:")
        yield Equations(tuple(lines))


def _outer(form: NormalForm, delta: str, source: str, sizes: Mapping[str, int]) -> Formula:
    value = delta.removeprefix(DELTA)
    return WrittenMatrix(
        tuple(
            tuple(
                beside(
                    ElementNotation(form, row).marked(DELTA, value),
                    ElementNotation(form, column).names[source],
                )
                for column in _units(sizes, form.width(source))
            )
            for row in _units(sizes, form.width(value))
        )
    )


def _matrix(form: NormalForm, name: str, sizes: Mapping[str, int]) -> Formula:
    rows, columns = form.cell.matrices[name]
    letter = entry(form, name)
    return WrittenMatrix(
        tuple(
            tuple(replace(letter, index=row + column) for column in _units(sizes, columns))
            for row in _units(sizes, rows)
        )
    )


def _column(form: NormalForm, name: str, sizes: Mapping[str, int]) -> Formula:
    return WrittenMatrix(
        tuple((ElementNotation(form, unit).names[name],) for unit in _units(sizes, form.width(name)))
    )


def _units(sizes: Mapping[str, int], letter: str) -> tuple[str, ...]:
    return tuple(str(unit) for unit in range(1, (1 if letter == "1" else sizes[letter]) + 1))


def sizes_of(form: NormalForm, widths: tuple[int, ...] = ()) -> Mapping[str, int]:
    """Return a size for each letter of a cell: `widths` are those of the input and of the hidden layer.

    Raises InputError for sizes whose matrices do not fit a page.
    """
    if max(widths, default=0) > MOST_SIZE:
        rule = f"are at most {MOST_SIZE} where matrices are written out"
        raise InputError("sizes", rule, ",".join(map(str, widths)))
    given = dict(zip(("I", "H"), widths, strict=False))
    return {letter: given.get(letter, USUAL_SIZES.get(letter, USUAL_SIZE)) for letter in form.cell.letters}
