"""The forward passes one by one, for a part of their units, as C++ text: what threads share out of a step."""

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
    shared = [f"{_padded(s)} * ({products.depth(s, s.products)})" for s in sweeps if _panel(s) and s.products]
    body = [line for sweep in sweeps for line in _run(sweep, products)]
    text = [
        f"\n    static constexpr int PASSES = {len(sweeps)}, PASS_WIDTH[] = {{{widths}}};",
        "    // The vectors of units in a panel of a pass, or 0 if all its units are one.",
        f"    static constexpr int PASS_PANEL[] = {{{panels}}};",
        "\n    // The factors that a step reads in panels, if its products with the input are there already.",
        "    static int64_t shared_factors(const Arguments<Shape>& a) {",
        f"        return {' + '.join(shared) or 0};",
        "    }",
        "\n    // One pass of a step for units [begin, end).",
        "    template <bool Keep>",
        "    static void run(const Arguments<Shape>& a, Block<Shape>& block, int pass, bool ahead,"
        " int64_t begin, int64_t end) {",
        "        const factor* panel = a.weights;",
        "        int64_t before = 0;",
        *(f"        {line}" for line in body),
        "    }",
    ]
    return plain("\n".join(text))


def _panel(sweep: Sweep) -> int:
    # A sum over the units is taken in their order.
    return vectors(sweep) if sweep.columns and not sweep.row_sums else 0


def _padded(sweep: Sweep) -> str:
    return f"padded(a.size[Shape::{letter(sweep.width)}])"


def _run(sweep: Sweep, products: ProductText) -> list[str]:
    depth = f"({products.depth(sweep)})"
    panel = f"panel + begin * {depth}" if sweep.columns else "panel"
    call = f"forward_{sweep.number}<Keep>(a, block, {panel}, ahead, before, begin, end);"
    columns = len(sweep.columns)
    return [
        f"if (pass == {sweep.number}) {{",
        *([f"    before += begin * {columns};"] if sweep.ahead else []),
        f"    {call}",
        "    return;",
        "}",
        *([f"panel += {_padded(sweep)} * {depth};"] if columns else []),
        *([f"before += {_padded(sweep)} * {columns};"] if sweep.ahead else []),
    ]
