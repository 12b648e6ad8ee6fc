"""The passes of a kernel as C++ functions."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.codegen.cpp.cpp_dialect import CppDialect
from bptt.codegen.cpp.cpp_names import letter
from bptt.codegen.cpp.products import ProductText
from bptt.codegen.dialect import write
from bptt.codegen.kernel import Kernel
from bptt.codegen.operations import Sweep
from bptt.codegen.source_lines import Lines, indented, plain


class PassText:
    """The text of all passes in one direction."""

    def __init__(self, kernel: Kernel, sweeps: Sequence[Sweep], forward: bool) -> None:
        self.sweeps, self._forward = sweeps, forward
        self.products = ProductText(kernel, sweeps, forward)
        self._dialect = CppDialect(kernel, self.products)

    def passes(self) -> Lines:
        """Write one function for each pass, and the one that calls them all."""
        keep = "template <bool Keep>\n    " if self._forward else ""
        name, arguments = ("step", "Arguments") if self._forward else ("step_back", "BackwardArguments")
        ahead = ", bool ahead" if self._forward else ""
        weights = "weights" if self._forward else "transposed"
        return (
            *(line for sweep in self.sweeps for line in self._function(sweep)),
            *plain(
                f"\n    {keep}static void {name}(const {arguments}<Shape>& a, Block<Shape>& block{ahead}) {{"
            ),
            *plain(f"        const factor* panel = a.{weights};"),
            *plain("        int64_t before = 0;" if self._forward else ""),
            *plain("\n".join(f"        {self._call(sweep)}" for sweep in self.sweeps)),
            *plain("    }"),
        )

    def _call(self, sweep: Sweep) -> str:
        end = f"a.size[Shape::{letter(sweep.width)}]"
        if not self._forward:
            return f"panel = backward_{sweep.number}(a, block, panel, 0, {end});"
        return f"panel = forward_{sweep.number}<Keep>(a, block, panel, ahead, before, 0, {end});"

    def _function(self, sweep: Sweep) -> Lines:
        keep = "template <bool Keep>\n    " if self._forward else ""
        arguments = "Arguments" if self._forward else "BackwardArguments"
        part = ", bool ahead, int64_t& before" if self._forward else ""
        name = f"{'forward' if self._forward else 'backward'}_{sweep.number}"
        return (
            *plain(f"\n    // {', '.join(sweep.targets)}"),
            *plain(
                f"    {keep}static const factor* {name}(const {arguments}<Shape>& a,"
                f" Block<Shape>& block, const factor* panel{part},"
                " int64_t begin, int64_t end) {"
            ),
            *indented(write(sweep, self._dialect), 2),
            *plain("        return panel;"),
            *plain("    }"),
        )
