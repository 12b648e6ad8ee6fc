"""The tables of a kernel: widths, places and the products that are left to the end of a chunk."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.language import PREVIOUS
from bptt.codegen.cpp.cpp_names import letter
from bptt.codegen.kernel import Kernel
from bptt.codegen.passes import sources
from bptt.codegen.source_lines import Lines, Provenance, SourceLine, plain
from bptt.codegen.statements import GRADIENT


def shape_text(kernel: Kernel) -> Lines:
    """Write the struct Shape."""
    cell, letters = kernel.plan.cell, ", ".join(map(letter, kernel.letters))
    vectors, matrices = tuple(cell.vectors), [f for f in cell.families if f.columns is not None]
    sums = max([len(p.row_sums) for p in (*kernel.forward, *kernel.backward)], default=0)
    operands = max(len(sources(p)) for p in (kernel.forward, kernel.backward, kernel.input_passes))
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
    ]
    return (*plain("\n".join(["struct Shape {", *lines])), *_gradients(kernel), *plain("};"))


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


def _gradients(kernel: Kernel) -> Lines:
    """Write the table of outer products: δ, source and member of a matrix, source by source."""
    cell = kernel.plan.cell
    matrices = [f for f in cell.families if f.columns is not None]
    by_source: dict[str, list[SourceLine]] = {}
    seen: set[tuple[str, int]] = set()
    shared = False
    for gradient in kernel.plan.matrix_gradients:
        family = next(f for f in matrices if f.name == gradient.rows.family)
        for deltas, source in gradient.terms:
            for k, delta in enumerate(deltas, gradient.rows.first):
                shared = shared or (family.name, k) in seen
                seen.add((family.name, k))
                entry = f"Gradient{{{kernel.deltas.index(delta)}, {matrices.index(family)}, {k}}}"
                origin = Provenance((GRADIENT + family.members[k],), later=True, excerpt=entry)
                by_source.setdefault(source, []).append(SourceLine(entry, (origin,)))
    entries = [entry for found in by_source.values() for entry in found]
    gradients = ", ".join(entry.text for entry in entries)
    sources, first = [], 0
    for source, found in by_source.items():
        width = letter(kernel.widths[source])
        sources.append(f"Source{{{place(kernel, source)}, {width}, {first}, {first + len(found)}}}")
        first += len(found)
    return (
        *plain("    struct Source { int slot, width, first, last; };"),
        *plain("    struct Gradient { int delta, matrix, member; };"),
        SourceLine(
            f"    static constexpr std::array<Gradient, {len(entries)}> GRADIENTS = {{{gradients}}};",
            tuple(origin for entry in entries for origin in entry.provenance),
        ),
        *plain(f"    // {' '.join(by_source)}"),
        *plain(
            f"    static constexpr std::array<Source, {len(sources)}> SOURCES = {{{', '.join(sources)}}};"
        ),
        *plain(f"    static constexpr bool SHARED_MATRIX = {'true' if shared else 'false'};"),
    )


def place(kernel: Kernel, name: str) -> str:
    """Return the slot of a source of outer products."""
    cell = kernel.plan.cell
    if name in cell.inputs:
        return "X"
    if name in cell.states:
        return f"STATE + {cell.states.index(name)}"
    if name.endswith(PREVIOUS) and name.removesuffix(PREVIOUS) in cell.states:
        return f"PREVIOUS + {cell.states.index(name.removesuffix(PREVIOUS))}"
    kept = kernel.plan.storage.kept
    return f"KEPT_AT + {kept.index(name)}" if name in kept else f"DELTA + {kernel.deltas.index(name)}"
