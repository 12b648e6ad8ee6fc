"""`bptt.train`: what the command line trains, from Python, with the same names and to the last bit."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from job_files import JOBS, SMALL, write_file
from test_readme import blocks

import bptt
from bptt.runs.run_folder import read_config
from bptt.training.checkpoint import FILE

# SMALL as Python has it.
OPTIONS: dict[str, dict[str, Any]] = {
    job: {
        "hidden": 4,
        "epochs": 2,
        "batch_size": 4,
        "layers": 1,
        "embedding": 5 if job == "tag" else 3,
    }
    for job in JOBS
}


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def few(tmp_path: Path, name: str = "run", **more: Any) -> Any:
    data = write_file("classify", tmp_path)
    return bptt.train("classify", data, tmp_path / name, **{**OPTIONS["classify"], "progress": False, **more})


@pytest.mark.parametrize("job", JOBS)
def test_the_command_gives_the_same_weights(job: str, tmp_path: Path, command: Command) -> None:
    data = write_file(job, tmp_path)
    assert command("train", job, data, "-o", tmp_path / "command", *SMALL[job]).code == 0
    torch.manual_seed(3)
    torch.set_flush_denormal(False)
    state = torch.random.get_rng_state()
    trained = bptt.train(job, data, tmp_path / "python", progress=False, **OPTIONS[job])
    assert torch.equal(torch.random.get_rng_state(), state)
    # Denormals are zero in training alone; where they are, this one equals 0 and is told apart by its digits.
    assert repr(torch.tensor(1e-310, dtype=torch.float64).mul(1).item()) == "1e-310"
    assert weights(tmp_path / "python") == weights(tmp_path / "command")
    assert read_config(tmp_path / "python") == read_config(tmp_path / "command")
    loaded = bptt.load(tmp_path / "python")
    assert type(trained) is type(loaded)
    for mine, theirs in zip(
        trained.model.state_dict().values(), loaded.model.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_names_of_fields_and_spellings_of_the_command_are_the_same(tmp_path: Path) -> None:
    few(tmp_path, "spelled")
    data = write_file("classify", tmp_path)
    options = {"hidden_size": 4, "num_layers": 1, "embedding_size": 3, "epochs": 2, "batch_size": 4}
    bptt.train("classify", str(data), str(tmp_path / "named"), progress=False, **options)
    assert weights(tmp_path / "named") == weights(tmp_path / "spelled")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"hiden_size": 3},
            "hiden_size: is the name of an option, got no such option. Did you mean hidden_size",
        ),
        ({"hidden_size": 3}, "hidden_size: is given once, got also as hidden"),
        ({"hidden": 0}, "hidden_size: is a whole number of at least 1, got 0"),
        ({"hidden": "4"}, "hidden_size: is a whole number of at least 1, got '4'"),
        ({"pooling": "sum"}, "pooling: is one of last, mean, max, attention, got 'sum'"),
        ({"cell": 3}, "cell: "),
        ({"files": "x"}, "files: is the name of an option"),
        ({"init_from": "nowhere"}, "nowhere"),
        ({"keep_vocabulary": True}, "Give `init_from`"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_written(
    options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(bptt.InputError) as refused:
        few(tmp_path, **options)
    assert words in str(refused.value)
    assert "--" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_data_is_given_once(tmp_path: Path) -> None:
    data = write_file("lm", tmp_path)
    with pytest.raises(bptt.InputError, match="files: is given once, got also as data"):
        bptt.train("lm", data, tmp_path / "run", files=[data])
    with pytest.raises(bptt.InputError, match=r"data: must be given, got nothing\. Give data: TSV, CSV"):
        bptt.train("classify", output=tmp_path / "run")
    with pytest.raises(bptt.InputError, match="output: must be given"):
        bptt.train("classify", write_file("classify", tmp_path))
    with pytest.raises(bptt.InputError, match="job: is one of lm, music, classify"):
        bptt.train("clasify", data, tmp_path / "run")


def test_a_language_model_learns_from_several_files(tmp_path: Path, command: Command) -> None:
    first, second = (write_file("lm", tmp_path, prefix) for prefix in ("a-", "b-"))
    second.write_text("a dog ran\n" * 30, encoding="utf-8")
    assert command("train", "lm", first, second, "-o", tmp_path / "command", *SMALL["lm"]).code == 0
    bptt.train("lm", [first, str(second)], tmp_path / "python", progress=False, **OPTIONS["lm"])
    assert weights(tmp_path / "python") == weights(tmp_path / "command")


def test_a_cell_of_the_caller_is_trained(tmp_path: Path, command: Command) -> None:
    cell = bptt.cells.get("gru")
    few(tmp_path, "object", cell=cell)
    few(tmp_path, "named", cell="gru")
    assert weights(tmp_path / "object") == weights(tmp_path / "named")
    mine = bptt.Cell.define("mine", "h = tanh(W_h @ x + R_h @ h_prev + b_h)", states="h")
    trained = few(tmp_path, "mine", cell=mine)
    assert trained.config.cell == mine
    assert bptt.load(tmp_path / "mine").config.cell == mine


def test_it_is_silent_without_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    few(tmp_path)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    few(tmp_path, "said", progress=True, watch=2)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "epoch 2/2" in captured.err and "gradient" in captured.err
    # Python reads names, the command line flags.
    assert "--" not in captured.err


def test_a_resumed_run_goes_on_with_its_options(tmp_path: Path, command: Command) -> None:
    data, longer = write_file("classify", tmp_path), tmp_path / "longer"
    few(tmp_path)
    assert command("train", "classify", data, "-o", longer, *SMALL["classify"]).code == 0
    assert command("train", "classify", data, "-o", longer, "--resume", "--epochs", 3).code == 0
    bptt.train("classify", data, tmp_path / "run", resume=True, epochs=3, progress=False)
    assert weights(tmp_path / "run") == weights(tmp_path / "longer")
    # All that is left out is as in the run, and nothing is left to learn.
    bptt.train("classify", data, tmp_path / "run", resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(tmp_path / "longer")
    with pytest.raises(bptt.InputError, match="hidden_size"):
        bptt.train("classify", data, tmp_path / "run", resume=True, hidden=9, progress=False)
    with pytest.raises(bptt.InputError) as refused:
        bptt.train("classify", data, tmp_path / "run", progress=False)
    assert "`resume`" in str(refused.value) and "--" not in str(refused.value)


def test_a_recipe_counts_after_what_is_given(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[training]\nepochs = 1\nlog_every = 7\n", encoding="utf-8")
    few(tmp_path, config=recipe)
    training = read_config(tmp_path / "run")["training"]
    assert (training["epochs"], training["log_every"]) == (2, 7)


def test_an_interrupted_training_is_saved_and_goes_on(tmp_path: Path) -> None:
    data, run = write_file("classify", tmp_path), tmp_path / "run"
    options = {**OPTIONS["classify"], "epochs": 40, "checkpoint_every": 1}

    def interrupt() -> None:
        while not (run / FILE).exists():
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    sender = threading.Thread(target=interrupt, daemon=True)
    sender.start()
    with pytest.raises(KeyboardInterrupt):
        bptt.train("classify", data, run, progress=False, **options)
    sender.join()
    assert signal.getsignal(signal.SIGINT) is before
    bptt.train("classify", data, run, progress=False, resume=True)
    bptt.train("classify", data, tmp_path / "whole", progress=False, **options)
    assert weights(run) == weights(tmp_path / "whole")


def test_it_works_without_a_terminal_and_a_main_file(tmp_path: Path) -> None:
    """A notebook runs code that is in no file, without a terminal, in a loop of its own."""
    data = write_file("classify", tmp_path)
    code = (
        "import asyncio, bptt\n"
        "async def cell():\n"
        f"    return bptt.train('classify', {str(data)!r}, {str(tmp_path / 'run')!r}, hidden=4, epochs=1)\n"
        "print(asyncio.run(cell()).predict(['fine film 3'])[0].label)\n"
    )
    ended = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    assert ended.stdout in ("good\n", "bad\n")
    assert "epoch 1/1" in ended.stderr


def test_the_readme_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.chdir(tmp_path)
    write_file("classify", tmp_path)
    (example,) = (block for block in blocks("python") if "bptt.train(" in block)
    exec(compile(example, "README.md", "exec"), {})
    training = read_config(Path("films"))["training"]
    assert training["epochs"] == 5 and read_config(Path("films"))["model"]["hidden_size"] == 64
    (lines,) = (block for block in blocks("sh") if "--write-config" in block)
    first, second = (shlex.split(line, comments=True)[1:] for line in lines.splitlines())
    assert command(*first).code == 0 and Path("recipe.toml").exists()
    ended = command(*second, "--overwrite")
    assert ended.code == 0, ended.err
    assert read_config(Path("films"))["training"] == training
