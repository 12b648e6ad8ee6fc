"""How the command line answers and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from conftest import Command

import bptt
from bptt.cells import catalogue
from bptt.cli.main import app
from bptt.errors import InternalError, MachineError


def test_version(command: Command) -> None:
    ended = command("--version")
    assert (ended.code, ended.out) == (0, f"bptt {bptt.__version__}\n")


JOBS = ["train lm", "train classify", "train tag", "train translate"]
ASKING = [
    "predict",
    "sample",
    "score",
    "choose",
    "compare",
    "rescore",
    "evaluate",
    "inspect",
    "bench",
    "doctor",
]
VERBS = ["cells", "derive", "check", "train", *JOBS, *ASKING]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_of_every_verb(command: Command, verb: str) -> None:
    ended = command(*verb.split(), "--help")
    assert ended.code == 0
    assert f"Usage: bptt {verb}".rstrip() in ended.out


def _spellings(option: Any) -> Iterator[list[str]]:
    """Short names, long names, and those that switch off."""
    for names in (option.opts, option.secondary_opts):
        yield [name for name in names if name.startswith("--") or not name.startswith("-")]
        yield [name for name in names if name.startswith("-") and not name.startswith("--")]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_names_every_option_in_full_on_a_narrow_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = typer.main.get_command(app)
    for name in verb.split():
        found = found.get_command(found.context_class(found), name)  # type: ignore[attr-defined]
    brief = any(option.name == "help_all" for option in found.params)
    page = command(*verb.split(), "--help-all" if brief else "--help").out
    words = set(re.findall(r"[-\w]+", page))
    # Of several long spellings the first is listed.
    listed = [names[:1] for option in found.params for names in _spellings(option) if names]
    assert {name for names in listed for name in names} <= words
    assert max(map(len, page.splitlines())) <= 80
    # No flag has a value, no type is spelled as Python does, and no summary of a command is cut.
    body = page.partition("\n")[2]
    assert not re.search("<bool>|range>|list\\[|\\.\\.\\.$", body, re.MULTILINE)


def test_help_keeps_brackets(command: Command) -> None:
    assert "pip install 'bptt[bench]'" in " ".join(command("bench", "--help").out.split())


def test_python_m_and_the_script_are_the_same_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "bptt", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"bptt {bptt.__version__}\n"
    (script,) = entry_points(group="console_scripts", name="bptt")
    assert script.value == "bptt.cli.main:main"


@pytest.mark.parametrize(
    "arguments", [["flatter"], ["cells", "--flat"], ["cells", "--input", "many"], ["sample"]]
)
def test_wrong_usage_ends_with_2(command: Command, arguments: list[str]) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert "Usage: bptt" in ended.err


def test_an_error_of_the_user_is_one_line_and_2(command: Command) -> None:
    ended = command("cells", "lstn")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("bptt: cell: expected a name of the catalogue, got 'lstn'. Known")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MachineError("disk", "must have room"), 2, "bptt: disk: must have room\n"),
        (
            PermissionError(13, "Permission denied", "file"),
            2,
            "bptt: file: must be open to this user, got 'Permission denied'. Check the permissions\n",
        ),
        (
            OSError(28, "No space left on device"),
            2,
            "bptt: the output: must have room on its disk, got 'No space left on device'. "
            "Remove files, or name another place\n",
        ),
        (
            OSError("libfoo.so: not found"),
            2,
            "bptt: the system: libfoo.so: not found. Check the disk, the permissions and the limits of the "
            "process\n",
        ),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            2,
            "bptt: torch: must be installed and importable, got \"No module named 'torch'\". "
            "Install again: pip install --force-reinstall bptt\n",
        ),
        (MemoryError(), 2, "bptt: out of memory. Give less at once, or use a larger machine\n"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            2,
            "bptt: out of memory. Give less at once, or use a larger machine\n",
        ),
        (
            torch.OutOfMemoryError("Tried to allocate 20 GiB"),
            2,
            "bptt: out of memory. Give less at once, or use a larger machine\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_other_ends(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(catalogue, "get", fail)
    ended = command("cells", "lstm")
    assert (ended.code, ended.err) == (code, message)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (
            InternalError("bench", "must finish", "first\n\nlast\x1b"),
            "InternalError: bench: must finish, got first … last\\x1b",
        ),
        (
            ModuleNotFoundError("No module named 'bptt.gone'", name="bptt.gone"),
            "ModuleNotFoundError: No module",
        ),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
)
def test_a_bug_is_told_from_a_fault_of_the_user(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(catalogue, "get", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = command("cells", "lstm")
    (details,) = tmp_path.iterdir()
    assert (ended.code, ended.out, ended.err.count("\n")) == (70, "", 1)
    assert ended.err.startswith(f"bptt: internal error, a bug of bptt and no fault of yours: {said}")
    assert ended.err.endswith(f". Please report it with the file {details}\n")
    text = details.read_text(encoding="utf-8")
    assert f"bptt: {bptt.__version__}\n" in text and "command: bptt cells lstm\n" in text
    assert "Traceback" in text and "in fail\n    raise error\n" in text
    assert details.stat().st_mode & 0o077 == 0 or os.name != "posix"


def test_a_bug_without_a_temporary_folder_shows_its_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(catalogue, "get", lambda name: {}[name])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    ended = command("cells", "lstm")
    assert ended.code == 70 and "KeyError: 'lstm'. Please report it with what follows\n" in ended.err
    assert "Traceback" in ended.err


@pytest.mark.parametrize("arguments", [["cells"], ["cells", "lstm"]])
def test_a_reader_that_has_enough_is_no_error(arguments: list[str]) -> None:
    """Whether the pipe is found broken while the command prints, or when the rest is flushed."""
    reader = subprocess.Popen(
        [sys.executable, "-m", "bptt", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert reader.stdout is not None and reader.stderr is not None
    reader.stdout.close()
    assert reader.stderr.read() == b""
    assert reader.wait() == 1


def test_output_is_utf8_whatever_the_locale() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    result = subprocess.run(
        [sys.executable, "-m", "bptt", "cells", "lstm"], capture_output=True, env=environment, check=True
    )
    assert "4·H·I" in result.stdout.decode("utf-8")


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_beyond_its_range_is_named(command: Command, seed: int) -> None:
    ended = command("check", "elman-tanh", "--seed", seed)
    assert ended.code == 2 and ended.err.startswith("bptt: --seed: is a whole number")
