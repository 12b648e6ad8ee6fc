"""Where a named value is while a pass runs: in a variable, in memory, or among the parameters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bptt.cells.language import PREVIOUS
from bptt.codegen.kernel import Kernel
from bptt.codegen.statements import GRADIENT
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT


class Area(Enum):
    """The tables of memory of a time step: for each row of the batch, one address an entry."""

    X = "the input"
    INPUT = "the gradient of the input"
    OUTPUT = "the output, if that is no state"
    PREVIOUS = "the states as they come in"
    STATE = "the states as they go out"
    NEXT = "what the next time step hands back for each state; overwritten by what this one hands on"
    LOSS = "what the loss at this time step says of each state, and of the output"
    KEPT = "values that the forward pass leaves to the backward pass"
    DELTA = "δ, and other operands of products, side by side"
    SUM = "the gradients of the vector parameters"
    SCRATCH = "what one pass leaves to a later one"
    PARAMETER = "the vector parameters, the same for each row"


@dataclass(frozen=True)
class Slot:
    """An entry of a table."""

    area: Area
    index: int = 0


class Slots:
    """The slots of all values in one direction."""

    def __init__(self, kernel: Kernel, forward: bool) -> None:
        self._kernel, self._forward = kernel, forward
        self._scratch = kernel.forward_scratch if forward else kernel.backward_scratch

    def slot(self, name: str) -> Slot:
        """Return the slot of a value that the pass has not computed itself."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        public = (*cell.states, *kernel.outputs)
        gradient = name.removeprefix(GRADIENT)
        state = name.removesuffix(PREVIOUS)
        if name in cell.vectors:
            return Slot(Area.PARAMETER, tuple(cell.vectors).index(name))
        if name in cell.inputs:
            return Slot(Area.X)
        if name in self._scratch:
            return Slot(Area.SCRATCH, self._scratch.index(name))
        if name.startswith(FROM_LOSS):
            return Slot(Area.LOSS, public.index(name.removeprefix(FROM_LOSS)))
        if name.startswith(FROM_NEXT):
            return Slot(Area.NEXT, cell.states.index(name.removeprefix(FROM_NEXT)))
        if name.startswith(GRADIENT) and gradient in cell.vectors:
            return Slot(Area.SUM, tuple(cell.vectors).index(gradient))
        if state != name and state in cell.states:
            return Slot(Area.PREVIOUS, cell.states.index(state))
        if state != name and state.removeprefix(DELTA) in cell.states:
            return Slot(Area.NEXT, cell.states.index(state.removeprefix(DELTA)))
        if name in cell.states:
            return Slot(Area.STATE, cell.states.index(name))
        if name in kernel.outputs and self._forward:
            return Slot(Area.OUTPUT)
        if name == DELTA + cell.inputs[0]:
            return Slot(Area.INPUT)
        if not self._forward and name in kernel.deltas:
            return Slot(Area.DELTA, kernel.deltas.index(name))
        return Slot(Area.KEPT, kernel.plan.storage.kept.index(name))

    def stores(self, name: str) -> tuple[Slot, ...]:
        """Return the slots that a value is written to when it is computed."""
        kernel, cell = self._kernel, self._kernel.plan.cell
        if self._forward:
            public = {*cell.states, *kernel.outputs}
            slots = [self.slot(name)] if name in public or name in self._scratch else []
            if name in kernel.plan.storage.kept:
                slots.append(Slot(Area.KEPT, kernel.plan.storage.kept.index(name)))
            return tuple(slots)
        carried = {DELTA + s + PREVIOUS for s in cell.states} | {DELTA + cell.inputs[0]}
        return (self.slot(name),) if name in {*kernel.deltas, *carried, *self._scratch} else ()
