"""The passes of a kernel as C++ text."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.expression import Expression, symbols
from bptt.codegen.formula import formula
from bptt.codegen.kernel import Kernel
from bptt.codegen.passes import SCALAR, Pass, RowSum
from bptt.codegen.places import Places, identifier
from bptt.codegen.product_text import ProductText, vectors
from bptt.codegen.shape_text import letter


class PassText:
    """The text of all passes in one direction."""

    def __init__(self, kernel: Kernel, passes: Sequence[Pass], forward: bool) -> None:
        self._kernel, self._passes, self._forward = kernel, passes, forward
        self._places = Places(kernel, forward)
        self.products = ProductText(kernel, passes, self._places, forward)

    def passes(self) -> str:
        """One function for each pass, and the one that calls them all."""
        functions = [self._function(k, p) for k, p in enumerate(self._passes)]
        keep = "template <bool Keep>\n    " if self._forward else ""
        name, arguments = ("step", "Arguments") if self._forward else ("step_back", "BackwardArguments")
        ahead = ", bool ahead" if self._forward else ""
        calls = [self._call(k, p) for k, p in enumerate(self._passes)]
        weights = "weights" if self._forward else "transposed"
        body = "\n".join(f"        {call}" for call in calls)
        return "\n".join(
            [
                *functions,
                f"\n    {keep}static void {name}(const {arguments}<Shape>& a, Block<Shape>& block{ahead}) {{",
                f"        const factor* panel = a.{weights};",
                "        int64_t before = 0;" if self._forward else "",
                body,
                "    }",
            ]
        )

    def _call(self, k: int, p: Pass) -> str:
        if not self._forward:
            return f"panel = backward_{k}(a, block, panel);"
        end = f"a.size[Shape::{letter(p.width)}]"
        return f"panel = forward_{k}<Keep>(a, block, panel, ahead, before, 0, {end});"

    def _function(self, k: int, p: Pass) -> str:
        keep = "template <bool Keep>\n    " if self._forward else ""
        arguments = "Arguments" if self._forward else "BackwardArguments"
        part = ", bool ahead, int64_t& before, int64_t begin, int64_t end" if self._forward else ""
        name = f"{'forward' if self._forward else 'backward'}_{k}"
        body = self._sweep(p) if p.columns or p.steps else []
        body += self._scalars(p)
        return "\n".join(
            [
                f"\n    // {', '.join(p.targets)}",
                f"    {keep}static const factor* {name}(const {arguments}<Shape>& a,"
                f" Block<Shape>& block, const factor* panel{part}) {{",
                *(f"        {line}" for line in body),
                "        return panel;",
                "    }",
            ]
        )

    # One sweep over the units.

    def _sweep(self, p: Pass) -> list[str]:
        lines = [f"const int64_t width = a.size[Shape::{letter(p.width)}];"]
        begin, end = ("begin", "end") if self._forward else ("0", "width")
        for k, _ in enumerate(p.row_sums):
            lines.append(f"for (int r = 0; r < block.live; ++r) block.partial[{k}][r] = Vector{{}};")
        if not p.columns:
            inner = self._point(p)
            return [
                *lines,
                "for (int r = 0; r < block.live; ++r)",
                f"    for (int64_t j = {begin}; j < {end}; j += LANES) {{",
                "        const int lanes = lanes_left(width - j);",
                *(f"        {line}" for line in inner),
                "    }",
            ]
        most = vectors(p)
        return [
            *lines,
            *self.products.operands(p),
            f"for (int64_t first = {begin}; first < {end}; first += {most} * LANES) {{",
            f"    const int vectors = vectors_left(width - first, {most});",
            *(f"    {line}" for line in self.products.sums(p)),
            "    for (int u = 0; u < vectors; ++u) {",
            "        const int64_t j = first + u * LANES;",
            "        const int lanes = lanes_left(width - j);",
            "        for (int r = 0; r < block.live; ++r) {",
            f"            const real* sums = block.tile + r * WIDEST * LANES + u * {len(p.columns)} * LANES;",
            *(f"            {line}" for line in self._point(p)),
            "        }",
            "    }",
            "}",
        ]

    # What is computed at one place of one row.

    def _point(self, p: Pass) -> list[str]:
        known: set[str] = set()
        lines: list[str] = []
        used = {n for s in p.steps for n in symbols(s.value)}
        used |= {c.target for c in p.columns if self._places.stores(c.target)}
        for k, column in enumerate(p.columns):
            if column.target in used:
                lines.append(f"const Vector {identifier(column.target)} = load(sums + {k} * LANES);")
                lines += self._store(column.target)
            known.add(column.target)
        sums = 0
        for step in p.steps:
            lines += self._loads(step.value, known)
            value = formula(step.value, self._places.named)
            if isinstance(step, RowSum):
                lines.append(f"block.partial[{sums}][r] += inside({value}, lanes);")
                sums += 1
            elif step.accumulates:
                lines.append(f"add_to({self._places.at(step.target)} + j, {value}, lanes);")
            else:
                lines.append(f"const Vector {identifier(step.target)} = {value};")
                known.add(step.target)
                lines += self._store(step.target)
        return lines

    def _loads(self, value: Expression, known: set[str]) -> list[str]:
        lines = []
        for name in symbols(value):
            if name not in known and name not in self._kernel.plan.cell.constants:
                known.add(name)
                lines.append(f"const Vector {identifier(name)} = {self._places.load(name)};")
        return lines

    def _store(self, name: str) -> list[str]:
        lines = []
        for place in self._places.stores(name):
            kept, guard = "KEPT_AT" in place, "if (a.input) " if place == "Shape::INPUT" else ""
            guard = "if constexpr (Keep) " if kept else guard
            if self._kernel.widths[name] == SCALAR:
                lines.append(f"{guard}*block.at[{place}][r] = {identifier(name)}[0];")
            else:
                lines.append(f"{guard}store(block.at[{place}][r] + j, {identifier(name)}, lanes);")
        return lines

    # Row by row, when the sweep is over.

    def _scalars(self, p: Pass) -> list[str]:
        if not p.row_sums and not p.scalars:
            return []
        known: set[str] = set()
        body: list[str] = []
        for k, row_sum in enumerate(p.row_sums):
            mean = " / real(width)" if row_sum.mean else ""
            total = f"broadcast(sum_of_lanes(block.partial[{k}][r]){mean})"
            body.append(f"const Vector {identifier(row_sum.target)} = {total};")
            body += self._store(row_sum.target)
            known.add(row_sum.target)
        for step in p.scalars:
            body += self._loads(step.value, known)
            value = formula(step.value, self._places.named)
            if step.accumulates:
                body.append(f"*{self._places.at(step.target)} += ({value})[0];")
            else:
                body.append(f"const Vector {identifier(step.target)} = {value};")
                body += self._store(step.target)
                known.add(step.target)
        return ["for (int r = 0; r < block.live; ++r) {", *(f"    {line}" for line in body), "}"]
