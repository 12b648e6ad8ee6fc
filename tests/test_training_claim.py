"""Training touches the files of its run alone: none of the user's own, and none behind a link."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Command
from tiny_data import write_pairs
from tiny_task import Quiet, TinyTask, everything, same, train_tiny

from bptt.errors import InputError
from bptt.training.claim import FILES, own_files
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.run_lock import locked

ONE = TrainingOptions(epochs=1)
SMALL = ("--epochs", 1, "--hidden", 4, "--threads", 1)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def write_data(folder: Path, job: str) -> Path:
    path = folder / f"{job}.data"
    if job == "translate":
        return write_pairs(path, 30)
    texts = {
        "lm": "".join(f"the cat saw {n} dogs\n" for n in range(60)),
        "classify": "text\tlabel\n"
        + "".join(f"a {k} film {n}\t{k}\n" for n in range(20) for k in ("dull", "fine")),
        "tag": "".join(f"Ada B-PER\nwent O\nhome{n} O\n\nshe O\nsaw O\n\n" for n in range(20)),
    }
    path.write_text(texts[job], encoding="utf-8")
    return path


# What each job writes; the fixed names of every run are tried with one job.
NAMES = [
    ("lm", "held_out.txt"),
    ("lm", "tokenizer.json"),
    ("classify", "tokenizer.json"),
    ("classify", "labels.json"),
    ("tag", "labels.json"),
    ("tag", "words.json"),
    ("tag", "characters.json"),
    ("translate", "tokenizer.json"),
    ("translate", "target_tokenizer.json"),
    ("classify", "config.json"),
    ("classify", "model.safetensors"),
    ("classify", "metrics.jsonl"),
    ("classify", "last"),
]


@pytest.mark.parametrize(("job", "name"), NAMES)
def test_a_file_of_the_users_own_stops_every_job(
    job: str, name: str, command: Command, tmp_path: Path
) -> None:
    data = write_data(tmp_path, job)
    (tmp_path / name).write_text("mine", encoding="utf-8")
    before = files(tmp_path)
    for more in ((), ("--overwrite",), ("--resume",)):
        ended = command("train", job, data, "-o", tmp_path, *SMALL, *more)
        assert ended.code == 2
        # To go on, the configuration is read before anything else.
        rule = (
            ""
            if more == ("--resume",)
            else ": must be free, or a file of a run, got a file that no run wrote"
        )
        assert f"{tmp_path / name}{rule}" in ended.err
        assert files(tmp_path) == before


def test_the_text_that_is_learned_from_is_not_replaced(command: Command, tmp_path: Path) -> None:
    text = tmp_path / "held_out.txt"
    text.write_text("the cat saw 7 dogs\n" * 60, encoding="utf-8")
    ended = command("train", "lm", text, "-o", tmp_path, *SMALL)
    assert ended.code == 2 and str(text) in ended.err
    assert files(tmp_path) == {"held_out.txt": ("the cat saw 7 dogs\n" * 60).encode()}


def test_a_run_may_lie_among_files_with_other_names(command: Command, tmp_path: Path) -> None:
    data = write_data(tmp_path, "classify")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    before = files(tmp_path)
    for more in ((), ("--overwrite",)):
        assert command("train", "classify", data, "-o", tmp_path, *SMALL, *more).code == 0
        assert before.items() <= files(tmp_path).items()


@pytest.mark.parametrize("config", ['{"mine": 1}', "[]", "mine", '{"format": 1, "bptt": 7, "task": "tag"}'])
def test_a_configuration_of_another_program_is_not_a_run(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "chapter.tex").write_text("mine", encoding="utf-8")
    before = files(tmp_path)
    assert own_files(tmp_path) is None
    with pytest.raises(InputError, match=r"config\.json: must be free.*no run wrote|last: must be free"):
        train(TinyTask(), ONE, tmp_path, Quiet(), overwrite=True)
    assert files(tmp_path) == before


def test_what_the_user_put_into_last_is_not_deleted(tmp_path: Path) -> None:
    train_tiny(ONE, tmp_path / "run")
    (tmp_path / "run" / "last" / "chapter.tex").write_text("mine", encoding="utf-8")
    before = files(tmp_path)
    with pytest.raises(InputError, match=r"last/chapter\.tex: must be free, or a file of a run"):
        train(TinyTask(), ONE, tmp_path / "run", Quiet(), overwrite=True)
    assert files(tmp_path) == before


def test_a_run_owns_what_its_own_job_wrote_and_no_more(command: Command, tmp_path: Path) -> None:
    run, tags, texts = tmp_path / "run", write_data(tmp_path, "tag"), write_data(tmp_path, "lm")
    assert command("train", "tag", tags, "-o", run, *SMALL).code == 0
    assert own_files(run) == {"characters.json", "labels.json", "labels.txt", "words.json"}
    (run / "held_out.txt").write_text("mine", encoding="utf-8")
    before = files(run)
    ended = command("train", "lm", texts, "-o", run, *SMALL, "--overwrite")
    assert ended.code == 2 and "held_out.txt: must be free" in ended.err
    assert files(run) == before
    (run / "held_out.txt").unlink()
    assert command("train", "lm", texts, "-o", run, *SMALL, "--overwrite").code == 0
    # What the job before has left is removed with it.
    assert own_files(run) == {"held_out.txt", "tokenizer.json"}
    assert not {"characters.json", "labels.json", "labels.txt", "words.json"} & set(files(run))


def test_a_stranger_cannot_name_files_to_be_deleted(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train_tiny(ONE, run)
    for name in ("thesis.tex", "run/thesis.tex"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config[FILES] = ["vocab.txt", "thesis.tex", "../thesis.tex", str(tmp_path / "thesis.tex"), 7]
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    train(TinyTask(), ONE, run, Quiet(), overwrite=True)
    assert (run / "thesis.tex").exists() and (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "metrics.jsonl", "vocab.txt", ".lock", "last"]
)
@pytest.mark.parametrize("target", ["victim", "nowhere"])
def test_no_link_in_an_empty_folder_is_followed(name: str, target: str, tmp_path: Path) -> None:
    run, victim = tmp_path / "run", tmp_path / "victim"
    run.mkdir()
    victim.mkdir() if name == "last" else victim.write_text("mine", encoding="utf-8")
    (run / name).symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=name):
        train(TinyTask(), ONE, run, Quiet())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "victim"]
    assert not any(victim.iterdir()) if name == "last" else victim.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["metrics.jsonl", ".lock", "last", "last/checkpoint.safetensors"])
def test_no_link_in_a_run_of_a_stranger_is_written_through(name: str, tmp_path: Path) -> None:
    run, longer = tmp_path / "run", TrainingOptions(epochs=2, schedule="constant")
    train_tiny(TrainingOptions(epochs=1, schedule="constant"), run)
    (run / name).rename(tmp_path / "victim")
    (run / name).symlink_to(tmp_path / "victim")
    before = files(tmp_path)
    if name == "last/checkpoint.safetensors":
        # It is read, as everything in the folder is, and its name then belongs to a file of the run.
        train(TinyTask(), longer, run, Quiet(), resume=True)
    else:
        with pytest.raises(InputError, match=name):
            train(TinyTask(), longer, run, Quiet(), resume=True)
    assert (
        files(tmp_path)["victim" if name != "last" else "victim/checkpoint.safetensors"]
        == before["victim" if name != "last" else "victim/checkpoint.safetensors"]
    )


@pytest.mark.parametrize(
    "name", [".model.safetensors.tmp", ".config.json.tmp", "last/.checkpoint.safetensors.tmp"]
)
def test_planted_names_of_new_files_are_not_followed(name: str, tmp_path: Path) -> None:
    run, victim = tmp_path / "run", tmp_path / "victim"
    train_tiny(ONE, run)
    victim.write_text("mine", encoding="utf-8")
    (run / name).symlink_to(victim)
    train(TinyTask(), ONE, run, Quiet(), overwrite=True)
    assert victim.read_text(encoding="utf-8") == "mine"


def test_a_copy_of_hard_links_keeps_its_records(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=1, schedule="constant")
    run, copy = tmp_path / "run", tmp_path / "copy"
    train_tiny(TrainingOptions(epochs=3, schedule="constant"), tmp_path / "whole")
    train_tiny(options, run)
    for path in [path for path in run.rglob("*") if path.is_file()]:
        (copy / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, copy / path.relative_to(run))
    before = files(copy)
    train_tiny(TrainingOptions(epochs=3, schedule="constant"), run, resume=True)
    assert files(copy) == before
    assert same(everything(run), everything(tmp_path / "whole"))


def test_a_folder_named_through_a_link_of_the_user_is_used(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    train_tiny(ONE, tmp_path / "run")
    assert (tmp_path / "disk" / "config.json").exists()


def test_half_a_beginning_is_removed_by_the_next(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / ".bptt-begin-x").mkdir(parents=True)
    (run / ".bptt-begin-x" / "vocab.txt").write_text("half", encoding="utf-8")
    train_tiny(ONE, run)
    assert not list(run.glob(".bptt-begin-*"))


def test_the_lock_of_a_folder_is_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(InputError, match=r"\.lock: must be a file, got a named pipe"), locked(tmp_path):
        pass


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_a_folder_without_a_name_is_not_the_current_one(
    option: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path, "classify")
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("train", "classify", data, option, "", *SMALL),
        ("compare", "adding", option, ""),
        ("derive", "lstm", option, ""),
        ("derive", "lstm", "--output="),
    ):
        ended = command(*arguments)
        assert (
            ended.code == 2 and "must name a file or a folder" in ended.err and "Traceback" not in ended.err
        )
    assert [path.name for path in tmp_path.iterdir()] == [data.name]
