"""bfloat16 on the CPU: matrices in it, all else in float32.

Whole numbers show to the last bit which terms meet; real ones, that errors are those of rounding. A kernel
takes seconds to compile: four cells stand for the catalogue, which differs in what is between products.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes import CDLL, byref, c_uint64
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, Outcome, double, forward, outcome, threads
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.codegen.cpp.emit import source
from bptt.codegen.kernel_source import KernelSource
from bptt.codegen.plan import plan
from bptt.runtime import compiler, traced
from bptt.runtime.backend import backend
from bptt.runtime.build import WANTED
from bptt.runtime.kernels import library
from bptt.runtime.loaded import kernels_of
from bptt.runtime.processor import processor

Array: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float32]]

# The most by which rounding changes a number, relative to it.
ROUNDING = torch.finfo(torch.bfloat16).eps / 2
LINEAR = Cell.define("linear", "h = W_h @ x + R_h @ h_prev", states="h")
CELLS = ("lstm", "lstm-layernorm", "lstm-projection", "gru")


def in_part(drawn: Drawn) -> Drawn:
    """Matrices in bfloat16, all else in float32: what comes out is not rounded."""
    count = 1 + len(drawn.cell.states)
    rest = [t.bfloat16() if t.dim() == 2 else t.float() for t in drawn.tensors[count:]]
    return replace(drawn, tensors=(*(t.float() for t in drawn.tensors[:count]), *rest))


def whole_numbers(steps: int, batch: int, inputs: int, units: int) -> Drawn:
    """-1, 0 and 1: in one step, and one more, no sum is too large to be exact in bfloat16."""
    drawn = draw(LINEAR, steps, batch, {"I": inputs, "H": units})
    signs = [(3 * t.argsort(dim=-1) // t.shape[-1] - 1).float() for t in drawn.tensors]
    return in_part(replace(drawn, tensors=tuple(signs)))


def of_final_states(drawn: Drawn, how: How, by: str) -> Outcome:
    """The gradients of a sum of some of them less some others."""
    leaves = drawn.leaves()
    with backend(by):
        values = forward(leaves, how)
        signs = torch.arange(values[1].numel()).view_as(values[1]) % 3 - 1
        return Outcome(values, torch.autograd.grad((values[1] * signs).sum(), leaves.tensors))


# How kernels are built: for this machine, for any, and as if this machine did not grant its matrix unit.
BUILDS = {"native": None, "plain": ()}
if "amx_bf16" in processor().flags:
    BUILDS["no unit"] = (*WANTED, "-DWITHOUT_UNIT")


@pytest.fixture(scope="module", params=BUILDS)
def linear_kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CDLL | None:
    """Those of such a build, or None for those that this machine has."""
    flags, folder = BUILDS[request.param], tmp_path_factory.mktemp("built")
    if flags is None:
        return None
    return CDLL(str(compiler.find().build(source(plan(LINEAR), "bfloat16"), flags, folder)))


@pytest.fixture
def fresh_libraries() -> Iterator[None]:
    """No library that a test chose stays for the next one."""
    library.library_of.cache_clear()
    yield
    library.library_of.cache_clear()


# T, B, I, H: the last pair of a row full or not; widths below, at and above those of vectors and tiles; one
# row, whose products with the input come first; an odd number of rows.
SHAPES = [(1, 1, 1, 1), (2, 3, 2, 3), (1, 5, 17, 16), (2, 1, 31, 33), (2, 16, 33, 64), (2, 37, 64, 47)]


@pytest.mark.usefixtures("fresh_libraries")
@pytest.mark.parametrize("shape", SHAPES)
def test_whole_numbers_are_exact(
    shape: tuple[int, int, int, int], linear_kernels: CDLL | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen(text: KernelSource) -> CDLL:
        assert linear_kernels is not None
        return linear_kernels if text.name == "linear-bfloat16" else kernels_of(text)

    if linear_kernels is not None:
        monkeypatch.setattr(library, "kernels_of", chosen)
    steps, batch, *_ = shape
    drawn, lengths = whole_numbers(*shape), torch.arange(batch) % (steps + 1)
    for how in (
        How(),
        How(reverse=True),
        How(lengths, storage="recompute"),
        How(lengths, storage="segments"),
    ):
        found, truth = of_final_states(drawn, how, "cpu"), of_final_states(double(drawn), how, "reference")
        for value, expected in zip(found.all, truth.all, strict=True):
            assert torch.equal(value, expected.to(value.dtype))


def has_matrix_unit() -> bool:
    """Whether Linux granted this process AMX (ARCH_GET_XCOMP_PERM), as the kernels asked for it."""
    granted = c_uint64(0)
    if sys.platform != "linux" or "amx_bf16" not in processor().flags:
        return False
    return CDLL(None).syscall(158, 0x1022, byref(granted)) == 0 and bool(granted.value >> 18 & 1)


def summed(x: Array, weights: Array) -> Array:
    """A linear layer in float32, in the order of the instructions; products of bfloat16 are exact.

    VDPBF16PS adds the second term of a pair, then the first. TDPBF16PS sums the first ones of 16 pairs and
    the second ones each by themselves, and adds both to what was there (Intel SDM, volume 2).
    """
    x, weights = (np.pad(a, ((0, 0), (0, -a.shape[1] % 32))) for a in (x, weights))
    terms = (x[:, None] * weights).reshape(len(x), len(weights), -1, 16, 2)
    total = np.zeros(terms.shape[:2], dtype=np.float32)
    for tile in range(terms.shape[2]):
        if has_matrix_unit():
            halves = np.zeros((2, *total.shape), dtype=np.float32)
            for k in range(16):
                halves += np.moveaxis(terms[:, :, tile, k], -1, 0)
            total += halves[0] + halves[1]
        else:
            for k in range(16):
                total += terms[:, :, tile, k, 1]
                total += terms[:, :, tile, k, 0]
    return total


@pytest.mark.parametrize("batch", [1, 3, 16, 17, 37])
def test_sums_have_the_bits_of_the_instruction(batch: int) -> None:
    """Also with a tile that is full in part only, of rows, of terms and of columns."""
    drawn = in_part(draw(LINEAR, 1, batch, {"I": 75, "H": 43}))
    x, none, weights, recurrent = drawn.tensors
    h = forward(replace(drawn, tensors=(x, 0 * none, weights, 0 * recurrent)), How())[0]
    expected = summed(x[0].bfloat16().float().numpy(), weights.float().numpy())
    assert np.array_equal(h[0].numpy(), expected)


def test_what_is_multiplied_is_rounded_as_torch_rounds() -> None:
    """To the nearest, of two the even one; beyond the largest to infinity; NaN, of any bits, stays NaN."""
    ties = [1 + k * 2.0**-9 for k in range(16)]
    numbers = torch.tensor([*ties, 1 + 2.0**-8 + 2.0**-20, 3.4e38, torch.inf, -torch.inf, 1e-37, -0.1])
    nan = torch.tensor([0x7F800001, 0x7FFFFFFF, 0x7FC00000], dtype=torch.int32).view(torch.float32)
    x = torch.cat([numbers, nan])
    one, none = torch.ones(1, 1, dtype=torch.bfloat16), torch.zeros(len(x), 1)
    drawn = Drawn(LINEAR, (x.view(1, -1, 1), none, one, 0 * one))
    with backend("cpu"):
        h = forward(drawn, How())[0].flatten()
    torch.testing.assert_close(h, x.bfloat16().float(), rtol=0, atol=0, equal_nan=True)


def shaken(drawn: Drawn, seed: int) -> Drawn:
    """As if every input, initial state and parameter had been rounded, up or down by chance."""
    generator = torch.Generator().manual_seed(seed)
    shakes = [2 * torch.rand(t.shape, generator=generator, dtype=t.dtype) - 1 for t in drawn.tensors]
    return replace(
        drawn, tensors=tuple(t * (1 + ROUNDING * s) for t, s in zip(drawn.tensors, shakes, strict=True))
    )


WAYS = {
    "all steps": How(),
    "lengths": How(torch.tensor([4, 7, 0, 1, 6]), reverse=True),
    "recompute": How(torch.tensor([4, 7, 0, 1, 6]), storage="recompute"),
    "segments": How(reverse=True, storage="segments"),
}


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", CELLS)
def test_errors_are_those_of_rounding(name: str, how: str) -> None:
    """Rounding what a weight multiplies is as good as rounding the weight, at each step another way.

    Weights that are changed once for all steps do as much or more; by a factor of four for what chance
    leaves out, and by one rounding of the result.
    """
    drawn = draw(CATALOGUE[name], 7, 5, {"I": 19, "H": 21, "P": 18}, torch.bfloat16)
    truth = outcome(double(drawn), WAYS[how], "reference").all
    changed = [outcome(shaken(double(drawn), seed), WAYS[how], "reference").all for seed in range(4)]
    found = outcome(drawn, WAYS[how]).all
    for k, (value, expected) in enumerate(zip(found, truth, strict=True)):
        change = max(float((other[k] - expected).abs().max()) for other in changed)
        limit = 4 * change + ROUNDING * float(expected.abs().max())
        assert value.dtype == torch.bfloat16
        torch.testing.assert_close(value.double(), expected, rtol=0, atol=limit)


def test_no_further_from_the_truth_than_torch() -> None:
    """Root mean squares over many numbers: torch rounds the same, and the state at each step as well."""
    steps, batch, inputs, units = 12, 9, 21, 35
    torch.manual_seed(0)
    theirs = torch.nn.LSTM(inputs, units).bfloat16()
    ours = nn.LSTM(inputs, units).bfloat16()
    exact = torch.nn.LSTM(inputs, units).double()
    for module in (ours, exact):
        module.load_state_dict(theirs.state_dict())
    x = torch.randn(steps, batch, inputs, dtype=torch.bfloat16)

    def results(module: torch.nn.Module) -> Sequence[Tensor]:
        own = x.to(next(module.parameters()).dtype).requires_grad_()
        output, (h, c) = module(own)
        return (output, h, c, *torch.autograd.grad(output.sum(), (own, *module.parameters())))

    for our, their, truth in zip(results(ours), results(theirs), results(exact), strict=True):
        assert our.dtype == their.dtype == torch.bfloat16
        error, allowed = ((value.double() - truth).square().mean() for value in (our, their))
        assert error <= 1.1**2 * allowed


@pytest.mark.parametrize("batch", [2, 13])
def test_the_same_bits_for_any_number_of_threads(batch: int) -> None:
    drawn = draw(CATALOGUE["lstm"], 9, batch, {"I": 19, "H": 37}, torch.bfloat16)
    how, found = How(torch.arange(batch) * 5 % 10), []
    for count in (1, 2, 3):
        with threads(count):
            found.append(outcome(drawn, how).all)
    for values in zip(*found, strict=True):
        assert all(torch.equal(value, values[0]) for value in values)


def test_a_weight_that_changes_unseen_is_packed_anew() -> None:
    """The last of an odd number of them: a checksum must not count in whole words."""
    drawn = whole_numbers(1, 2, 3, 3)
    before = forward(drawn, How())[0]
    weights = drawn.tensors[2]
    weights.data[-1, -1] += 1
    after = forward(drawn, How())[0]
    assert torch.equal(after[..., -1] - before[..., -1], drawn.tensors[0][..., -1])


def test_in_torch_operations_only_what_is_returned_is_rounded() -> None:
    drawn = draw(CATALOGUE["lstm"], dtype=torch.bfloat16)
    found = outcome(drawn, How(), "reference")
    full = outcome(replace(drawn, tensors=tuple(t.float() for t in drawn.tensors)), How(), "reference")
    assert all(torch.equal(v, e.bfloat16()) for v, e in zip(found.values, full.values, strict=True))
    assert all(g.dtype == torch.bfloat16 for g in found.gradients)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
def test_a_graph_has_the_same_bits(chosen: str) -> None:
    drawn = draw(CATALOGUE["lstm"], dtype=torch.bfloat16)

    def plain(*tensors: Tensor) -> tuple[Tensor, ...]:
        return forward(replace(drawn, tensors=tensors), How())

    def results(function: Callable[..., tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        leaves = drawn.leaves().tensors
        values = function(*leaves)
        return (*values, *torch.autograd.grad([v.sum() for v in values], leaves))

    with backend(chosen):
        recorded = results(torch.compile(plain, backend="eager", fullgraph=True))
        for value, expected in zip(recorded, results(plain), strict=True):
            assert torch.equal(value, expected)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
def test_operators_give_the_types_that_they_announce(chosen: str) -> None:
    given = (traced._text(LINEAR), list(in_part(draw(LINEAR)).tensors), None, False)
    with backend(chosen):
        torch.library.opcheck(traced._recurrence, (*given, True, True, None), test_utils="test_faketensor")
        h, last, kept = traced._recurrence(*given, True, True, None)
        backward = (*given, [h], kept, [h, last], [True] * 4, traced._dtypes(given[1]), None)
        torch.library.opcheck(traced._recurrence_backward, backward, test_utils="test_faketensor")


def test_second_derivatives() -> None:
    """By torch operations in float32, from values and gradients that were rounded: a few roundings in all."""
    drawn = draw(CATALOGUE["lstm"], dtype=torch.bfloat16)

    def second(drawn: Drawn) -> tuple[Tensor, ...]:
        leaves = drawn.leaves()
        loss = torch.stack([v.square().sum() for v in forward(leaves, How())]).sum()
        first = torch.autograd.grad(loss, leaves.tensors, create_graph=True)
        return torch.autograd.grad([g.sum() for g in first], leaves.tensors)

    with backend("cpu"):
        found = second(drawn)
    for value, truth in zip(found, second(double(drawn)), strict=True):
        assert value.dtype == torch.bfloat16
        limit = 8 * ROUNDING * float(truth.abs().max())
        torch.testing.assert_close(value.double(), truth, rtol=0, atol=limit)
