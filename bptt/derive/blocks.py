"""The Jacobian ∂s_t/∂s_{t−1} multiplied out: one block for every pair of states.

A block is a sum over the paths from one state to another, and each path a product of matrices: the
parameters met on the way, and diagonals. That the block ∂c/∂c of an LSTM is the forget gate alone is
seen here. A layer without states has the block ∂y/∂x.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import ONE, ZERO, Expression, RowCall, multiply, symbols
from bptt.derive.differentiate import partial
from bptt.derive.normal_form import EquationStep, NormalForm, normal_form

# Longer sums explain nothing: such a Jacobian is better read in steps.
MOST_PATHS = 8

Path = tuple[Expression | str, ...]


@dataclass(frozen=True)
class Block:
    """∂target/∂source as a sum of products of diagonals (expressions) and matrices (their names)."""

    target: str
    source: str
    paths: tuple[Path, ...]


@cached_by_cell
def blocks(cell: Cell) -> tuple[Block, ...] | None:
    """Find every block that is not zero, or None where a row statement or too many paths are on the way."""
    form = normal_form(cell)
    sources = form.previous or cell.inputs
    reached: dict[str, tuple[Block, ...]] = {s: (Block(s, s, ((),)),) for s in sources}
    for step in form.steps:
        found = _step_blocks(form, step, reached)
        if any(len(block.paths) > MOST_PATHS for block in found):
            return None
        if found and (step.width == "1" or isinstance(step.rest, RowCall)):
            return None
        reached[step.target] = found
    return tuple(block for name in cell.states or (cell.output,) for block in reached[name])


def _step_blocks(
    form: NormalForm, step: EquationStep, reached: Mapping[str, tuple[Block, ...]]
) -> tuple[Block, ...]:
    """Derive the blocks of a step's target from those of what it reads."""
    gathered: dict[str, list[Path]] = {}
    for factor, name in _factors(form, step, reached):
        for block in reached[name]:
            paths = [_prepend(factor, path) for path in block.paths]
            gathered.setdefault(block.source, []).extend(paths)
    return tuple(Block(step.target, source, tuple(paths)) for source, paths in gathered.items())


def _factors(
    form: NormalForm, step: EquationStep, reached: Mapping[str, tuple[Block, ...]]
) -> list[tuple[Expression | str, str]]:
    """List the values of a step, each with its factor."""
    maps: list[tuple[Expression | str, str]] = [(p.matrix, p.vector) for p in step.products]
    diagonals = [(partial(step, n, form.width(n)), n) for n in symbols(step.rest) if n in reached]
    return [(f, name) for f, name in [*maps, *diagonals] if name in reached and f != ZERO]


def _prepend(factor: Expression | str, path: Path) -> Path:
    """Multiply a path from the left; neighbouring diagonals become one."""
    if factor == ONE:
        return path
    if isinstance(factor, Expression) and path and isinstance(path[0], Expression):
        return (multiply(factor, path[0]), *path[1:])
    return (factor, *path)
