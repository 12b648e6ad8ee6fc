"""The passes of a step one by one, for a part of their units, as C++ text: what threads share out."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.codegen.cpp.cpp_names import letter
from bptt.codegen.cpp.products import ProductText, vectors
from bptt.codegen.operations import Sweep
from bptt.codegen.source_lines import Lines, plain


def unit_ranges(sweeps: Sequence[Sweep], products: ProductText, forward: bool) -> Lines:
    """Write a struct for the passes in one direction: their tables, and the function that runs one."""
    widths = ", ".join([*(f"Shape::{letter(sweep.width)}" for sweep in sweeps), "0"])
    panels = ", ".join([*(str(_panel(sweep, forward)) for sweep in sweeps), "0"])
    shared = [
        f"{_padded(s)} * ({products.depth(s, s.products)})"
        for s in sweeps
        if _panel(s, forward) and s.products
    ]
    body = [line for sweep in sweeps for line in _run(sweep, products, forward)]
    name, kind, weights = (
        ("ForwardPasses", "Arguments", "weights")
        if forward
        else ("BackwardPasses", "BackwardArguments", "transposed")
    )
    text = [
        f"\n    struct {name} {{",
        f"        static constexpr int COUNT = {len(sweeps)}, WIDTH[] = {{{widths}}};",
        "        // The vectors of units in a panel of a pass, or 0 if all its units are one.",
        f"        static constexpr int PANEL[] = {{{panels}}};",
        "\n        // The factors that a step reads in panels, without those"
        " that meet the input ahead of it.",
        f"        static int64_t shared_factors(const {kind}<Shape>& a) {{",
        f"            return {' + '.join(shared) or 0};",
        "        }",
        "\n        // One pass of a step for units [begin, end).",
        *(["        template <bool Keep>"] if forward else []),
        f"        static void run(const {kind}<Shape>& a, Block<Shape>& block, int pass,"
        f"{' bool ahead,' if forward else ''} int64_t begin, int64_t end) {{",
        f"            const factor* panel = a.{weights};",
        *(["            int64_t before = 0;"] if forward else []),
        *(f"            {line}" for line in body),
        "        }",
        "    };",
    ]
    return plain("\n".join(text))


def _panel(sweep: Sweep, forward: bool) -> int:
    # A sum over the units is taken in their order, and what follows for a row is taken once. Forward, a pass
    # without products is left to one thread: a stepper takes panels one by one.
    if sweep.row_sums or sweep.rows:
        return 0
    return vectors(sweep) if sweep.columns else 0 if forward else 1


def _padded(sweep: Sweep) -> str:
    return f"padded(a.size[Shape::{letter(sweep.width)}])"


def _run(sweep: Sweep, products: ProductText, forward: bool) -> list[str]:
    depth = f"({products.depth(sweep)})"
    panel = f"panel + begin * {depth}" if sweep.columns else "panel"
    call = f"backward_{sweep.number}(a, block, {panel}, begin, end);"
    if forward:
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
