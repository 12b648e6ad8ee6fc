"""The forward passes one by one, for a part of their units, as C++ text: what a stepper deals out."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.codegen.cpp.cpp_names import letter
from bptt.codegen.cpp.products import ProductText, vectors
from bptt.codegen.operations import Sweep
from bptt.codegen.source_lines import Lines, plain


def stepper_text(sweeps: Sequence[Sweep], products: ProductText) -> Lines:
    """Write the tables of the passes, and the function that runs one of them."""
    widths = ", ".join(f"Shape::{letter(sweep.width)}" for sweep in sweeps)
    panels = ", ".join(str(_panel(sweep)) for sweep in sweeps)
    body = [line for sweep in sweeps for line in _run(sweep, products)]
    text = [
        f"\n    static constexpr int PASSES = {len(sweeps)}, PASS_WIDTH[] = {{{widths}}};",
        "    // The vectors of units in a panel of a pass, or 0 if all its units are one.",
        f"    static constexpr int PASS_PANEL[] = {{{panels}}};",
        "\n    // One pass of a step for units [begin, end).",
        "    static void run(const Arguments<Shape>& a, Block<Shape>& block, int pass, int64_t begin,"
        " int64_t end) {",
        "        const factor* panel = a.weights;",
        "        int64_t before = 0;",
        *(f"        {line}" for line in body),
        "    }",
    ]
    return plain("\n".join(text))


def _panel(sweep: Sweep) -> int:
    # A sum over the units is taken in their order.
    return vectors(sweep) if sweep.columns and not sweep.row_sums else 0


def _run(sweep: Sweep, products: ProductText) -> list[str]:
    k, depth = sweep.number, f"({products.depth(sweep)})" if sweep.columns else "0"
    return [
        f"if (pass == {k}) forward_{k}<false>(a, block, panel + begin * {depth}, false, before, begin, end);",
        f"panel += padded(a.size[Shape::{letter(sweep.width)}]) * {depth};",
    ]
