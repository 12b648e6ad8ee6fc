"""`bptt average`: means of weights, those of numpy, in a run that answers; what is refused, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Command
from job_files import SMALL, write_file
from safetensors.numpy import load_file

import bptt
from bptt.errors import InputError
from bptt.runs.run_folder import read_config
from bptt.training.averaging import AVERAGED, average

JOBS = ("lm", "classify", "tag", "translate")


def train(command: Command, job: str, data: Path, run: Path, *more: object) -> Path:
    ended = command("train", job, data, "-o", run, *SMALL[job], *more)
    assert ended.code == 0, ended.err
    return run


@pytest.mark.parametrize("job", JOBS)
def test_the_mean_of_two_runs_is_that_of_numpy(job: str, command: Command, tmp_path: Path) -> None:
    data = write_file(job, tmp_path)
    first = train(command, job, data, tmp_path / "first")
    second = train(command, job, data, tmp_path / "second", "--lr", 0.01, "--epochs", 3)
    ended = command("average", first, second, "-o", tmp_path / "mean")
    assert ended.code == 0, ended.err
    assert "the mean of first, second" in ended.out
    a, b, mean = (load_file(run / "model.safetensors") for run in (first, second, tmp_path / "mean"))
    assert a.keys() == mean.keys() and any(not np.array_equal(a[name], b[name]) for name in a)
    for name, values in mean.items():
        wanted = (a[name].astype(np.float64) + b[name].astype(np.float64)) / 2
        assert np.array_equal(values, wanted.astype(a[name].dtype)), name
    assert read_config(tmp_path / "mean")["training"][AVERAGED] == ["first", "second"]
    # A run as any other: it loads, and its files are those of the runs.
    bptt.load(tmp_path / "mean")
    for name in read_config(first)["files"]:
        assert (tmp_path / "mean" / name).read_bytes() == (first / name).read_bytes()


def test_the_mean_of_the_checkpoints_of_a_run(command: Command, tmp_path: Path) -> None:
    data = write_file("classify", tmp_path)
    run = train(command, "classify", data, tmp_path / "run", "--epochs", 4, "--checkpoints", 3)
    files = [run / "last" / f"checkpoint{age}.safetensors" for age in ("", "-1", "-2")]
    for last, used in ((0, files), (2, files[:2])):
        out = average(run, output=tmp_path / f"mean{last}", last=last)
        kept = [load_file(file) for file in used]
        for name, values in load_file(out / "model.safetensors").items():
            whole = np.stack([each[f"weights.{name}"].astype(np.float64) for each in kept]).mean(0)
            assert np.allclose(values, whole, rtol=2**-23, atol=0), name
    with pytest.raises(InputError, match="must have kept 5 checkpoints to average, got 3"):
        average(run, output=tmp_path / "no", last=5)


def test_runs_that_differ_are_refused(command: Command, tmp_path: Path) -> None:
    data = write_file("classify", tmp_path)
    first = train(command, "classify", data, tmp_path / "first")
    wide = train(command, "classify", data, tmp_path / "wide", "--hidden", 5)
    with pytest.raises(InputError, match=r"the same model as .* got hidden_size 5, not 4"):
        average(first, wide, output=tmp_path / "no")
    data.write_text(data.read_text("utf-8").replace("fine", "good"), "utf-8")
    other = train(command, "classify", data, tmp_path / "other")
    with pytest.raises(InputError, match=r"must have the same ngrams\.json as"):
        average(first, other, output=tmp_path / "no")
    with pytest.raises(InputError, match="must be the name of a new file"):
        average(first, first, output=wide)
    with pytest.raises(InputError, match="last: is of the checkpoints of one run, got 2 runs"):
        average(first, first, output=tmp_path / "no", last=2)
    books = [tmp_path / name for name in ("near.txt", "far.txt")]
    for book, words in zip(books, ("a book of words ", "a book of other words "), strict=True):
        book.write_text(words * 40, "utf-8")
    texts = [train(command, "lm", book, tmp_path / book.stem) for book in books]
    with pytest.raises(
        InputError,
        match=r"the same source as .* got names \['far.txt'\], not \['near.txt'\], vocab\w+ 15, not 12\.",
    ):
        average(*texts, output=tmp_path / "no")
    ended = command("average", tmp_path / "nowhere", first, "-o", tmp_path / "no")
    assert ended.code == 2 and "the run folder must exist" in ended.err
    assert not (tmp_path / "no").exists()


def test_what_is_named_or_kept_twice_counts_once(command: Command, tmp_path: Path) -> None:
    data = write_file("classify", tmp_path)
    run = train(command, "classify", data, tmp_path / "run", "--checkpoints", 2)
    link = tmp_path / "link"
    link.symlink_to(run)
    for again in (run, tmp_path / "run" / ".." / "run", link):
        ended = command("average", run, again, "-o", tmp_path / "no")
        assert ended.code == 2 and not (tmp_path / "no").exists()
        assert "must be named once among the runs that are averaged" in ended.err
        assert "Name others" in ended.err
    # A process that is killed between the link and the new file leaves one file under both names.
    newest, older = (run / "last" / f"checkpoint{age}.safetensors" for age in ("", "-1"))
    older.unlink()
    older.hardlink_to(newest)
    with pytest.raises(InputError, match="must have kept 2 checkpoints to average, got 1"):
        average(run, output=tmp_path / "no")
