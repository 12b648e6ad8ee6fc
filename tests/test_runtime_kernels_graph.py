"""Kernels as nodes of torch's graph: the memory between forward and backward, and who may touch what when."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, Outcome, forward, outcome, same, weights
from torch import Tensor
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE
from bptt.runtime.backend import backend
from bptt.runtime.kernels import block_pool

SIZES = {"I": 19, "H": 21, "P": 18}
STORAGES = ["keep", "recompute", "segments"]


def drawn(name: str = "lstm", steps: int = 7, batch: int = 5, seed: int = 0) -> Drawn:
    return draw(CATALOGUE[name], steps, batch, SIZES, torch.float32, seed)


class Pass:
    """A forward pass whose backward pass is still to come."""

    def __init__(self, example: Drawn, how: How) -> None:
        self.truth = outcome(example, how)
        self.leaves = example.leaves().tensors
        with backend("cpu"):
            self.values = forward(replace(example, tensors=self.leaves), how)

    def back(self, keep: bool = False) -> Sequence[Tensor]:
        some = [weights(v) for v in self.values]
        return torch.autograd.grad(self.values, self.leaves, some, retain_graph=keep)

    def right(self, keep: bool = False) -> bool:
        return same(self.back(keep), self.truth.gradients)


@pytest.mark.parametrize("storage", STORAGES)
def test_backward_again_and_again(storage: str) -> None:
    one = Pass(drawn(), How(torch.tensor([3, 0, 7, 1, 5]), storage=storage))
    assert one.right(keep=True) and one.right(keep=True) and one.right()
    with pytest.raises(RuntimeError, match="second time"):
        one.back()


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("storage", STORAGES)
def test_forward_passes_may_wait_for_their_backward_passes(storage: str, order: tuple[int, ...]) -> None:
    """Of about the same size, so that each might take the memory of another."""
    waiting = [Pass(drawn(steps=7 + k, seed=k), How(reverse=k == 1, storage=storage)) for k in range(3)]
    for k in order:
        assert waiting[k].right(keep=True)
    another = Pass(drawn(seed=4), How(storage=storage))
    for k in order:
        assert waiting[k].right()
    assert another.right()


def test_results_are_nobodys_memory() -> None:
    """Neither values nor gradients change when the next pass takes the memory of the last."""
    first = Pass(drawn(), How())
    values, gradients = [v.detach().clone() for v in first.values], first.back()
    copies = [g.clone() for g in gradients]
    for seed in range(3):
        outcome(drawn(seed=seed), How())
    assert same([v.detach() for v in first.values], values) and same(gradients, copies)


def test_a_graph_may_be_dropped() -> None:
    block_pool._free.clear()
    for _ in range(3):
        Pass(drawn(), How())
    gc.collect()
    assert Pass(drawn(), How()).right()


def test_memory_that_a_hook_put_elsewhere_is_not_taken() -> None:
    """It may be a part of a larger one: whoever took it for the next pass would write over the rest."""
    example = drawn(steps=40)
    # Not too large for the next pass to take it for its own gates.
    flat, at = torch.empty(2 * 40 * 5 * 4 * SIZES["H"]), 0

    def pack(tensor: Tensor) -> tuple[int, torch.Size]:
        nonlocal at
        place, at = at, at + tensor.numel()
        flat[place:at] = tensor.detach().flatten()
        return place, tensor.shape

    def unpack(packed: tuple[int, torch.Size]) -> Tensor:
        place, shape = packed
        return flat[place : place + shape.numel()].view(shape)

    leaves = example.leaves().tensors
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack), backend("cpu"):
        values = forward(replace(example, tensors=leaves), How())
    block_pool._free.clear()
    for keep in (True, False):
        found = torch.autograd.grad(values, leaves, [weights(v) for v in values], retain_graph=keep)
        assert same(found, outcome(example, How()).gradients)


def test_threads_may_differentiate_one_graph() -> None:
    """Only one of them hands the memory on: two passes that took it would write over each other's numbers."""
    sizes = {"I": 64, "H": 128}
    for seed in range(10):
        block_pool._free.clear()
        one = Pass(draw(CATALOGUE["lstm"], 40, 16, sizes, torch.float32, seed), How())
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(lambda _, one=one: one.right(keep=True), range(2)))
        places = [block.data_ptr() for block in block_pool._free]
        assert len(set(places)) == len(places)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_backward_pass_writes_nothing_but_gradients(storage: str) -> None:
    """What a caller does to a result behind torch's back stays, and may be where nobody can write."""
    one = Pass(drawn(), How(storage=storage))
    results = [value.detach() for value in one.values]
    for result in results:
        result.numpy()[:] = 0
    one.back()
    assert not any(result.any() for result in results)


def test_memory_of_a_pass_without_gradients_serves_one_with_them() -> None:
    block_pool._free.clear()
    with torch.inference_mode():
        forward(drawn(steps=20), How())
    assert outcome(drawn(), How()).gradients


def test_memory_is_on_the_cpu_whatever_the_default_is() -> None:
    truth = outcome(drawn(), How())
    block_pool._free.clear()
    example = drawn()
    with torch.device("meta"):
        leaves = example.leaves().tensors
        with backend("cpu"):
            values = forward(replace(example, tensors=leaves), How())
    assert same([v.detach() for v in values], truth.values)


