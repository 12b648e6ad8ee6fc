"""A cell as a module of Triton: a kernel forward and one backward, each over all steps.

A program has ROWS rows and goes through all steps; no two programs share anything, and nothing is added by
atomic operations, so that a result does not depend on their order. Products with the input, and the gradients
of matrices, are single products for all steps, which the caller makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import Expression
from bptt.codegen.dialect import write
from bptt.codegen.kernel import Kernel, kernel
from bptt.codegen.lowering import lower
from bptt.codegen.operations import AddTo, AddToRow, Compute, Lowered, Sweep
from bptt.codegen.plan import KernelPlan
from bptt.codegen.source_lines import Lines, indented, joined, plain
from bptt.codegen.statements import SCALAR
from bptt.codegen.triton.memory_layout import MemoryLayout
from bptt.codegen.triton.triton_dialect import TritonDialect
from bptt.codegen.triton.triton_names import definitions, size

_PRELUDE = """import triton
import triton.language as tl


@triton.jit
def power(x, exponent: tl.constexpr):
    product = x
    for _ in tl.static_range(exponent - 1):
        product = product * x
    return product


@triton.jit
def add_to(pointer, value, counts, inside):
    part = tl.sum(tl.where(counts, value, 0.0), axis=0, keep_dims=True)
    tl.store(pointer, tl.load(pointer, mask=inside, other=0.0) + part, mask=inside)


@triton.jit
def add_number(pointer, value, counts):
    place = pointer + tl.zeros([1, 1], tl.int32)
    tl.store(place, tl.load(place) + tl.sum(tl.where(counts, value, 0.0), axis=0, keep_dims=True))


