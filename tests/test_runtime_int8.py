"""Factors of 8 bits: what is multiplied, to the last bit, with the instruction and without it.

The truth is written a second time in torch: whole numbers are exact there too, and of float32 there are only
the roundings that a scale takes part in.
"""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import CDLL
from pathlib import Path

import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, forward, threads
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.errors import InputError
from bptt.runtime import compiler, narrow, notice
from bptt.runtime.backend import backend
from bptt.runtime.kernels import library
from bptt.runtime.narrow import weight_format
from bptt.runtime.processor import Processor

LINEAR = Cell.define("linear", "h = W_h @ x + R_h @ h_prev", states="h")
EPS = torch.finfo(torch.float32).eps / 2
# A product is an exact whole number times a scale: the two scales, their product, its product, the sum.
ROUNDINGS = 5


def multiples(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The whole numbers of each row, -127 to 127, and its scale."""
    largest = rows.abs().amax(-1, keepdim=True)
    whole = torch.where(largest > 0, rows * (127 / largest), 0.0).round()  # of two as near the even one
    return whole.double(), (largest / 127).double()


def product(weights: Tensor, rows: Tensor) -> Tensor:
    (w, w_scale), (r, r_scale) = multiples(weights), multiples(rows)
    return (r @ w.T) * w_scale.T * r_scale


def step(x: Tensor, h: Tensor, weights: Tensor, recurrent: Tensor) -> Tensor:
    with torch.no_grad(), backend("cpu"), weight_format("int8"):
        return forward(Drawn(LINEAR, (x[None], h, weights, recurrent)), How())[0][0]


# B, I, H: terms that fill a factor or not, vectors and tiles that are full or not, and one row.
SHAPES = [(1, 1, 1), (3, 2, 5), (5, 17, 16), (1, 31, 33), (16, 64, 64), (37, 66, 47)]


@pytest.fixture(scope="module", params=["native", "plain"])
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CDLL | None:
    """Those that any machine can run, or None for those of this machine."""
    if request.param == "native":
        return None
    folder: Path = tmp_path_factory.mktemp("plain")
    return CDLL(str(compiler.find().build(source(plan(LINEAR), "int8"), (), folder)))


def use(chosen: CDLL | None, monkeypatch: pytest.MonkeyPatch) -> None:
    library.library_of.cache_clear()
    if chosen is not None:
        monkeypatch.setattr(library, "kernels_of", lambda _: chosen)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    library.library_of.cache_clear()


def operands(batch: int, inputs: int, units: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(batch)
    return (
        torch.randn(batch, inputs),
        torch.randn(batch, units),
        torch.randn(units, inputs),
        torch.randn(units, units),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_numbers_are_exact_and_scales_are_rounded(
    shape: tuple[int, int, int], kernels: CDLL | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(kernels, monkeypatch)
    x, h, weights, recurrent = operands(*shape)
    parts = product(weights, x), product(recurrent, h)
    limit = ROUNDINGS * EPS * sum(part.abs() for part in parts)
    found = step(x, h, weights, recurrent).double()
    assert ((found - sum(parts)).abs() <= limit).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_instruction_gives_the_bits_of_its_emulation(
    shape: tuple[int, int, int], kernels: CDLL | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor without it both are the emulation."""
    x, h, weights, recurrent = operands(*shape)
    native = step(x, h, weights, recurrent)
    use(kernels, monkeypatch)
    assert torch.equal(step(x, h, weights, recurrent), native)


def test_the_largest_numbers_fit() -> None:
    """All weights and rows at the end of the scale: 127 * 255 * 700 terms in a whole number."""
    ones = torch.ones(2, 700)
    for sign in (1, -1):
        found = step(sign * ones, torch.zeros(2, 3), torch.ones(3, 700), torch.zeros(3, 3))
        torch.testing.assert_close(found, sign * 700 * torch.ones(2, 3), rtol=ROUNDINGS * EPS, atol=0)


def test_rows_of_zeros_and_of_next_to_nothing_are_zero() -> None:
    for value in (0.0, 1e-31, -1e-38, 1e-42):
        x = torch.full((2, 5), value)
        assert torch.equal(step(x, torch.zeros(2, 3), torch.ones(3, 5), torch.ones(3, 3)), torch.zeros(2, 3))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_stays_none_in_its_row_and_unit(value: float) -> None:
    x, h, weights, recurrent = operands(4, 19, 18)
    truth = step(x, h, weights, recurrent)
    x[1, 3], weights[2, 0] = value, value
    found = step(x, h, weights, recurrent)
    assert found[1].isnan().all() and found[:, 2].isnan().all()
    rest = torch.ones_like(truth, dtype=torch.bool)
    rest[1], rest[:, 2] = False, False
    assert torch.equal(found[rest], truth[rest])


@pytest.mark.parametrize("batch", [1, 13])
def test_threads_batches_and_steps_change_no_bit(batch: int) -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(19, 150, 2), torch.randn(7, batch, 19)
    found = []
    with torch.no_grad(), backend("cpu"):
        for count in (1, 2, 3):
            with threads(count), weight_format("int8"):
                found.append(module(x)[0])
                stepper = nn.Stepper(module, batch, weights="int8")
                found.append(torch.stack([stepper.step(row) for row in x]))
        with weight_format("int8"):
            found.append(torch.cat([module(x[:, k : k + 1])[0] for k in range(batch)], 1))
    assert all(torch.equal(each, found[0]) for each in found)
    assert not torch.equal(found[0], module(x)[0])


def test_a_layer_errs_by_what_its_factors_do() -> None:
    """As if every weight, input and state had been moved by half a step of its scale, each by chance."""
    drawn = draw(CATALOGUE["lstm"], 7, 5, {"I": 19, "H": 21}, torch.float32)
    with torch.no_grad(), backend("cpu"):
        truth = forward(drawn, How())[0]
        with weight_format("int8"):
            found = forward(drawn, How())[0]
        change = 0.0
        for seed in range(4):
            torch.manual_seed(seed)
            moved = [moved_by_chance(t) if t.dim() > 1 else t for t in drawn.tensors]
            other = forward(Drawn(drawn.cell, tuple(moved)), How())[0]
            change = max(change, float((other - truth).abs().max()))
    assert float((found - truth).abs().max()) <= 4 * change


def moved_by_chance(rows: Tensor) -> Tensor:
    step_of_row = rows.abs().amax(-1, keepdim=True) / 127
    return rows + step_of_row * (torch.rand_like(rows) - 0.5)


def test_there_are_no_gradients() -> None:
    layer, x = nn.LSTM(3, 4), torch.randn(2, 1, 3)
    with weight_format("int8"):
        with pytest.raises(InputError, match="products in int8 have no gradients"):
            layer(x)
        with torch.no_grad():
            assert layer(x)[0].isfinite().all()


def test_a_stepper_takes_narrow_weights_of_float32_alone() -> None:
    with pytest.raises(InputError, match="expected weights in one of float32, bf16, int8, got 'int4'"):
        nn.Stepper(nn.GRU(3, 4), weights="int4")  # type: ignore[arg-type]
    for module in (nn.GRU(3, 4).double(), nn.GRU(3, 4).bfloat16()):
        with pytest.raises(InputError, match="products in int8 need float32 tensors"):
            nn.Stepper(module, weights="int8")
    with backend("reference"), pytest.raises(InputError, match="backend reference"):
        nn.Stepper(nn.GRU(3, 4), weights="bf16")


def test_a_stepper_in_bf16_has_the_bits_of_a_sequence() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(19, 150, 2), torch.randn(7, 2, 19)
    with torch.no_grad(), backend("cpu"):
        with weight_format("bf16"):
            truth = module(x)[0]
        for count in (1, 2, 3):
            with threads(count):
                stepper = nn.Stepper(module, 2, weights="bf16")
                assert torch.equal(torch.stack([stepper.step(row) for row in x]), truth)
                stepper.renew()
                stepper.reset()
                assert torch.equal(stepper.step(x[0]), truth[0])


def test_a_processor_without_the_instruction_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(narrow, "processor", lambda: Processor("flags: avx2 fma", ()))
    monkeypatch.setattr(notice, "_noticed", set())
    nn.Stepper(nn.LSTM(3, 4), weights="int8")
    assert "int8: this processor has no avx512_vnni or avx_vnni" in capsys.readouterr().err
