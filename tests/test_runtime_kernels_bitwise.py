"""What changes no bit of a result: threads, repetition, what memory held before, neighbours in the batch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, forward, outcome, same, threads
from torch import Tensor
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE
from bptt.runtime.backend import backend
from bptt.runtime.kernels import block_pool
from bptt.runtime.kernels.argument_places import WORTH_THREADS, threads_for

# A matrix of the first own one has two sources: its gradient is a sum of two. In the other no result depends
# on a matrix: its gradient is zero.
CELLS = {
    **{name: CATALOGUE[name] for name in ("lstm", "gru", "lstm-layernorm", "indrnn", "dense")},
    "shared": OWN["a matrix in two equations"],
    "unread": OWN["a value that nobody reads"],
}
# T, B, I, H: several blocks of rows; fewer rows than threads; weights that threads share the packing of;
# gradients of sums that fill several chunks of memory; units that threads share out, for as long as helpers
# need to wake.
SHAPES = {
    "blocks": (7, 67, 19, 45),
    "few": (9, 2, 70, 37),
    "wide": (2, 5, 40, 200),
    "chunks": (97, 64, 3, 140),
    "units": (150, 2, 9, 150),
}
STORAGES = ["keep", "recompute", "segments"]


def drawn(name: str, shape: str) -> Drawn:
    steps, batch, inputs, hidden = SHAPES[shape]
    dtype = torch.float32 if name in CATALOGUE else torch.float64
    return draw(CELLS[name], steps, batch, {"I": inputs, "H": hidden}, dtype)


def ragged(example: Drawn) -> Tensor:
    steps, batch, _ = example.tensors[0].shape
    return torch.arange(batch) * 5 % (steps + 1)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *((name, shape) for name in CELLS for shape in ("blocks", "few", "wide")),
        ("lstm", "chunks"),
        ("lstm", "units"),
        ("gru", "units"),
    ],
)
def test_any_number_of_threads(name: str, shape: str, storage: str) -> None:
    example = drawn(name, shape)
    for how in (How(storage=storage), How(ragged(example), reverse=True, storage=storage)):
        with threads(1):
            alone = outcome(example, how)
        for count in (2, 3, 3):
            with threads(count):
                assert same(outcome(example, how).all, alone.all)


@contextmanager
def poisoned() -> Iterator[None]:
    """New memory holds NaN, or in a kernel, where malloc fills it, the largest numbers."""
    block_pool._free.clear()
    torch.use_deterministic_algorithms(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
    mallopt(-6, 0x80)
    try:
        assert torch.utils.deterministic.fill_uninitialized_memory and torch.empty(2).isnan().all()
        yield
    finally:
        mallopt(-6, 0)
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("shape", ["blocks", "few"])
@pytest.mark.parametrize("name", CELLS)
def test_what_memory_held_before(name: str, shape: str, storage: str) -> None:
    example = drawn(name, shape)
    for how in (How(storage=storage), How(ragged(example), storage=storage)):
        clean = outcome(example, how)
        with poisoned():
            assert same(outcome(example, how).all, clean.all)


def by_row(example: Drawn, how: How) -> tuple[Tensor, ...]:
    """All that a row of the batch has for itself, the row first; what parameters gather is left out."""
    found, count = outcome(example, how), 1 + len(example.cell.states)
    everything = (*found.values, *found.gradients[:count])
    return tuple((t if t.dim() == 2 else t.transpose(0, 1)).contiguous() for t in everything)


def rows(example: Drawn, which: Tensor) -> Drawn:
    x, *rest = example.tensors
    count = len(example.cell.states)
    parts = [x[:, which], *[s[which] for s in rest[:count]], *rest[count:]]
    return replace(example, tensors=tuple(parts))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_a_row_does_not_know_its_neighbours(
    name: str, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another order, and all alone, when its products with the input are taken ahead of time."""
    # A number of the loss depends on its place: here a loss for which each row is as good as another.
    monkeypatch.setattr("outcomes.weights", torch.ones_like)
    example = drawn(name, "blocks")
    batch, lengths = example.tensors[0].shape[1], ragged(example)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(0))
    whole = by_row(example, How(lengths, reverse))
    moved = by_row(rows(example, order), How(lengths[order], reverse))
    assert same(moved, [t[order] for t in whole])
    for row in range(0, batch, 11):
        which = torch.tensor([row])
        assert same(by_row(rows(example, which), How(lengths[which], reverse)), [t[which] for t in whole])


@pytest.mark.parametrize("name", CELLS)
def test_storage_changes_sums_over_time_alone(name: str) -> None:
    """What is computed again is what was; chunks of other lengths add a parameter's gradient otherwise."""
    example = drawn(name, "blocks")
    kept = outcome(example, How(ragged(example)))
    assert same(outcome(example, How(ragged(example), storage="recompute")).all, kept.all)
    segments, count = outcome(example, How(ragged(example), storage="segments")), 1 + len(example.cell.states)
    assert same(segments.values, kept.values)
    assert same(segments.gradients[:count], kept.gradients[:count])


@pytest.mark.parametrize("hidden", [128, 140])
def test_kept_values_that_go_past_the_caches(hidden: int) -> None:
    """More than 12 MiB, in whole lines of memory and not; what is computed again stays in the caches."""
    example = draw(CATALOGUE["lstm"], 110, 64, {"I": 3, "H": hidden}, torch.float32)
    kept = outcome(example, How())
    assert same(outcome(example, How(storage="recompute")).all, kept.all)


@pytest.mark.parametrize("name", CELLS)
def test_values_are_the_same_without_a_gradient(name: str) -> None:
    example = drawn(name, "blocks")
    for how in (How(), How(ragged(example), reverse=True)):
        with backend("cpu"):
            found = forward(example, how)
        assert same(found, outcome(example, how).values)


def test_little_work_has_one_thread() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert [threads_for(work) for work in (None, WORTH_THREADS, WORTH_THREADS - 1)] == [3, 3, 1]
    finally:
        torch.set_num_threads(before)
