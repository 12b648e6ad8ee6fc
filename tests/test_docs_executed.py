"""What the pages in docs/ show is what happens: blocks run from top to bottom, and print what stands there.

A `python` block prints the `text` block that follows it. A line after `$` in a `console` block prints what
is under it; `...` stands for anything. `console recorded` takes minutes: its commands are parsed in
test_docs.py. A `python FILE` block is a file that a reader saves. A translation has the blocks of its
original (test_docs.py), so that it is not run a second time.
"""

from __future__ import annotations

import io
import runpy
import shlex
from contextlib import redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from documents import ORIGINALS, ROOT, Block, Page


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        self._command, self._monkeypatch = command, monkeypatch
        self._names: dict[str, Any] = {"__name__": "page"}

    def python(self, block: Block) -> str:
        """What a block of Python prints."""
        code = compile(block.text, block.said or "page", "exec")
        printed = io.StringIO()
        if not block.said:
            with redirect_stdout(printed):
                exec(code, self._names)
        return printed.getvalue()

    def console(self, line: str) -> str:
        """What a command prints."""
        program, *words = shlex.split(line)
        if program == "bptt":
            ended = self._command(*words)
            assert ended.code == 0, ended.err
            return ended.out
        assert program == "python"
        self._monkeypatch.setattr("sys.argv", words)
        printed = io.StringIO()
        with redirect_stdout(printed):
            runpy.run_path(str(ROOT / words[0]), run_name="__main__")
        return printed.getvalue()


def outputs(found: Page, reader: Reader) -> list[tuple[str, str, str]]:
    """Of each block and command that runs: itself, what the page says that it prints, what it prints."""
    seen = []
    for block, after in pairwise([*found.blocks, Block("", "", "")]):
        if block.language == "python":
            # A block that is a file is compiled, not run: it prints nothing.
            said = after.text if after.language == "text" and not block.said else ""
            seen.append((block.text, said, reader.python(block)))
        elif block.language == "console" and not block.said:
            seen += [(line, said, reader.console(line)) for line, said in block.sessions]
    return seen


@pytest.mark.parametrize("found", ORIGINALS, ids=lambda found: found.path.name)
def test_a_page_shows_what_happens(
    found: Page, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    checker = OutputChecker()
    for block, said, printed in outputs(found, Reader(command, monkeypatch)):
        same = checker.check_output(said.strip() + "\n", printed.strip() + "\n", ELLIPSIS)
        assert same, f"{block}\nprinted\n{printed}\nbut the page says\n{said}"
