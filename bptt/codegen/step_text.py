"""The passes of a kernel as C++ text."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.expression import Expression, Number, symbols
from bptt.cells.language import PREVIOUS
from bptt.codegen.formula import formula
from bptt.codegen.items import GRADIENT
from bptt.codegen.kernel import Kernel
from bptt.codegen.layout import member
from bptt.codegen.passes import SCALAR, Column, Pass, Product, RowSum
from bptt.codegen.shape_text import letter
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT

_ASCII = str.maketrans({"δ": "d_", "∇": "g_", "⁰": "_0", "¹": "_1"})
WIDEST = 8


def identifier(name: str) -> str:
    """A C++ name for a value; no letter of it is lost."""
    text = name.translate(_ASCII)
    return "v_" + "".join(c if c.isascii() else f"u{ord(c):x}" for c in text)


class PassText:
    """The text of all passes in one direction."""

    def __init__(self, kernel: Kernel, passes: Sequence[Pass], direction: str) -> None:
        self._kernel, self._passes, self._forward = kernel, passes, direction == "forward"
        self._scratch = kernel.forward_scratch if self._forward else kernel.backward_scratch

    def passes(self) -> str:
        """One function for each pass, and the one that calls them all."""
        functions = [self._function(k, p) for k, p in enumerate(self._passes)]
        keep = "template <bool Keep>\n    " if self._forward else ""
        name, arguments = ("step", "Arguments") if self._forward else ("step_back", "BackwardArguments")
        ahead = ", [[maybe_unused]] bool ahead" if self._forward else ""
        calls = [self._call(k, p) for k, p in enumerate(self._passes)]
        weights = "weights" if self._forward else "transposed"
        body = "\n".join(f"        {call}" for call in calls)
        return "\n".join(
            [
                *functions,
                f"\n    {keep}static void {name}(const {arguments}<Shape>& a, Block<Shape>& block{ahead}) {{",
                f"        [[maybe_unused]] const real* panel = a.{weights};",
                "        [[maybe_unused]] int64_t before = 0;" if self._forward else "",
                body,
                "    }",
            ]
        )

    def _call(self, k: int, p: Pass) -> str:
        if not self._forward:
            return f"panel = backward_{k}(a, block, panel);"
        return f"panel = forward_{k}<Keep>(a, block, panel, ahead, before);"

    def _function(self, k: int, p: Pass) -> str:
        keep = "template <bool Keep>\n    " if self._forward else ""
        arguments = "Arguments" if self._forward else "BackwardArguments"
        ahead = ", [[maybe_unused]] bool ahead, [[maybe_unused]] int64_t& before" if self._forward else ""
        name = f"{'forward' if self._forward else 'backward'}_{k}"
        body = self._sweep(p) if p.columns or p.steps else []
        body += self._scalars(p)
        return "\n".join(
            [
                f"\n    // {', '.join(p.targets)}",
                f"    {keep}static const real* {name}([[maybe_unused]] const {arguments}<Shape>& a,"
                f" Block<Shape>& block, const real* panel{ahead}) {{",
                *(f"        {line}" for line in body),
                "        return panel;",
                "    }",
            ]
        )

    # One sweep over the units.

    def _sweep(self, p: Pass) -> list[str]:
        lines = [f"const int64_t width = a.size[Shape::{letter(p.width)}];"]
        for k, _ in enumerate(p.row_sums):
            lines.append(f"for (int r = 0; r < block.live; ++r) block.partial[{k}][r] = Vector{{}};")
        if not p.columns:
            inner = self._point(p, 0, "lanes")
            return [
                *lines,
                "for (int r = 0; r < block.live; ++r)",
                "    for (int64_t j = 0; j < width; j += LANES) {",
                "        const int lanes = lanes_left(width - j);",
                *(f"        {line}" for line in inner),
                "    }",
            ]
        vectors = self.vectors(p)
        return [
            *lines,
            f"for (int64_t first = 0; first < width; first += {vectors} * LANES) {{",
            f"    const int vectors = vectors_left(width - first, {vectors});",
            *(f"    {line}" for line in self._products(p)),
            "    for (int u = 0; u < vectors; ++u) {",
            "        const int64_t j = first + u * LANES;",
            "        const int lanes = lanes_left(width - j);",
            "        for (int r = 0; r < block.live; ++r) {",
            f"            const real* sums = block.tile + r * WIDEST * LANES + u * {len(p.columns)} * LANES;",
            *(f"            {line}" for line in self._point(p, len(p.columns), "lanes")),
            "        }",
            "    }",
            "}",
        ]

    def vectors(self, p: Pass) -> int:
        """How many vectors of units a panel has."""
        return max(1, WIDEST // len(p.columns))

    def _products(self, p: Pass) -> list[str]:
        """The sums of a panel, from their starts over all products."""
        outer, inner = self.split(p)
        count = len(p.columns)
        tile = "{block.tile, WIDEST * LANES}"
        start = self._start(p, "block.live", tile)
        lines = []
        if outer:
            lines += [
                "if (ahead) {",
                f"    copy_ahead(block, before, vectors * {count});",
                *(f"    {self._skip(product, p)}" for product in outer),
                "} else {",
                *(f"    {line}" for line in start),
                *(
                    f"    {self._multiply(product, p, tile, 'block.live', self._rows(product[0]))}"
                    for product in outer
                ),
                "}",
                f"before += vectors * {count} * LANES;",
            ]
        else:
            lines += start
        return lines + [
            self._multiply(product, p, tile, "block.live", self._rows(product[0])) for product in inner
        ]

    def split(self, p: Pass) -> tuple[list[tuple[Product, ...]], list[tuple[Product, ...]]]:
        """The products of a pass by source: those of the input, and the others.

        Products of one source, each for another column, are one.
        """
        groups: dict[tuple[tuple[str, ...], str], list[Product]] = {}
        for column in p.columns:
            for product in column.products:
                apart = product.target if product.transposed else ""
                groups.setdefault((product.source, apart), []).append(product)
        inputs = self._kernel.plan.cell.inputs
        outer = [tuple(g) for (source, _), g in groups.items() if source[0] in inputs and self._forward]
        inner = [tuple(g) for g in groups.values() if tuple(g) not in outer]
        return outer, inner

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
            value = formula(column.start, self._load_vector)
            lines.append(f"    fill({tile}, {count}, u * {len(p.columns)} + {k}, {value});")
        return [*lines, "}"]

    def _columns(self, product: tuple[Product, ...], p: Pass) -> str:
        places = [[c.target for c in p.columns].index(one.target) for one in product]
        n = len(p.columns)
        return ", ".join(str(u * n + k) for u in range(self.vectors(p)) for k in places)

    def _multiply(self, product: tuple[Product, ...], p: Pass, tile: str, count: str, rows: str) -> str:
        return (
            f"panel = multiply_panel<{self._columns(product, p)}>(vectors * {len(product)}, {rows}, {count},"
            f" panel, {self._depth(product[0])}, {tile});"
        )

    def _skip(self, product: tuple[Product, ...], p: Pass) -> str:
        return f"panel += vectors * {len(product)} * {self._depth(product[0])} * LANES;"

    def _rows(self, product: Product) -> str:
        return f"block.at[{self._place(product.source[0])}]"

    def _depth(self, product: Product) -> str:
        letters = [letter(self._kernel.widths[name]) for name in product.source]
        same = f"a.size[Shape::{letters[0]}]"
        if len(set(letters)) == 1:
            return same if len(letters) == 1 else f"{len(letters)} * {same}"
        return "(" + " + ".join(f"a.size[Shape::{x}]" for x in letters) + ")"

    # What is computed at one place of one row.

    def _point(self, p: Pass, columns: int, lanes: str) -> list[str]:
        known: set[str] = set()
        lines: list[str] = []
        used = {n for s in p.steps for n in symbols(s.value)} | {
            c.target for c in p.columns if self._stores(c.target)
        }
        for k, column in enumerate(p.columns):
            if column.target in used:
                lines.append(f"const Vector {identifier(column.target)} = load(sums + {k} * LANES);")
                lines += self._store(column.target, lanes)
            known.add(column.target)
        sums = 0
        for step in p.steps:
            lines += self._loads(step.value, known)
            value = formula(step.value, self._named)
            if isinstance(step, RowSum):
                lines.append(f"block.partial[{sums}][r] += inside({value}, {lanes});")
                sums += 1
            elif step.accumulates:
                lines.append(f"add_to({self._at(step.target)} + j, {value}, {lanes});")
            else:
                lines.append(f"const Vector {identifier(step.target)} = {value};")
                known.add(step.target)
                lines += self._store(step.target, lanes)
        return lines

    def _loads(self, value: Expression, known: set[str]) -> list[str]:
        lines = []
        for name in symbols(value):
            if name not in known and name not in self._kernel.plan.cell.constants:
                known.add(name)
                lines.append(f"const Vector {identifier(name)} = {self._load(name)};")
        return lines

    def _load(self, name: str) -> str:
        if name in self._kernel.plan.cell.vectors:
            return self._load_vector(name)
        if self._kernel.widths[name] == SCALAR:
            return f"broadcast(*{self._at(name)})"
        return f"load({self._at(name)} + j, lanes)"

    def _load_vector(self, name: str) -> str:
        cell = self._kernel.plan.cell
        if name in cell.constants:
            return self._named(name)
        at = f"a.vector[{tuple(cell.vectors).index(name)}]"
        return f"broadcast(*{at})" if cell.vectors[name] == SCALAR else f"load({at} + j, lanes)"

    def _named(self, name: str) -> str:
        constants = self._kernel.plan.cell.constants
        return f"broadcast(real({float(constants[name])!r}))" if name in constants else identifier(name)

    def _at(self, name: str) -> str:
        return f"block.at[{self._place(name)}][r]"

    def _place(self, name: str) -> str:
        """Where the rows of a value are that this pass has not computed itself."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        public = (*cell.states, *kernel.outputs)
        gradient = name.removeprefix(GRADIENT)
        state = name.removesuffix(PREVIOUS)
        if name in cell.inputs:
            return "Shape::X"
        if name in self._scratch:
            return f"Shape::SCRATCH_AT + {self._scratch.index(name)}"
        if name.startswith(FROM_LOSS):
            return f"Shape::LOSS + {public.index(name.removeprefix(FROM_LOSS))}"
        if name.startswith(FROM_NEXT):
            return f"Shape::NEXT + {cell.states.index(name.removeprefix(FROM_NEXT))}"
        if name.startswith(GRADIENT) and gradient in cell.vectors:
            return f"Shape::SUM_AT + {tuple(cell.vectors).index(gradient)}"
        if state != name and state in cell.states:
            return f"Shape::PREVIOUS + {cell.states.index(state)}"
        if state != name and state.removeprefix(DELTA) in cell.states:
            return f"Shape::NEXT + {cell.states.index(state.removeprefix(DELTA))}"
        if name in cell.states:
            return f"Shape::STATE + {cell.states.index(name)}"
        if name in kernel.outputs and self._forward:
            return "Shape::OUTPUT"
        if name == DELTA + cell.inputs[0]:
            return "Shape::INPUT"
        if not self._forward and name in kernel.deltas:
            return f"Shape::DELTA + {kernel.deltas.index(name)}"
        return f"Shape::KEPT_AT + {kernel.plan.storage.kept.index(name)}"

    def _stores(self, name: str) -> list[str]:
        """The places where a value that was computed is written; a guard where not always."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        if self._forward:
            public = {*cell.states, *kernel.outputs}
            places = [self._place(name)] if name in public or name in self._scratch else []
            if name in kernel.plan.storage.kept:
                places.append(f"Shape::KEPT_AT + {kernel.plan.storage.kept.index(name)}")
            return places
        carried = {DELTA + s + PREVIOUS for s in cell.states} | {DELTA + cell.inputs[0]}
        return [self._place(name)] if name in {*kernel.deltas, *carried, *self._scratch} else []

    def _store(self, name: str, lanes: str) -> list[str]:
        lines = []
        for place in self._stores(name):
            guard = (
                "if constexpr (Keep) "
                if "KEPT_AT" in place
                else "if (a.input) "
                if place == "Shape::INPUT"
                else ""
            )
            if self._kernel.widths[name] == SCALAR:
                lines.append(f"{guard}*block.at[{place}][r] = {identifier(name)}[0];")
            else:
                lines.append(f"{guard}store(block.at[{place}][r] + j, {identifier(name)}, {lanes});")
        return lines

    # Row by row, when the sweep is over.

    def _scalars(self, p: Pass) -> list[str]:
        if not p.row_sums and not p.scalars:
            return []
        known: set[str] = set()
        body: list[str] = []
        for k, row_sum in enumerate(p.row_sums):
            mean = " / real(width)" if row_sum.mean else ""
            body.append(
                f"const Vector {identifier(row_sum.target)} = broadcast(sum_of_lanes(block.partial[{k}][r]){mean});"
            )
            body += self._store(row_sum.target, "")
            known.add(row_sum.target)
        for step in p.scalars:
            body += self._loads(step.value, known)
            value = formula(step.value, self._named)
            if step.accumulates:
                body.append(f"*{self._at(step.target)} += ({value})[0];")
            else:
                body.append(f"const Vector {identifier(step.target)} = {value};")
                body += self._store(step.target, "")
                known.add(step.target)
        return ["for (int r = 0; r < block.live; ++r) {", *(f"    {line}" for line in body), "}"]

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
                "\n    static int64_t ahead_row([[maybe_unused]] const Arguments<Shape>& a) {",
                f"        return {' + '.join(sizes) or 0};",
                "    }",
                "\n    static void look_ahead([[maybe_unused]] const Arguments<Shape>& a,"
                " [[maybe_unused]] const real* const* x, [[maybe_unused]] int count, [[maybe_unused]] Tile to) {",
                "        [[maybe_unused]] const real* panel = a.weights;",
                *(f"        {line}" for line in body),
                "    }",
            ]
        )

    def _ahead_panel(
        self, p: Pass, outer: list[tuple[Product, ...]], inner: list[tuple[Product, ...]]
    ) -> list[str]:
        skips = [self._skip(product, p) for product in inner]
        if not outer:
            return skips
        return [
            *self._start(p, "count", "to"),
            *(self._multiply(product, p, "to", "count", "x") for product in outer),
            *skips,
            f"to.at += vectors * {len(p.columns)} * LANES;",
        ]

    def _panels(self, p: Pass, body: list[str]) -> list[str]:
        vectors = self.vectors(p)
        return [
            f"for (int64_t first = 0, width = a.size[Shape::{letter(p.width)}]; first < width;"
            f" first += {vectors} * LANES) {{",
            f"    const int vectors = vectors_left(width - first, {vectors});",
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
            body += self._panels(p, [line for group in (*outer, *inner) for line in self._pack(group)])
            depths = " + ".join(f"{len(g)} * {self._depth(g[0])}" for g in (*outer, *inner))
            sizes.append(f"padded(a.size[Shape::{letter(p.width)}]) * ({depths or 0})")
        return "\n".join(
            [
                "\n    template <class Call>",
                f"    static int64_t {name}_size([[maybe_unused]] const Call& a) {{",
                f"        return {' + '.join(sizes) or 0};",
                "    }",
                f"\n    static void {name}([[maybe_unused]] const Packing<Shape>& a, [[maybe_unused]] real* to) {{",
                *(f"        {line}" for line in body),
                "    }",
            ]
        )

    def _pack(self, group: tuple[Product, ...]) -> list[str]:
        depth = self._depth(group[0])
        if group[0].transposed:
            at = self._matrix(group[0].matrix[0])
            return [f"to = pack_columns({at}, vectors, first, width, {depth}, to);"]
        matrices = ", ".join(self._matrix(product.matrix[0]) for product in group)
        return [
            "{",
            f"    const real* const matrix[] = {{{matrices}}};",
            f"    to = pack_rows(matrix, {len(group)}, vectors, first, width, {depth}, to);",
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
        p = input_pass(self._kernel)
        body: list[str] = []
        if p is not None:
            _, inner = self.split(p)
            tile = "{block.tile, WIDEST * LANES}"
            panel = [
                f"clear({tile}, block.live, vectors);",
                *(self._multiply(g, p, tile, "block.live", self._rows(g[0])) for g in inner),
                "for (int r = 0; r < block.live; ++r)",
                "    for (int u = 0; u < vectors; ++u) {",
                "        const int64_t j = first + u * LANES;",
                "        store(block.at[Shape::INPUT][r] + j, load(block.tile + (r * WIDEST + u) * LANES),"
                " lanes_left(width - j));",
                "    }",
            ]
            body = ["const real* panel = a.transposed + pack_backward_size(a);", *self._panels(p, panel)]
        return "\n".join(
            [
                "\n    static void multiply_input([[maybe_unused]] const BackwardArguments<Shape>& a,"
                " [[maybe_unused]] Block<Shape>& block) {",
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
