"""`--cell lstm,gru`: every command on a model with a cell for each layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command
from job_files import JOBS, SMALL, write_file

import bptt
from bptt.cells import get
from bptt.errors import InputError
from bptt.jobs.loading import load
from bptt.jobs.older import older_names
from bptt.report.run_records import read_title
from bptt.runs.run_folder import read_config

MIXED = ("--layers", 2, "--cell", "lstm,gru")


@pytest.fixture(scope="module", params=JOBS)
def job(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_job_trains_and_goes_on_to_the_same_weights(job: str, command: Command, tmp_path: Path) -> None:
    data = write_file(job, tmp_path)
    for name, epochs in (("run", 1), ("whole", 2)):
        ended = command(
            "train", job, data, "-o", tmp_path / name, *SMALL[job], *MIXED, "--schedule", "constant",
            "--epochs", epochs,
        )  # fmt: skip
        assert ended.code == 0, ended.err
    assert command("train", job, data, "-o", tmp_path / "run", "--resume", "--epochs", 2).code == 0
    config = read_config(tmp_path / "run")
    assert [cell["name"] for cell in config["cell"]] == ["lstm", "gru"]
    sizes = config.get("model") or config["encoder"]
    assert sizes["num_layers"] == 2
    trained, whole = load(tmp_path / "run"), load(tmp_path / "whole")
    for name, parameter in trained.model.named_parameters():
        assert parameter.equal(whole.model.get_parameter(name)), name
    assert "cell='lstm,gru'" in repr(trained)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    data = write_file("lm", folder)
    bptt.train(
        "lm",
        data,
        output=folder / "run",
        cell=["lstm", "gru"],
        hidden_size=6,
        embedding=4,
        epochs=1,
        length=8,
    )
    return folder / "run"


def test_what_is_done_with_a_language_model(run: Path, command: Command) -> None:
    assert len(command("sample", run, "--length", 5).out) >= 5
    inspected = command("inspect", run)
    assert inspected.code == 0 and "layer 2 h: " in inspected.out and "layer 1 c: " in inspected.out
    assert read_title(run, older_names) == "lstm,gru 2×6 on book.txt, by character"


def test_each_layer_has_equations_of_its_own(run: Path, command: Command) -> None:
    lower, upper = (command("derive", run, "--layer", k).out for k in (1, 2))
    assert lower.startswith(get("lstm").title) and upper.startswith(get("gru").title)
    # 4 (6·4 + 6·6 + 6) and 3 (6·6 + 6·6 + 6) weights.
    for out in (lower, upper):
        table = out[out.index("All layers:") :]
        assert "lstm  6  4      264" in table and "gru   6  6      234" in table
    assert command("derive", run, "--layer", 2, "--step", 3).code == 0
    kernel = bptt.explain.text(bptt.explain_run(run, layer=2, kernel=True))
    assert "v_r" in kernel and "v_f" not in kernel


def test_another_training_begins_from_it(run: Path, command: Command, tmp_path: Path) -> None:
    data = write_file("lm", tmp_path)
    ended = command("train", "lm", data, "-o", tmp_path / "run", "--init-from", run, "--epochs", 1)
    assert ended.code == 0, ended.err
    assert [cell["name"] for cell in read_config(tmp_path / "run")["cell"]] == ["lstm", "gru"]


def test_cells_and_layers_that_differ_are_refused(command: Command, tmp_path: Path) -> None:
    data = write_file("classify", tmp_path)
    ended = command("train", "classify", data, "-o", tmp_path / "run", "--cell", "lstm,gru", "--layers", 3)
    assert ended.code == 2
    assert "--layers: 2 cells, lstm,gru, are for 2 layers, got 3 layers" in ended.err
    with pytest.raises(InputError, match="expected a name of the catalogue, got 'gr'"):
        bptt.train("classify", data, output=tmp_path / "run", cell=["lstm", "gr"])


def test_a_damaged_list_is_an_error_of_the_file(run: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "run").mkdir()
    config = json.loads((run / "config.json").read_text("utf-8"))
    for cells in ([], config["cell"][:1], [1, 2]):
        (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"cell": cells}), "utf-8")
        ended = command("sample", tmp_path / "run")
        assert ended.code == 2 and "or a list of them for several layers" in ended.err


def test_a_comparison_with_a_mixed_stack(command: Command, tmp_path: Path) -> None:
    ended = command(
        "compare", write_file("lm", tmp_path), "-o", tmp_path / "compared", "--cells", "lstm+gru,gru",
        "--layers", 2, "--hidden", 4, "--epochs", 1, "--equal", "weights",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "lstm+gru\tlstm,gru\t4\t" in ended.out
