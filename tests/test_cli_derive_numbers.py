"""`bptt derive CELL --numbers`: cells, stacks, files of numbers, the CSV table, what is refused."""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from torch_networks import loss_of, tensors

from bptt.cells import CATALOGUE, get
from bptt.derive.network import Loss, Network
from bptt.derive.network_pass import NetworkExample
from bptt.explain.numbers.csv_table import COLUMNS

# Sums of at most a few hundred products of numbers of order one.
CLOSE = {"rel": 1e-12, "abs": 1e-12}
WEIGHTS = {
    "W_h": [[0.1, -0.2], [0.3, 0.4]],
    "R_h": [[0.5, 0], [-0.1, 0.2]],
    "b_h": [0.1, 0.2],
    "V": [[1, 2]],
    "b": [0.5],
}
SMALL = ("elman-tanh", "--numbers", "--sizes", "2,2,1", "--loss", "squared")


def table(text: str) -> dict[tuple[str, str, str, str], Any]:
    """Read the CSV back: (step, layer, what, name) to a number, a vector or a matrix."""
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    found: dict[tuple[str, str, str, str], Any] = defaultdict(dict)
    for row in rows:
        key = row["step"], row["layer"], row["what"], row["name"]
        found[key][row["row"], row["column"]] = float(row["value"])
    return {key: _array(entries) for key, entries in found.items()}


def _array(entries: dict[tuple[str, str], float]) -> Any:
    if ("", "") in entries:
        return entries["", ""]
    if ("1", "") in entries:
        return [entries[str(k), ""] for k in range(1, len(entries) + 1)]
    columns = sum(row == "1" for row, _ in entries)
    return [
        [entries[str(r), str(c)] for c in range(1, columns + 1)]
        for r in range(1, len(entries) // columns + 1)
    ]


def flat(array: Any) -> list[float]:
    return [n for part in array for n in flat(part)] if isinstance(array, list) else [array]


@pytest.mark.parametrize("bias", [(), ("--no-bias",)], ids=["bias", "no bias"])
@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != "dense"])
def test_the_csv_of_every_cell_read_back_is_what_autograd_finds(
    command: Command, name: str, bias: tuple[str, ...]
) -> None:
    ended = command("derive", name, "--numbers", "--sizes", "2,3,2", "--steps", 5, "--csv", *bias)
    assert (ended.code, ended.err) == (0, "")
    found = table(ended.out)
    weights: dict[str, dict[str, Any]] = defaultdict(dict)
    for (_, layer, what, parameter), array in found.items():
        if what == "weight":
            weights[layer][parameter] = array
    inputs = [found[str(step), "", "input", "x"] for step in range(1, 6)]
    targets = [found[str(step), "output", "target", "t"] for step in range(1, 6)]
    cell = get(name).without("b", "d") if bias else get(name)
    network = Network((cell,), Loss.SOFTMAX, bias=not bias)
    truth = tensors(weights)
    error = loss_of(network, truth, NetworkExample(inputs, targets))
    error.backward()
    assert found["", "", "loss", "E"] == pytest.approx(error.item(), **CLOSE)
    for layer, names in truth.items():
        for parameter, tensor in names.items():
            assert tensor.grad is not None
            gradient = flat(found["", layer, "gradient", parameter])
            summands = [flat(found[str(step), layer, "summand", parameter]) for step in range(1, 6)]
            assert gradient == pytest.approx(flat(tensor.grad.tolist()), **CLOSE)
            assert [sum(column) for column in zip(*summands, strict=True)] == pytest.approx(gradient, **CLOSE)
            with torch.no_grad():
                tensor -= 0.1 * tensor.grad
            assert flat(found["", layer, "updated", parameter]) == pytest.approx(
                flat(tensor.tolist()), **CLOSE
            )


@pytest.mark.parametrize("notation", [[], ["--latex"], ["--html"]])
@pytest.mark.parametrize("cell", ["lstm,gru", "lstm-layernorm", "elman-tanh,dense", "gru-torch"])
def test_documents_of_cells_and_stacks(command: Command, cell: str, notation: list[str]) -> None:
    ended = command("derive", cell, "--numbers", "--steps", 2, *notation)
    assert (ended.code, ended.err) == (0, "")
    assert "in numbers" in ended.out and "with seed 0" in ended.out


def test_the_same_seed_draws_the_same_numbers(command: Command) -> None:
    first, again, other = (
        command("derive", "gru", "--numbers", "--csv", "--seed", seed).out for seed in (3, 3, 4)
    )
    assert first == again != other


