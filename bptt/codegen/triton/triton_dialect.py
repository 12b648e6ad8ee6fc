"""The Triton of what a pass computes: tiles of rows and units, (ROWS, UNITS); of values of a row, (ROWS, 1).

Values cross from pass to pass through memory, behind a barrier, as the threads of a program share it. Outside
the rows of the batch and the units of a width nothing is stored, and loads give zero.
"""

from __future__ import annotations

from bptt.cells.expression import Expression
from bptt.codegen.kernel import Kernel
from bptt.codegen.layout import member
from bptt.codegen.operations import (
    AddTo,
    AddToRow,
    Compute,
    Load,
    ProductGroup,
    Store,
    Sweep,
    TakeColumn,
    TakeRow,
)
from bptt.codegen.slots import Area, Slot, Slots
from bptt.codegen.source_lines import Lines, Provenance, SourceLine, indented, plain
from bptt.codegen.statements import SCALAR
from bptt.codegen.triton.memory_layout import MemoryLayout
from bptt.codegen.triton.triton_names import formula, identifier, is_literal, size


class TritonDialect:
    """Triton for the passes of one direction; if `resident`, the matrices are read once, before the loop."""

    def __init__(self, kernel: Kernel, layout: MemoryLayout, forward: bool, resident: bool) -> None:
        self._kernel, self._layout = kernel, layout
        self._forward, self._resident = forward, resident
        self._cell, self._slots = kernel.plan.cell, Slots(kernel, forward)

    def _value(self, expression: Expression, scalar: bool = False) -> str:
        text = formula(expression, self._named)
        shape = "[ROWS, 1]" if scalar else "[ROWS, UNITS]"
        return f"tl.full({shape}, {text}, tl.float32)" if is_literal(text) else text

    def _named(self, name: str) -> str:
        if name in self._cell.constants:
            value = float(self._cell.constants[name])
            return f"({value!r})" if value < 0 else repr(value)
        return identifier(name)

    def _read(self, slot: Slot, scalar: bool) -> str:
        address = self._layout.address(slot, self._forward)
        if slot.area is Area.PARAMETER:
            unit = "" if scalar else f" + unit, mask=unit < {size(self._vector_width(slot))}, other=0.0"
            return f"tl.load({address}{unit}).to(tl.float32)"
        found = self._masked(address, scalar)
        if slot.area is Area.LOSS:
            shape = "[ROWS, 1]" if scalar else "[ROWS, UNITS]"
            return f"{found} if LOSS_{slot.index} else tl.zeros({shape}, tl.float32)"
        return found

    def _masked(self, address: str, scalar: bool) -> str:
        place = f"{address}, mask=live" if scalar else f"{address} + unit, mask=inside"
        return f"tl.load({place}, other=0.0).to(tl.float32)"

    def _vector_width(self, slot: Slot) -> str:
        return list(self._cell.vectors.values())[slot.index]

    def load(self, operation: Load) -> str:
        """Read a tile."""
        return f"{identifier(operation.name)} = {self._read(operation.slot, operation.scalar)}"

    def take_column(self, operation: TakeColumn) -> str:
        """Give the sums of a column their name."""
        return f"{identifier(operation.name)} = sum_{operation.column}"

    def compute(self, operation: Compute) -> str:
        """Evaluate an expression of tiles."""
        scalar = operation.statement.width == SCALAR
        return f"{identifier(operation.name)} = {self._value(operation.value, scalar)}"

    def store(self, operation: Store) -> str:
        """Write a tile; in the padding a state and its gradient keep their values, all else is zero."""
        slot, name, scalar = operation.slot, identifier(operation.name), operation.scalar
        address = self._layout.address(slot, self._forward)
        place = (f"{address}", "live") if scalar else (f"{address} + unit", "inside")
        text = f"tl.store({place[0]}, {self._in_padding(slot, name, scalar)}, mask={place[1]})"
        if slot.area is Area.KEPT:
            return f"if KEEP: {text}"
        return text

    def _in_padding(self, slot: Slot, name: str, scalar: bool) -> str:
        match slot.area:
            case Area.STATE:
                other = self._read(Slot(Area.PREVIOUS, slot.index), scalar)
            case Area.NEXT:
                loss = self._read(Slot(Area.LOSS, slot.index), scalar)
                other = f"{self._read(slot, scalar)} + ({loss})"
            case Area.SCRATCH:
                return name
            case _:
                other = "0.0"
        return f"tl.where(valid, {name}, {other}) if RAGGED else {name}"

    def add_to(self, operation: AddTo) -> str:
        """Add the sum over the rows of a program to its own part."""
        address, value = self._layout.address(operation.slot, self._forward), self._value(operation.value)
        if operation.scalar:
            return f"add_number({address}, {value}, valid)"
        width = size(self._vector_width(operation.slot))
        return f"add_to({address} + unit, {value}, inside & valid, unit < {width})"

    def add_to_row(self, operation: AddToRow) -> str:
        """Add the units of a tile to the sum over a row."""
        value = f"tl.where(inside, {self._value(operation.value)}, 0.0)"
        return f"row_{operation.row_sum} += tl.sum({value}, axis=1, keep_dims=True)"

    def take_row(self, operation: TakeRow) -> str:
        """Give the sum over a row its name."""
        mean = f" / size_{operation.statement.width}" if operation.mean else ""
        return f"{identifier(operation.name)} = row_{operation.row_sum}{mean}"

    def sums(self, sweep: Sweep) -> Lines:
        """Take the sums of all columns: starts, products of the input made before, other products."""
        lines: Lines = ()
        for k, column in enumerate(sweep.columns):
            start = formula(column.start, self._start)
            lines += plain(f"sum_{k} = tl.zeros([ROWS, UNITS], tl.float32) + {start}")
            offset = self._layout.ahead_offset(column.target) if self._forward else None
            if offset is not None:
                address = f"ahead + at * ({self._layout.width('ahead')}) + {offset}"
                lines += plain(f"sum_{k} += {self._masked(address, scalar=False)}")
        for group in sweep.products:
            lines += self._products(sweep, group)
        return lines

    def _start(self, name: str) -> str:
        if name in self._cell.constants:
            return self._named(name)
        return self._read(self._slots.slot(name), self._kernel.widths[name] == SCALAR)

    def _products(self, sweep: Sweep, group: ProductGroup) -> Lines:
        """Write the products of one source, for one column each, along the units of the source."""
        columns = [column.target for column in sweep.columns]
        lines: Lines = ()
        for k, source in enumerate(group[0].source):
            depth = size(self._kernel.widths[source])
            address = self._layout.address(self._slots.slot(source), self._forward)
            read = f"tl.load({address} + deep, mask=live & (deep < {depth}), other=0.0)"
            first = "" if self._resident else "k + "
            body: Lines = plain(f"deep = {first}tl.arange(0, DEPTH)[None, :]")
            if not self._resident:
                body += plain(f"down = {first}tl.arange(0, DEPTH)[:, None]")
            body += plain(f"source = {read}.to({self._family(group[0].matrix[k])}.dtype.element_ty)")
            for product in group:
                number = columns.index(product.target)
                tile = self.tile(product.matrix[k], product.transposed)
                if not self._resident:
                    tile, text = "tile", self.tile_text(product.matrix[k], product.transposed)
                    body += plain(f"tile = {text}")
                dot = f"tl.dot(source, {tile}, sum_{number}, input_precision=PRECISION)"
                body += (SourceLine(f"sum_{number} = {dot}", (Provenance((product.equation,)),)),)
            loop = plain(f"for k in range(0, {depth}, DEPTH):")
            lines += body if self._resident else (*loop, *indented(body))
        return lines

    def _family(self, matrix: str) -> str:
        return f"family_{member(self._cell, matrix)[0]}"

    def tile(self, matrix: str, transposed: bool) -> str:
        """Return the variable of a matrix that is resident."""
        family, index = member(self._cell, matrix)
        return f"{'back' if transposed else 'tile'}_{family}_{index}"

    def tile_text(self, matrix: str, transposed: bool) -> str:
        """Return the load of the tile (DEPTH, UNITS) of a matrix that a product multiplies from the right."""
        family, index = member(self._cell, matrix)
        rows, columns = map(size, self._cell.matrices[matrix])
        row, column = ("down", "unit") if transposed else ("unit", "down")
        deep, wide = (rows, columns) if transposed else (columns, rows)
        first = f"{index} * {rows} + " if index else ""
        address = f"family_{family} + ({first}{row}) * {columns} + {column}"
        return f"tl.load({address}, mask=(down < {deep}) & (unit < {wide}), other=0.0)"

    def over_units(self, sweep: Sweep, sums: Lines, units: Lines) -> Lines:
        """Write the loop over tiles of units, or the one tile that has them all."""
        width = size(sweep.width)
        rows = [plain(f"row_{k} = tl.zeros([ROWS, 1], tl.float32)") for k in range(sweep.row_sums)]
        body = (
            *plain(f"unit = {'' if self._resident else 'j + '}tl.arange(0, UNITS)[None, :]"),
            *plain(f"inside = live & (unit < {width})"),
            *sums,
            *units,
        )
        loop = body if self._resident else (*plain(f"for j in range(0, {width}, UNITS):"), *indented(body))
        return (*(line for each in rows for line in each), *loop)

    def over_rows(self, sweep: Sweep, rows: Lines) -> Lines:
        """Write the operations on values of a row, which are in one tile already."""
        return rows
