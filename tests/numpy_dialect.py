"""A second target language: the passes of a kernel as Python text on arrays of NumPy, all units at once."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.expression import Expression
from bptt.codegen.formula import formula
from bptt.codegen.kernel import Kernel
from bptt.codegen.operations import AddTo, AddToRow, Compute, Load, Store, Sweep, TakeColumn, TakeRow
from bptt.codegen.slots import Slot, Slots
from bptt.codegen.source_lines import Lines, plain
from bptt.codegen.statements import StackedProduct


class NumpyDialect:
    """Values are in `v`, memory in `at`, sums in `column` and `row`, weights in `matrix`, widths `size`."""

    def __init__(self, kernel: Kernel, forward: bool) -> None:
        self.cell, self.slots = kernel.plan.cell, Slots(kernel, forward)

    def number(self, value: float) -> str:
        return repr(value)

    def size(self, letter: str) -> str:
        return f"size[{letter!r}]"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        return f"call({function!r}, {', '.join(arguments)})"

    def power(self, base: str, exponent: int) -> str:
        return f"({base})**{exponent}"

    def read(self, name: str) -> str:
        return repr(self.cell.constants[name]) if name in self.cell.constants else f"v[{name!r}]"

    def value(self, expression: Expression) -> str:
        return formula(expression, self.read, self)

    def at(self, slot: Slot) -> str:
        return f"at[{slot.area.name!r}, {slot.index}]"

    def load(self, operation: Load) -> str:
        return f"v[{operation.name!r}] = {self.at(operation.slot)}"

    def take_column(self, operation: TakeColumn) -> str:
        return f"v[{operation.name!r}] = column[{operation.column}]"

    def compute(self, operation: Compute) -> str:
        return f"v[{operation.name!r}] = {self.value(operation.value)} + zeros({operation.statement.width!r})"

    def store(self, operation: Store) -> str:
        return f"{self.at(operation.slot)} = v[{operation.name!r}]"

    def add_to(self, operation: AddTo) -> str:
        return f"{self.at(operation.slot)} = {self.at(operation.slot)} + {self.value(operation.value)}"

    def add_to_row(self, operation: AddToRow) -> str:
        spread = f"{self.value(operation.value)} + zeros({operation.statement.width!r})"
        return f"row[{operation.row_sum}] = total({spread})"

    def take_row(self, operation: TakeRow) -> str:
        mean = f" / size[{operation.statement.width!r}]" if operation.mean else ""
        return f"v[{operation.name!r}] = row[{operation.row_sum}]{mean}"

    def product(self, product: StackedProduct) -> str:
        mark = ".T" if product.transposed else ""
        pairs = zip(product.matrix, product.source, strict=True)
        return " + ".join(f"matrix[{m!r}]{mark} @ {self.at(self.slots.slot(s))}" for m, s in pairs)

    def start(self, name: str) -> str:
        return self.read(name) if name in self.cell.constants else self.at(self.slots.slot(name))

    def sums(self, sweep: Sweep) -> Lines:
        lines: Lines = ()
        for k, column in enumerate(sweep.columns):
            terms = (formula(column.start, self.start, self), *map(self.product, column.products))
            lines += plain(f"column[{k}] = {' + '.join(terms)}")
        return lines

    def over_units(self, sweep: Sweep, sums: Lines, units: Lines) -> Lines:
        return (*sums, *units)

    def over_rows(self, sweep: Sweep, rows: Lines) -> Lines:
        return rows
