"""Where the values of a kernel are on a GPU: one array for each area and state, and offsets in these.

Arrays over time are (T, B, width), those of states (T + 1, B, width) with the initial state first, or last if
time runs backwards. Where rows start anew, the states that they start from follow, (1, B, width), and their
gradients those of the initial states. Values that share an array lie side by side in its last dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

from bptt.codegen.kernel import Kernel
from bptt.codegen.slots import Area, Slot
from bptt.codegen.statements import Column
from bptt.codegen.triton.triton_names import size
from bptt.derive.normal_form import normal_form


class MemoryLayout:
    """The arrays and offsets of a kernel, as text in sizes; `widths_of` has the letters of each array."""

    def __init__(self, kernel: Kernel) -> None:
        cell, form = kernel.plan.cell, normal_form(kernel.plan.cell)
        self._kernel = kernel
        self.ahead: tuple[Column, ...] = tuple(
            column
            for one in kernel.forward
            for column in one.columns
            if any(product.source[0] in cell.inputs for product in column.products)
        )
        self.public = (*cell.states, *kernel.outputs)
        self.letters = {
            "ahead": tuple(column.width for column in self.ahead),
            "kept": tuple(form.width(name) for name in kernel.plan.storage.kept),
            "delta": tuple(kernel.widths[name] for name in kernel.deltas),
            "sums": tuple(cell.vectors.values()),
            "scratch_forward": tuple(kernel.widths[name] for name in kernel.forward_scratch),
            "scratch_backward": tuple(kernel.widths[name] for name in kernel.backward_scratch),
        }

    def offset(self, array: str, index: int) -> str:
        """Return where an entry of an array that is shared begins."""
        return _sum(self.letters[array][:index])

    def width(self, array: str) -> str:
        """Return the width of an array that is shared."""
        return _sum(self.letters[array])

    def ahead_offset(self, target: str) -> str | None:
        """Return where the products of the input for a column are, None if it has none."""
        targets = [column.target for column in self.ahead]
        return self.offset("ahead", targets.index(target)) if target in targets else None

    def address(self, slot: Slot, forward: bool) -> str:
        """Return the address of the first unit of a slot, for each row of a tile."""
        cell = self._kernel.plan.cell
        scratch = "scratch_forward" if forward else "scratch_backward"
        match slot.area:
            case Area.X:
                return f"x + at * {size(cell.width(cell.inputs[0]))}"
            case Area.INPUT:
                return f"input + at * {size(cell.width(cell.inputs[0]))}"
            case Area.OUTPUT:
                return f"output + at * {size(cell.width(cell.output))}"
            case Area.PREVIOUS:
                return f"state_{slot.index} + before * {size(cell.width(cell.states[slot.index]))}"
            case Area.STATE:
                return f"state_{slot.index} + now * {size(cell.width(cell.states[slot.index]))}"
            case Area.NEXT:
                return f"next_{slot.index} + row * {size(cell.width(cell.states[slot.index]))}"
            case Area.LOSS:
                return f"loss_{slot.index} + at * {size(cell.width(self.public[slot.index]))}"
            case Area.KEPT:
                return f"kept + at * ({self.width('kept')}) + {self.offset('kept', slot.index)}"
            case Area.DELTA:
                return f"delta + at * ({self.width('delta')}) + {self.offset('delta', slot.index)}"
            case Area.SCRATCH:
                return f"scratch + row * ({self.width(scratch)}) + {self.offset(scratch, slot.index)}"
            case Area.SUM:
                return f"sums + program * ({self.width('sums')}) + {self.offset('sums', slot.index)}"
            case Area.PARAMETER:
                return f"vector_{slot.index}"


def _sum(letters: Sequence[str]) -> str:
    """Return the sum of sizes, as 2 * n_H + 1."""
    counts = {letter: list(letters).count(letter) for letter in dict.fromkeys(letters)}
    parts = [size(letter) if count == 1 else f"{count} * {size(letter)}" for letter, count in counts.items()]
    return " + ".join(parts) or "0"
