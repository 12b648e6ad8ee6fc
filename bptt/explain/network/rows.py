"""The row-major form for batches: u = x W + b, δ = δ_next Wᵀ ⊙ f′, ∇W = xᵀ δ, beside the column form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from bptt.cells.expression import ZERO, symbols
from bptt.derive.adjoint import DELTA, adjoint
from bptt.derive.normal_form import EquationStep, MatrixProduct
from bptt.explain.backpropagation import chained, handed_down
from bptt.explain.document import EquationLine, Equations, Part, Section, Stage, aligned, say
from bptt.explain.formula_tree import Digits, Fenced, Formula, MathName, Raised, SumOver, Term, beside, total
from bptt.explain.gradients import GRADIENT, gradient_terms
from bptt.explain.legend import LAYER
from bptt.explain.network.forward_pass import function_of, linear_map
from bptt.explain.network.output import output_gradients
from bptt.explain.network.symbols import NetworkNotation
from bptt.explain.network.widths import OUTPUTS, shape
from bptt.explain.network.writing import added, equal, line, minus, plus, then, transposed
from bptt.explain.notation import Notation

Letters = Callable[[str], Formula]
BATCH, _B, _V = MathName("B"), MathName("b"), MathName("V")


@dataclass(frozen=True)
class BothForms:
    """A layer to write in both forms: its symbols, the letters of its widths, and its backward equations.

    `time` is whether its gradients are sums over time; `number` is that of the layer, "" if it is alone.
    """

    notation: Notation
    letters: Letters
    backward: tuple[EquationStep, ...]
    time: bool
    number: str = ""


def rows_section(layers: list[BothForms], network: NetworkNotation | None = None) -> Section:
    """Return the section with the equations that differ in the two forms."""
    parts = [*_transposed()]
    if network is not None and network.has_output:
        parts += _output_layer(network, layers[-1])
    for layer in reversed(layers):
        if layer.number:
            parts.append(say("Layer {}:", Digits(layer.number)))
        parts += _layer(layer)
    parts += _from_layer_to_layer(layers)
    return Section(Stage.ROWS, "The row form, for batches", tuple(parts))


def _transposed() -> Iterator[Part]:
    """Derive the row form from the column form, for u = W x + b."""
    matrix, net, entry, bias, row = (MathName(name) for name in "WuxbA")
    nets, entries = MathName("U"), MathName("X")
    delta_net, delta = MathName("u", mark=DELTA), MathName("U", mark=DELTA)
    yield say(
        "In the column form an example is a column. In the row form it is a row, and a batch of {} examples"
        " is a matrix of {} rows. The one is the transpose of the other:",
        BATCH,
        BATCH,
    )
    yield Equations(
        (
            line(transposed(net), transposed(Fenced(added(beside(matrix, entry), bias)))),
            then(beside(transposed(entry), transposed(matrix)), transposed(bias)),
        )
    )
    yield say(
        "With {}, and all rows in one matrix, where {} is added to every row:",
        equal(row, transposed(matrix)),
        bias,
    )
    yield Equations((line(nets, beside(entries, row), bias),))
    yield say(
        "The error that goes down, and the gradient, summed over the examples {} of the batch:", MathName("k")
    )
    of_k, x_k = MathName("u", index="k", mark=DELTA), MathName("x", index="k")
    outer = beside(of_k, transposed(x_k))
    yield Equations(
        (
            line(
                transposed(MathName("x", mark=DELTA)),
                transposed(Fenced(beside(transposed(matrix), delta_net))),
            ),
            then(beside(transposed(delta_net), transposed(row))),
            line(MathName("X", mark=DELTA), beside(delta, transposed(row))),
            line(MathName("A", mark=GRADIENT), beside(SumOver("k"), transposed(Fenced(outer)))),
            then(beside(SumOver("k"), x_k, transposed(of_k))),
            then(beside(transposed(entries), delta)),
        )
    )
    yield say(
        "Below, in the row form, the name of a matrix means its transpose, and that of a vector the matrix of"
        " its rows. Equations without matrices are the same in both forms. The weights of a run are stored as"
        " in the column form."
    )


def _layer(layer: BothForms) -> Iterator[Part]:
    notation = layer.notation
    forward = [step for step in notation.form.steps if step.products]
    yield from _both(
        "Forward", [(notation.name(s.target), notation.right_side(s), _rows(notation, s)) for s in forward]
    )
    yield from _sizes(_size_line(layer, step) for step in forward)
    back = [step for step in layer.backward if step.products]
    yield from _both(
        "Back", [(notation.name(s.target), notation.right_side(s), _rows(notation, s)) for s in back]
    )
    yield from _sizes(_size_line(layer, step) for step in back)
    columns = gradient_terms(notation.form, notation, layer.time)
    rows = dict(_row_gradients(layer))
    yield from _both(
        "Gradients", [(notation.marked(GRADIENT, name), columns[name], rows[name]) for name in columns]
    )
    yield from _sizes(_gradient_sizes(layer))


_HEADS = {
    "Forward": (say("Forward, column form:"), say("Row form:")),
    "Back": (say("Backward, column form:"), say("Row form:")),
    "Gradients": (say("Gradients, column form, of one example:"), say("Row form, of the batch:")),
}


def _both(what: str, equations: list[tuple[Formula, tuple[Term, ...], tuple[Term, ...]]]) -> Iterator[Part]:
    """Yield equations in one form, then in the other."""
    if equations:
        columns, rows = _HEADS[what]
        yield columns
        yield Equations(tuple(EquationLine(left, column) for left, column, _ in equations))
        yield rows
        yield Equations(tuple(EquationLine(left, row) for left, _, row in equations))


def _sizes(lines: Iterable[EquationLine]) -> Iterator[Part]:
    """Yield the sizes of the row form, each kind once."""
    found = tuple(dict.fromkeys(lines))
    if found:
        yield say("The sizes of the row form:")
        yield from aligned(found)


def _rows(notation: Notation, step: EquationStep) -> tuple[Term, ...]:
    """Write the right side of a step with rows: v M for M v."""
    rest = () if step.rest == ZERO and step.products else notation.terms(step.rest)
    return (*(plus(_map(notation, product)) for product in step.products), *rest)


def _map(notation: Notation, product: MatrixProduct) -> Formula:
    matrix = notation.name(product.matrix)
    return beside(notation.name(product.vector), Raised(matrix, "T") if product.transposed else matrix)


def _size_line(layer: BothForms, step: EquationStep) -> EquationLine:
    """Write the sizes of a step: (B, H) = (B, I) (I, H) + (H)."""
    cell, letters = layer.notation.form.cell, layer.letters
    terms = []
    for product in step.products:
        rows, columns = cell.matrices[product.matrix]
        before, after = (rows, columns) if product.transposed else (columns, rows)
        sides = letters(before), letters(after)
        terms.append(plus(beside(shape(BATCH, sides[0]), shape(*sides))))
    vectors = (name for name in symbols(step.rest) if name in cell.vectors)
    terms += [plus(shape(letters(cell.vectors[name]))) for name in vectors]
    return EquationLine(shape(BATCH, letters(step.width)), tuple(terms))


def _row_gradients(layer: BothForms) -> Iterator[tuple[str, tuple[Term, ...]]]:
    """Yield the gradient of every parameter in the row form: xᵀ δ, or a sum over the rows k."""
    notation, found = layer.notation, adjoint(layer.notation.form.cell)
    over = [SumOver("t")] if layer.time else []
    for gradient in found.matrices:
        terms = tuple(
            plus(beside(transposed(notation.name(source)), notation.name(delta)))
            for delta, source in gradient.terms
        )
        yield gradient.matrix, _under(over, terms)
    for vector in found.vectors:
        if vector.expression == ZERO:
            yield vector.vector, (plus(Digits("0")),)
        else:
            whole = Fenced(total(notation.terms(vector.expression)), index="k")
            yield vector.vector, (plus(beside(*over, SumOver("k"), whole)),)


def _under(over: list[SumOver], terms: tuple[Term, ...]) -> tuple[Term, ...]:
    if not terms:
        return (plus(Digits("0")),)
    if not over:
        return terms
    return (plus(beside(*over, terms[0].body if len(terms) == 1 else Fenced(total(terms)))),)


def _gradient_sizes(layer: BothForms) -> Iterator[EquationLine]:
    cell, letters = layer.notation.form.cell, layer.letters
    for rows, columns in cell.matrices.values():
        product = beside(shape(letters(columns), BATCH), shape(BATCH, letters(rows)))
        yield line(shape(letters(columns), letters(rows)), product)


def _output_layer(network: NetworkNotation, top: BothForms) -> Iterator[Part]:
    """Yield the output layer in both forms."""
    output, net, target = network.outer("o"), network.outer("z"), network.outer("y")
    hidden, delta = network.hidden, network.outer("z", DELTA)
    bias = [_B] if network.network.bias else []
    yield say("The output layer, column form:")
    down = network.hidden_error
    yield Equations(
        (
            line(net, linear_map(network)),
            line(delta, output, minus(target)),
            line(down, beside(transposed(_V), delta)),
            *output_gradients(network),
        )
    )
    over = [SumOver("t")] if network.loss_time else []
    error = Fenced(added(output, minus(target)))
    yield say("Row form, for {}:", equal(output, function_of(network, net)))
    rows = [
        line(net, beside(hidden, _V), *bias),
        line(delta, output, minus(target)),
        line(down, beside(delta, transposed(_V))),
        line(MathName("V", mark=GRADIENT), beside(*over, transposed(hidden), error)),
    ]
    if bias:
        rows.append(line(MathName("b", mark=GRADIENT), beside(*over, SumOver("k"), _row_of(error))))
    yield Equations(tuple(rows))
    across = top.letters(network.top.cell.width(network.top.cell.output))
    outputs = MathName(OUTPUTS)
    yield from _sizes(
        (
            line(
                shape(BATCH, outputs),
                beside(shape(BATCH, across), shape(across, outputs)),
                *([shape(outputs)] if bias else []),
            ),
            line(shape(BATCH, across), beside(shape(BATCH, outputs), shape(outputs, across))),
            line(shape(across, outputs), beside(shape(across, BATCH), shape(BATCH, outputs))),
        )
    )


def _from_layer_to_layer(layers: list[BothForms]) -> Iterator[Part]:
    """Yield δ = δ_next Wᵀ ⊙ f′ where a layer is a function of one sum, as in feed-forward networks."""
    pairs = [(below.notation, above.notation) for below, above in pairwise(layers)]
    if len(layers) == 1 and not layers[0].notation.form.cell.states:
        form = layers[0].notation.form
        pairs = [(Notation(form, LAYER), Notation(form, LAYER, shift=1))]
    columns, rows = [], []
    for layer, above in reversed(pairs):
        step = handed_down(above.form.cell)
        if step is not None and not layer.form.cell.states:
            columns.append(chained(layer, above.right_side(step)))
            rows.append(chained(layer, _rows(above, step)))
    if any(columns):
        yield say("From layer to layer, column form:")
        yield from aligned(filter(None, columns))
        yield say("Row form:")
        yield from aligned(filter(None, rows))


def _row_of(error: Fenced) -> Fenced:
    return Fenced(error.inner, index="k")
