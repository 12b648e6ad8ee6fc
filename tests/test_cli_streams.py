"""Streams that are closed, full or read no further, hang-ups, and names that are no text."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_task import Quiet, TinyTask, everything, same

from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Evaluation

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX redirects the streams")

OPTIONS = TrainingOptions(epochs=3)


def shell(line: str, *values: object) -> subprocess.CompletedProcess[bytes]:
    """Run a line in which `bptt` is the command and $1, $2, ... are the values."""
    script = f'bptt() {{ "{sys.executable}" -m bptt "$@"; }}; {line}'
    arguments = [os.fsencode(value) if isinstance(value, Path) else str(value).encode() for value in values]
    return subprocess.run([b"/bin/sh", b"-c", script.encode(), b"sh", *arguments], capture_output=True)


@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left"), OSError(5, "I/O")]
)
def test_training_whose_output_breaks_saves_and_goes_on_later(error: OSError, tmp_path: Path) -> None:
    class Breaking(Quiet):
        def on_evaluate(self, evaluation: Evaluation) -> None:
            super().on_evaluate(evaluation)
            raise error

    breaking = Breaking()
    outcome = train(TinyTask(), OPTIONS, tmp_path / "run", breaking)
    assert (outcome.status, outcome.signal, outcome.epoch) == ("interrupted", signal.SIGPIPE, 1)
    # What is broken is not written to again.
    assert (len(breaking.evaluations), breaking.ended) == (1, 0)
    train(TinyTask(), OPTIONS, tmp_path / "run", Quiet(), resume=True)
    train(TinyTask(), OPTIONS, tmp_path / "whole", Quiet())
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_a_terminal_that_is_closed_ends_the_step_and_saves(tmp_path: Path) -> None:
    def hang_up(epoch: int, index: int) -> None:
        if (epoch, index) == (1, 1):
            os.kill(os.getpid(), signal.SIGHUP)

    # Under nohup the signal is ignored from the start.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        outcome = train(TinyTask(before_step=hang_up), OPTIONS, tmp_path / "run", Quiet())
        assert (outcome.status, outcome.signal, outcome.step) == ("interrupted", signal.SIGHUP, 5)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_hang_up_that_is_ignored_as_by_nohup_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        hang_up = TinyTask(before_step=lambda epoch, index: os.kill(os.getpid(), signal.SIGHUP))
        assert train(hang_up, OPTIONS, tmp_path / "run", Quiet()).status == "finished"
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("bptt cells <&-", 0),
        ("bptt cells >&-", 0),
        ("bptt cells 2>&-", 0),
        ("bptt cells <&- >&- 2>&-", 0),
        ("bptt cells lstn 2>&-", 2),
        ("bptt cells > /dev/full", 2),
        ("bptt cells lstn 2> /dev/full", 2),
        ("bptt cells > /dev/full 2> /dev/full", 2),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(line: str, code: int) -> None:
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    ended = shell(line)
    assert ended.returncode == code
    assert b"Traceback" not in ended.stderr and b"Exception ignored" not in ended.stderr
    if line == "bptt cells > /dev/full":
        assert b"No space left on device" in ended.stderr


def test_training_into_head_saves_and_says_nothing(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat saw a dog\n" * 100, encoding="utf-8")
    ended = shell(
        'bptt train lm "$1" -o "$2" --hidden 4 --layers 1 --epochs 4 --threads 1 2>&1 | head -n 1',
        text,
        tmp_path / "run",
    )
    assert b"Traceback" not in ended.stdout + ended.stderr
    assert ended.stdout.count(b"\n") == 1


def test_names_that_are_no_text_are_learned_from(tmp_path: Path) -> None:
    """Folders and files named in Latin-1, as old disks hold them."""
    for label in (b"caf\xe9", b"th\xe9"):
        folder = Path(os.fsdecode(os.fsencode(tmp_path / "data") + b"/" + label))
        folder.mkdir(parents=True)
        for number in range(6):
            (folder / f"{number}.txt").write_bytes(b"one " * (number + 1) + label[:2])
    small = "--hidden 4 --epochs 1 --threads 1"
    trained = shell(f'bptt train classify "$1" -o "$2" {small}', tmp_path / "data", tmp_path / "run")
    assert trained.returncode == 0, trained.stderr
    ended = shell('bptt evaluate "$1" "$2"', tmp_path / "run", tmp_path / "data")
    assert ended.returncode == 0 and b"caf\\udce9" in ended.stdout
    text = Path(os.fsdecode(os.fsencode(tmp_path) + b"/na\xefve.txt"))
    text.write_text("the cat saw a dog\n" * 40, encoding="utf-8")
    run = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xfcn"))
    assert shell(f'bptt train lm "$1" -o "$2" {small}', text, run).returncode == 0
    assert shell('bptt evaluate "$1"', run).returncode == 0


@pytest.mark.parametrize(
    "command", ['predict "$1" "$2"', 'choose "$3" "$2" "a dog"', 'sample "$3" --prompt "$2"']
)
def test_arguments_that_are_no_text_are_no_traceback(command: str) -> None:
    runs = Path(__file__).parent / "golden" / "runs"
    ended = shell(
        f"bptt {command}",
        runs / "classify-text",
        Path(os.fsdecode(b"caf\xe9 au lait")),
        runs / "lm-character",
    )
    assert ended.returncode in (0, 2)
    assert b"Traceback" not in ended.stderr
