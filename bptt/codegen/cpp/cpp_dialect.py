"""The C++ of what a pass computes: vectors of units, panel by panel, row by row."""

from __future__ import annotations

from bptt.cells.expression import Expression
from bptt.codegen.cpp.cpp_names import address, formula, identifier, letter, number, read
from bptt.codegen.cpp.products import ProductText, vectors
from bptt.codegen.kernel import Kernel
from bptt.codegen.operations import AddTo, AddToRow, Compute, Load, Store, Sweep, TakeColumn, TakeRow
from bptt.codegen.slots import Area
from bptt.codegen.source_lines import Lines, indented, plain

# Conditions of a store: kept values and the gradient of the input are written on request only.
_GUARDS = {Area.KEPT: "if constexpr (Keep) ", Area.INPUT: "if (a.input) "}


class CppDialect:
    """C++ for the passes of one direction."""

    def __init__(self, kernel: Kernel, products: ProductText) -> None:
        self._constants, self._products = kernel.plan.cell.constants, products

    def _value(self, expression: Expression) -> str:
        return formula(expression, self._named)

    def _named(self, name: str) -> str:
        """Return the variable of a value, or the number of a constant."""
        return number(float(self._constants[name])) if name in self._constants else identifier(name)

    def load(self, operation: Load) -> str:
        """Read a vector of units, or one number for every lane."""
        return f"const Vector {identifier(operation.name)} = {read(operation.slot, operation.scalar)};"

    def take_column(self, operation: TakeColumn) -> str:
        """Read the sums of a column, which lie side by side in the tile."""
        return f"const Vector {identifier(operation.name)} = load(sums + {operation.column} * LANES);"

    def compute(self, operation: Compute) -> str:
        """Evaluate an expression of vectors."""
        return f"const Vector {identifier(operation.name)} = {self._value(operation.value)};"

    def store(self, operation: Store) -> str:
        """Write the valid lanes of a vector, or one number for the row."""
        variable, at = identifier(operation.name), address(operation.slot)
        guard = _GUARDS.get(operation.slot.area, "")
        if operation.scalar:
            return f"{guard}*{at} = {variable}[0];"
        if operation.slot.area is Area.KEPT:
            return f"{guard}keep({at} + j, {variable}, lanes, block.streams);"
        return f"{guard}store({at} + j, {variable}, lanes);"

    def add_to(self, operation: AddTo) -> str:
        """Add the valid lanes of a vector, or one number for the row."""
        at, value = address(operation.slot), self._value(operation.value)
        return f"*{at} += ({value})[0];" if operation.scalar else f"add_to({at} + j, {value}, lanes);"

    def add_to_row(self, operation: AddToRow) -> str:
        """Add lane by lane; the lanes are added up when the sweep is over."""
        return f"block.partial[{operation.row_sum}][r] += inside({self._value(operation.value)}, lanes);"

    def take_row(self, operation: TakeRow) -> str:
        """Add up the lanes of a row's sum."""
        mean = " / real(width)" if operation.mean else ""
        total = f"broadcast(sum_of_lanes(block.partial[{operation.row_sum}][r]){mean})"
        return f"const Vector {identifier(operation.name)} = {total};"

    def sums(self, sweep: Sweep) -> Lines:
        """Take the sums of a panel of units into the tile."""
        return self._products.sums(sweep) if sweep.columns else ()

    def over_units(self, sweep: Sweep, sums: Lines, units: Lines) -> Lines:
        """Write the loop over panels, or over vectors of units where there is no product."""
        lines = [*plain(f"const int64_t width = a.size[Shape::{letter(sweep.width)}];")]
        for k in range(sweep.row_sums):
            lines += plain(f"for (int r = 0; r < block.live; ++r) block.partial[{k}][r] = Vector{{}};")
        if not sweep.columns:
            return (
                *lines,
                *plain("for (int r = 0; r < block.live; ++r)"),
                *plain("    for (int64_t j = begin; j < end; j += LANES) {"),
                *plain("        const int lanes = lanes_left(width - j);"),
                *indented(units, 2),
                *plain("    }"),
            )
        most = vectors(sweep)
        columns = len(sweep.columns)
        return (
            *lines,
            *self._products.operands(sweep),
            *plain(f"for (int64_t first = begin; first < end; first += {most} * LANES) {{"),
            *plain(f"    const int vectors = vectors_left(width - first, {most});"),
            *indented(sums),
            *plain("    for (int u = 0; u < vectors; ++u) {"),
            *plain("        const int64_t j = first + u * LANES;"),
            *plain("        const int lanes = lanes_left(width - j);"),
            *plain("        for (int r = 0; r < block.live; ++r) {"),
            *plain(
                f"            const real* sums = block.tile + r * WIDEST * LANES + u * {columns} * LANES;"
            ),
            *indented(units, 3),
            *plain("        }"),
            *plain("    }"),
            *plain("}"),
        )

    def over_rows(self, sweep: Sweep, rows: Lines) -> Lines:
        """Write the loop over the rows of a block."""
        return (*plain("for (int r = 0; r < block.live; ++r) {"), *indented(rows), *plain("}"))
