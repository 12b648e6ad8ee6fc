"""Kernels in float32 and float64 against the papers' loops and the reference backend in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import oracle
import pytest
import tolerances
import torch
from drawn import Drawn, draw
from outcomes import How, double, forward, outcome
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE
from bptt.runtime.backend import backend

# T, B, I, H, P: one of everything; off the width of vectors; a multiple of it; one row, which has its
# products with a wide input ahead of time; more rows than a block has; more units than a panel has.
SHAPES = {
    "one": (1, 1, 1, 1, 1),
    "tails": (7, 5, 19, 21, 18),
    "whole vectors": (4, 4, 16, 32, 16),
    "one row": (6, 1, 70, 37, 9),
    "blocks": (3, 67, 5, 33, 7),
    "panels": (3, 3, 2, 150, 140),
}
Shape = tuple[int, int, int, int, int]


def sizes(shape: Shape) -> Mapping[str, int]:
    return dict(zip("IHP", shape[2:], strict=True))


def ways(steps: int, batch: int) -> list[How]:
    """Every storage, both directions; lengths in no order, of 0 and of all steps among them."""
    lengths = torch.arange(batch) * 5 % (steps + 1)
    ragged = torch.where(torch.arange(batch) == batch // 2, steps, lengths)
    return [
        How(),
        How(ragged, reverse=True),
        How(ragged, storage="recompute"),
        How(reverse=True, storage="recompute"),
        How(ragged, reverse=True, storage="segments"),
        How(storage="segments"),
    ]


def check(drawn: Drawn, how: How) -> None:
    """Outputs, states and the gradients of all arguments, against float64 in torch operations.

    An error counts in the largest number that it may have been an error of.
    """
    dtype = drawn.tensors[0].dtype
    found, truth = outcome(drawn, how), outcome(double(drawn), how, "reference")
    (steps, batch, inputs), widths = drawn.tensors[0].shape, [v.shape[-1] for v in found.values]
    scale = tolerances.LAYER_NORM if drawn.cell.name == "lstm-layernorm" else 1.0
    limits = (
        tolerances.sequence(dtype, steps, inputs, *widths),
        tolerances.gradient(dtype, steps, batch, inputs, *widths),
    )
    for limit, some, expected in zip(
        limits, (found.values, found.gradients), (truth.values, truth.gradients), strict=True
    ):
        largest = max([1.0, *(float(e.abs().max()) for e in expected)])
        for value, right in zip(some, expected, strict=True):
            assert value.dtype == dtype
            torch.testing.assert_close(value.double(), right, rtol=0, atol=limit * scale * largest)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CATALOGUE)
def test_float32_is_float64_rounded(name: str, shape: str) -> None:
    steps, batch, *_ = SHAPES[shape]
    drawn = draw(CATALOGUE[name], steps, batch, sizes(SHAPES[shape]), torch.float32)
    for how in ways(steps, batch):
        check(drawn, how)


@pytest.mark.parametrize("name", OWN)
def test_users_cells_in_float64(name: str) -> None:
    """A kernel of each is there already, for the finite differences."""
    drawn = draw(OWN[name], 5, 4, {"I": 11, "H": 9, "P": 18})
    for how in ways(5, 4):
        check(drawn, how)


@pytest.mark.parametrize("name", CATALOGUE)
def test_values_are_those_of_the_paper(name: str) -> None:
    """float32 by kernels beside loops over gates, in float64, that nothing of the package has touched."""
    steps, batch = 7, 5
    drawn = draw(CATALOGUE[name], steps, batch, {"I": 19, "H": 21, "P": 18}, torch.float32)
    count, widths = len(drawn.cell.states), [t.shape[-1] for t in drawn.tensors[:2]]
    lengths = torch.tensor([4, 7, 0, 1, 6])
    with backend("cpu"):
        output, *found = forward(drawn, How(lengths))
    found = found[count:] if drawn.cell.output in drawn.cell.states else [*found[count:], output]
    scale = tolerances.LAYER_NORM if name == "lstm-layernorm" else 1.0
    for row, length in enumerate(lengths.tolist()):
        x = drawn.tensors[0][:length, row].double().numpy()
        initial = [s[row].double().numpy() for s in drawn.tensors[1 : 1 + count]]
        expected = oracle.CELLS[name](x, *initial, **double(drawn).by_gate())  # type: ignore[operator]
        for values, truth in zip(found, expected if length else (), strict=bool(length)):
            limit = tolerances.sequence(torch.float32, steps, *widths, magnitude=scale)
            limit *= max(1.0, np.abs(truth).max(initial=0.0))
            np.testing.assert_allclose(values[:length, row].numpy(), truth, rtol=0, atol=limit)


# T, B, I, H so that gradients of sums fill more than two chunks of memory (CHUNK in recurrence.h), or,
# with one row, that the products with the input do.
CHUNKED = {
    "lstm": (97, 64, 3, 140),
    "gru": (97, 64, 3, 180),
    "lstm-layernorm": (97, 64, 3, 140),
    "indrnn": (600, 1, 1, 4500),
}


@pytest.mark.parametrize("name", CHUNKED)
def test_sequences_of_several_chunks(name: str) -> None:
    steps, batch, *widths = CHUNKED[name]
    drawn = draw(CATALOGUE[name], steps, batch, dict(zip("IHP", (*widths, 1), strict=True)), torch.float32)
    for how in ways(steps, batch)[1:5]:
        check(drawn, how)


DIFFERENTIATED = {
    **{name: CATALOGUE[name] for name in ("lstm-projection", "lstm-layernorm", "gru")},
    "readout": OWN["an output that is no state"],
}


@pytest.mark.parametrize("storage", ["keep", "segments"])
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_gradients_are_those_of_finite_differences(name: str, storage: str) -> None:
    """Of outputs, final states and sequences; once by kernels, and twice by whoever takes over."""
    drawn = draw(DIFFERENTIATED[name], 4, 3, {"I": 2, "H": 5, "P": 3}).leaves()
    how = How(torch.tensor([2, 0, 4]), reverse=storage == "segments", storage=storage)

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        return forward(replace(drawn, tensors=tensors), how)

    with backend("cpu"):
        assert gradcheck(function, drawn.tensors, fast_mode=storage == "segments")
        assert gradgradcheck(function, drawn.tensors, fast_mode=True)
