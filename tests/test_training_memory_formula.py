"""The formula of the memory of states, in the page of benchmarks, beside what torch is asked to save."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from bptt.cells import get
from bptt.nn import Recurrent
from bptt.runtime.kernels.block_pool import empty_cache

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
ROW = re.compile(r"\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (\d) \|")
VALUES = {
    cell: int(n)
    for cells, n in ROW.findall(PAGE.read_text("utf-8").partition("| cell | n |")[2])
    for cell in re.findall("[a-z-]+", cells)
}
STEPS, ROWS, INPUTS, HIDDEN, LAYERS = 30, 4, 5, 16, 2


def saved_bytes(stack: Recurrent, steps: int) -> int:
    """What a forward pass saves beside its parameters."""
    # A block of an earlier pass may be longer.
    empty_cache()
    found: dict[int, int] = {}
    own = {p.untyped_storage().data_ptr() for p in stack.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        stack(torch.randn(steps, ROWS, INPUTS))
    return sum(found.values())


@pytest.mark.parametrize("cell", VALUES)
@pytest.mark.parametrize("directions", [1, 2])
def test_a_layer_keeps_what_the_page_says(cell: str, directions: int) -> None:
    stack = Recurrent(cell, INPUTS, HIDDEN, num_layers=LAYERS, bidirectional=directions == 2)
    width = directions * HIDDEN
    apart = directions == 2 or get(cell).output not in get(cell).states
    inputs = INPUTS + (width * (LAYERS - 1) if apart else 0)
    grown = saved_bytes(stack, 2 * STEPS) - saved_bytes(stack, STEPS)
    assert grown == 4 * STEPS * ROWS * (inputs + LAYERS * VALUES[cell] * width)


def test_the_page_names_cells() -> None:
    assert len(VALUES) == 15
