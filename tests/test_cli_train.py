"""`bptt train lm` from a file to a run folder, as a user meets it."""

from __future__ import annotations

import os
import re
import shlex
import signal
from pathlib import Path

import pytest
import torch
from conftest import Command
from tiny_task import records

from bptt.data.text import Corpus
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.language.model import LanguageModelTask
from bptt.jobs.language.options import OPTIONS, DataOptions, ModelOptions
from bptt.jobs.task import Step
from bptt.runs.run_folder import read_config
from bptt.training.run_options import options_of

SMALL = "--hidden 4 --embedding 3 --layers 1 --batch-size 4 --length 10 --epochs 2".split()
POEM = "春眠不覺曉,處處聞啼鳥。\n夜來風雨聲,花落知多少。\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_text(POEM * 10, encoding="utf-8")
    return path


def test_a_file_becomes_a_run(command: Command, text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ended = command("train", "lm", text, "-o", run, *SMALL)
    assert ended.code == 0
    # What was found and how it goes on standard error, what came of it on standard output.
    assert "poem.txt, 260 characters" in ended.err
    assert "epoch 2/2  held-out loss" in ended.err
    best = min(float(r["loss"]) for r in records(run) if r["kind"] == "held-out")
    assert f"best held-out loss {best:.4f} nats per character" in ended.out
    assert read_config(run)["training"]["epochs"] == 2


def test_the_second_time_it_asks_what_to_do(command: Command, text: Path, tmp_path: Path) -> None:
    arguments = ("train", "lm", text, "-o", tmp_path / "run", *SMALL)
    first = command(*arguments)
    again = command(*arguments)
    assert (again.code, again.out) == (2, "")
    assert "--resume" in again.err and "--overwrite" in again.err and "Traceback" not in again.err
    resumed = command(*arguments, "--resume")
    assert resumed.code == 0 and "finished before" in resumed.out
    assert resumed.out.splitlines()[1].split(",")[0] == first.out.splitlines()[1].split(",")[0]
    changed = command(*arguments, "--resume", "--cell", "gru")
    assert changed.code == 2 and "cell.name: lstm before, gru now" in changed.err
    assert command(*arguments, "--overwrite", "--cell", "gru").code == 0


def test_ctrl_c_saves_and_says_how_to_go_on(
    command: Command, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("train", "lm", text, *SMALL, "--dropout", 0.3, "--initial", "learned", "--watch", 2)
    command(*arguments, "-o", tmp_path / "whole")

    def interrupted(self: LanguageModelTask, epoch: int, index: int, carry: tuple[torch.Tensor, ...]) -> Step:
        os.kill(os.getpid(), signal.SIGINT)
        return step(self, epoch, index, carry)

    step = LanguageModelTask.step
    monkeypatch.setattr(LanguageModelTask, "step", interrupted)
    ended = command(*arguments, "-o", tmp_path / "run")
    monkeypatch.undo()
    assert ended.code == 130
    assert "interrupted at step 1" in ended.out and "--resume" in ended.out
    assert command(*arguments, "-o", tmp_path / "run", "--resume").code == 0
    assert records(tmp_path / "run") == records(tmp_path / "whole")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole")]
    assert weights[0] == weights[1]


def test_without_files_it_learns_the_language_reference(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bptt.jobs.language.job.default_corpus", lambda: Corpus(POEM * 10, ("the reference",))
    )
    ended = command("train", "lm", "-o", tmp_path / "run", *SMALL)
    assert ended.code == 0 and "the reference" in ended.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--hidden", 0), "--hidden"),
        (("--hidden", 10**30), "--hidden: is a whole number below 2**63"),
        (("--hidden", 10**8), "the model: must fit into memory"),
        (("--seed", 99999999999999999999999), "seed: is a whole number below 2**63"),
        (("--clip", -1), "--clip"),
        (("--epochs", 0), "epochs"),
        (("--cell", "lstn"), "lstn"),
        (("--one-hot", "--embedding", 3), "--one-hot"),
        (("--optimiser", "lbfgs", "--clip", 1), "lbfgs"),
        (("--watch", 2, "--optimiser", "lbfgs"), "--watch: looks at updates on single batches, got lbfgs"),
        (("--watch", -1), "--watch"),
        (("--level", "letter"), "letter"),
        (("--resume", "--overwrite"), "not both"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_written(
    command: Command, text: Path, tmp_path: Path, arguments: tuple[object, ...], named: str
) -> None:
    ended = command("train", "lm", text, "-o", tmp_path / "run", *arguments)
    assert ended.code == 2 and named in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


def test_a_watched_run_says_at_the_end_how_far_back_the_gradient_reached(
    command: Command, text: Path, tmp_path: Path
) -> None:
    ended = command("train", "lm", text, "-o", tmp_path / "run", *SMALL, "--watch", 5)
    (last,) = [line for line in ended.out.splitlines() if line.startswith("gradient")]
    (*_, record) = (r for r in records(tmp_path / "run") if r["kind"] == "gradient")
    (curve, *_) = record["curves"]
    reach = f"down to a tenth at lag {curve['tenth']}" if curve["tenth"] else "never down to a tenth"
    assert last.startswith(f"gradient at step {record['step']}, layer 1 δ: {reach}, ×")


def test_an_overflow_is_traced_without_being_watched(command: Command, text: Path, tmp_path: Path) -> None:
    grows = "--cell", "elman-relu", "--recurrent-init", "identity", "--recurrent-scale", 1e30
    ended = command("train", "lm", text, "-o", tmp_path / "run", *SMALL, *grows)
    assert ended.code == 2 and "Traceback" not in ended.err
    # Before a text stands a zero vector; then come 1, 1e30, and what float32 has no room for.
    place = r"first of all recurrent, layer 1, step 3, row \d, unit \d"
    assert re.search(rf"{place}: net_h = .* is inf; .*R_h was 1e\+30", ended.err)


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"\xff\xfe\xfa"])
def test_a_file_that_is_no_text_is_named(command: Command, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    ended = command("train", "lm", tmp_path / "bad.txt", "-o", tmp_path / "run")
    assert ended.code == 2 and "bad.txt" in ended.err
    assert not (tmp_path / "run").exists()


def test_what_the_command_takes_for_granted_is_what_the_rooms_take() -> None:
    defaults = {each.flag.replace("-", "_"): each.default for each in options_of(OPTIONS)}
    model, data, words = ModelOptions(), DataOptions(), VocabularyOptions()
    assert defaults["hidden"] == model.hidden_size and defaults["layers"] == model.num_layers
    assert defaults["embedding"] == model.embedding_size and defaults["tied"] == model.tied
    assert defaults["dropout"] == model.dropout and defaults["projection"] == model.proj_size
    assert defaults["initial"] == model.initial and defaults["mode"] == data.mode
    assert defaults["batch_size"] == data.batch_size and defaults["length"] == data.sequence_length
    assert defaults["held_out"] == data.held_out and defaults["level"] == words.level
    assert defaults["min_count"] == words.min_count and defaults["vocab_size"] == words.max_size
    assert defaults["lower"] == words.lowercase and defaults["digits"] == words.digits
    assert defaults["punctuation"] == words.punctuation


def test_training_ends_with_the_commands_that_ask_the_run(command: Command, tmp_path: Path) -> None:
    text, run = tmp_path / "text.txt", tmp_path / "a run"
    text.write_text("abcab\n" * 40)
    ended = command("train", "lm", text, "-o", run, "--epochs", 1, "--hidden", 4, "--layers", 1)
    assert ended.code == 0
    lines = ended.out.splitlines()[-3:]
    assert lines == [
        f"next: bptt sample '{run}'",
        f"      bptt score '{run}' FILE",
        f"      bptt inspect '{run}'",
    ]
    assert command(*shlex.split(lines[0].removeprefix("next: bptt ")), "--length", 3).code == 0
