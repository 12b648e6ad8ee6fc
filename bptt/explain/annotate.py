"""Which lines of a kernel's text compute which equation: read off the text, which is left as it is.

The text names its values by the equations, so that a line is found by the name on its left. A product of
matrices takes the sums of several equations at once; in which order these lines stand, `ProductText` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bptt.cells.cell import Cell
from bptt.cells.expression import symbols
from bptt.codegen.emit import source
from bptt.codegen.items import GRADIENT
from bptt.codegen.kernel import Kernel, kernel
from bptt.codegen.layout import member
from bptt.codegen.passes import Pass, Product
from bptt.codegen.places import identifier
from bptt.codegen.plan import plan
from bptt.codegen.product_text import input_pass
from bptt.codegen.step_text import PassText
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import normal_form
from bptt.explain.document import CodeLine, Derivation
from bptt.explain.kernel import Passage, with_kernel

_FUNCTION = re.compile(r"    static .*?\b(\w+)\(")
_MARKS = "⁰¹"

_Lines = Sequence[CodeLine]


def passages(cell: Cell, dtype: str = "float32") -> Mapping[str, Passage]:
    """The lines for each equation, by its target: values, δ, and gradients as ∇W_i.

    `dtype` is that of the matrices, as for `bptt.codegen.emit.source`. What no line computes is left out.
    """
    laid_out = kernel(plan(cell))
    file = source(laid_out.plan, dtype).text.splitlines()
    lines = [CodeLine(number, text.strip()) for number, text in enumerate(file, 1)]
    functions = _functions(file, lines)
    forward = _direction(laid_out, laid_out.forward, functions, forward=True)
    backward = _direction(laid_out, laid_out.backward, functions, forward=False)
    found = {**forward, **{name: p for name, p in backward.items() if name not in forward}}
    found |= _input_gradient(laid_out, functions)
    found |= _matrix_gradients(laid_out, lines)
    return _with_folded(cell, found)


def with_kernel_lines(document: Derivation, cell: Cell) -> Derivation:
    """Return the derivation of a cell with the lines of its kernel beside each equation."""
    return with_kernel(document, normal_form(cell), passages(cell))


def _functions(file: Sequence[str], lines: _Lines) -> Mapping[str, _Lines]:
    """The lines of each function of the kernel's struct, by its name."""
    found: dict[str, list[CodeLine]] = {}
    name = ""
    for text, line in zip(file, lines, strict=True):
        if begins := _FUNCTION.match(text):
            name = begins[1]
        found.setdefault(name, []).append(line)
        if text == "    }":
            name = ""
    return found


def _direction(
    laid_out: Kernel, passes: Sequence[Pass], functions: Mapping[str, _Lines], forward: bool
) -> dict[str, Passage]:
    """The passages of what the passes compute step by step."""
    text = PassText(laid_out, passes, forward)
    found: dict[str, Passage] = {}
    for k, one in enumerate(passes):
        lines = functions[f"{'forward' if forward else 'backward'}_{k}"]
        outer, inner = text.products.split(one)
        for target, passage in _of_pass(laid_out, one, lines, [*outer, *inner]):
            found[target] = _joined(found.get(target), passage)
    return found


def _of_pass(
    laid_out: Kernel, one: Pass, lines: _Lines, groups: Sequence[tuple[Product, ...]]
) -> Iterator[tuple[str, Passage]]:
    multiplied = [line for line in lines if "multiply_panel<" in line.text]
    for group, line in zip(groups, multiplied, strict=True):
        together = tuple(dict.fromkeys(_equation(product.target) for product in group))
        stacked = group[0].matrix if len(group[0].matrix) > 1 else ()
        for target in together:
            yield target, Passage((line,), together if len(together) > 1 else (), stacked)
    for k, column in enumerate(one.columns):
        start = f"u * {len(one.columns)} + {k}, "
        yield _equation(column.target), Passage(_with(lines, re.escape("fill(") + ".*" + re.escape(start)))
    for k, row_sum in enumerate(one.row_sums):
        yield row_sum.target, Passage(_with(lines, re.escape(f"block.partial[{k}][r] +=")))
    for target in one.targets:
        name = re.escape(identifier(target))
        pattern = rf"const Vector {name} = |store\(.*, {name}, lanes\)|= {name}\[0\];"
        if target.startswith(GRADIENT):
            place = tuple(laid_out.plan.cell.vectors).index(target.removeprefix(GRADIENT))
            pattern = rf"(add_to\(|^\*)block\.at\[Shape::SUM_AT \+ {place}\]"
        yield _equation(target), Passage(_with(lines, pattern))


