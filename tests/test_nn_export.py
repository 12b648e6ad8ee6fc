"""The modules under torch.export: any number of steps and rows, in a file, in another process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tolerances
import torch
from kernel_doors import kernel_doors
from torch import Tensor
from torch.export import Dim, export, save
from torch.func import vmap
from torch.utils._pytree import tree_leaves

from bptt.nn import GRU, LSTM, Recurrent, RecurrentCell
from bptt.runtime.backend import backend

T, B, I, H = 5, 3, 4, 6
LENGTHS = torch.tensor([4, 0, 5])
LIMIT = tolerances.gradient(torch.float64, T, B, 2 * I, 2 * H)
OPERATOR = torch.ops.bptt.recurrence.default
ANY = Dim.DYNAMIC


def sequence(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def assert_same(found: object, truth: object) -> None:
    for value, true in zip(tree_leaves(found), tree_leaves(truth), strict=True):
        torch.testing.assert_close(value, true, rtol=0, atol=LIMIT)


def test_another_process_runs_a_saved_program(tmp_path: Path) -> None:
    module = LSTM(I, H, 2, bidirectional=True, batch_first=True).double()
    shapes = {"input": {0: ANY, 1: ANY}, "lengths": {0: ANY}}
    program = export(module, (sequence(B, T, I),), {"lengths": LENGTHS}, dynamic_shapes=shapes)
    save(program, tmp_path / "program.pt2")
    x, lengths = sequence(4, 9, I), torch.tensor([9, 0, 3, 8])
    torch.save((x, lengths), tmp_path / "inputs")
    script = Path(__file__).parent / "exported.py"
    names = [str(tmp_path / name) for name in ("program.pt2", "inputs", "outputs")]
    subprocess.run([sys.executable, str(script), *names], check=True)
    assert_same(torch.load(tmp_path / "outputs"), module(x, lengths=lengths))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda: GRU(I, H),
        lambda: Recurrent("lstm-peephole", I, H, initial="learned"),
        lambda: Recurrent("dense", I, H),
    ],
)
def test_a_program_is_differentiated(make: Callable[[], torch.nn.Module], strict: bool) -> None:
    """It keeps nothing of the forward pass, which is run again."""
    module, x = make().double(), sequence(T, B, I)
    program = export(module, (x,), dynamic_shapes={"input": {0: ANY, 1: ANY}}, strict=strict).module()
    with kernel_doors() as passed:
        outputs = program(sequence(7, 2, I))
        sum(o.sum() for o in tree_leaves(outputs)).backward()
    assert passed == ["forward", "forward", "backward"]
    truth = module(sequence(7, 2, I))
    sum(o.sum() for o in tree_leaves(truth)).backward()
    assert_same(outputs, truth)
    found = dict(program.named_parameters())
    for name, parameter in module.named_parameters():
        assert_same(found[name].grad, parameter.grad)


def test_a_step_is_exported() -> None:
    step, x = RecurrentCell("mgu", I, H).double(), sequence(B, I)
    program = export(step, (x, sequence(B, H)), dynamic_shapes={"input": {0: ANY}, "hx": {0: ANY}})
    x, h = sequence(7, I), sequence(7, H)
    assert_same(program.module()(x, h), step(x, h))


def test_a_program_runs_where_there_are_no_kernels() -> None:
    module, x = LSTM(I, H).double(), sequence(T, B, I)
    program = export(module, (x,)).module()
    with backend("reference"), kernel_doors() as passed:
        found = program(x)
    assert_same(found, module(x))
    assert passed == []


def test_what_a_program_does_not_do_is_refused() -> None:
    """Forward mode: see test_runtime_traced."""
    x = sequence(T, B, I).requires_grad_()
    program = export(LSTM(I, H).double(), (x,)).module()
    with pytest.raises(RuntimeError, match="Batching rule not implemented for bptt::recurrence"):
        vmap(lambda x: program(x)[0])(sequence(2, T, B, I))
    (first,) = torch.autograd.grad(program(x)[0].square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"backward through bptt\.recurrence_backward"):
        first.square().sum().backward()
