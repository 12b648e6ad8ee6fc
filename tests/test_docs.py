"""docs/equations.md names code and tests that exist, and commands with options that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import Command

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "equations.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [A-Z]\d", line)
]
COMMANDS = [shlex.split(command)[1:] for row in ROWS for command in re.findall("`(bptt .*?)`", row[3])]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_has_code_and_a_test(row: list[str]) -> None:
    for column in (2, 4):
        paths = re.findall("`(.*?)`", row[column])
        assert paths
        for path in paths:
            assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_its_options(
    command: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    verb = words[:2] if words[0] == "train" else words[:1]
    text = command(*verb, "--help").out
    assert all(re.search(rf"{word}\b", text) for word in words if word.startswith("-"))
