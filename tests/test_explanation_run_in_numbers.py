"""`bptt derive RUN --numbers --steps N`: a small language model worked through, against autograd."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from conftest import Command
from torch.nn import functional

import bptt

# The weights are float32, the numbers computed from them in float64 by sums of some tens of products.
CLOSE = {"rtol": 1e-11, "atol": 1e-13}
SMALL = "--hidden", "3", "--epochs", "1", "--batch-size", "4", "--length", "8"


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    path = tmp_path / "letters.txt"
    path.write_text("abcdc ba\n" * 60, encoding="utf-8")
    return path


def trained(command: Command, letters: Path, *options: str) -> Path:
    run = letters.parent / "run"
    ended = command("train", "lm", letters, "-o", run, *SMALL, *options)
    assert ended.code == 0, ended.err
    return run


@pytest.mark.parametrize(
    "options",
    [
        ("--cell", "gru", "--embedding", "2", "--layers", "1"),
        ("--cell", "lstm,elman-tanh", "--embedding", "0"),
    ],
)
def test_every_gradient_is_that_of_autograd(
    letters: Path, command: Command, options: tuple[str, ...]
) -> None:
    run = trained(command, letters, *options)
    ended = command("derive", run, "--numbers", "--steps", "4", "--text", "abcdc", "--csv")
    assert ended.code == 0, ended.err
    found = {
        (row["layer"], row["name"], int(row["row"]), int(row["column"] or 1)): float(row["value"])
        for row in csv.DictReader(ended.out.splitlines())
        if row["what"] == "gradient"
    }
    loaded = bptt.load(run)
    model = loaded.model.double()
    tokens = loaded.vocabulary.encode("abcdc").long()[:, None]
    with bptt.backend("reference"):
        output, _ = model(tokens[:-1])
    functional.cross_entropy(output[:, 0], tokens[1:, 0], reduction="sum").backward()
    wanted = {("output", "V"): model.output.weight.grad, ("output", "b"): model.output.bias.grad}
    if model.table is not None:
        wanted["embedding", "M"] = model.table.grad
    for number, layer in enumerate(model.recurrent.layers):
        for family in layer.cell.families:
            stacked = getattr(model.recurrent, f"{family.name}_l{number}").grad
            members = stacked.chunk(len(family.members))
            wanted |= zip(((str(number + 1), each) for each in family.members), members, strict=True)
    assert {key[:2] for key in found} == set(wanted)
    for (place, name), gradient in wanted.items():
        ours = torch.zeros_like(gradient).reshape(len(gradient), -1)
        for row in range(ours.shape[0]):
            for column in range(ours.shape[1]):
                ours[row, column] = found[place, name, row + 1, column + 1]
        torch.testing.assert_close(ours.reshape(gradient.shape), gradient, **CLOSE)


def test_tokens_are_named_and_the_text_of_the_run_serves(letters: Path, command: Command) -> None:
    run = trained(command, letters, "--cell", "elman-tanh", "--embedding", "2", "--layers", "1")
    printed = command("derive", run, "--numbers", "--steps", "2", "--text", "abc").out
    assert "inputs      from a b" in printed and "targets     from b c" in printed
    assert command("derive", run, "--numbers", "--steps", "2").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--text", "ab"), "needs 4 tokens for 3 steps"),
        (("--seed", "1"), "--seed is for a cell: a run has its own"),
        (("--unit", "1"), "takes --text alone"),
    ],
)
def test_what_does_not_fit_is_refused(
    letters: Path, command: Command, options: tuple[str, ...], said: str
) -> None:
    run = trained(command, letters, "--cell", "elman-tanh", "--embedding", "2", "--layers", "1")
    ended = command("derive", run, "--numbers", "--steps", "3", *options)
    assert ended.code == 2 and said in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--embedding", "3", "--layers", "1", "--tied"), "a matrix of its own"),
        (
            ("--embedding", "64", "--layers", "1"),
            "the widths 7, 64, 3, 7. Train one with fewer units",
        ),
    ],
)
def test_other_models_are_refused(
    letters: Path, command: Command, options: tuple[str, ...], said: str
) -> None:
    ended = command("derive", trained(command, letters, *options), "--numbers", "--steps", "3")
    assert ended.code == 2 and said in ended.err
