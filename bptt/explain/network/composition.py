"""A feed-forward network as one function: nested, its Jacobians multiplied, its δ from layer to layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from bptt.cells.expression import Expression, rename
from bptt.derive.blocks import blocks
from bptt.derive.network import Loss
from bptt.derive.normal_form import EquationStep
from bptt.explain.backpropagation import chained, handed_down
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, listing, say
from bptt.explain.formula_tree import (
    Digits,
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Raised,
    Root,
    Row,
    Term,
    WrittenMatrix,
    beside,
    derivative,
)
from bptt.explain.linear import block_line
from bptt.explain.network.forward_pass import function_of
from bptt.explain.network.symbols import LayerNotation, NetworkNotation
from bptt.explain.network.widths import Widths
from bptt.explain.network.writing import added, line, minus, plus, transposed
from bptt.explain.plain import columns, formula_text

# A nested formula of more columns, or equations of more weights, are harder to read than their parts.
LONGEST, MOST_WEIGHTS = 300, 60


def composition_section(notation: NetworkNotation, widths: Widths | None) -> Section:
    """Return the section that takes a network without states as one function of its input."""
    parts = (
        *_nested(notation),
        *_written_out(notation, widths),
        *_jacobians(notation),
        *_deltas(notation),
    )
    return Section(Stage.COMPOSITION, "The network as one function", parts)


def _nested(notation: NetworkNotation) -> Iterator[Part]:
    """Yield y = f(W² f(W¹ x + b¹) + b²)."""
    inner: Formula = notation.bottom.input
    for layer in notation.layers:
        inner = _substituted(layer.formula(_expanded(layer)), layer.input, inner)
    left: Formula = notation.top.output
    if notation.has_output:
        product = beside(MathName("V"), _argument(inner))
        net = added(product, MathName("b")) if notation.network.bias else product
        left, inner = notation.outer("o"), function_of(notation, net)
    if columns(formula_text(inner)) <= LONGEST:
        yield say("Each layer is a function of the layer below; put into each other:")
        yield Equations((line(left, inner),))


def _expanded(layer: LayerNotation) -> Expression:
    """Return the output of a layer as an expression in its input alone."""
    known: dict[str, Expression] = {}
    for equation in layer.cell.equations:
        known[equation.target] = rename(equation.expression, known)
    return known[layer.cell.output]


def _argument(formula: Formula) -> Formula:
    """Put a formula in parentheses unless it is a name or one function's value."""
    match formula:
        case MathName() | Row((FunctionName(), Fenced())):
            return formula
    return Fenced(formula)


def _substituted(formula: Formula, name: MathName, value: Formula) -> Formula:
    """Return a formula with a value in the place of a name."""
    if formula == name:
        return _argument(value)
    match formula:
        case Row(parts):
            return Row(tuple(_substituted(part, name, value) for part in parts))
        case Fenced(inner):
            return replace(formula, inner=_substituted(inner, name, value))
        case Fraction(over, under):
            return Fraction(_substituted(over, name, value), _substituted(under, name, value))
        case Raised(base):
            return replace(formula, base=_substituted(base, name, value))
        case Root(inner):
            return Root(_substituted(inner, name, value))
    return formula


def _written_out(notation: NetworkNotation, widths: Widths | None) -> Iterator[Part]:
    """Yield the linear maps unit by unit, and as matrices, if the network is small."""
    if widths is None:
        return
    pairs = list(zip(notation.layers, widths.layers, strict=True))
    if sum(layer.cell.count(sizes) for layer, sizes in pairs) > MOST_WEIGHTS:
        return
    first = notation.bottom
    sides = [widths.layers[0][first.cell.width(first.cell.inputs[0])]]
    sides += [sizes[layer.cell.width(layer.cell.output)] for layer, sizes in pairs]
    yield say("With the widths {}, unit by unit:", listing(say("{}", Digits(str(side))) for side in sides))
    for layer, sizes in pairs:
        known = {"1": 1, **sizes}
        for step in layer.form.steps:
            yield Equations(tuple(_unit(layer, step, i, known) for i in range(1, known[step.width] + 1)))
    linear = [step for step in first.form.steps if step.products]
    if linear:
        yield say("The first of these as matrices:")
        yield Equations((_matrices(first, linear[0], {"1": 1, **widths.layers[0]}),))


