"""The README does what it says: its Python runs, its commands print what stands there, its options exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import Command

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def sessions() -> list[tuple[str, list[str]]]:
    """The commands after `$`, each with the output under it, in pieces that `...` keeps apart."""
    found = []
    for block in blocks("console"):
        for part in block.split("$ ")[1:]:
            line, _, output = part.partition("\n")
            pieces = re.split(r"^ *\.\.\.\n", output, flags=re.MULTILINE)
            found.append((line, [piece for piece in pieces if piece]))
    return found


@pytest.fixture(autouse=True)
def in_a_folder_with_my_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cell,) = (block for block in blocks("python") if "MyCell = " in block)
    (tmp_path / "mycell.py").write_text(cell, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_python_runs() -> None:
    # What a job has learned is asked where the jobs are.
    examples = [each for each in blocks("python") if "bptt.load(" not in each and "bptt.train(" not in each]
    assert len(examples) > 1
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})


@pytest.mark.parametrize(("line", "pieces"), sessions(), ids=[line for line, _ in sessions()])
def test_commands_print_what_stands_there(command: Command, line: str, pieces: list[str]) -> None:
    ended = command(*shlex.split(line)[1:])
    assert ended.code == 0
    rest = ended.out
    for piece in pieces:
        before, found, rest = rest.partition(piece)
        assert found == piece, f"not printed, or not here:\n{piece}\nbut\n{rest or before}"


@pytest.mark.parametrize("line", [x for b in blocks("sh") for x in b.splitlines() if x.startswith("bptt ")])
def test_options_exist(command: Command, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    verb = words[:2] if words[0] == "train" else words[:1]
    options = {word for word in words if re.fullmatch(r"--?[a-z].*", word)}
    # Only commands with many options have the second; the others answer it on standard error.
    helps = "".join(command(*verb, flag).out for flag in ("--help", "--help-all"))
    shown = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", helps))
    assert options <= shown
