"""What tests of several rooms need."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from in_process import as_it_was

from bptt.cli.main import main

# The fixtures that open a page and that install packages; the skips that are expected. The folders below
# have no conftest.py of their own: tests import from this one by its name, which there can be but once.
pytest_plugins = ["browser", "distributions", "skips"]

# The work of a test is small: a second thread would only be waited for. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@dataclass(frozen=True)
class Ended:
    """How a command ended; `err` without the lines on kernels that this test is the first to compile."""

    code: int | str | None
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `bptt ARGUMENTS...` in this process, with text at its standard input if given."""

    def run(*arguments: object, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["bptt", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        with as_it_was(), pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines(keepends=True) if not line.startswith("bptt: compiling")]
        return Ended(ended.value.code or 0, out, "".join(lines))

    return run
