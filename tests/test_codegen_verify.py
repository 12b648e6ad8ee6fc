"""The stages of code generation are checked: each broken rule is named, with its stage and statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell
from bptt.codegen import kernel as kernel_module
from bptt.codegen.kernel import Kernel, kernel
from bptt.codegen.lowering import lower
from bptt.codegen.operations import Load, Lowered, Store, Sweep
from bptt.codegen.passes import Pass, make_passes
from bptt.codegen.plan import plan
from bptt.codegen.plan_statements import forward_statements
from bptt.codegen.slots import Area, Slot
from bptt.codegen.statements import Column, Pointwise, Statement
from bptt.codegen.verify_operations import check_lowered
from bptt.codegen.verify_statements import check_passes, check_products, check_statements, given_forward
from bptt.errors import InternalError

LSTM = CATALOGUE["lstm"]
GRU = CATALOGUE["gru"]
ROWS = CELLS["layer norm in one line"]


def changed(statements: tuple[Statement, ...], target: str, **changes: object) -> tuple[Statement, ...]:
    """Return the statements with one of them changed."""
    assert target in [one.target for one in statements]
    return tuple(
        replace(one, **changes) if one.target == target else one
        for one in statements  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda s: s[::-1], "o must be computed before it is read, got h = o * tanh_c"),
        (lambda s: (*s, s[-1]), "h must be computed once, got h = o * tanh_c"),
        (lambda s: changed(s, "tanh_c", width="I"), "c must be as wide as the statement, I, not H"),
        (lambda s: changed(s, "net_i", width="I"), "b_i must be as wide as the statement, I, not H"),
    ],
)
def test_broken_statements(break_it: Callable[..., tuple[Statement, ...]], words: str) -> None:
    layout = kernel(plan(LSTM))
    statements = break_it(forward_statements(plan(LSTM)))
    with pytest.raises(InternalError, match=r"kernel of 'lstm', forward statements: ") as raised:
        check_statements(LSTM, "forward statements", statements, given_forward(LSTM), layout.widths)
    assert words in str(raised.value)


def test_a_matrix_of_another_shape() -> None:
    layout = kernel(plan(LSTM))
    statements = forward_statements(plan(LSTM))
    column = next(one for one in statements if isinstance(one, Column))
    turned = tuple(replace(p, transposed=not p.transposed) for p in column.products)
    broken = changed(statements, column.target, products=turned)
    with pytest.raises(InternalError, match="W_i must lead from x, as wide as I, to net_i"):
        check_statements(LSTM, "forward statements", broken, given_forward(LSTM), layout.widths)


@pytest.mark.parametrize(("keep", "times"), [(0, "R_i @ h_prev, 0 times"), (3, "R_i @ h_prev, 2 times")])
def test_a_product_that_is_lost_or_doubled(keep: int, times: str) -> None:
    statements = forward_statements(plan(LSTM))
    column = next(one for one in statements if isinstance(one, Column))
    products = column.products[:1] if keep == 0 else (*column.products, column.products[1])
    broken = changed(statements, column.target, products=products)
    with pytest.raises(InternalError, match="as often as the equations have it, 1 times") as raised:
        check_products(plan(LSTM), broken, ())
    assert times in str(raised.value)


def passes_of(cell: Cell) -> tuple[tuple[Statement, ...], tuple[Pass, ...]]:
    statements = forward_statements(plan(cell))
    return statements, make_passes(statements)


def check(cell: Cell, passes: tuple[Pass, ...]) -> None:
    check_passes(cell, "forward passes", passes_of(cell)[0], passes, given_forward(cell))


def test_passes_in_the_wrong_order() -> None:
    _, passes = passes_of(GRU)
    assert len(passes) == 2
    with pytest.raises(InternalError, match="in_n must be known before the pass begins, got net_n = b_n"):
        check(GRU, passes[::-1])


def test_a_statement_in_two_passes_or_none() -> None:
    _, passes = passes_of(LSTM)
    with pytest.raises(InternalError, match="must be in one pass, not in 2, got net_i = b_i"):
        check(LSTM, (*passes, *passes))
    with pytest.raises(InternalError, match="must be in one pass, not in 0, got h = o"):
        check(LSTM, (replace(passes[0], units=passes[0].units[:-1]),))


def test_a_sum_over_a_row_is_known_after_the_sweep_only() -> None:
    _, passes = passes_of(ROWS)
    k = next(k for k, each in enumerate(passes) if [one.target for one in each.row_sums] == ["mean_h"])
    reader = next(one for one in passes[k + 1].units if "mean_h" in one.reads)
    others = tuple(one for one in passes[k + 1].units if one != reader)
    early = replace(passes[k], units=(*passes[k].units, reader))
    moved = (*passes[:k], early, replace(passes[k + 1], units=others), *passes[k + 2 :])
    with pytest.raises(InternalError, match="mean_h must be known at this place of the pass, got "):
        check(ROWS, moved)


def lowered_lstm() -> tuple[Kernel, Lowered]:
    laid_out = kernel(plan(LSTM))
    return laid_out, lower(laid_out)


def with_units(lowered: Lowered, direction: str, change: Callable[[Sweep], Sweep]) -> Lowered:
    (first, *rest) = getattr(lowered, direction)
    return replace(lowered, **{direction: (change(first), *rest)})  # type: ignore[arg-type]


def test_a_load_from_the_slot_of_another_value() -> None:
    laid_out, lowered = lowered_lstm()

    def moved(sweep: Sweep) -> Sweep:
        other = Slot(Area.PREVIOUS, 0)
        units = tuple(replace(one, slot=other) if isinstance(one, Load) else one for one in sweep.units)
        return replace(sweep, units=units)

    with pytest.raises(InternalError, match="forward operations: c_prev must be in the slot"):
        check_lowered(laid_out, with_units(lowered, "forward", moved))


def test_a_store_that_nobody_reads_and_one_that_is_missing() -> None:
    laid_out, lowered = lowered_lstm()

    def extra(sweep: Sweep) -> Sweep:
        store = next(one for one in sweep.units if isinstance(one, Store) and one.name == "c")
        return replace(sweep, units=(*sweep.units, replace(store, slot=Slot(Area.SCRATCH, 0))))

    def missing(sweep: Sweep) -> Sweep:
        kept = (one for one in sweep.units if not (isinstance(one, Store) and one.slot.area is Area.KEPT))
        return replace(sweep, units=tuple(kept))

    with pytest.raises(InternalError, match="c is stored, but never read, got c = f"):
        check_lowered(laid_out, with_units(lowered, "forward", extra))
    with pytest.raises(InternalError, match=r"backward operations: . must be in the slot"):
        check_lowered(laid_out, with_units(lowered, "forward", missing))


def test_a_value_that_is_used_before_it_is_computed() -> None:
    laid_out, lowered = lowered_lstm()
    with pytest.raises(InternalError, match=r"forward operations: . must be in a variable, got "):
        check_lowered(laid_out, with_units(lowered, "forward", lambda s: replace(s, units=s.units[::-1])))


def test_a_group_without_its_product() -> None:
    laid_out, lowered = lowered_lstm()
    with pytest.raises(InternalError, match="a product must be in 1 groups, not in 0, got R_i @ h_prev"):
        check_lowered(laid_out, with_units(lowered, "forward", lambda s: replace(s, products=())))


def test_the_checks_run_whenever_a_kernel_is_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(statements: tuple[Statement, ...], before: object = ()) -> tuple[Pass, ...]:
        units = tuple(one for one in statements if isinstance(one, Pointwise))
        columns = tuple(one for one in statements if isinstance(one, Column))
        return (Pass("H", columns, units),)

    monkeypatch.setattr(kernel_module, "make_passes", careless)
    with pytest.raises(InternalError, match=r"kernel of 'gru', forward passes: in_n must be known"):
        kernel.__wrapped__(plan(GRU))
