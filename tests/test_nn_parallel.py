"""Training by several processes, and the wrapper for several devices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tolerances
import torch
from torch import Tensor

from bptt.nn import LSTM

T, B, I, H = 5, 4, 4, 6
LIMIT = tolerances.gradient(torch.float64, T, B, 2 * I, 2 * H)


def sequence() -> Tensor:
    return torch.randn(T, B, I, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_two_processes_have_the_gradient_of_one(tmp_path: Path) -> None:
    """DistributedDataParallel: the parameters of process 0, and the mean of both gradients."""
    torch.save(sequence(), tmp_path / "x")
    script = str(Path(__file__).parent / "parallel_worker.py")
    workers = [subprocess.Popen([sys.executable, script, str(rank), str(tmp_path)]) for rank in (0, 1)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    (state, first), (_, second) = (torch.load(tmp_path / f"rank{rank}") for rank in (0, 1))
    module = LSTM(I, H, 2).double()
    module.load_state_dict(state)
    module(sequence())[0].square().sum().backward()
    for name, parameter in module.named_parameters():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(2 * first[name], parameter.grad, rtol=0, atol=LIMIT)


def test_data_parallel_without_devices_is_the_module() -> None:
    module = LSTM(I, H).double()
    wrapped = torch.nn.DataParallel(module)
    assert torch.equal(wrapped(sequence())[0], module(sequence())[0])
