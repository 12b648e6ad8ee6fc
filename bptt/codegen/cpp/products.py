"""The products of a kernel's passes as C++ text, and the packing of the weights that they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bptt.cells.expression import Number
from bptt.codegen.cpp.cpp_names import formula, index_of, letter, number, read
from bptt.codegen.kernel import Kernel
from bptt.codegen.layout import member
from bptt.codegen.operations import ProductGroup, Sweep
from bptt.codegen.passes import WIDEST
from bptt.codegen.slots import Area, Slot, Slots
from bptt.codegen.source_lines import Lines, Provenance, SourceLine, indented, plain
from bptt.codegen.statements import SCALAR, Column

_TILE = "{block.tile, WIDEST * LANES}"


def vectors(sweep: Sweep) -> int:
    """Return the number of vectors of units in a panel of a pass."""
    return max(1, WIDEST // len(sweep.columns))


class ProductText:
    """The text of the products of passes in one direction.

    Where sums that a step needs are taken ahead of it, or its weights are packed, the lines name no
    equation: the equation has its lines in the step.
    """

    def __init__(self, kernel: Kernel, sweeps: Sequence[Sweep], forward: bool) -> None:
        self._kernel, self._sweeps, self._forward = kernel, sweeps, forward
        self._slots = Slots(kernel, forward)
        self._sources = tuple(dict.fromkeys(source for sweep in sweeps for source in sweep.operands))

    def sums(self, sweep: Sweep) -> Lines:
        """Take the sums of a panel, from their starts over all products."""
        count = len(sweep.columns)
        start = self._start(sweep, "block.live", _TILE)
        lines: list[SourceLine] = []
        if sweep.ahead:
            lines += [
                *plain("if (ahead) {"),
                *plain(f"    copy_ahead(block, before, vectors * {count});"),
                *(SourceLine(f"    {self._skip(group)}") for group in sweep.ahead),
                *plain("} else {"),
                *indented(start),
                *indented(self._multiply(group, sweep, _TILE, "block.live") for group in sweep.ahead),
                *plain("}"),
                *plain(f"before += vectors * {count} * LANES;"),
            ]
        else:
            lines += start
        return (*lines, *(self._multiply(group, sweep, _TILE, "block.live") for group in sweep.products))

    def depth(self, sweep: Sweep, groups: Sequence[ProductGroup] | None = None) -> str:
        """Return the number of packed factors that a pass reads for each unit, or some of its products do."""
        given = sweep.groups if groups is None else groups
        return " + ".join(f"{len(g)} * factors({self._depth(g[0].source)})" for g in given) or "0"

    def _start(self, sweep: Sweep, count: str, tile: str) -> Lines:
        columns = len(sweep.columns)
        if all(column.start == Number(0) for column in sweep.columns):
            return plain(f"clear({tile}, {count}, vectors * {columns});")
        lines = [*plain("for (int u = 0; u < vectors; ++u) {")]
        if any(column.reads for column in sweep.columns):
            lines += plain("    const int64_t j = first + u * LANES;")
            lines += plain("    const int lanes = lanes_left(width - j);")
        for k, column in enumerate(sweep.columns):
            fill = f"    fill({tile}, {count}, u * {columns} + {k}, {formula(column.start, self._vector)});"
            lines.append(SourceLine(fill, _of_column(column)))
        return (*lines, *plain("}"))

    def _vector(self, name: str) -> str:
        """Read a vector parameter or a constant."""
        cell = self._kernel.plan.cell
        if name in cell.constants:
            return number(float(cell.constants[name]))
        slot = Slot(Area.PARAMETER, tuple(cell.vectors).index(name))
        return read(slot, cell.vectors[name] == SCALAR)

    def _columns(self, group: ProductGroup, sweep: Sweep) -> str:
        places = [[c.target for c in sweep.columns].index(one.target) for one in group]
        n = len(sweep.columns)
        return ", ".join(str(u * n + k) for u in range(vectors(sweep)) for k in places)

    def _multiply(self, group: ProductGroup, sweep: Sweep, tile: str, count: str) -> SourceLine:
        source, wide = group[0].source, ", block.wide" if tile == _TILE and self._forward else ""
        rows, depth = f"rows_{self._sources.index(source)}", f"factors({self._depth(source)})"
        text = (
            f"panel = multiply_panel<{self._columns(group, sweep)}>(vectors * {len(group)},"
            f" {rows}, {count}, panel, {depth}, {tile}{wide});"
        )
        return SourceLine(text, _of_group(group))

    def _skip(self, group: ProductGroup) -> str:
        return f"panel += vectors * {len(group)} * factors({self._depth(group[0].source)}) * LANES;"

    def operands(self, sweep: Sweep) -> Lines:
        """Name the rows that the products of a pass read."""
        return tuple(
            SourceLine(
                f"const factor* const* rows_{self._sources.index(source)} ="
                f" block.operand[{self._sources.index(source)}].rows("
                f"block.at[{index_of(self._slots.slot(source[0]))}], block.live, {self._depth(source)});"
            )
            for source in sweep.operands
        )

    def _depth(self, source: tuple[str, ...]) -> str:
        letters = [letter(self._kernel.widths[name]) for name in source]
        same = f"a.size[Shape::{letters[0]}]"
        if len(set(letters)) == 1:
            return same if len(letters) == 1 else f"{len(letters)} * {same}"
        return "(" + " + ".join(f"a.size[Shape::{x}]" for x in letters) + ")"

    # The part of the sums that waits for the input alone, for many steps at once.

    def ahead(self) -> Lines:
        """Write the function that computes it, and the one that measures it for one step and row."""
        sizes: list[str] = []
        body: list[SourceLine] = []
        for sweep in self._sweeps:
            if not sweep.columns:
                continue
            if sweep.ahead:
                sizes.append(f"padded(a.size[Shape::{letter(sweep.width)}]) * {len(sweep.columns)}")
            body += self._panels(sweep, _unnamed(self._ahead_panel(sweep)))
        rows = (
            f"        const factor* const* rows_{k} = operand.rows(x, count, {self._depth(source)});"
            for k, source in enumerate(self._sources)
            if source[0] in self._kernel.plan.cell.inputs
        )
        return (
            *plain("\n    static int64_t ahead_row(const Arguments<Shape>& a) {"),
            *plain(f"        return {' + '.join(sizes) or 0};"),
            *plain("    }"),
            *plain(
                "\n    static void look_ahead(const Arguments<Shape>& a,"
                " const real* const* x, int count, Tile to) {"
            ),
            *plain("        const factor* panel = a.weights;"),
            *plain("        Operand operand;"),
            *map(SourceLine, rows),
            *indented(body, 2),
            *plain("    }"),
        )

    def _ahead_panel(self, sweep: Sweep) -> Lines:
        skips = [SourceLine(self._skip(group)) for group in sweep.products]
        if not sweep.ahead:
            return tuple(skips)
        return (
            *self._start(sweep, "count", "to"),
            *(self._multiply(group, sweep, "to", "count") for group in sweep.ahead),
            *skips,
            *plain(f"to.at += vectors * {len(sweep.columns)} * LANES;"),
        )

    def _panels(self, sweep: Sweep, body: Lines) -> Lines:
        most = vectors(sweep)
        return (
            *plain(
                f"for (int64_t first = 0, width = a.size[Shape::{letter(sweep.width)}]; first < width;"
                f" first += {most} * LANES) {{"
            ),
            *plain(f"    const int vectors = vectors_left(width - first, {most});"),
            *indented(body),
            *plain("}"),
        )

    # The order in which weights lie in memory is that in which the passes read them.

    def packing(self, name: str) -> Lines:
        """Write the function that packs the weights, and the one that counts the packed numbers."""
        body: list[str] = []
        sizes: list[str] = []
        for sweep in self._sweeps:
            if not sweep.columns:
                continue
            depth, width = self.depth(sweep), f"a.size[Shape::{letter(sweep.width)}]"
            body += [
                f"to = pack_panels<{vectors(sweep)}>(a.threads, {width}, {depth}, to,",
                "                 [&](int64_t first, int vectors, factor* to) {",
                f"    const int64_t width = {width};",
                *(f"    {line}" for group in sweep.groups for line in self._pack(group)),
                "});",
            ]
            sizes.append(f"padded({width}) * ({depth})")
        return (
            *plain("\n    template <class Call>"),
            *plain(f"    static int64_t {name}_size(const Call& a) {{"),
            *plain(f"        return {' + '.join(sizes) or 0};"),
            *plain("    }"),
            *plain(f"\n    static void {name}(const Packing<Shape>& a, factor* to) {{"),
            *(SourceLine(f"        {line}") for line in body),
            *plain("    }"),
        )

    def _pack(self, group: ProductGroup) -> list[str]:
        depth = self._depth(group[0].source)
        if group[0].transposed:
            at = self._matrix(group[0].matrix[0])
            return [f"to = pack_columns({at}, vectors, first, width, {depth}, to);"]
        matrices = ", ".join(self._matrix(product.matrix[0]) for product in group)
        return [
            "{",
            f"    const parameter* const matrix[] = {{{matrices}}};",
            f"    to = pack_rows(matrix, {len(group)}, vectors, first, width, {depth}, a.wide(), to);",
            "}",
        ]

    def _matrix(self, name: str) -> str:
        """Return the address of a member of a family."""
        cell = self._kernel.plan.cell
        matrices = [f for f in cell.families if f.columns is not None]
        family, index = member(cell, name)
        k = [f.name for f in matrices].index(family)
        found = matrices[k]
        return (
            f"a.matrix[{k}] + {index} * a.size[Shape::{letter(found.rows)}]"
            f" * a.size[Shape::{letter(found.columns or SCALAR)}]"
        )

    # The gradient of the input, where it can wait for the end of a chunk.

    def input_gradient(self) -> Lines:
        """Write the product of the δ of many steps with the transposed matrices of the input."""
        body = (
            [SourceLine("const factor* panel = a.transposed + pack_backward_size(a);")]
            if self._sweeps
            else []
        )
        for sweep in self._sweeps:
            (column,) = sweep.columns
            here = _later(_of_column(column))
            panel = (
                *plain(f"clear({_TILE}, block.live, vectors);"),
                *(
                    SourceLine(line.text, _later(line.provenance))
                    for line in (self._multiply(g, sweep, _TILE, "block.live") for g in sweep.products)
                ),
                *plain("for (int r = 0; r < block.live; ++r)"),
                *plain("    for (int u = 0; u < vectors; ++u) {"),
                *plain("        const int64_t j = first + u * LANES;"),
                SourceLine("        const Vector sum = load(block.tile + (r * WIDEST + u) * LANES);", here),
                SourceLine("        store(block.at[Shape::INPUT][r] + j, sum, lanes_left(width - j));", here),
                *plain("    }"),
            )
            body += [*self.operands(sweep), *self._panels(sweep, panel)]
        return (
            *plain(
                "\n    static void multiply_input(const BackwardArguments<Shape>& a, Block<Shape>& block) {"
            ),
            *indented(body, 2),
            *plain("    }"),
        )


def _of_column(column: Column) -> tuple[Provenance, ...]:
    return (Provenance((column.equation,)),)


def _of_group(group: ProductGroup) -> tuple[Provenance, ...]:
    """Name the equations whose sums a product takes at once, and the matrices that it takes as one."""
    matrices = group[0].matrix
    equations = tuple(dict.fromkeys(product.equation for product in group))
    return (Provenance(equations, stacked=matrices if len(matrices) > 1 else ()),)


def _later(provenance: Iterable[Provenance]) -> tuple[Provenance, ...]:
    return tuple(replace(origin, later=True) for origin in provenance)


def _unnamed(lines: Lines) -> Lines:
    return tuple(SourceLine(line.text) for line in lines)
