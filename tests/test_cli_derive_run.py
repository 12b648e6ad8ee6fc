"""`bptt derive RUN`: shapes, kernel and numbers of the layers of any job's model, as a user asks for them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from language_models import make_task

import bptt
from bptt.jobs.language.options import ModelOptions
from bptt.models.token_network import TokenNetwork
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

ROWS = ["".join(row) for row in product("ab中", repeat=3)]
PAIRS = "".join(f"{' '.join(row)}\t{' '.join(reversed(row))}\n" for row in ROWS)
TAGS = "\n".join(f"the\tO\nMr\tO\nX{n}\tB-PER\n" for n in range(8))
LABELS = "".join(f"{'odd' if n % 2 else 'even'}\tnumber {n} it is\n" for n in range(24))
SMALL = "--epochs", 1, "--hidden", 6, "--embedding", 3, "--cell", "gru"
JOBS = {
    "translate": ("pairs.tsv", PAIRS, ()),
    "tag": ("tags.conll", TAGS, ("--character-size", 2, "--character-hidden", 2)),
    "classify": ("labels.tsv", "label\ttext\n" + LABELS, ()),
}


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of an untrained language model with two layers."""
    run = tmp_path_factory.mktemp("runs") / "model"
    run.mkdir()
    task = make_task(model=ModelOptions(hidden_size=6, num_layers=2, embedding_size=4), dtype=torch.float32)
    task.save(run)
    write_weights(task.model, run / WEIGHTS, task.metadata)
    return run


def job(name: str, folder: Path, command: Command) -> tuple[Path, Path]:
    """The run of a job after a few steps of training, and its data."""
    file, text, options = JOBS[name]
    data, run = folder / file, folder / "run"
    data.write_text(text, encoding="utf-8")
    ended = command("train", name, data, "-o", run, *SMALL, *options)
    assert ended.code == 0, ended.err
    return run, data


def test_shapes_in_front_of_the_derivation(language: Path, command: Command) -> None:
    out = command("derive", language, "--layer", 2).out
    assert out.startswith("LSTM with forget gate: layer 2 of model\n")
    assert "  H = 6 (hidden size), I = 6 (input size).\n" in out
    headings = [line for line in out.splitlines() if re.match(r"\d\. |The shapes", line)]
    assert headings[0] == "The shapes of layer 2" and [line[0] for line in headings[1:]] == list("123456789")


def test_rows_of_numbers_have_a_whole_network(tmp_path: Path, command: Command) -> None:
    data, run = tmp_path / "rows.csv", tmp_path / "run"
    data.write_text("label,a,b\n" + "".join(f"{'xy'[n % 2]},{n % 5},{n % 3}\n" for n in range(40)))
    trained = command("train", "classify", data, "--feed-forward", 4, "-o", run, "--epochs", 1)
    assert trained.code == 0, trained.err
    out = command("derive", run).out
    assert "u⁽¹⁾ = W_u⁽¹⁾ x⁽¹⁾ + b_u⁽¹⁾" in out or "u = W_u x + b_u" in out
    assert "∇V = (o − y) y" in out and re.search(r"W\S* +\(H, I\) +\(4, 2\) +8\n", out)
    assert command("derive", run, "--html").code == 0
    refused = command("derive", run, "--unit", 2)
    assert refused.code == 2 and "--unit is for a run with recurrent layers" in refused.err.replace("`", "")


def test_a_model_with_an_unknown_loss_has_its_layers(language: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TokenNetwork, "loss_name", "strange")
    out = bptt.explain.text(bptt.explain_run(language))
    assert "a part that is not derived: loss: is derived if it is one of softmax, logistic," in out
    assert "The equations of one time step" in out


def test_numbers_of_a_step(language: Path, command: Command) -> None:
    out = command("derive", language, "--numbers", "--text", "the cat", "--step", 3, "--unit", 2).out
    assert "Step 3 of 7 of the text reads “h”:\n\n    t⟦h⟧e ca\n" in out
    first = command("derive", language, "--stage", "numbers", "--text", "the cat", "--step", 1).out
    assert "reads “<start>”:\n\n    ⟦<start>⟧the ca\n" in first
    assert "The target there is “e”" in out and "the sum of the losses of steps 3 to 7" in out
    assert "value     unit 2" in out
    assert re.search(r"    fₜ     = σ\(net_fₜ\)\n           = σ\([−\d.]+\)\n           = 0\.\d+\n", out)


def test_a_typical_step_of_the_held_out_text(language: Path, command: Command) -> None:
    out = command("derive", language, "--stage", "numbers").out
    assert re.search(r"Step \d+ of \d+ of the text reads", out)


