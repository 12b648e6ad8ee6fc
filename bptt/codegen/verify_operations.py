"""Checks of operations: every load finds its value in its slot, and every stored value has a reader.

The operations of a time step are followed one by one, with a table of the name that each slot holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bptt.cells.expression import symbols
from bptt.cells.language import PREVIOUS
from bptt.codegen.kernel import Kernel
from bptt.codegen.operations import (
    AddTo,
    AddToRow,
    Compute,
    Load,
    Lowered,
    Operation,
    Store,
    Sweep,
    TakeColumn,
    TakeRow,
)
from bptt.codegen.slots import Area, Slot, Slots
from bptt.codegen.verify_statements import stage_error
from bptt.derive.adjoint import FROM_LOSS, FROM_NEXT

# Areas that somebody reads when the time step is over: the next step, or the caller.
_READ_LATER = (Area.STATE, Area.OUTPUT, Area.NEXT, Area.INPUT, Area.SUM)

Held = dict[Slot, str]


def check_lowered(kernel: Kernel, lowered: Lowered) -> None:
    """Check all operations of a kernel."""
    held = _follow(kernel, "forward operations", lowered.forward, _before(kernel, forward=True))
    kept = {slot: name for slot, name in held.items() if slot.area is Area.KEPT}
    stored = _follow(kernel, "backward operations", lowered.backward, kept | _before(kernel, forward=False))
    _check_operands(kernel, "input operations", lowered.inputs, stored)
    forward, backward = _reads(kernel, lowered.forward, True), _reads(kernel, lowered.backward, False)
    backward |= _reads(kernel, lowered.inputs, False) | _gradient_reads(kernel)
    _check_readers(kernel, "forward operations", lowered.forward, forward | backward)
    _check_readers(kernel, "backward operations", lowered.backward, backward)
    for stage, sweeps in (("forward", lowered.forward), ("backward", lowered.backward)):
        for sweep in sweeps:
            _check_groups(kernel, f"{stage} operations", sweep)


def _before(kernel: Kernel, forward: bool) -> Held:
    """Return what the slots hold before a time step."""
    cell = kernel.plan.cell
    held = {Slot(Area.X): cell.inputs[0]}
    held |= {Slot(Area.PREVIOUS, k): state + PREVIOUS for k, state in enumerate(cell.states)}
    held |= {Slot(Area.PARAMETER, k): name for k, name in enumerate(cell.vectors)}
    if not forward:
        held |= {Slot(Area.STATE, k): state for k, state in enumerate(cell.states)}
        held |= {Slot(Area.NEXT, k): FROM_NEXT + state for k, state in enumerate(cell.states)}
        public = (*cell.states, *kernel.outputs)
        held |= {Slot(Area.LOSS, k): FROM_LOSS + name for k, name in enumerate(public)}
    return held


def _follow(kernel: Kernel, stage: str, sweeps: Sequence[Sweep], held: Held) -> Held:
    """Run through the operations in order; returns what the slots hold in the end."""
    for sweep in sweeps:
        _check_operands(kernel, stage, [sweep], held)
        for operations in (sweep.units, sweep.rows):
            known = set(kernel.plan.cell.constants)
            for one in operations:
                _follow_one(kernel, stage, one, known, held)
    return held


def _check_operands(kernel: Kernel, stage: str, sweeps: Iterable[Sweep], held: Held) -> None:
    slots = Slots(kernel, forward=stage.startswith("forward"))
    for sweep in sweeps:
        for name in (name for source in sweep.operands for name in source):
            if held.get(slots.slot(name)) != name:
                rule = f"{name} must be in its slot before the pass begins"
                raise stage_error(kernel.plan.cell, stage, rule, ", ".join(sweep.targets))


def _follow_one(kernel: Kernel, stage: str, one: Operation, known: set[str], held: Held) -> None:
    cell = kernel.plan.cell
    match one:
        case Load(name, slot):
            if held.get(slot) != name:
                rule = f"{name} must be in the slot that it is loaded from"
                raise stage_error(cell, stage, rule, f"{slot} holds {held.get(slot)}")
            known.add(name)
        case TakeColumn(name) | TakeRow(name):
            known.add(name)
        case Compute(value=value) | AddTo(value=value) | AddToRow(value=value):
            for name in symbols(value):
                if name not in known:
                    raise stage_error(cell, stage, f"{name} must be in a variable", one.statement)
            if isinstance(one, Compute):
                known.add(one.name)
        case Store(name, slot):
            if name not in known:
                raise stage_error(cell, stage, f"{name} must be in a variable", one.statement)
            held[slot] = name


def _reads(kernel: Kernel, sweeps: Sequence[Sweep], forward: bool) -> set[Slot]:
    """Return the slots that are loaded, or multiplied."""
    slots = Slots(kernel, forward)
    found = {slots.slot(name) for sweep in sweeps for source in sweep.operands for name in source}
    operations = (one for sweep in sweeps for one in (*sweep.units, *sweep.rows))
    return found | {one.slot for one in operations if isinstance(one, Load)}


def _gradient_reads(kernel: Kernel) -> set[Slot]:
    """Return the slots that the gradients of matrices read, after the loop."""
    slots = Slots(kernel, forward=False)
    terms = [term for gradient in kernel.plan.matrix_gradients for term in gradient.terms]
    return {slots.slot(name) for deltas, source in terms for name in (*deltas, source)}


def _check_readers(kernel: Kernel, stage: str, sweeps: Sequence[Sweep], read: set[Slot]) -> None:
    for one in (one for sweep in sweeps for one in (*sweep.units, *sweep.rows)):
        if isinstance(one, Store) and one.slot.area not in _READ_LATER and one.slot not in read:
            raise stage_error(kernel.plan.cell, stage, f"{one.name} is stored, but never read", one.statement)


def _check_groups(kernel: Kernel, stage: str, sweep: Sweep) -> None:
    """Check that the groups have the products of the columns, each once, and one source each."""
    found = Counter(product for group in sweep.groups for product in group)
    expected = Counter(product for column in sweep.columns for product in column.products)
    for product in (found - expected) | (expected - found):
        rule = f"a product must be in {expected[product]} groups, not in {found[product]}"
        raise stage_error(kernel.plan.cell, stage, rule, product)
    for group in sweep.groups:
        if len({product.source for product in group}) != 1:
            raise stage_error(kernel.plan.cell, stage, "a group must have one source", group[0])