def test_numbers_from_files_and_from_the_command_line(command: Command, tmp_path: Path) -> None:
    weights, inputs = tmp_path / "weights.json", tmp_path / "inputs.csv"
    weights.write_text(json.dumps(WEIGHTS), encoding="utf-8")
    inputs.write_text("0.5,-1\n0.25,2\n", encoding="utf-8")
    given = ("--weights", weights, "--inputs", inputs, "--targets", "1;0", "--rate", 0.2)
    ended = command("derive", *SMALL, *given, "--csv")
    assert (ended.code, ended.err) == (0, "")
    found = table(ended.out)
    for name, array in WEIGHTS.items():
        assert found["", "output" if name in "Vb" else "1", "weight", name] == array
    assert [found[step, "", "input", "x"] for step in "12"] == [[0.5, -1], [0.25, 2]]
    assert [found[step, "output", "target", "t"] for step in "12"] == [[1], [0]]
    document = command("derive", *SMALL, *given).out
    assert str(weights) in document and "drawn" not in document


def test_an_embedding_reads_token_numbers(command: Command) -> None:
    given = ("--embedding", "--sizes", "4,2,3,2", "--inputs", "3,0,3", "--targets", "1,0,1")
    found = table(command("derive", "gru", "--numbers", *given, "--csv").out)
    rows = found["", "embedding", "weight", "M"]
    assert [found[step, "embedding", "forward", "x"] for step in "123"] == [rows[3], rows[0], rows[3]]
    gradient = found["", "embedding", "gradient", "M"]
    assert gradient[1] == gradient[2] == [0, 0]
    assert gradient[3] == pytest.approx(
        [a + b for a, b in zip(*(found[step, "1", "delta", "x"] for step in "13"), strict=True)], **CLOSE
    )


def test_both_signs_of_delta_give_one_update(command: Command) -> None:
    plus, minus = (
        table(command("derive", "lstm", "--numbers", "--csv", *sign).out) for sign in ((), ("--minus-delta",))
    )
    for key, array in plus.items():
        sign = -1 if key[2] in ("delta", "summand", "gradient") else 1
        assert flat(minus[key]) == pytest.approx([sign * n for n in flat(array)], **CLOSE)
    document = command("derive", "lstm", "--numbers", "--minus-delta").out
    assert "Here δv is minus the derivative, −∂E/∂v" in document
    assert "Here δv is the derivative ∂E/∂v" in command("derive", "lstm", "--numbers").out


def test_the_jacobian_carries_delta_back(command: Command) -> None:
    """What a step hands back is the sum of Jᵀ δ over the states, by the numbers of the table alone."""
    found = table(command("derive", "lstm", "--numbers", "--csv").out)
    for source in "hc":
        back = [0.0, 0.0, 0.0]
        for target in "hc":
            block = found["2", "1", "jacobian", f"{target}/{source}_prev"]
            # δ of c holds what flows through h; its part alone is what the next step hands back.
            own = found["2", "1", "delta", "h"] if target == "h" else found["3", "1", "delta", "c_prev"]
            back = [b + sum(block[j][k] * own[j] for j in range(3)) for k, b in enumerate(back)]
        assert found["2", "1", "delta", f"{source}_prev"] == pytest.approx(back, **CLOSE)


