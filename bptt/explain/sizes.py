"""The shapes of a model's layers in numbers: weights, multiply-adds, and the memory of a step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import MatrixProduct, NormalForm, normal_form
from bptt.derive.storage import storage
from bptt.explain.document import Part, Section, Sentence, Stage, Table, listing, say
from bptt.explain.formula_tree import EQUALS, Digits, Formula, MathName, Operator, Raised, Row
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation
from bptt.languages.phrase import phrase
from bptt.shapes import LEGEND


@dataclass(frozen=True)
class LayerSizes:
    """A layer in one direction: its name ("layer 2, backward"), its sizes by letter (I, H), and its cell.

    Without a cell it has that of the layer whose shapes are shown.
    """

    name: str
    sizes: Mapping[str, int]
    cell: Cell | None = None


@dataclass(frozen=True)
class Counts:
    """The cost of a layer per step and row.

    `forward`, `backward` and `gradients` count multiply-adds of matrices with vectors, for the values, the δ
    and the gradients of the matrices; `kept` and `states` count stored numbers.
    """

    weights: int
    forward: int
    backward: int
    gradients: int
    kept: int
    states: int


def count(cell: Cell, sizes: Mapping[str, int]) -> Counts:
    """Return the counts of a layer; `sizes` maps each letter to its size."""
    form, back = normal_form(cell), adjoint(cell)
    areas = {m: sizes[rows] * sizes[columns] for m, (rows, columns) in cell.matrices.items()}
    known = {**sizes, "1": 1}
    return Counts(
        weights=cell.count(sizes),
        forward=_multiplied(areas, (p for s in form.steps for p in s.products)),
        backward=_multiplied(areas, (p for s in back.steps for p in s.products)),
        gradients=sum(areas[g.matrix] * len(g.terms) for g in back.matrices),
        kept=sum(known[form.width(n)] for n in storage(cell).kept),
        states=sum(known[form.width(n)] for n in cell.states),
    )


def _multiplied(areas: Mapping[str, int], products: Iterable[MatrixProduct]) -> int:
    return sum(areas[product.matrix] for product in products)


def shapes_section(cell: Cell, layers: Sequence[LayerSizes], chosen: int, dtype: str, each: int) -> Section:
    """Return the section on the shapes of the layer with index `chosen`, and the costs of all layers.

    Numbers have the type `dtype` of `each` bytes.
    """
    form, sizes = normal_form(cell), layers[chosen].sizes
    notation = Notation(form, TIME if cell.states else "")
    parts = [
        _named_sizes(cell, layers[chosen]),
        Table(
            tuple(map(say, ("symbols", "space", "role"))),
            tuple(_shapes(form, notation, sizes)),
            numeric_from=3,
        ),
        *_costs(count(cell, sizes), dtype, each),
    ]
    if len(layers) > 1:
        parts += [say("All layers:"), _all_layers(cell, layers, each)]
    return Section(Stage.SHAPES, phrase("The shapes of {}", layers[chosen].name), tuple(parts))


def _named_sizes(cell: Cell, layer: LayerSizes) -> Sentence:
    named = (
        say("{} ({})", Row((MathName(k), EQUALS, number(layer.sizes[k]))), phrase(LEGEND.get(k, "a width")))
        for k in cell.letters
    )
    return say("{}.", listing(named))


def _shapes(form: NormalForm, notation: Notation, sizes: Mapping[str, int]) -> Iterator[tuple[Sentence, ...]]:
    """Yield one row for the symbols of each kind and width."""
    cell = form.cell
    values = [s.target for s in form.steps if s.target not in cell.states]
    for what, names in (
        ("input", cell.inputs),
        ("carried states", cell.states),
        ("values of a step", values),
    ):
        for letter in dict.fromkeys(form.width(n) for n in names):
            alike = [n for n in names if form.width(n) == letter]
            yield _symbols(notation, alike), say("{}", _space(sizes, letter)), say(what)
    for family in cell.families:
        space = _space(sizes, family.rows, *([family.columns] if family.columns else []))
        whole = Row(tuple(p for n in family.shape(sizes) for p in (Operator("×"), number(n)))[1:])
        stacked = say("parameters, together {}", whole) if len(family.members) > 1 else say("parameter")
        yield _symbols(notation, family.members), say("{}", space), stacked


def _symbols(notation: Notation, names: Sequence[str]) -> Sentence:
    return listing(say("{}", notation.name(n)) for n in names)


def _space(sizes: Mapping[str, int], *letters: str) -> Formula:
    """Write a space: ℝ²⁵⁶, or ℝ with rows × columns."""
    widths = ["1" if letter == "1" else str(sizes[letter]) for letter in letters]
    return MathName("ℝ") if widths == ["1"] else Raised(MathName("ℝ"), "×".join(widths))


def _costs(counts: Counts, dtype: str, each: int) -> Iterator[Part]:
    yield say("Weights: {}.", number(counts.weights))
    yield say(
        "Multiply-adds of matrices with vectors, for one step of one row: {} forward, {} for the {} going"
        " back, {} for the gradients of the matrices.",
        number(counts.forward),
        number(counts.backward),
        MathName("", mark="δ"),
        number(counts.gradients),
    )
    both = counts.kept + counts.states
    yield say(
        "Memory for one step of one row, in {}: {} numbers, {} bytes, if all values that the backward pass"
        " reads are kept (states {}, other values {}); {} bytes, if only the states are kept.",
        dtype,
        number(both),
        number(both * each),
        number(counts.states),
        number(counts.kept),
        number(counts.states * each),
    )


def _all_layers(cell: Cell, layers: Sequence[LayerSizes], each: int) -> Table:
    cells = [layer.cell or cell for layer in layers]
    # The column is of use only where cells are mixed.
    mixed = len(set(cells)) > 1
    letters = sorted({letter for one in cells for letter in one.letters})
    named = [*([say("cell")] if mixed else []), *(say("{}", MathName(letter)) for letter in letters)]
    head = (say("layer"), *named, say("weights"), say("multiply-adds forward"), say("bytes kept"))
    counts = [count(one, layer.sizes) for one, layer in zip(cells, layers, strict=True)]
    costs = [(c.weights, c.forward, (c.kept + c.states) * each) for c in counts]
    rows = [
        (
            say("{}", layer.name),
            *([say("{}", one.name)] if mixed else []),
            *(say("{}", number(layer.sizes[k])) if k in one.letters else say("") for k in letters),
            *_numbers(cost),
        )
        for layer, one, cost in zip(layers, cells, costs, strict=True)
    ]
    sums = _numbers([sum(column) for column in zip(*costs, strict=True)])
    together = (say("together"), *(say("") for _ in named), *sums)
    return Table(head, (*rows, together), numeric_from=2 if mixed else 1)


def _numbers(counts: Iterable[int]) -> tuple[Sentence, ...]:
    return tuple(say("{}", number(count)) for count in counts)


def number(count: int) -> Formula:
    """Write a whole number with thousands separators."""
    return Digits(f"{count:,}")


def size(letter: str) -> Formula:
    """Write the letter of a width, or the number 1."""
    return Digits(letter) if letter.isdecimal() else MathName(letter)


def arithmetic(text: str) -> Formula:
    """Write a count such as 4·H·(I + H), parsed from its text."""
    tokens = re.findall(r"[()+·]|[^()+·\s]+", text)
    return Row(tuple(Operator(token) if token in "()+·" else size(token) for token in tokens))