_LITTLE_MEMORY = """
import resource, torch
from pathlib import Path
from bptt import nn

torch.set_num_threads(2)
layer = nn.LSTM(64, 64)
layer.storage = "segments"
layer(torch.randn(3, 4, 64))[0].sum().backward()
output = layer(torch.randn(100, 4096, 64))[0]
gradient = torch.ones_like(output)
pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (40 << 20), -1))
try:
    output.backward(gradient)
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is measured from /proc")
def test_memory_that_does_not_suffice_is_an_error() -> None:
    done = subprocess.run([sys.executable, "-c", _LITTLE_MEMORY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "lstm: too little memory for the pass backward" in done.stdout


@pytest.mark.parametrize("name", ["lstm", "an output that is no state"])
def test_the_gradient_of_one_result_alone(name: str) -> None:
    """As where the gradients of the others are zero, which they are not told to be."""
    cell = {**CATALOGUE, **OWN}[name]
    leaves = draw(cell, 5, 3, SIZES, torch.float32 if name in CATALOGUE else torch.float64).leaves()
    with backend("cpu"):
        values = forward(leaves, How(torch.tensor([2, 0, 5])))
    for k, value in enumerate(values):
        alone = torch.autograd.grad(value, leaves.tensors, weights(value), retain_graph=True)
        given = [weights(v) if j == k else torch.zeros_like(v) for j, v in enumerate(values)]
        whole = torch.autograd.grad(values, leaves.tensors, given, retain_graph=True)
        # To the bit but for the signs of zeros.
        assert all(torch.equal(a, w) for a, w in zip(alone, whole, strict=True))


@pytest.mark.parametrize("name", ["lstm-peephole", "two matrices, and one twice, with one source"])
def test_only_one_argument_wants_a_gradient(name: str) -> None:
    example = draw({**CATALOGUE, **OWN}[name], 7, 5, SIZES, torch.float64)
    truth = outcome(example, How()).gradients
    for wanted, expected in enumerate(truth):
        tensors = [t.clone().requires_grad_(k == wanted) for k, t in enumerate(example.tensors)]
        with backend("cpu"):
            values = forward(replace(example, tensors=tuple(tensors)), How())
        (found,) = torch.autograd.grad(values, [tensors[wanted]], [weights(v) for v in values])
        assert same([found], [expected])


def test_a_gradient_in_any_layout() -> None:
    """That of a sum is one number that stands in all places; that of a view has its rows apart."""
    one, two = Pass(drawn(), How()), Pass(drawn(), How())
    loss = one.values[0].sum() + one.values[0].transpose(0, 2)[::2].sum() + one.values[1].t().sum()
    dense = [torch.ones_like(two.values[0]), torch.ones_like(two.values[1])]
    dense[0][:, :, ::2] += 1
    found = torch.autograd.grad(loss, one.leaves)
    assert same(found, torch.autograd.grad(two.values[:2], two.leaves, dense))


@pytest.mark.parametrize("what", ["x", "h", "R", "lengths"])
def test_what_the_backward_pass_reads_may_not_be_changed(what: str) -> None:
    lengths = torch.tensor([3, 0, 7, 1, 5])
    one = Pass(drawn(), How(lengths))
    places = dict(zip(drawn().names, one.leaves, strict=True)) | {"lengths": lengths}
    with torch.no_grad():
        places[what].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        one.back()


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("number", [0, 1])
def test_what_was_returned_may_be_changed(number: int, storage: str) -> None:
    """The output and the final state: what the backward pass needs of them is computed again."""
    one = Pass(drawn(), How(torch.tensor([3, 0, 7, 1, 5]), storage=storage))
    with torch.no_grad():
        one.values[number].add_(1)
    assert one.right(keep=True) and one.right()


def test_parameters_may_move_before_the_backward_pass() -> None:
    """As their memory does when it is sharded, or freed and gathered anew: addresses are taken when used."""
    one = Pass(drawn("lstm-peephole"), How(storage="recompute"))
    for leaf in one.leaves:
        leaf.data = leaf.data.clone()
    assert one.right()


def test_threads_of_python_run_kernels_at_the_same_time() -> None:
    """The same kernels and others, forward and backward, without each other's memory."""
    examples = [drawn(name, seed=seed) for name in ("lstm", "gru") for seed in range(2)]
    ways = [How(), How(storage="segments")]
    alone = {
        (k, w): outcome(example, how) for k, example in enumerate(examples) for w, how in enumerate(ways)
    }

    def work(turn: int) -> tuple[tuple[int, int], Outcome]:
        key = turn % len(examples), turn // 2 % len(ways)
        return key, outcome(examples[key[0]], ways[key[1]])

    with ThreadPoolExecutor(4) as pool:
        for key, found in pool.map(work, range(200)):
            assert same(found.all, alone[key].all)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_length_that_is_none_counts_as_the_nearest(reverse: bool) -> None:
    """Modules check lengths; whoever does not is not to write where no memory is."""
    right, wrong = torch.tensor([7, 0, 7, 0, 2]), torch.tensor([8, -1, 7, -(2**40), 2])
    assert same(outcome(drawn(), How(wrong, reverse)).all, outcome(drawn(), How(right, reverse)).all)
