"""What is kept between calls: a bounded number of cells, and memory that can be given back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch

import bptt
from bptt.cells.caching import KEPT
from bptt.cells.cell import Cell
from bptt.codegen.kernel import kernel
from bptt.codegen.plan import plan
from bptt.derive.blocks import blocks
from bptt.derive.jacobian import jacobian
from bptt.derive.normal_form import normal_form
from bptt.runtime import packing
from bptt.runtime.input_sums import input_sums
from bptt.runtime.kernels import block_pool
from bptt.runtime.kernels.library import library_of

# Each of these is heavier than its cell, and can be referred to weakly.
DERIVED: dict[str, Callable[[Cell], Any]] = {
    "normal form": normal_form,
    "jacobian": jacobian,
    "plan": plan,
    "kernel": lambda cell: kernel(plan(cell)),
}


def numbered(number: int) -> Cell:
    return Cell.define(f"own-{number}", f"h = W_h @ x + {number + 2} * h_prev", states="h")


def test_a_program_that_defines_cells_without_end_keeps_the_last_ones() -> None:
    made: dict[str, list[weakref.ref[Any]]] = {name: [] for name in DERIVED}
    with bptt.backend("reference"):
        for number in range(KEPT + 20):
            cell = numbered(number)
            x = torch.ones(2, 1, 3, requires_grad=True)
            bptt.nn.Recurrent(cell, 3, 3)(x)[0].sum().backward()
            assert input_sums(cell) and blocks(cell)
            for name, derive in DERIVED.items():
                made[name].append(weakref.ref(derive(cell)))
    gc.collect()
    for name, refs in made.items():
        alive = [number for number, ref in enumerate(refs) if ref() is not None]
        assert alive == list(range(20, KEPT + 20)), name


def test_a_cell_that_was_dropped_computes_the_same_again() -> None:
    lstm, x = bptt.nn.LSTM(3, 4), torch.randn(5, 2, 3)
    before = lstm(x)[0]
    library_of.cache_clear()
    assert torch.equal(lstm(x)[0], before)


@pytest.mark.parametrize("train", [True, False])
def test_the_memory_of_passes_can_be_given_back(train: bool) -> None:
    lstm, x = bptt.nn.LSTM(3, 4), torch.randn(5, 2, 3)

    def results() -> list[torch.Tensor]:
        with torch.set_grad_enabled(train):
            found = [lstm(x)[0]]
            return found + list(torch.autograd.grad(found[0].sum(), lstm.parameters())) if train else found

    with bptt.backend("cpu"):
        before = results()
        assert block_pool._free or packing._entries
        bptt.empty_cache()
        assert not block_pool._free and not packing._entries
        after = results()
    assert all(map(torch.equal, before, after))


def test_memory_is_given_back_between_the_passes() -> None:
    lstm, x = bptt.nn.LSTM(3, 4), torch.randn(5, 2, 3)
    with bptt.backend("cpu"):
        wanted = torch.autograd.grad(lstm(x)[0].square().sum(), lstm.parameters())
        loss = lstm(x)[0].square().sum()
        bptt.empty_cache()
        torch.zeros(10_000).fill_(torch.nan)
        found = torch.autograd.grad(loss, lstm.parameters())
    assert all(map(torch.equal, found, wanted))
