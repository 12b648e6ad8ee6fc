"""How the command line answers and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import typer
from conftest import Command

import bptt
from bptt.cells import catalogue
from bptt.cli.main import app
from bptt.errors import MachineError


def test_version(command: Command) -> None:
    ended = command("--version")
    assert (ended.code, ended.out) == (0, f"bptt {bptt.__version__}\n")


JOBS = ["train lm", "train classify", "train tag", "train translate"]
ASKING = ["predict", "sample", "score", "choose", "compare", "rescore", "evaluate", "inspect", "bench"]
VERBS = ["cells", "derive", "check", "train", *JOBS, *ASKING]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_of_every_verb(command: Command, verb: str) -> None:
    ended = command(*verb.split(), "--help")
    assert ended.code == 0
    assert f"Usage: bptt {verb}".rstrip() in ended.out


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_names_every_option_in_full_on_a_narrow_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = command(*verb.split(), "--help").out
    found = typer.main.get_command(app)
    for name in verb.split():
        found = found.commands[name]  # type: ignore[attr-defined]
    words = set(re.findall(r"[-\w]+", page))
    assert {name for option in found.params for name in (*option.opts, *option.secondary_opts)} <= words
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
        (PermissionError(13, "Permission denied", "file"), 2, "bptt: [Errno 13] Permission denied: 'file'\n"),
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
    assert ended.code == 2 and ended.err.startswith("bptt: seed: is a whole number")
