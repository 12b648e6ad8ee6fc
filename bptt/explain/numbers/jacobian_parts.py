"""The Jacobian of each step in numbers: states by those of the step before, net input by net input."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.expression import Expression
from bptt.cells.language import PREVIOUS
from bptt.derive.arithmetic import FLOATS
from bptt.derive.blocks import Block, blocks
from bptt.derive.evaluate import value
from bptt.derive.network_pass import NetworkPass
from bptt.derive.unrolled import state_jacobian
from bptt.explain.document import EquationLine
from bptt.explain.formula_tree import Term, beside, derivative
from bptt.explain.linear import block_line
from bptt.explain.numbers.step_notation import NumberNotation, StepNotation
from bptt.explain.numbers.written_numbers import term


def jacobian_lines(before: NetworkPass, number: int, step: int) -> Iterator[EquationLine]:
    """Yield the blocks of the Jacobian of layer `number` at `step`, both from 1, each with its numbers."""
    layer = before.layers[number - 1]
    found = state_jacobian(layer.cell, layer.point, layer.values[step - 1])
    symbols, numbers = StepNotation(before, number, step), NumberNotation(before, number, step)
    known = blocks(layer.cell)
    if known is None:
        for (target, source), matrix in found.items():
            left = derivative(symbols.names[target], symbols.names[source + PREVIOUS])
            yield EquationLine(left, (term(matrix),))
        return
    for block in known:
        line, filled = block_line(block, symbols), block_line(block, numbers)
        matrix = found[block.target, block.source.removesuffix(PREVIOUS)]
        yield EquationLine(line.left, line.right, "", (filled.right, (term(matrix),)))
    match known:
        case (Block(paths=((Expression() as slope, str() as matrix_name),)),) if step > 1:
            yield _from_net_to_net(before, number, step, slope, matrix_name)


def _from_net_to_net(
    before: NetworkPass, number: int, step: int, slope: Expression, matrix: str
) -> EquationLine:
    """Write ∂net_t/∂net_{t−1} = W diag f′(net_{t−1}), for a cell with one matrix in its Jacobian."""
    now, then = (StepNotation(before, number, each) for each in (step, step - 1))
    here, there = (NumberNotation(before, number, each) for each in (step, step - 1))
    net = next(s.target for s in now.form.steps if any(p.matrix == matrix for p in s.products))
    slopes = value(slope, before.layers[number - 1].values[step - 2], FLOATS)
    product = [[w * f for w, f in zip(row, slopes, strict=True)] for row in here.matrices[matrix]]
    return EquationLine(
        derivative(now.names[net], then.names[net]),
        (Term(False, beside(now.name(matrix), then.diagonal(slope))),),
        "",
        ((Term(False, beside(here.name(matrix), there.diagonal(slope))),), (term(product),)),
    )