def test_a_text_may_be_a_file_and_a_step_asks_for_numbers(
    language: Path, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("the cat", encoding="utf-8")
    wanted = command("derive", language, "--numbers", "--text", "the cat", "--step", 3).out
    assert command("derive", language, "--numbers", "--text", file, "--step", 3).out.startswith(wanted[:400])
    assert command("derive", language, "--text", "the cat", "--step", 3).out == wanted


def test_the_page_has_it_all(language: Path, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    ended = command("derive", language, "--html", "-o", file)
    assert (ended.code, ended.err) == (0, f"derivation: {file}\n")
    page = file.read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    root = ET.fromstring(page.split("\n", 1)[1])
    sections = [section.get("id") for section in root.iter("section")]
    assert sections[:3] == ["shapes", "numbers", "network"] and "equations" in sections
    cards = [card for card in root.iter("div") if "card" in (card.get("class") or "").split()]
    # Eleven forward, fourteen backward, twelve gradients.
    assert len(cards) == 11 + 14 + 12
    for card in cards:
        said, kernel = card
        assert any(row.get("class") == "numbers" for row in said.iter("mtr")) or said.find("p") is not None
        assert list(kernel.iter("code"))
    assert re.findall(r"""(?:src|href)="(?!#)""", page) == []


def test_latex_has_the_shapes(language: Path, command: Command) -> None:
    assert r"\mathbf{R}^{6\times 4}" in command("derive", language, "--latex").out


def test_the_kernel_of_a_run(language: Path, command: Command) -> None:
    out = command("derive", language, "--stage", "kernel").out
    assert (
        "const Vector v_c = v_f * v_c_prev + v_i * v_g;" in out
        and "unit" not in out.split("kernel\n", 1)[1][:80]
    )


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("translate", ("--part", "decoder", "--step", 2), "Step 2 of 4 of the translation reads"),
        ("translate", ("--part", "encoder", "--reverse"), "of the source text reads"),
        ("tag", ("--reverse",), "This direction reads from the end"),
        ("classify", (), "E is the loss of “even”."),
    ],
)
def test_every_job(
    name: str, options: tuple[object, ...], words: str, tmp_path: Path, command: Command
) -> None:
    run, data = job(name, tmp_path, command)
    ended = command("derive", run, "--numbers", "--data", data, *options)
    assert ended.code == 0, ended.err
    assert words in ended.out and "∂E_{>t−1}/∂hₜ₋₁ = " in ended.out
    refused = command("derive", run, "--numbers")
    assert refused.code == 2 and "Give --text or --data" in refused.err
    assert command("derive", run, "--html").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layer", 3), "--layer: is from 1 to 2, got 3"),
        (("--unit", 7), "--unit: is from 1 to 6, got 7"),
        (("--numbers", "--text", "the cat", "--step", 8), "--step: is from 1 to 7"),
        (("--part", "encoder"), "--part: is one of recurrent, got encoder"),
        (("--reverse",), "read in both directions"),
        (("--text", "a", "--data", "b"), "one of --text and --data"),
    ],
)
def test_what_is_refused(language: Path, options: tuple[object, ...], words: str, command: Command) -> None:
    ended = command("derive", language, *options)
    assert ended.code == 2
    assert words in ended.err


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ((), {}),
        (
            ("--layer", 2, "--text", "the cat", "--step", 3),
            {"layer": 2, "text": "the cat", "step": 3},
        ),
        (("--text", "the cat", "--unit", 2), {"text": "the cat", "unit": 2}),
    ],
)
def test_python_has_what_the_command_prints(
    language: Path, options: tuple[object, ...], arguments: dict[str, Any], command: Command
) -> None:
    document = bptt.explain_run(language, **arguments)
    if not arguments:
        assert bptt.explain.text(document) == command("derive", language).out
    page = bptt.explain.page(
        bptt.explain_run(language, numbers=True, kernel=True, diagrams=True, **arguments)
    )
    written = command("derive", language, "--html", *options).out
    assert page.split("\n", 1)[1] == written.split("\n", 2)[2]


def test_python_may_read_a_file_of_a_text(language: Path, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("the cat", encoding="utf-8")
    by_file, by_text = (bptt.explain_run(language, text=each, step=3) for each in (file, "the cat"))
    assert bptt.explain.text(by_file).replace("text.txt", "text") == bptt.explain.text(by_text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layer": 3}, "layer: is from 1 to 2, got 3"),
        ({"text": "a", "data": "b"}, "`text` or `data`, not both"),
        ({"part": "encoder"}, "part: is one of recurrent, got encoder"),
    ],
)
def test_python_names_its_arguments(language: Path, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(bptt.InputError, match=words):
        bptt.explain_run(language, **arguments)
