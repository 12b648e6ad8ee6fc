"""The products of a kernel's passes as C++ text, and the packing of the weights that they read."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.expression import Number, symbols
from bptt.codegen.formula import formula
from bptt.codegen.kernel import Kernel
from bptt.codegen.layout import member
from bptt.codegen.passes import SCALAR, WIDEST, Column, Pass, Product, sources
from bptt.codegen.places import Places
from bptt.codegen.shape_text import letter

_TILE = "{block.tile, WIDEST * LANES}"


def vectors(p: Pass) -> int:
    """How many vectors of units a panel of a pass has."""
    return max(1, WIDEST // len(p.columns))


class ProductText:
    """The text of the products of passes in one direction."""

    def __init__(self, kernel: Kernel, passes: Sequence[Pass], places: Places, forward: bool) -> None:
        self._kernel, self._passes, self._places, self._forward = kernel, passes, places, forward
        self._sources = sources(passes)

    def sums(self, p: Pass) -> list[str]:
        """The sums of a panel, from their starts over all products."""
        outer, inner = self.split(p)
        count = len(p.columns)
        start = self._start(p, "block.live", _TILE)
        lines = []
        if outer:
            lines += [
                "if (ahead) {",
                f"    copy_ahead(block, before, vectors * {count});",
                *(f"    {self._skip(product)}" for product in outer),
                "} else {",
                *(f"    {line}" for line in start),
                *(f"    {self._multiply(product, p, _TILE, 'block.live')}" for product in outer),
                "}",
                f"before += vectors * {count} * LANES;",
            ]
        else:
            lines += start
        return lines + [self._multiply(product, p, _TILE, "block.live") for product in inner]

    def split(self, p: Pass) -> tuple[list[tuple[Product, ...]], list[tuple[Product, ...]]]:
        """The products of a pass by source: those of the input, and the others.

        Products of one source, each for another column, are one.
        """
        groups: dict[tuple[tuple[str, ...], str, int], list[Product]] = {}
        for column in p.columns:
            for k, product in enumerate(column.products):
                apart = product.target if product.transposed else ""
                before = [one.source for one in column.products[:k]].count(product.source)
                groups.setdefault((product.source, apart, before), []).append(product)
        inputs = self._kernel.plan.cell.inputs
        outer = [tuple(g) for (source, *_), g in groups.items() if source[0] in inputs and self._forward]
        inner = [tuple(g) for g in groups.values() if tuple(g) not in outer]
        return outer, inner

    def depth(self, p: Pass) -> str:
        """How many packed factors a pass reads for each unit."""
        groups = [group for part in self.split(p) for group in part]
        return " + ".join(f"{len(g)} * factors({self._depth(g[0].source)})" for g in groups) or "0"

    def _start(self, p: Pass, count: str, tile: str) -> list[str]:
        if all(c.start == Number(0) for c in p.columns):
            return [f"clear({tile}, {count}, vectors * {len(p.columns)});"]
        lines = ["for (int u = 0; u < vectors; ++u) {"]
        if any(symbols(c.start) for c in p.columns):
            lines += [
                "    const int64_t j = first + u * LANES;",
                "    const int lanes = lanes_left(width - j);",
            ]
        for k, column in enumerate(p.columns):
            value = formula(column.start, self._places.vector)
            lines.append(f"    fill({tile}, {count}, u * {len(p.columns)} + {k}, {value});")
        return [*lines, "}"]

    def _columns(self, product: tuple[Product, ...], p: Pass) -> str:
        places = [[c.target for c in p.columns].index(one.target) for one in product]
        n = len(p.columns)
        return ", ".join(str(u * n + k) for u in range(vectors(p)) for k in places)

    def _multiply(self, product: tuple[Product, ...], p: Pass, tile: str, count: str) -> str:
        source, wide = product[0].source, ", block.wide" if tile == _TILE and self._forward else ""
        rows, depth = f"rows_{self._sources.index(source)}", f"factors({self._depth(source)})"
        return (
            f"panel = multiply_panel<{self._columns(product, p)}>(vectors * {len(product)},"
            f" {rows}, {count}, panel, {depth}, {tile}{wide});"
        )

    def _skip(self, product: tuple[Product, ...]) -> str:
        return f"panel += vectors * {len(product)} * factors({self._depth(product[0].source)}) * LANES;"

    def operands(self, p: Pass) -> list[str]:
        """The rows that the products of a pass read."""
        return [
            f"const factor* const* rows_{self._sources.index(source)} ="
            f" block.operand[{self._sources.index(source)}].rows("
            f"block.at[{self._places.place(source[0])}], block.live, {self._depth(source)});"
            for source in sources([p])
        ]

    def _depth(self, source: tuple[str, ...]) -> str:
        letters = [letter(self._kernel.widths[name]) for name in source]
        same = f"a.size[Shape::{letters[0]}]"
        if len(set(letters)) == 1:
            return same if len(letters) == 1 else f"{len(letters)} * {same}"
        return "(" + " + ".join(f"a.size[Shape::{x}]" for x in letters) + ")"

    # The part of the sums that waits for the input alone, for many steps at once.

    def ahead(self) -> str:
        """The function that computes it, and the one that says how much it is for one step and row."""
        sizes: list[str] = []
        body: list[str] = []
        for p in self._passes:
            if not p.columns:
                continue
            outer, inner = self.split(p)
            count = len(p.columns)
            if outer:
                sizes.append(f"padded(a.size[Shape::{letter(p.width)}]) * {count}")
            body += self._panels(p, self._ahead_panel(p, outer, inner))
        return "\n".join(
            [
                "\n    static int64_t ahead_row(const Arguments<Shape>& a) {",
                f"        return {' + '.join(sizes) or 0};",
                "    }",
                "\n    static void look_ahead(const Arguments<Shape>& a,"
                " const real* const* x, int count, Tile to) {",
                "        const factor* panel = a.weights;",
                "        Operand operand;",
                *(
                    f"        const factor* const* rows_{k} = operand.rows(x, count, {self._depth(source)});"
                    for k, source in enumerate(self._sources)
                    if source[0] in self._kernel.plan.cell.inputs
                ),
                *(f"        {line}" for line in body),
                "    }",
            ]
        )

    def _ahead_panel(
        self, p: Pass, outer: list[tuple[Product, ...]], inner: list[tuple[Product, ...]]
    ) -> list[str]:
        skips = [self._skip(product) for product in inner]
        if not outer:
            return skips
        return [
            *self._start(p, "count", "to"),
            *(self._multiply(product, p, "to", "count") for product in outer),
            *skips,
            f"to.at += vectors * {len(p.columns)} * LANES;",
        ]

    def _panels(self, p: Pass, body: list[str]) -> list[str]:
        most = vectors(p)
        return [
            f"for (int64_t first = 0, width = a.size[Shape::{letter(p.width)}]; first < width;"
            f" first += {most} * LANES) {{",
            f"    const int vectors = vectors_left(width - first, {most});",
            *(f"    {line}" for line in body),
            "}",
        ]

    # The order in which weights lie in memory is that in which the passes read them.

    def packing(self, name: str) -> str:
        """The function that packs the weights, and the one that says how many numbers that makes."""
        body: list[str] = []
        sizes: list[str] = []
        for p in self._passes:
            if not p.columns:
                continue
            outer, inner = self.split(p)
            depth, width = self.depth(p), f"a.size[Shape::{letter(p.width)}]"
            body += [
                f"to = pack_panels<{vectors(p)}>(a.threads, {width}, {depth}, to,",
                "                 [&](int64_t first, int vectors, factor* to) {",
                f"    const int64_t width = {width};",
                *(f"    {line}" for group in (*outer, *inner) for line in self._pack(group)),
                "});",
            ]
            sizes.append(f"padded({width}) * ({depth})")
        return "\n".join(
            [
                "\n    template <class Call>",
                f"    static int64_t {name}_size(const Call& a) {{",
                f"        return {' + '.join(sizes) or 0};",
                "    }",
                f"\n    static void {name}(const Packing<Shape>& a, factor* to) {{",
                *(f"        {line}" for line in body),
                "    }",
            ]
        )

    def _pack(self, group: tuple[Product, ...]) -> list[str]:
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
        """The address of a member of a family."""
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

    def input_gradient(self) -> str:
        """The function that multiplies the δ of many steps with the transposed matrices of the input."""
        body = ["const factor* panel = a.transposed + pack_backward_size(a);"] if self._passes else []
        for p in self._passes:
            _, products = self.split(p)
            panel = [
                f"clear({_TILE}, block.live, vectors);",
                *(self._multiply(g, p, _TILE, "block.live") for g in products),
                "for (int r = 0; r < block.live; ++r)",
                "    for (int u = 0; u < vectors; ++u) {",
                "        const int64_t j = first + u * LANES;",
                "        const Vector sum = load(block.tile + (r * WIDEST + u) * LANES);",
                "        store(block.at[Shape::INPUT][r] + j, sum, lanes_left(width - j));",
                "    }",
            ]
            body += [*self.operands(p), *self._panels(p, panel)]
        return "\n".join(
            [
                "\n    static void multiply_input(const BackwardArguments<Shape>& a, Block<Shape>& block) {",
                *(f"        {line}" for line in body),
                "    }",
            ]
        )


def input_pass(kernel: Kernel) -> Pass | None:
    """The products of the gradient of the input as a pass of its own, if they can wait."""
    if not kernel.input_products:
        return None
    target, width = kernel.input_products[0].target, kernel.widths[kernel.plan.cell.inputs[0]]
    return Pass(width, [Column(target, width, Number(0), kernel.input_products)])
