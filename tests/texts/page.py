"""The page of the texts: its rows, and what the command of each prints."""

from __future__ import annotations

import io
import os
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from documents import ROOT, Page, page
from in_process import as_it_was

from bptt.cli.main import main

ENGLISH, CHINESE = page("texts.md"), page("texts.zh-CN.md")
_ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*) \| `(.*)` \|$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """A statement of the texts: its number, what it says, and the command that shows it."""

    number: int
    statement: str
    command: str


@dataclass(frozen=True)
class Shown:
    """What a command printed, and on standard error, in the folder where it ran; others can be run there."""

    out: str
    err: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        """The lines, each with single spaces."""
        return [" ".join(line.split()) for line in self.out.splitlines()]

    @property
    def table(self) -> list[list[str]]:
        """The lines that have tabs, as their fields."""
        return [
            [field.strip() for field in line.split("\t")] for line in self.out.splitlines() if "\t" in line
        ]

    def also(self, line: str) -> Shown:
        """What another command prints in the same folder."""
        return run(line, self.folder)


Check = Callable[[Shown], None]


def rows(found: Page) -> list[Row]:
    """The rows of a page, in order."""
    return [Row(int(number), said, line) for number, _, said, line in _ROW.findall(found.text)]


def prepare(folder: Path) -> None:
    """Run what the page says has to be run first."""
    (block,) = (block for block in ENGLISH.blocks if block.said == "prepare")
    for line, _ in block.sessions:
        run(line, folder)


def run(line: str, folder: Path, stdin: str = "") -> Shown:
    """Run a command line of `bptt` or `python` in this process. Fails if it does not end well."""
    program, *words = shlex.split(line)
    out, err = io.StringIO(), io.StringIO()
    with _at(folder), pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        if program == "bptt":
            patch.setattr(sys, "argv", ["bptt", *words])
            with as_it_was(), pytest.raises(SystemExit) as ended:
                main()
            assert not ended.value.code, f"{line}\n{err.getvalue()}"
        else:
            assert program == "python", line
            patch.setattr(sys, "argv", words)
            runpy.run_path(str(ROOT / words[0]), run_name="__main__")
    return Shown(out.getvalue(), err.getvalue(), folder)


@contextmanager
def _at(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def says(*wanted: str) -> Check:
    """A check that each of these lines is printed, as the text has it; white space aside."""

    def check(shown: Shown) -> None:
        printed = " ".join(shown.out.split())
        for line in wanted:
            assert " ".join(line.split()) in printed, f"not printed: {line}\n{shown.out}"

    return check


def both(*checks: Check) -> Check:
    """A check that all of these hold."""

    def check(shown: Shown) -> None:
        for one in checks:
            one(shown)

    return check
