"""The tables of a kernel: widths, places and the products that are left to the end of a chunk."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.language import PREVIOUS
from bptt.codegen.kernel import Kernel
from bptt.codegen.passes import SCALAR, sources


def letter(name: str) -> str:
    """The enumerator of a size."""
    return "ONE" if name == SCALAR else name


def shape_text(kernel: Kernel) -> str:
    """The struct Shape."""
    cell, letters = kernel.plan.cell, ", ".join(map(letter, kernel.letters))
    vectors, matrices = tuple(cell.vectors), [f for f in cell.families if f.columns is not None]
    sums = max([len(p.row_sums) for p in (*kernel.forward, *kernel.backward)], default=0)
    after = {product.source for product in kernel.input_products}
    operands = max(len(sources(kernel.forward)), len(sources(kernel.backward)), len(after))
    lines = [
        f"    enum {{ {letters}, LETTERS }};",
        f"    static constexpr int INPUT_WIDTH = {letter(cell.width(cell.inputs[0]))};",
        f"    static constexpr int OUTPUT_WIDTH = {letter(cell.width(cell.output))};",
        _table(kernel, "STATES", "STATE_WIDTH", cell.states),
        _table(kernel, "KEPT", "KEPT_WIDTH", kernel.plan.storage.kept),
        _table(kernel, "DELTAS", "DELTA_WIDTH", kernel.deltas),
        _table(kernel, "SUMS", "SUM_WIDTH", vectors),
        _table(kernel, "FORWARD_SCRATCH", "FORWARD_SCRATCH_WIDTH", kernel.forward_scratch),
        _table(kernel, "BACKWARD_SCRATCH", "BACKWARD_SCRATCH_WIDTH", kernel.backward_scratch),
        f"    static constexpr int OUTPUTS = {len(kernel.outputs)}, VECTORS = {len(vectors)},"
        f" MATRICES = {len(matrices)}, ROW_SUMS = {sums}, OPERANDS = {operands};",
        _PLACES,
        _gradients(kernel),
    ]
    return "\n".join(["struct Shape {", *lines, "};"])


_PLACES = """\
    // Where a row of each value is at the current step: places in Block::at.
    enum {
        X, INPUT, OUTPUT,
        PREVIOUS, STATE = PREVIOUS + STATES, NEXT = STATE + STATES, LOSS = NEXT + STATES,
        KEPT_AT = LOSS + STATES + OUTPUTS, DELTA = KEPT_AT + KEPT, SUM_AT = DELTA + DELTAS,
        SCRATCH_AT = SUM_AT + SUMS,
        SLOTS = SCRATCH_AT + (FORWARD_SCRATCH > BACKWARD_SCRATCH ? FORWARD_SCRATCH : BACKWARD_SCRATCH)
    };"""


def _table(kernel: Kernel, count: str, name: str, values: Sequence[str]) -> str:
    # One entry more than there are: an array is never empty.
    widths = ", ".join([*(letter(kernel.widths[v]) for v in values), "ONE"])
    named = f"  // {' '.join(values)}" if values else ""
    return f"    static constexpr int {count} = {len(values)}, {name}[] = {{{widths}}};{named}"


def _gradients(kernel: Kernel) -> str:
    """Which δ meets which source for which rows of a matrix, source by source."""
    cell = kernel.plan.cell
    matrices = [f.name for f in cell.families if f.columns is not None]
    by_source: dict[str, list[tuple[int, int, int]]] = {}
    seen: set[tuple[str, int]] = set()
    shared = False
    for gradient in kernel.plan.matrix_gradients:
        for deltas, source in gradient.terms:
            for k, delta in enumerate(deltas):
                rows = (gradient.rows.family, gradient.rows.first + k)
                shared = shared or rows in seen
                seen.add(rows)
                entry = (kernel.deltas.index(delta), matrices.index(rows[0]), rows[1])
                by_source.setdefault(source, []).append(entry)
    entries = [entry for found in by_source.values() for entry in found]
    gradients = ", ".join(f"Gradient{{{delta}, {matrix}, {row}}}" for delta, matrix, row in entries)
    sources, first = [], 0
    for source, found in by_source.items():
        width = letter(kernel.widths[source])
        sources.append(f"Source{{{place(kernel, source)}, {width}, {first}, {first + len(found)}}}")
        first += len(found)
    return f"""\
    struct Source {{ int slot, width, first, last; }};
    struct Gradient {{ int delta, matrix, member; }};
    static constexpr std::array<Gradient, {len(entries)}> GRADIENTS = {{{gradients}}};
    // {" ".join(by_source)}
    static constexpr std::array<Source, {len(sources)}> SOURCES = {{{", ".join(sources)}}};
    static constexpr bool SHARED_MATRIX = {"true" if shared else "false"};"""


def place(kernel: Kernel, name: str) -> str:
    """The place of a source of outer products."""
    cell = kernel.plan.cell
    if name in cell.inputs:
        return "X"
    if name in cell.states:
        return f"STATE + {cell.states.index(name)}"
    if name.endswith(PREVIOUS) and name.removesuffix(PREVIOUS) in cell.states:
        return f"PREVIOUS + {cell.states.index(name.removesuffix(PREVIOUS))}"
    kept = kernel.plan.storage.kept
    return f"KEPT_AT + {kept.index(name)}" if name in kept else f"DELTA + {kernel.deltas.index(name)}"
