"""A derivation unrolled: a number of time steps written out, with every chain and every summand."""

from __future__ import annotations

from bptt.cells.cell import Cell
from bptt.derive.network import Loss
from bptt.derive.normal_form import normal_form
from bptt.errors import InputError
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, Stage
from bptt.explain.unrolled.elements import elements_section, sizes_of
from bptt.explain.unrolled.error_terms import pairs_section
from bptt.explain.unrolled.loss_of_a_step import one_loss_section
from bptt.explain.unrolled.states import states_section
from bptt.explain.unrolled.summands import summands_section

# The sections that only an unrolled derivation has, and those of one step that it begins with.
UNROLLED = (Stage.EXPANDED, Stage.ONE_LOSS, Stage.SUMMANDS, Stage.PAIRS, Stage.ELEMENTS)
BEFORE = (Stage.EQUATIONS, Stage.NORMAL)


def unrolled(cell: Cell, steps: int, widths: tuple[int, ...] = (), loss: Loss | None = None) -> Derivation:
    """Return the equations of a cell and their unrolled sections.

    `widths` are those of the input and of the hidden layer in equations that are written out; with a `loss`
    the output layer o = g(V s + b) is expanded too. Raises InputError for a cell without states, and for
    widths that do not fit a page.
    """
    if not cell.states:
        rule = "an unrolled derivation needs a cell that carries a state from step to step"
        raise InputError("unroll", rule, f"{cell.name}, which has none")
    form, document = normal_form(cell), derivation(cell)
    sections = (
        *(section for section in document.sections if section.stage in BEFORE),
        states_section(form, steps, loss),
        one_loss_section(form, steps),
        summands_section(form, steps),
        pairs_section(form, steps),
        elements_section(form, sizes_of(form, widths)),
    )
    return Derivation(document.title, document.facts, sections).numbered()
