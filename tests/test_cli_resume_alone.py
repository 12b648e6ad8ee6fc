"""`--resume` alone goes on with the options of the run, for every job; what is given and differs is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command
from job_files import JOBS, SMALL, write_file
from tiny_task import records

from bptt.jobs.registry import find_options, job_of_run
from bptt.options.choices import Choices
from bptt.runs.run_folder import read_config
from bptt.training.recall import recall
from bptt.training.run_options import options_of

# Options that say where something is and how it is written, or how the process works: a run does not depend
# on them.
PLACES = set(
    "files encoding data output resume overwrite threads watch tensorboard dev dev_target target parallel "
    "vectors init_from keep_vocabulary folds device workers profile timeout".split()
)
UNUSUAL = {
    "lm": "--level word --lower --no-digits --mode sentences --cell gru --projection 0 --held-out 0.3 "
    "--lr 0.01 --schedule exponential --decay 0.7 --clip-value 0.5 --min-count 1 --initial learned --seed 3",
    "classify": "--level character --cell gru --pooling mean --loss squared --no-bidirectional "
    "--feed-forward 3 --feed-forward 2 --activation tanh --max-length 9 --token-dropout 0.1 --optimiser sgd "
    "--momentum 0.5 "
    "--text-column text --label-column label --weight-decay 0.01 --evaluate-every 3",
    "tag": "--cell elman-tanh --no-crf --scheme BIO --no-lower --min-count 2 --character-size 3 "
    "--character-hidden 2 --schedule plateau --patience 5 --warmup 2 --clip 0.3 --recurrent-init orthogonal",
    "translate": "--level word --target-level character --cell gru --decoder-hidden 6 --attention general "
    "--hidden 6 --smoothing 0.1 --input-feeding --schedule linear --log-every 3 --target-lower "
    "--no-bidirectional --no-punctuation",
    "music": "--cell gru --hidden 6 --representation tokens --resolution 24 --no-transpose "
    "--tempo-change 0.02 --held-out 0.3 --dropout 0.1 --length 32 --keys independent --chain-size 3",
}


@pytest.fixture(scope="module", params=(*JOBS, "music"))
def job(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def data(job: str, tmp_path: Path) -> Path:
    return write_file(job, tmp_path)


def test_options_that_are_left_out_are_those_of_the_run(
    job: str, data: Path, command: Command, tmp_path: Path
) -> None:
    options = (*SMALL[job], *UNUSUAL[job].split())
    begun = command("train", job, data, "-o", tmp_path / "run", *options)
    assert begun.code == 0, begun.err
    config = read_config(tmp_path / "run")
    ended = command("train", job, data, "-o", tmp_path / "run", "--resume")
    assert ended.code == 0, ended.err
    assert "finished before" in ended.out
    assert f"{tmp_path / 'run'}: options of that run: " in ended.err and "cell" in ended.err
    assert read_config(tmp_path / "run") == config
    more = command("train", job, data, "-o", tmp_path / "run", "--resume", "--epochs", 3)
    assert more.code == 0, more.err
    assert read_config(tmp_path / "run")["training"]["epochs"] == 3
    assert max(record["epoch"] for record in records(tmp_path / "run")) == 3
    changed = command("train", job, data, "-o", tmp_path / "run", "--resume", "--hidden", 9, "--seed", 8)
    assert changed.code == 2
    assert "hidden_size: " in changed.err and "training.seed: " in changed.err and ", 9 now" in changed.err


def test_each_option_is_kept_by_the_run(job: str, data: Path, command: Command, tmp_path: Path) -> None:
    """A new option has a field in the configuration, or is one of those that say where something is."""
    assert command("train", job, data, "-o", tmp_path / "run", *SMALL[job]).code == 0
    options = options_of(find_options(job))
    run = {"output": tmp_path / "run", "resume": True}
    # A section whose options all came later is written where one differs from its default.
    written, config = (
        read_config(tmp_path / "run"),
        job_of_run(tmp_path / "run").configuration(tmp_path / "run"),
    )
    sections = {section for section in options.sections if section in written or hasattr(config, section)}
    kept = {each.name for each in options if each.section in sections}
    # One-hot input is an embedding of width 0; how a tagged file is read shows in what its examples are.
    lost = {each.name for each in options} - kept - {"cell", "vector_words", "windows"} - PLACES
    assert lost == {"lm": {"one_hot"}, "tag": {"header"}}.get(job, set())
    # What is None is the default; these are written only where they are others.
    usual = {each.name for each in options if each.default is None} | {"precision", "groups", "reduce"}
    assert kept - usual <= set(recall(Choices(options, run))[0].given)


def test_another_file_is_noticed(job: str, data: Path, command: Command, tmp_path: Path) -> None:
    command("train", job, data, "-o", tmp_path / "run", *SMALL[job])
    before = (tmp_path / "run" / "config.json").read_bytes()
    dev = write_file(job, tmp_path, "dev-")
    ended = command("train", job, data, "--dev", dev, "-o", tmp_path / "run", "--resume", "--epochs", 5)
    assert ended.code == 2
    assert ("held_out.txt would be another" if job == "lm" else "the examples are others") in ended.err
    assert (tmp_path / "run" / "config.json").read_bytes() == before


def test_a_folder_without_a_run_is_begun_with_what_is_given(
    job: str, data: Path, command: Command, tmp_path: Path
) -> None:
    ended = command("train", job, data, "-o", tmp_path / "run", *SMALL[job], "--resume")
    assert ended.code == 0 and "options of that run" not in ended.err


@pytest.mark.parametrize("width", [("--one-hot",), ("--embedding", "7")])
def test_the_width_of_a_language_models_input_is_kept(
    width: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    book = write_file("lm", tmp_path)
    small = SMALL["lm"][: SMALL["lm"].index("--embedding")]
    assert command("train", "lm", book, "-o", tmp_path / "run", *small, *width).code == 0
    assert command("train", "lm", book, "-o", tmp_path / "run", "--resume").code == 0
    other = command("train", "lm", book, "-o", tmp_path / "run", "--resume", "--embedding", 4)
    assert other.code == 2 and "model.embedding_size: " in other.err


def test_a_run_of_a_text_needs_its_text(command: Command, tmp_path: Path) -> None:
    command("train", "lm", write_file("lm", tmp_path), "-o", tmp_path / "run", *SMALL["lm"])
    ended = command("train", "lm", "-o", tmp_path / "run", "--resume")
    assert ended.code == 2
    assert "needs the files that the run learns from, got none. Name book.txt" in ended.err


def test_a_cell_of_the_users_own_is_that_of_the_run(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run folder holds its equations; the file may be gone."""
    (tmp_path / "mine.py").write_text(
        "from bptt import Cell\n"
        "Mine = Cell.define('mine', 'h = tanh(W_h @ x + R_h @ h_prev + b_h)', states='h')\n",
        encoding="utf-8",
    )
    book, spec = write_file("lm", tmp_path), f"{tmp_path / 'mine.py'}:Mine"
    assert command("train", "lm", book, "-o", tmp_path / "run", *SMALL["lm"], "--cell", spec).code == 0
    (tmp_path / "mine.py").unlink()
    ended = command("train", "lm", book, "-o", tmp_path / "run", "--resume", "--epochs", 3)
    assert ended.code == 0 and "cell mine" in ended.err


def test_a_word_model_of_0_1_0_is_gone_on_with_as_it_was_begun(command: Command, tmp_path: Path) -> None:
    """Its folder says nothing of white space, which was a token."""
    book = tmp_path / "book.txt"
    book.write_text("the  cat was\n" * 30, encoding="utf-8")
    options = "train", "lm", book, "-o", tmp_path / "run", *SMALL["lm"], "--level", "word", "--white-space"
    assert command(*options).code == 0
    assert "white_space" not in read_config(tmp_path / "run")["vocabulary"]
    assert command("train", "lm", book, "-o", tmp_path / "run", "--resume", "--epochs", 3).code == 0