def test_one_section_and_a_file(command: Command, tmp_path: Path) -> None:
    out = command("derive", "elman-tanh", "--numbers", "--stage", "gradients").out
    assert [line for line in out.splitlines() if line[:1].isdecimal()] == [
        "5. The gradients, summed over the steps"
    ]
    file = tmp_path / "numbers.csv"
    ended = command("derive", "elman-tanh", "--numbers", "--csv", "-o", file)
    assert (ended.code, ended.out) == (0, "")
    assert file.read_text(encoding="utf-8") == command("derive", "elman-tanh", "--numbers", "--csv").out
    again = command("derive", "elman-tanh", "--numbers", "--csv", "-o", file)
    assert again.code == 2 and "must be" in again.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "needs JSON, got an empty file"),
        ("{", "weights.json:1: needs JSON"),
        ("[1, 2]", "needs an object of weights by name"),
        ({**WEIGHTS, "W_h": [[1, 2]]}, "weights.json, W_h: needs shape (2, 2), got (1, 2)"),
        ({**WEIGHTS, "W_h": [[1], [2, 3]]}, "W_h: needs shape (2, 2), got (2, 1 or 2)"),
        ({**WEIGHTS, "b_h": 3}, "b_h: needs shape (2), got 3"),
        ({**WEIGHTS, "b_h": [1, "two"]}, "b_h: needs numbers, got 'two'"),
        ({**WEIGHTS, "b_h": [1, True]}, "b_h: needs numbers, got True"),
        ({**WEIGHTS, "b_h": [1, float("nan")]}, "needs finite numbers, got NaN"),
        (
            '{"b": [1e999]}',
            "needs the weights W_h (2, 2), R_h (2, 2), b_h (2), V (1, 2), b (1), got no 'W_h'",
        ),
        ({**WEIGHTS, "extra": [1]}, "got 'extra'. Remove it"),
        ('{"b": [1], "b": [2]}', "needs every key once, got 'b' twice"),
        ("[" * 100_000, "needs JSON of numbers, got brackets in brackets, too deep"),
        (json.dumps(WEIGHTS).replace("0.5]", "9" * 5000 + "]"), "b: needs finite numbers, got inf"),
        ({**WEIGHTS, "b_h": [1, "1_0"]}, "b_h: needs numbers, got '1_0'"),
        ('{"b": [' + "9" * 5000 + "]}", "needs the weights W_h"),
        (b"\xff\xfe", "needs text in UTF-8, got the byte ff at position 1. Save it as UTF-8\n"),
    ],
)
def test_weights_that_are_refused(command: Command, tmp_path: Path, content: Any, words: str) -> None:
    file = tmp_path / "weights.json"
    text = json.dumps(content) if isinstance(content, dict) else content
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = command("derive", *SMALL, "--weights", file)
    assert ended.code == 2 and words in ended.err and "Traceback" not in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_folder_and_a_broken_link_are_refused(command: Command, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "nothing.json")
    for path in (tmp_path, link, tmp_path / "missing.json"):
        ended = command("derive", *SMALL, "--weights", path)
        assert ended.code == 2 and "must be a file" in ended.err and "0.35,0.9" not in ended.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--inputs", "1;2"), "--inputs:1: needs 2 numbers in each row, got 1: 1"),
        (("--inputs", "no-such-file.csv"), "must be a file"),
        (("--inputs", "1,2", "--steps", 2), "must be the number of rows of the inputs, got 2 and 1"),
        (("--inputs", ""), "--inputs: needs at least one row of numbers, got none"),
        (("--inputs", "1_0,2"), "1_0,2: must be a file"),
        (("--targets", "1;2"), "targets must have a row for each step, got 2 rows for 3 steps"),
        (("--targets", "1,,2;3"), "needs 1 number in each row"),
        (("--sizes", "2,13,1"), "at most 12 units in a layer are written out, got 13"),
        (("--steps", 9), "at most 8 time steps are written out, got 9"),
        (("--sizes", "2," * 8 + "1"), "at most 6 layers are written out, got 7"),
        (
            ("--loss", "softmax"),
            "two outputs at least, got 1. Choose --loss squared or logistic",
        ),
        (("--loss", "softmax", "--sizes", "2,2,2", "--targets", "0;2;1"), "from 0 to 1, got 2"),
        (("--loss", "logistic", "--targets", "0;1;0.5"), "the logistic loss needs targets 0 or 1, got 0.5"),
        (("--inputs", "1e308,1e308", "--rate", "1e300"), "the loss must be finite"),
        (
            ("--stage", "storage"),
            "has the stages adjoint, gradients, jacobian, normal, numbers, shapes",
        ),
        (("--unroll", 2), "--unroll goes without --numbers"),
        (("--csv", "--html"), "--csv writes the whole table alone, got --html. Leave it out"),
        (("--csv", "--figures", "f"), "--csv writes the whole table alone, got --figures. Leave it out"),
        (("--step", 2), "--step is for a run, got elman-tanh"),
    ],
)
def test_numbers_that_are_refused(command: Command, options: tuple[object, ...], words: str) -> None:
    ended = command("derive", *SMALL, *options)
    assert ended.code == 2 and words in ended.err and "Traceback" not in ended.err


def test_options_of_a_small_network_go_with_numbers(command: Command, tmp_path: Path) -> None:
    for cell in ("lstm", tmp_path):
        ended = command("derive", cell, "--seed", 1)
        assert ended.code == 2 and "--seed goes with --numbers, got it alone. Add --numbers" in ended.err
    ended = command("derive", tmp_path, "--numbers", "--steps", 2)
    assert ended.code == 2 and "This is not a run folder" in ended.err
