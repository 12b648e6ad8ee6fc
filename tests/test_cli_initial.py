"""`--initial random`: states drawn in training, the same after an interruption, zero in evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import JOBS, SMALL, write_file

from bptt import nn
from bptt.jobs.loading import load
from bptt.runs.run_folder import read_config

T, B, I, H = 3, 2, 3, 4


def test_states_are_drawn_in_training_alone() -> None:
    torch.manual_seed(0)
    stack = nn.Recurrent("lstm", I, H, initial="random-in-training")
    x = torch.randn(T, B, I)
    torch.manual_seed(1)
    h, c = (torch.empty(B, H).normal_()[None] for _ in "hc")
    torch.manual_seed(1)
    assert torch.equal(stack(x)[0], stack(x, (h, c))[0])
    assert not torch.equal(stack(x)[0], stack(x)[0])
    stepper = nn.Stepper(stack, B)
    assert not any(state.any() for state in stepper.states)
    stack.eval()
    zero = torch.zeros(1, B, H)
    assert torch.equal(stack(x)[0], stack(x, (zero, zero))[0])


@pytest.mark.parametrize("job", JOBS)
def test_a_resumed_training_draws_the_same(job: str, command: Command, tmp_path: Path) -> None:
    data = write_file(job, tmp_path)

    def train(name: str, *options: object) -> None:
        chosen = *SMALL[job], "--schedule", "constant", "--initial", "random", "--epochs", *options
        ended = command("train", job, data, "-o", tmp_path / name, *chosen)
        assert ended.code == 0, ended.err

    train("whole", 2)
    train("run", 1)
    train("run", 2, "--resume")
    train("other", 2, "--initial", "zero")
    config = read_config(tmp_path / "run")
    assert (config.get("model") or config["encoder"])["initial"] == "random"
    found, whole, other = (load(tmp_path / name).model for name in ("run", "whole", "other"))
    for name, parameter in found.named_parameters():
        assert torch.equal(parameter, whole.get_parameter(name)), name
    pairs = zip(found.parameters(), other.parameters(), strict=True)
    assert not all(torch.equal(one, two) for one, two in pairs)


def test_scores_are_the_same_at_every_call(command: Command, tmp_path: Path) -> None:
    data = write_file("lm", tmp_path)
    options = *SMALL["lm"], "--mode", "sentences", "--initial", "random"
    assert command("train", "lm", data, "-o", tmp_path / "run", *options).code == 0
    once, again = (command("score", tmp_path / "run", data).out for _ in range(2))
    assert once == again and once
