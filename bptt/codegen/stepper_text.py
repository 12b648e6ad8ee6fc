"""The forward passes one by one, for a part of their units, as C++ text: what a stepper deals out."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.codegen.passes import Pass
from bptt.codegen.product_text import ProductText, vectors
from bptt.codegen.shape_text import letter


def stepper_text(passes: Sequence[Pass], products: ProductText) -> str:
    """The tables of the passes, and the function that runs one of them."""
    widths = ", ".join(f"Shape::{letter(p.width)}" for p in passes)
    panels = ", ".join(str(_panel(p)) for p in passes)
    body = [line for k, p in enumerate(passes) for line in _run(k, p, products)]
    return "\n".join(
        [
            f"\n    static constexpr int PASSES = {len(passes)}, PASS_WIDTH[] = {{{widths}}};",
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
    )


def _panel(p: Pass) -> int:
    # A sum over the units is taken in their order.
    return vectors(p) if p.columns and not p.row_sums else 0


def _run(k: int, p: Pass, products: ProductText) -> list[str]:
    depth = f"({products.depth(p)})" if p.columns else "0"
    return [
        f"if (pass == {k}) forward_{k}<false>(a, block, panel + begin * {depth}, false, before, begin, end);",
        f"panel += padded(a.size[Shape::{letter(p.width)}]) * {depth};",
    ]
