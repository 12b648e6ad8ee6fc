"""Products with rounded factors of tensors in float32: the context `weight_format`.

The kernels are those of bfloat16 matrices, whose own tests compare them with torch: here the same bits are
asked for, and what is not rounded any more.
"""

from __future__ import annotations

from ctypes import CDLL
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from drawn import Drawn, draw
from outcomes import How, Outcome, outcome, threads
from torch import Tensor, nn
from user_cells import CELLS

import bptt
from bptt.cells import CATALOGUE, Cell
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.errors import InputError, MachineError
from bptt.runtime import compiler, narrow, notice
from bptt.runtime.backend import backend
from bptt.runtime.build import WANTED
from bptt.runtime.kernels import library
from bptt.runtime.narrow import weight_format
from bptt.runtime.processor import Processor

LINEAR = Cell.define("linear", "h = W_h @ x + R_h @ h_prev", states="h")
EVERY = {"lstm": CATALOGUE["lstm"], "gru": CATALOGUE["gru"], **CELLS}
LENGTHS = torch.tensor([4, 7, 0, 1, 6])
WAYS = {"all steps": How(), "lengths": How(LENGTHS, reverse=True), "again": How(LENGTHS, storage="recompute")}


def rounded(drawn: Drawn) -> Drawn:
    """The same with the matrices in bfloat16."""
    count = 1 + len(drawn.cell.states)
    rest = [t.bfloat16() if t.dim() == 2 else t for t in drawn.tensors[count:]]
    return replace(drawn, tensors=(*drawn.tensors[:count], *rest))


def narrowly(drawn: Drawn, how: How = How()) -> Outcome:  # noqa: B008
    with backend("cpu"), weight_format("bf16"):
        return outcome(drawn, how)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", ["lstm", "gru", *list(CELLS)[:2]])
def test_the_bits_of_matrices_in_bfloat16_with_whole_gradients(name: str, how: str) -> None:
    drawn = draw(EVERY[name], 7, 5, {"I": 19, "H": 21, "P": 18}, torch.float32)
    found, truth = narrowly(drawn, WAYS[how]), outcome(rounded(drawn), WAYS[how])
    assert all(torch.equal(v, e) for v, e in zip(found.values, truth.values, strict=True))
    for value, expected in zip(found.gradients, truth.gradients, strict=True):
        assert value.dtype == torch.float32
        assert torch.equal(value.to(expected.dtype), expected)
    wide = [g for g in found.gradients if g.dim() == 2 and g.numel()]
    assert any(not torch.equal(g, g.bfloat16().float()) for g in wide)


def test_weights_between_two_numbers_of_bfloat16_are_those_that_are_trained() -> None:
    """1 + 2^-9 counts as 1 in a product, and stays as it is."""
    weight = torch.full((1, 1), 1 + 2.0**-9, requires_grad=True)
    drawn = Drawn(LINEAR, (torch.ones(3, 1, 1), torch.zeros(1, 1), weight, torch.zeros(1, 1)))
    found = narrowly(drawn)
    assert found.values[0].flatten().tolist() == [1.0, 1.0, 1.0]
    assert weight.item() == 1 + 2.0**-9