"""


@dataclass(frozen=True)
class TritonText:
    """The module of a plan, the arguments of its two kernels by name, in order, and where values are.

    `tiles` counts the matrices that the forward and the backward kernel have in tiles if they are resident.
    """

    text: str
    layout: MemoryLayout
    kernel: Kernel
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    tiles: tuple[int, int]


@cached_by_cell
def triton_text(plan: KernelPlan, resident: bool) -> TritonText:
    """Return the module of a plan, whose matrices are `resident` in tiles, or read from memory at every step.

    Raises InputError for a function of a package that has neither a value nor a text in Triton.
    """
    found = kernel(plan)
    lowered, layout = lower(found), MemoryLayout(found)
    writers = [
        _Writer(found, layout, sweeps, forward, resident)
        for forward, sweeps in ((True, lowered.forward), (False, lowered.backward))
    ]
    functions = definitions(_expressions(lowered))
    text = "\n\n".join([_PRELUDE + functions, *(joined(each.lines()) + "\n" for each in writers)])
    forward, backward = (tuple(each.arguments) for each in writers)
    return TritonText(text, layout, found, forward, backward, (writers[0].tiles, writers[1].tiles))


def _expressions(lowered: Lowered) -> Iterator[Expression]:
    for sweep in (*lowered.forward, *lowered.backward):
        yield from (column.start for column in sweep.columns)
        for one in (*sweep.units, *sweep.rows):
            if isinstance(one, Compute | AddTo | AddToRow):
                yield one.value


class _Writer:
    """Writes the kernel of one direction."""

    def __init__(
        self, found: Kernel, layout: MemoryLayout, sweeps: Sequence[Sweep], forward: bool, resident: bool
    ) -> None:
        self._kernel, self._sweeps = found, sweeps
        self._forward, self._resident = forward, resident
        self._dialect = TritonDialect(found, layout, forward, resident)
        self._products = {
            (matrix, product.transposed): None
            for sweep in sweeps
            for group in sweep.products
            for product in group
            for matrix in product.matrix
        }
        self.tiles = len(self._products)
        self._layout = layout
        self.arguments = tuple(self._arguments(found.plan.cell))

    def _arguments(self, cell: Cell) -> Iterator[str]:
        states = range(len(cell.states))
        yield from ("x", "lengths", "restarts", *(f"state_{k}" for k in states), "kept", "scratch")
        if self._forward:
            yield from ("ahead", "output")
        else:
            yield from (*(f"next_{k}" for k in states), "delta", "input", "sums")
            yield from (f"loss_{k}" for k in range(len(self._layout.public)))
        yield from (f"vector_{k}" for k in range(len(cell.vectors)))
        yield from (f"family_{family.name}" for family in cell.families if family.columns is not None)
        yield from ("steps", "batch", *(f"n_{each}" for each in self._kernel.letters if each != SCALAR))

    def _constants(self) -> Iterator[str]:
        yield from ("REVERSE", "RAGGED", "RESTARTS", "ROWS", "UNITS", "DEPTH", "PRECISION")
        if self._forward:
            yield "KEEP"
        else:
            yield from (f"LOSS_{k}" for k in range(len(self._layout.public)))

    def lines(self) -> Lines:
        """Write the kernel."""
        name = "forward" if self._forward else "backward"
        constants = [f"{each}: tl.constexpr" for each in self._constants()]
        last = "s" if self._forward else "steps - 1 - s"
        first = "steps - 1 - s" if self._forward else "s"
        return (
            *plain(f"@triton.jit\ndef {name}({', '.join([*self.arguments, *constants])}):"),
            *indented(self._head()),
            *plain("    for s in range(steps):"),
            *plain(f"        t = {first} if REVERSE else {last}"),
            *plain("        at = stride * t + row"),
            *plain("        now = at if REVERSE else at + stride"),
            *plain("        before = at + stride if REVERSE else at"),
            *plain("        valid = live & (t < length) if RAGGED else live"),
            *plain("        if RESTARTS:"),
            *plain("            anew = tl.load(restarts + at, mask=valid, other=0) != 0"),
            *plain("            before = tl.where(anew, stride * (steps + 1) + row, before)"),
            *(line for sweep in self._sweeps for line in self._sweep(sweep)),
            *(() if self._forward else self._hand_over()),
        )

    def _hand_over(self) -> Lines:
        """Write how the gradient that a row carries reaches the state from which the row started anew."""
        cell = self._kernel.plan.cell
        lines = []
        for k, width in enumerate(size(cell.width(state)) for state in cell.states):
            lines += [
                f"    for j in range(0, {width}, UNITS):",
                "        unit_of_state = j + tl.arange(0, UNITS)[None, :]",
                f"        there = anew & (unit_of_state < {width})",
                f"        carried = next_{k} + row * {width} + unit_of_state",
                f"        started = carried + batch * {width}",
                "        value = tl.load(carried, mask=there, other=0.0)",
                "        tl.store(started, tl.load(started, mask=there, other=0.0) + value, mask=there)",
                "        tl.store(carried, tl.zeros([ROWS, UNITS], tl.float32), mask=there)",
            ]
        lines = ["if RESTARTS:", *lines, "    tl.debug_barrier()"] if lines else []
        return indented(plain("\n".join(lines)), 2) if lines else ()

    def _head(self) -> Lines:
        sizes = [
            f"size_{each} = tl.zeros([1, 1], tl.float32) + n_{each}"
            for each in self._kernel.letters
            if each != SCALAR
        ]
        lines = [
            "program = tl.program_id(0).to(tl.int64)",
            "row = program * ROWS + tl.arange(0, ROWS)[:, None]",
            "live = row < batch",
            "stride = row * 0 + batch",
            "length = tl.load(lengths + row, mask=live, other=0) if RAGGED else stride",
            *sizes,
        ]
        if self._resident and self._products:
            lines += [
                "unit = tl.arange(0, UNITS)[None, :]",
                "down = tl.arange(0, DEPTH)[:, None]",
            ]
            lines += [
                f"{self._dialect.tile(*key)} = {self._dialect.tile_text(*key)}" for key in self._products
            ]
        return plain("\n".join(lines))

    def _sweep(self, sweep: Sweep) -> Lines:
        return (
            *plain(f"        # {', '.join(sweep.targets)}"),
            *indented(write(sweep, self._dialect), 2),
            *plain("        tl.debug_barrier()"),
        )