def _equation(target: str) -> str:
    """The equation of which a part is computed under a marked name: net_n⁰ is one of net_n."""
    return target.rstrip(_MARKS)


def _with(lines: _Lines, pattern: str) -> tuple[CodeLine, ...]:
    return tuple(line for line in lines if re.search(pattern, line.text))


def _joined(first: Passage | None, second: Passage) -> Passage:
    """One passage of two: the lines in their order, each once."""
    if first is None:
        return second
    lines = {line.number: line for line in (*first.lines, *second.lines)}
    return replace(
        first,
        lines=tuple(lines[number] for number in sorted(lines)),
        together=tuple(dict.fromkeys([*first.together, *second.together])),
        stacked=tuple(dict.fromkeys([*first.stacked, *second.stacked])),
    )


def _input_gradient(laid_out: Kernel, functions: Mapping[str, _Lines]) -> dict[str, Passage]:
    """The product that gives the gradient of the input, where it waits for the end of a chunk."""
    last = input_pass(laid_out)
    if last is None:
        return {}
    (column,) = last.columns
    lines = _with(functions["multiply_input"], r"multiply_panel<|Vector sum|Shape::INPUT")
    stacked = tuple(m for product in column.products for m in product.matrix)
    return {column.target: Passage(lines, stacked=stacked if len(stacked) > 1 else (), later=True)}


def _matrix_gradients(laid_out: Kernel, lines: _Lines) -> dict[str, Passage]:
    """The entries of the table that says which δ meets which source for which member of a matrix."""
    cell = laid_out.plan.cell
    table = next(line for line in lines if "std::array<Gradient," in line.text)
    matrices = [family.name for family in cell.families if family.columns is not None]
    found = {}
    for gradient in adjoint(cell).matrices:
        family, row = member(cell, gradient.matrix)
        deltas = [laid_out.deltas.index(delta) for delta, _ in gradient.terms]
        entries = [f"Gradient{{{delta}, {matrices.index(family)}, {row}}}" for delta in deltas]
        kept = tuple(CodeLine(table.number, entry) for entry in entries if entry in table.text)
        found[GRADIENT + gradient.matrix] = Passage(kept, later=True)
    return found


def _with_folded(cell: Cell, found: Mapping[str, Passage]) -> Mapping[str, Passage]:
    """Those that have lines, and the equations that were put into the lines of their readers."""
    passages = {name: passage for name, passage in found.items() if passage.lines}
    for step in (*reversed(normal_form(cell).steps), *reversed(adjoint(cell).steps)):
        readers = [s.target for s in adjoint(cell).steps if step.target in s.names]
        readers += [
            GRADIENT + g.vector for g in adjoint(cell).vectors if step.target in symbols(g.expression)
        ]
        if step.target not in passages:
            _fold(passages, step.target, [r for r in readers if r in passages])
    return passages


def _fold(passages: dict[str, Passage], target: str, readers: Sequence[str]) -> None:
    """Give `target` the lines in which its readers hold it."""
    whole = [passages[reader] for reader in readers]
    lines = {line.number: line for passage in whole for line in passage.lines if "Vector d" in line.text}
    if lines:
        owners = [name for r, p in zip(readers, whole, strict=True) for name in p.within or (r,)]
        passages[target] = Passage(tuple(lines.values()), within=tuple(dict.fromkeys(owners)))