class _Unit(LayerNotation):
    """The formulas of one unit of a layer, all of whose values are numbers."""

    def __init__(self, layer: LayerNotation, unit: int) -> None:
        super().__init__(layer.cell, layer.index, layer.layer, layer.from_above)
        self.names = {n: replace(s, index=str(unit)) for n, s in layer.names.items()}
        self.scalars = set(self.names)


def _unit(layer: LayerNotation, step: EquationStep, i: int, sizes: dict[str, int]) -> EquationLine:
    unit = _Unit(layer, i)
    terms: list[Term] = []
    for product in step.products:
        for j in range(1, sizes[layer.form.width(product.vector)] + 1):
            weight = _element(layer.names[product.matrix], i, j)
            terms.append(plus(beside(weight, replace(layer.names[product.vector], index=str(j)))))
    bare = unit.right_side(replace(step, products=()))
    if not (step.products and bare == (plus(Digits("0")),)):
        terms += bare
    return EquationLine(unit.name(step.target), tuple(terms))


def _element(matrix: MathName, i: int, j: int) -> MathName:
    return replace(matrix, index=f"{i}{j}" if max(i, j) < 10 else f"{i},{j}")


def _matrices(layer: LayerNotation, step: EquationStep, sizes: dict[str, int]) -> EquationLine:
    rows = sizes[step.width]
    terms: list[Term] = []
    for product in step.products:
        across = sizes[layer.form.width(product.vector)]
        matrix = layer.names[product.matrix]
        written = WrittenMatrix(
            tuple(tuple(_element(matrix, i, j) for j in range(1, across + 1)) for i in range(1, rows + 1))
        )
        terms.append(plus(beside(written, _column(layer.names[product.vector], across))))
    bare = replace(step, products=())
    units = tuple((added(*_Unit(layer, i).right_side(bare)),) for i in range(1, rows + 1))
    if units[0] != (Digits("0"),):
        terms.append(plus(WrittenMatrix(units)))
    return EquationLine(_column(layer.names[step.target], rows), tuple(terms))


def _column(name: MathName, width: int) -> WrittenMatrix:
    return WrittenMatrix(tuple((replace(name, index=str(i)),) for i in range(1, width + 1)))


def _jacobians(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the Jacobian of each layer and their product, and that the error goes through its transpose."""
    found = [blocks(layer.cell) for layer in notation.layers]
    if any(one is None or len(one) != 1 for one in found):
        return
    yield say("The Jacobian of a composition is the product of the Jacobians, the last layer first:")
    pairs = zip(found, notation.layers, strict=True)
    each = [block_line(block, layer) for single, layer in pairs for block in single or ()]
    factors = [derivative(layer.output, layer.input) for layer in reversed(notation.layers)]
    left = derivative(notation.top.output, notation.bottom.input)
    whole = [EquationLine(left, (plus(beside(*factors)),))] if len(factors) > 1 else []
    yield Equations((*each, *whole))
    error, delta = notation.top.from_above, notation.bottom.marked("δ", notation.bottom.cell.inputs[0])
    back = (transposed(factor) for factor in reversed(factors))
    yield say("The error goes back through the transposes, in the opposite order:")
    yield Equations((line(delta, beside(*back, error)),))


def _deltas(notation: NetworkNotation) -> Iterator[Part]:
    """Yield the δ of the output layer, and of every inner layer from that of the next."""
    top = notation.top
    if notation.has_output:
        net, error = notation.outer("z", "δ"), (notation.outer("o"), minus(notation.outer("y")))
        arriving: tuple[Term, ...] = (plus(beside(transposed(MathName("V")), net)),)
        last = [line(net, *error), *filter(None, [chained(top, arriving)])]
    elif notation.network.loss is Loss.SQUARED:
        last = list(filter(None, [chained(top, (plus(MathName("o")), minus(MathName("y"))))]))
    else:
        last = list(filter(None, [chained(top, (plus(top.from_above),))]))
    inner = []
    for layer, above in reversed(list(pairwise(notation.layers))):
        step = handed_down(above.cell)
        found = None if step is None else chained(layer, above.right_side(step))
        inner += [found] if found is not None else []
    if last:
        yield say("The {} of the output layer:", MathName("", mark="δ"))
        yield from aligned(last)
    if inner:
        yield say("That of an inner layer from that of the next:")
        yield from aligned(inner)