@pytest.mark.parametrize("batch", [1, 5])
def test_the_instruction_gives_the_bits_of_its_emulation(
    batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor without it both are the emulation; the matrix unit sums in another order."""
    drawn, text = draw(LINEAR, 3, batch, {"I": 37, "H": 33}, torch.float32), source(plan(LINEAR), "bfloat16")
    found = []
    for name, flags in {"native": (*WANTED, "-DWITHOUT_UNIT"), "plain": ()}.items():
        folder = tmp_path / name
        folder.mkdir()
        kernels = CDLL(str(compiler.find().build(text, flags, folder)))
        library.library_of.cache_clear()
        monkeypatch.setattr(library, "kernels_of", lambda _, kernels=kernels: kernels)
        found.append(narrowly(drawn).all)
    library.library_of.cache_clear()
    assert all(torch.equal(v, e) for v, e in zip(*found, strict=True))


def test_threads_change_no_bit() -> None:
    drawn = draw(CATALOGUE["lstm"], 9, 13, {"I": 19, "H": 37}, torch.float32)
    found = []
    for count in (1, 2, 3):
        with threads(count):
            found.append(narrowly(drawn).all)
    assert all(torch.equal(v, values[0]) for values in zip(*found, strict=True) for v in values)


def test_the_backward_pass_rounds_as_the_forward_pass_did() -> None:
    """Also after the context, and the context ends with an error too."""
    layer = bptt.nn.GRU(5, 6)
    with pytest.raises(KeyError), weight_format("bf16"):
        raise KeyError
    assert narrow.factors_now() is None
    x = torch.randn(4, 3, 5)
    with weight_format("bf16"):
        output: Tensor = layer(x)[0]
        with weight_format("float32"):
            assert not torch.equal(layer(x)[0], output)
        assert torch.equal(layer(x)[0], output)
        truth = torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))
    found = torch.autograd.grad(output.sum(), list(layer.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, truth, strict=True))


def test_a_packed_copy_is_not_that_of_other_factors() -> None:
    layer, x = bptt.nn.LSTM(5, 6).eval(), torch.randn(4, 3, 5)
    with torch.no_grad():
        wide = layer(x)[0]
        with weight_format("bf16"):
            first = layer(x)[0]
            layer.weight_ih_l0 += 1
            second = layer(x)[0]
    assert not torch.equal(wide, first)
    assert (first - second).abs().max() > 0.01


def refusals() -> list[tuple[str, str]]:
    return [
        ("reference", "backend reference"),
        ("float64", "float64 on cpu"),
        ("bfloat16", "bfloat16 on cpu"),
        ("functorch", "torch.func"),
    ]


@pytest.mark.parametrize(("case", "words"), refusals(), ids=lambda value: str(value).split()[0])
def test_what_cannot_be_rounded_is_refused(case: str, words: str) -> None:
    layer, x = bptt.nn.LSTM(3, 4), torch.randn(2, 1, 3)
    if case in ("float64", "bfloat16"):
        layer, x = layer.to(getattr(torch, case)), x.to(getattr(torch, case))
    with (
        backend("reference" if case == "reference" else "auto"),
        weight_format("bf16"),
        pytest.raises(InputError, match=f"need float32 tensors and the kernels of the CPU.*{words}"),
    ):
        if case == "functorch":
            torch.func.functional_call(layer, {}, x)
            torch.func.vmap(lambda each: layer(each[:, None])[0])(x.transpose(0, 1))
        else:
            layer(x)


def test_another_name_is_refused() -> None:
    known = "expected weights in one of float32, bf16, int8, got 'fp8'"
    with pytest.raises(InputError, match=known), weight_format("fp8"):  # type: ignore[arg-type]
        pass


def test_without_a_compiler_nothing_is_computed_in_float32_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise MachineError("C++ compiler", "expected one", "none")

    monkeypatch.setattr("bptt.runtime.kernels.kernel_backend.library_of", none)
    with weight_format("bf16"), pytest.raises(MachineError):
        bptt.nn.LSTM(3, 4)(torch.randn(2, 1, 3))


def test_a_processor_without_the_instruction_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(narrow, "processor", lambda: Processor("flags: avx2 fma", ()))
    monkeypatch.setattr(notice, "_noticed", set())
    for _ in range(2):
        with weight_format("bf16"):
            pass
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bf16: this processor has no avx512_bf16" in said and "longer than float32" in said


def test_modules_of_torch_keep_their_width() -> None:
    linear, x = nn.Linear(7, 5), torch.randn(3, 7)
    with weight_format("bf16"):
        found = linear(x)
    assert torch.equal(found, linear(x))
